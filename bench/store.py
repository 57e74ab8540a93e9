"""A Redis with the settings of production, the worker that applies Larder's writes in it, and what is in it."""

import time
from collections.abc import Callable, Iterable, Sequence

import redis

from . import requests
from .processes import Failed, Processes, built, tool

# An append-only file of this many bytes is rewritten between two measurements.
TIDY_BYTES = 2 << 30

# How long those who have to apply what was accepted may take for it.
SETTLE_SECONDS = 120

# See protocol/src/keys.rs.
CHANNELS = "larder:*:writes"


class Store:
    """One Redis and one worker, for everybody who is measured on it."""

    def __init__(self, processes: Processes, worker_settings: Sequence[str] = ()):
        self.port, self.admin = processes.port(), f"127.0.0.1:{processes.port()}"
        folder = processes.folder / f"redis-{self.port}"
        folder.mkdir()
        settings = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""]
        settings += ["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"]
        # Redis rewrites its file when that has doubled, in the middle of whatever is measured then. Here that
        # happens in between, see `tidy`.
        settings += ["--auto-aof-rewrite-percentage", "0"]
        self.redis = processes.start("redis-server", [tool("redis-server"), *settings])
        self.client = redis.Redis(port=self.port)
        self._channels: list[bytes] = []
        self.wait_until("Redis answers", self._answers)
        worker = [built("target/release/larder-worker"), "--redis", self.url, "--admin-listen", self.admin]
        self.worker = processes.start("larder-worker", [*worker, "--control-listen", "off", *worker_settings])

    @property
    def url(self) -> str:
        """Where this Redis is."""
        return f"redis://127.0.0.1:{self.port}"

    def fill(self, size: int) -> None:
        """Puts the plain values that all but Larder read."""
        ids = requests.ids(size)
        for start in range(0, len(ids), 1_000):
            self.client.mset(dict.fromkeys(ids[start : start + 1_000], requests.value(size)))

    def pending(self) -> int:
        """How many accepted writes are not yet applied."""
        if not self._channels:
            self._channels = list(self.client.scan_iter(CHANNELS, count=10_000, _type="stream"))
        return self._sum(self._channels)

    def _sum(self, streams: Iterable[bytes]) -> int:
        pipeline = self.client.pipeline(transaction=False)
        for stream in streams:
            pipeline.xlen(stream)
        return sum(pipeline.execute())

    def queued(self) -> int:
        """How many tasks Huey has not yet taken."""
        return self.client.llen("huey.redis.bench")

    def settle(self) -> float:
        """Waits until everything that was accepted is applied; for how many seconds."""
        start = time.monotonic()
        self.wait_until("all writes are applied", lambda: self.pending() + self.queued() == 0)
        return time.monotonic() - start

    def tidy(self) -> None:
        """Has Redis rewrite its file where that has grown large."""
        if self.client.info("persistence")["aof_current_size"] > TIDY_BYTES:
            self.rewrite()

    def rewrite(self) -> None:
        """Has Redis rewrite its file."""
        self.client.bgrewriteaof()
        self.wait_until("Redis has rewritten its file", self._rewritten)

    def keep_file(self, wanted: bool) -> None:
        """Has Redis write everything down, from now on or no longer; with no file nothing is durable."""
        self.client.config_set("appendonly", "yes" if wanted else "no")
        self.wait_until("Redis has written its file", self._rewritten, 5 * SETTLE_SECONDS)

    def _rewritten(self) -> bool:
        state = self.client.info("persistence")
        return not (state["aof_rewrite_in_progress"] or state["aof_rewrite_scheduled"])

    def _answers(self) -> bool:
        self.redis.check()
        try:
            return self.client.ping()
        except redis.ConnectionError:
            return False

    @staticmethod
    def wait_until(what: str, done: Callable[[], bool], seconds: float = SETTLE_SECONDS) -> None:
        """Waits for something, or fails."""
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                raise Failed(f"waited {seconds:.0f} s in vain until {what}")
            time.sleep(0.01)

    def stop(self) -> None:
        """Ends both."""
        self.client.close()
        self.worker.stop()
        self.redis.stop()

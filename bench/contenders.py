"""Who is measured, and how each is started."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .processes import REPOSITORY, Process, Processes, built, tool, wait_for
from .store import Store

CORES = os.cpu_count() or 1

# Each task waits for Redis' disk twice, so many wait at once.
HUEY_THREADS = 16


@dataclass(frozen=True)
class Contender:
    """A server that answers HTTP, or Redis alone."""

    name: str
    address: str
    store: Store
    # By role: the server, Redis, and who applies the writes. Several contenders share the latter two.
    processes: Mapping[str, Process]

    def stop(self) -> None:
        """Ends what is its own."""
        for role in self.processes.keys() - {"redis"}:
            if self.processes[role] is not self.store.worker:
                self.processes[role].stop()


@dataclass(frozen=True)
class Program:
    """How a server is started: what stands before its address, its environment, and a path that answers with 200."""

    arguments: Callable[[str, Store, Path], Sequence[str | Path]]
    environment: Callable[[Store], Mapping[str, str]]
    ready: str = "/health/live"
    worker: bool = False


def _larder_local(manifest: str) -> Callable[[str, Store, Path], Sequence[str | Path]]:
    def arguments(address: str, _store: Store, _folder: Path) -> Sequence[str | Path]:
        return [built("target/release/larder-local"), "serve", "--from", manifest, "--listen", address]

    return arguments


def _spin(manifest: str) -> Callable[[str, Store, Path], Sequence[str | Path]]:
    def arguments(address: str, _store: Store, _folder: Path) -> Sequence[str | Path]:
        return ["spin", "up", "--from", manifest, "--runtime-config-file", "runtime-config.toml", "--listen", address]

    return arguments


def _webdis(address: str, store: Store, folder: Path) -> Sequence[str | Path]:
    host, port = address.split(":")
    # As many threads as cores; the connections are the default of its example for each.
    settings = {"redis_host": "127.0.0.1", "redis_port": store.port, "http_host": host, "http_port": int(port)}
    settings |= {"threads": CORES, "pool_size": 10, "daemonize": False, "websockets": False, "database": 0}
    settings |= {"acl": [{"disabled": []}], "verbosity": 0, "logfile": str(folder / f"webdis-{port}.own")}
    file = folder / f"webdis-{port}.json"
    file.write_text(json.dumps(settings))
    return [tool("webdis"), file]


def _fastapi(address: str, _store: Store, _folder: Path) -> Sequence[str | Path]:
    host, port = address.split(":")
    arguments = [sys.executable, "-m", "uvicorn", "app:app", "--app-dir", PEER, "--host", host, "--port", port]
    arguments += ["--workers", str(CORES), "--loop", "uvloop", "--http", "httptools"]
    # Idle connections are kept for longer than the five seconds of the default, as they are weighed.
    return [*arguments, "--no-access-log", "--log-level", "warning", "--timeout-keep-alive", "60"]


PEER = REPOSITORY / "bench/peers/fastapi_huey"


def _variables(store: Store) -> Mapping[str, str]:
    return {"SPIN_VARIABLE_REDIS_ADDRESS": store.url}


def _python(store: Store) -> Mapping[str, str]:
    return {"REDIS_URL": store.url, "PYTHONPATH": str(PEER)}


PROGRAMS = {
    "larder-wasip3": Program(_larder_local("spin.toml"), _variables, worker=True),
    "larder-wasip2": Program(_larder_local("spin-wasip2.toml"), _variables, worker=True),
    "spin-wasip3": Program(_spin("spin.toml"), _variables, worker=True),
    "spin-wasip2": Program(_spin("spin-wasip2.toml"), _variables, worker=True),
    "webdis": Program(_webdis, lambda _store: {}, ready="/PING"),
    "fastapi": Program(_fastapi, _python),
    "bare": Program(_larder_local("bench/bare/spin.toml"), _variables, ready="/hello"),
    "hyper": Program(
        lambda address, _store, _folder: [built("target/release/examples/hello"), address],
        lambda _store: {},
        ready="/",
    ),
}


def present(name: str) -> bool:
    """Whether a contender can take part here."""
    return not name.startswith("spin-") or shutil.which("spin") is not None


def start(
    name: str, processes: Processes, store: Store, environment: Mapping[str, str] = {}, interval: float = 0.05
) -> Contender:
    """Starts a server on a store, and waits until it answers; it is asked every so many seconds."""
    if name.startswith("redis"):
        return Contender(name, "", store, {"redis": store.redis})
    program, address = PROGRAMS[name], f"127.0.0.1:{processes.port()}"
    variables = {**program.environment(store), **environment}
    server = processes.start(name, program.arguments(address, store, processes.folder), variables)
    roles = {"server": server, "redis": store.redis}
    if program.worker:
        roles["worker"] = store.worker
    if name == "fastapi":
        huey = Path(sys.executable).with_name("huey_consumer")
        consumer = [sys.executable, huey, "tasks.huey", "-k", "thread", "-w", str(HUEY_THREADS), "-q"]
        roles["worker"] = processes.start("huey", consumer, variables)
    wait_for(server, address, program.ready, interval)
    return Contender(name, address, store, roles)

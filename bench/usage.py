"""What processes take: processor time and memory."""

import resource
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import psutil

from .processes import Process

# Often enough for a peak, seldom enough to disturb nobody.
PEAK_SECONDS = 0.25


def cpu_seconds(process: Process) -> float:
    """The processor time of a program and of all that it started and that still runs."""
    return sum(sum(one.cpu_times()[:2]) for one in process.all())


def rss_mib(process: Process) -> float:
    """Its resident memory; what its processes share is counted in each."""
    total = 0
    for one in process.all():
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            pass  # It ended meanwhile.
    return total / (1 << 20)


class Usage:
    """Processor time of some programs, and of the load generator, while the block runs; the most memory of each."""

    def __init__(self, processes: Mapping[str, Process]):
        self._processes = processes
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self.cpu_seconds: dict[str, float] = {}
        self.peak_mib = dict.fromkeys(processes, 0.0)

    def __enter__(self) -> Self:
        self._before = self._now()
        self._watcher.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._done.set()
        self._watcher.join()
        if error is None:
            now = self._now()
            self.cpu_seconds = {role: now[role] - self._before[role] for role in now}

    def _now(self) -> dict[str, float]:
        load = resource.getrusage(resource.RUSAGE_CHILDREN)
        own = {role: cpu_seconds(process) for role, process in self._processes.items()}
        return own | {"wrk": load.ru_utime + load.ru_stime}

    def _watch(self) -> None:
        while not self._done.wait(PEAK_SECONDS):
            for role, process in self._processes.items():
                self.peak_mib[role] = max(self.peak_mib[role], rss_mib(process))

"""What processes take: processor time and memory."""

import resource
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import psutil

from .processes import Process

# Often enough for a peak, seldom enough to disturb nobody.
PEAK_SECONDS = 0.25


def rss_mib(process: Process) -> float:
    """The resident memory of a program; what its processes share is counted in each."""
    return _rss_mib(process.all())


def _rss_mib(processes: Sequence[psutil.Process]) -> float:
    return sum(one.memory_info().rss for one in processes) / (1 << 20)


class Usage:
    """Processor time of some programs, and of the load generator, while the block runs; the most memory of each.

    Its programs start and end no processes meanwhile: to look for those takes long, and would disturb.
    """

    def __init__(self, processes: Mapping[str, Process]):
        self._processes = {role: process.all() for role, process in processes.items()}
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
        own = {role: sum(sum(one.cpu_times()[:2]) for one in all_) for role, all_ in self._processes.items()}
        return own | {"wrk": load.ru_utime + load.ru_stime}

    def _watch(self) -> None:
        while not self._done.wait(PEAK_SECONDS):
            for role, processes in self._processes.items():
                self.peak_mib[role] = max(self.peak_mib[role], _rss_mib(processes))

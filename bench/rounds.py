"""A run: rounds, in each of which every case is measured for every contender, one right after the other.

The order of cases and contenders is drawn anew each time, so that neither a machine that is busy for a while, nor who
came before, favours anybody.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from . import bulk, contenders, drain, footprint, names, requests, results, start, throughput, visible
from .contenders import Contender
from .plan import CASES, SPECIAL, SPECIAL_ROUNDS, Case, Settings
from .processes import Failed, Processes
from .results import Run, Sample
from .scene import Scene
from .store import Store
from .usage import rss_mib

# Until what has just been started rests.
REST_SECONDS = 3

MODULES = {"visible": visible, "drain": drain, "start": start, "footprint": footprint}

# What is measured on the small and on the large store, for whom, over how many connections.
LARGE: Sequence[tuple[str, str, int]] = (
    ("read", "larder-wasip3", 64),
    ("read", "webdis", 64),
    ("write", "larder-wasip3", 64),
    ("list", "larder-wasip3", 16),
)
LARGE_SIZE = 100

# The figure that tells how a measurement went, on the terminal.
SHOWN = ("per_second", "ms", "kib", "mib", "p99_ms", "errors")

T = TypeVar("T")


class Rounds:
    """Measures, and keeps what it has measured in a file."""

    def __init__(self, run: Run, file: Path, settings: Settings, processes: Processes, say: Callable[[str], None]):
        self._run, self._file, self._settings, self._processes, self._say = run, file, settings, processes, say
        self._random = random.Random(settings.seed)
        self._round = 0

    def all(self) -> None:
        """Everything that the settings ask for."""
        settings, store = self._settings, Store(self._processes)
        for size in settings.sizes:
            store.fill(size)
        cases = [case for case in CASES if case.name in settings.cases]
        special = [name for name in SPECIAL if name in settings.cases]
        wanted = {name for case in cases for name in case.contenders}
        wanted |= set(visible.TAKING) if "visible" in special else set()
        wanted |= {name for _, name, _ in LARGE} if settings.items else set()
        there = self._start(wanted, store)
        self._prepare(there)
        scene = Scene(settings, self._processes, store, there, self._run)
        for self._round in range(1, settings.rounds + 1):
            for case in self._shuffled(cases):
                for size, connections in self._shuffled(settings.points(case)):
                    self._point(case, size, connections, there)
            for name in self._shuffled(special) if self._round <= SPECIAL_ROUNDS else ():
                with self._failing(name):
                    for sample in MODULES[name].samples(scene):
                        self._keep(*sample)
        if settings.items:
            with self._failing("the large store"):
                self._large(there)

    def _start(self, wanted: set[str], store: Store) -> dict[str, Contender]:
        """Starts whom this machine has; names the others."""
        in_order = sorted(wanted, key=names.rank)
        absent = [name for name in in_order if not contenders.present(name)]
        self._run.not_measured += [f"{names.of(name)}: no `spin` is on the PATH" for name in absent]
        return {name: contenders.start(name, self._processes, store) for name in in_order if name not in absent}

    def _prepare(self, there: dict[str, Contender]) -> None:
        """Weighs everybody at rest. Then everybody has written and read once before anything is measured."""
        time.sleep(REST_SECONDS)
        for name, contender in there.items():
            self._keep("rest", name, 0, 0, {f"mib.{r}": rss_mib(process) for r, process in contender.processes.items()})
        for name, contender in there.items():
            for case in CASES:
                if name in case.contenders and case.name in ("write", "read"):
                    throughput.measure(contender, case.name, self._settings.sizes[0], 4, 1)
        for size in self._settings.sizes if "larder-wasip3" in there else ():
            bulk.put(there["larder-wasip3"], requests.ids(size), requests.value(size))

    def _point(self, case: Case, size: int, connections: int, there: dict[str, Contender]) -> None:
        left_out = case.smallest if size != self._settings.sizes[0] else ()
        for name in self._shuffled([name for name in case.contenders if name in there and name not in left_out]):
            with self._failing(f"{case.name}, {names.of(name)}"):
                metrics = throughput.measure(there[name], case.name, size, connections, self._settings.seconds)
                self._keep(case.name, name, size, connections, metrics)

    def _large(self, there: dict[str, Contender]) -> None:
        """Some of the same on a store with many items, and on the small one in turn."""
        settings, items, large = self._settings, self._settings.items, Store(self._processes)
        own = {name: contenders.start(name, self._processes, large) for name in ("larder-wasip3", "webdis")}
        self._round = 1
        speed = bulk.fill_large(own["larder-wasip3"], items)
        used = large.client.info("memory")["used_memory"]
        filled = {"per_second": speed, "redis_bytes_per_item": used / items}
        self._keep("fill", "larder-wasip3", LARGE_SIZE, bulk.CONNECTIONS, filled)
        large.fill(LARGE_SIZE)
        for self._round in range(1, settings.rounds + 1):
            for case, name, connections in self._shuffled(LARGE):
                # Webdis reads plain keys, of which there are no more than in the small store.
                most = items if name != "webdis" else 0
                both = [(there[name], f"{name}/0", 0), (own[name], f"{name}/{items}", most)]
                for contender, label, count in self._shuffled(both):
                    metrics = throughput.measure(contender, case, LARGE_SIZE, connections, settings.seconds, count)
                    self._keep(f"large-{case}", label, LARGE_SIZE, connections, metrics)

    @contextmanager
    def _failing(self, what: str) -> Iterator[None]:
        """Goes on with the rest where something cannot be measured, and tells of it."""
        try:
            yield
        except (Failed, OSError) as error:
            self._say(f"{self._round}  {what}: {error}")
            first, *_ = str(error).splitlines()
            self._run.not_measured.append(f"{what}, round {self._round}: {first}")

    def _shuffled(self, some: Sequence[T]) -> list[T]:
        return self._random.sample(some, len(some))

    def _keep(self, case: str, contender: str, size: int, connections: int, metrics: dict[str, float]) -> None:
        rounded = {name: float(f"{value:.6g}") for name, value in metrics.items()}
        self._run.samples.append(Sample(self._round, case, contender, size, connections, rounded))
        results.save(self._run, self._file)
        figure = next((f"{name} {rounded[name]:,.6g}" for name in SHOWN if name in rounded), "")
        self._say(f"{self._round}  {case:<16}{names.of(contender):<34}{size:>6} B{connections:>6}  {figure}")

"""How long after its 202 a write can be read, while the server has half of the writes that it can take."""

import http.client
import threading
import time
import urllib.request
from collections.abc import Iterator
from statistics import quantiles

from prometheus_client.parser import text_string_to_metric_families

from . import load, requests
from .contenders import Contender
from .plan import ITEMS
from .requests import Request
from .scene import Measured, Scene

TAKING = ("larder-wasip3", "larder-wasip2", "fastapi")
SIZE, CONNECTIONS = 100, 64

# How long the load lasts; at one second, so that it can be tried out.
SECONDS = 5

# See worker/src/metric.rs.
HISTOGRAM = "larder_write_seconds"


def samples(scene: Scene) -> Iterator[Measured]:
    """A sample for each who answers before the write is applied."""
    seconds = SECONDS if scene.settings.seconds > 1 else 1
    for name in TAKING:
        contender = scene.contenders[name]
        contender.store.settle()
        full = scene.run.summary.get(("write", name, SIZE, CONNECTIONS), "applied_per_second")
        rate = full.median if full else _full(contender)
        yield "visible", name, SIZE, CONNECTIONS, _measure(contender, rate / 2, seconds)


def _full(contender: Contender) -> float:
    told = load.wrk(contender.address, requests.of(contender.name, "write", SIZE), ITEMS, CONNECTIONS, 1)
    return told["requests"] / (told["seconds"] + contender.store.settle())


def _measure(contender: Contender, rate: float, seconds: int) -> dict[str, float]:
    told: dict[str, float] = {}
    kinds = requests.of(contender.name, "write", SIZE)
    pause_ms = _pause_ms(contender, kinds, rate)

    def run() -> None:
        told.update(load.wrk(contender.address, kinds, ITEMS, CONNECTIONS, seconds, pause_ms=pause_ms))

    worker = "worker" if contender.processes.get("worker") is contender.store.worker else ""
    before = _histogram(contender.store.admin) if worker else {}
    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.3)
    times = list(_probe(contender.address, time.monotonic() + seconds - 0.6))
    thread.join()
    contender.store.settle()
    metrics: dict[str, float] = {"probes": len(times)}
    if len(times) > 1:
        cut = quantiles(times, n=100, method="inclusive")
        metrics |= {"p50_ms": 1e3 * cut[49], "p99_ms": 1e3 * cut[98]}
    metrics |= {"load_per_second": told.get("per_second", 0.0), "load_share": told.get("per_second", 0.0) / (2 * rate)}
    if worker:
        metrics |= _below(before, _histogram(contender.store.admin))
    return metrics


def _pause_ms(contender: Contender, kinds: list[tuple[int, Request]], rate: float) -> float:
    """How long each connection shall pause before it asks again, so that together they ask so often."""
    cycle_ms = 1e3 * CONNECTIONS / rate
    tried = load.wrk(contender.address, kinds, ITEMS, CONNECTIONS, 1, pause_ms=cycle_ms)["per_second"]
    contender.store.settle()
    # A cycle is the pause and the answer; of the trial, the pause is known.
    answer_ms = 1e3 * CONNECTIONS / tried - cycle_ms if tried else 0.0
    return max(cycle_ms - answer_ms, 1.0)


def _probe(address: str, until: float) -> Iterator[float]:
    """Writes something new, then reads until it is there: from the 202 to the answer that has it, in seconds."""
    connection = http.client.HTTPConnection(address, timeout=10)
    path, number = f"/items/{requests.item(SIZE, 'probe')}", 0
    while time.monotonic() < until:
        number += 1
        body = f"{time.time()}-{number}"
        connection.request("PUT", path, body, {"content-type": "text/plain"})
        connection.getresponse().read()
        start = time.perf_counter()
        while True:
            connection.request("GET", path)
            if connection.getresponse().read() == body.encode():
                break
        yield time.perf_counter() - start
        time.sleep(0.002)


def _histogram(admin: str) -> dict[float, float]:
    """Writes by the most seconds that they took, from the worker's own figures."""
    with urllib.request.urlopen(f"http://{admin}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    counts: dict[float, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == f"{HISTOGRAM}_bucket":
                bound = float(sample.labels["le"])
                counts[bound] = counts.get(bound, 0.0) + sample.value
    return counts


def _below(before: dict[float, float], after: dict[float, float]) -> dict[str, float]:
    """The bucket that half, and that 99 of 100, of the writes in between are within; in ms."""
    since = {bound: after[bound] - before.get(bound, 0.0) for bound in sorted(after)}
    total, found = max(since.values(), default=0.0), {}
    for name, share in ("worker_p50_within_ms", 0.5), ("worker_p99_within_ms", 0.99):
        bound = next((bound for bound, count in since.items() if total and count >= share * total), None)
        if bound is not None and bound != float("inf"):
            found[name] = 1e3 * bound
    return found

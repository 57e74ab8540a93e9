"""How many accepted writes a second a worker applies that finds many of them, beside Redis' pipelined SET."""

import time
from collections.abc import Iterator

from . import bulk, contenders, requests, throughput
from .contenders import Contender
from .scene import Measured, Scene
from .store import Store
from .usage import Usage

SIZE = 100

# Commands in a pipeline of redis-benchmark, and its connections.
PIPELINE, CONNECTIONS = 16, 50


def samples(scene: Scene) -> Iterator[Measured]:
    """A store of its own, so that the others do not become larger meanwhile."""
    store = Store(scene.processes)
    larder = contenders.start("larder-wasip3", scene.processes, store)
    try:
        accepting, draining = _drain(larder, scene.settings.drain)
        yield "accept-bulk", "larder-wasip3", SIZE, bulk.CONNECTIONS, accepting
        yield "drain", "larder-wasip3", SIZE, 0, draining
        alone = Contender("redis-p16", "", store, {"redis": store.redis})
        seconds = scene.settings.seconds
        with Usage(alone.processes) as usage:
            told = throughput.redis_alone(alone, "write", SIZE, CONNECTIONS, seconds, PIPELINE)
        told["cpu_us.redis"] = 1e6 * usage.cpu_seconds["redis"] / told["requests"]
        yield "drain", "redis-p16", SIZE, CONNECTIONS, told
    finally:
        larder.stop()
        store.stop()


def _drain(larder: Contender, count: int) -> tuple[dict[str, float], dict[str, float]]:
    store = larder.store
    store.worker.pause()
    start = time.monotonic()
    accepted = bulk.put(larder, (requests.item(SIZE, n) for n in range(count)), requests.value(SIZE))
    accepting = {"per_second": accepted / (time.monotonic() - start)}
    waiting = store.pending()
    with Usage({"redis": store.redis, "worker": store.worker}) as usage:
        store.worker.resume()
        seconds = store.settle()
    cpu = {f"cpu_us.{role}": 1e6 * usage.cpu_seconds[role] / waiting for role in ("redis", "worker")}
    return accepting, {"per_second": waiting / seconds, "writes": waiting, **cpu}

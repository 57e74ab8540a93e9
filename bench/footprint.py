"""What memory an idle connection takes, and an instance that holds as many requests as it may."""

import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from . import contenders, requests
from .contenders import PROGRAMS, Contender
from .scene import Measured, Scene
from .store import Store
from .usage import rss_mib

TAKING = ("larder-wasip3", "larder-wasip2", "webdis", "fastapi", "hyper")

# Requests that an instance serves at once: see local/src/runtime/reuse.rs; and how many instances are weighed, after
# as many. There is room for some 330.
INSTANCES = {"larder-wasip3": (16, 50), "larder-wasip2": (1, 150)}

# How often as many connections are opened and closed before some are weighed.
WARM = 3

# Instances without requests are gone after a second.
REST_SECONDS = 3


def samples(scene: Scene) -> Iterator[Measured]:
    """Each on a server that was just started, which has no memory left over from other work.

    What it has left over from its start, it gives back as it works. So there are some first, and the last are weighed.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2 * scene.settings.idle + 4_000)), hard))
    for name in TAKING:
        contender = contenders.start(name, scene.processes, scene.store)
        try:
            idle = _kib_each(contender, scene.settings.idle)
        finally:
            contender.stop()
        yield "idle-connection", name, 0, scene.settings.idle, {"kib": idle}
    for name, (sharing, count) in INSTANCES.items():
        yield "instance", name, 0, sharing, {"kib": _instance(scene, name, sharing * count) / count}


def _kib_each(contender: Contender, count: int) -> float:
    for _ in range(WARM):
        with ExitStack() as stack:
            _open(stack, contender, count, _get(contender))
    with ExitStack() as stack:
        # Each has asked once.
        return _weigh(contender, lambda: _open(stack, contender, count, _get(contender))) / count


def _instance(scene: Scene, name: str, waiting: int) -> float:
    """KiB for as many writes that wait, for a worker that stands still."""
    store = Store(scene.processes)
    contender = contenders.start(name, scene.processes, store, {"SPIN_VARIABLE_MAX_WAIT_SECONDS": "60"})
    store.worker.pause()
    path = f"/items/{requests.item(100, 'instance')}"
    put = f"PUT {path} HTTP/1.1\r\nhost: bench\r\nprefer: wait=60\r\ncontent-length: 1\r\n\r\nx".encode()
    try:
        for _ in range(WARM):
            with ExitStack() as stack:
                _open(stack, contender, scene.settings.idle, _get(contender))
        with ExitStack() as stack:

            def more() -> None:
                there = store.pending() + waiting
                _open(stack, contender, waiting, put, answered=False)
                store.wait_until("all writes wait", lambda: store.pending() >= there)

            return _weigh(contender, more)
    finally:
        contender.stop()
        store.stop()


def _weigh(contender: Contender, more: Callable[[], None]) -> float:
    """How many KiB the server takes more for the second of two equal loads."""
    more()
    time.sleep(REST_SECONDS)
    before = rss_mib(contender.processes["server"])
    more()
    time.sleep(REST_SECONDS)
    return 1024 * (rss_mib(contender.processes["server"]) - before)


def _get(contender: Contender) -> bytes:
    return f"GET {PROGRAMS[contender.name].ready} HTTP/1.1\r\nhost: bench\r\n\r\n".encode()


def _open(stack: ExitStack, contender: Contender, count: int, request: bytes, answered: bool = True) -> None:
    """Opens connections that stay until the stack is closed."""
    host, port = contender.address.split(":")
    for _ in range(count):
        connection = stack.enter_context(socket.create_connection((host, int(port)), timeout=10))
        connection.sendall(request)
        if answered and not connection.recv(4096).startswith(b"HTTP/1.1 200"):
            raise OSError(f"{contender.name} did not answer")

"""What memory an idle connection takes, and an instance that holds as many requests as it may."""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

from . import contenders, requests
from .contenders import PROGRAMS, Contender
from .scene import Measured, Scene
from .store import Store
from .usage import rss_mib

TAKING = ("larder-wasip3", "larder-wasip2", "webdis", "fastapi", "hyper")

# Requests that an instance serves at once: see local/src/runtime/reuse.rs. One of WASI 0.2 serves one.
SHARING = {"larder-wasip3": 16, "larder-wasip2": 1}
INSTANCES = 20

# Instances without requests are gone after a second.
REST_SECONDS = 3


def samples(scene: Scene) -> Iterator[Measured]:
    """Each on a server that was just started, which has no memory left over from other work."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, scene.settings.idle + 1_000)), hard))
    for name in TAKING:
        if name in scene.contenders:
            contender = contenders.start(name, scene.processes, scene.store)
            try:
                idle = _kib_each(contender, scene.settings.idle)
            finally:
                contender.stop()
            yield "idle-connection", name, 0, scene.settings.idle, {"kib": idle}
    for name, sharing in SHARING.items():
        if name in scene.contenders:
            yield "instance", name, 0, INSTANCES * sharing, {"kib": _instance(scene, name, sharing)}


def _kib_each(contender: Contender, count: int) -> float:
    server = contender.processes["server"]
    with ExitStack() as stack:
        _open(stack, contender, 1, _get(contender))
        time.sleep(REST_SECONDS)
        before = rss_mib(server)
        # Each has asked once.
        _open(stack, contender, count, _get(contender))
        time.sleep(REST_SECONDS)
        return 1024 * (rss_mib(server) - before) / count


def _instance(scene: Scene, name: str, sharing: int) -> float:
    """Writes that wait for a worker that stands still."""
    store = Store(scene.processes)
    contender = contenders.start(name, scene.processes, store)
    server = contender.processes["server"]
    try:
        with ExitStack() as stack:
            _open(stack, contender, 1, _get(contender))
            time.sleep(REST_SECONDS)
            before = rss_mib(server)
            store.worker.pause()
            path = f"/items/{requests.item(100, 'instance')}"
            put = f"PUT {path} HTTP/1.1\r\nhost: bench\r\nprefer: wait=10\r\ncontent-length: 1\r\n\r\nx"
            _open(stack, contender, INSTANCES * sharing, put.encode(), answered=False)
            time.sleep(2)
            return 1024 * (rss_mib(server) - before) / INSTANCES
    finally:
        contender.stop()
        store.stop()


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

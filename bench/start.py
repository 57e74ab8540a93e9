"""How long it takes from the start of a server to its first answer; how large the component is."""

import tempfile
import time
from collections.abc import Iterator, Mapping

from . import contenders
from .processes import REPOSITORY
from .scene import Measured, Scene

# wasmtime keeps what it has compiled in the cache of the user.
COMPILING = ("larder-wasip3", "larder-wasip2", "bare")
TAKING = ("larder-wasip3", "larder-wasip2", "webdis", "fastapi", "bare", "hyper")
COMPONENTS = {"larder-wasip3": "larder_wasip3", "larder-wasip2": "larder_wasip2", "bare": "larder_bare"}


def samples(scene: Scene) -> Iterator[Measured]:
    """With an empty cache, then with what that start left in it."""
    for name in TAKING:
        with tempfile.TemporaryDirectory(prefix="larder-bench-cache-") as folder:
            cache = {"XDG_CACHE_HOME": folder, "HOME": folder} if name in COMPILING else {}
            if cache:
                yield "start-cold", name, 0, 0, {"ms": _start(scene, name, cache)}
            yield "start", name, 0, 0, {"ms": _start(scene, name, cache)}
    for name, file in COMPONENTS.items():
        path = REPOSITORY / f"target/wasm32-wasip2/component/{file}.wasm"
        yield "component", name, 0, 0, {"mib": path.stat().st_size / (1 << 20)}


def _start(scene: Scene, name: str, cache: Mapping[str, str]) -> float:
    begin = time.monotonic()
    contender = contenders.start(name, scene.processes, scene.store, cache, interval=0.002)
    milliseconds = 1e3 * (time.monotonic() - begin)
    contender.stop()
    return milliseconds

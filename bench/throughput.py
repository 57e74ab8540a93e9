"""One measurement of speed: a case, a contender, a size, a number of connections."""

from . import load, requests
from .contenders import Contender
from .usage import Usage

# Of the answers, how many may be errors before it is no measurement of speed any more.
ERRORS = 0.5

# How fast Redis alone was, by command, size and connections: redis-benchmark counts requests, not seconds.
_rates: dict[tuple[str, int, int, int], float] = {}


def measure(
    contender: Contender, case: str, size: int, connections: int, seconds: int, items: int = 0
) -> dict[str, float]:
    """The metrics of a few seconds of load. Writes count until they are applied."""
    store = contender.store
    # Somebody may have accepted more before than could be applied in time.
    store.settle()
    store.tidy()
    if contender.name == "bare":
        store.client.set("bare", requests.value(size))
    with Usage(contender.processes) as usage:
        if contender.name.startswith("redis"):
            told = redis_alone(contender, case, size, connections, seconds)
        else:
            kinds = requests.of(contender.name.partition("/")[0], case, size)
            numbers = items or requests.numbers(case, size)
            told = load.wrk(contender.address, kinds, numbers, connections, seconds)
        behind = store.settle()
    count = told["requests"]
    errors = told.pop("refused", 0) + told.pop("failed", 0)
    told["errors"] = errors / max(count, 1)
    if not count or told["errors"] > ERRORS:
        # Refusing is fast. What is left says that it was tried.
        return {"requests": count, "errors": told["errors"]}
    told["applied_per_second"] = count / (told["seconds"] + behind)
    told |= {f"cpu_us.{role}": 1e6 * spent / max(count, 1) for role, spent in usage.cpu_seconds.items()}
    return told | {f"peak_mib.{role}": peak for role, peak in usage.peak_mib.items()}


def redis_alone(
    contender: Contender, case: str, size: int, connections: int, seconds: int, pipeline: int = 1
) -> dict[str, float]:
    """The same by redis-benchmark, for about as many seconds."""
    command, key = {"read": "GET", "write": "SET"}[case], (case, size, connections, pipeline)
    if key not in _rates:
        first = load.redis_benchmark(contender.store.port, command, size, connections, 2_000 * pipeline, pipeline)
        _rates[key] = first["per_second"]
    count = max(1_000, int(_rates[key] * seconds))
    told = load.redis_benchmark(contender.store.port, command, size, connections, count, pipeline)
    _rates[key] = told["per_second"]
    return told

"""What the parts of a result are called in tables and charts, in the order in which they appear there."""

CONTENDERS = {
    "larder-wasip3": "Larder, WASI 0.3",
    "larder-wasip2": "Larder, WASI 0.2",
    "spin-wasip3": "Larder on Spin, WASI 0.3",
    "spin-wasip2": "Larder on Spin, WASI 0.2",
    "webdis": "Webdis",
    "fastapi": "FastAPI + Huey",
    "bare": "a bare component",
    "hyper": "hyper alone",
    "redis": "redis-benchmark",
    "redis-p16": "redis-benchmark -P 16",
}

# Each is a process, or a group of them, whose time and memory are told apart.
ROLES = {"server": "server", "redis": "Redis", "worker": "worker", "wrk": "wrk"}


def of(contender: str) -> str:
    """The name for people: of "larder-wasip3/10000000" it says how many items the store has; 0 is the small one."""
    name, _, items = contender.partition("/")
    if not items:
        return CONTENDERS[name]
    return f"{CONTENDERS[name]}, {int(items):,} items" if int(items) else f"{CONTENDERS[name]}, small store"


def rank(contender: str) -> tuple[int, str]:
    """Sorts contenders as the tables have them."""
    return list(CONTENDERS).index(contender.partition("/")[0]), contender


def size(count: int) -> str:
    """Bytes, for people: 100 B, 64 KiB."""
    return f"{count} B" if count < 1024 else f"{count // 1024} KiB"

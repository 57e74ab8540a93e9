"""What is measured: the cases, for whom, with which sizes and how many connections, and how often."""

from dataclasses import dataclass, field

# Those that keep items. Spin takes part where it is on the PATH.
LARDERS = ("larder-wasip3", "larder-wasip2", "spin-wasip3", "spin-wasip2")
STORES = (*LARDERS, "webdis", "fastapi")

SIZES = (100, 1024, 65536)
CONNECTIONS = (1, 16, 64)

# Operations in a bulk request, and ids in a page.
BULK = 100

# Operations in a bulk request that fills a store: few enough for a busy machine to answer in the time that the component
# gives Redis.
FILLING = 250

# What is there before anything is measured: small items, of large ones a tenth, and what this many bulk requests read.
ITEMS = 10_000
BULKS = 100


@dataclass(frozen=True)
class Case:
    """Requests of one kind, made as fast as they are answered."""

    name: str
    contenders: tuple[str, ...]
    connections: tuple[int, ...] = CONNECTIONS
    sizes: tuple[int, ...] = SIZES[:1]
    # Some contenders take part with the smallest size only.
    smallest: tuple[str, ...] = ()


CASES = (
    Case("read", (*STORES, "redis", "bare"), sizes=SIZES, smallest=("bare",)),
    Case("write", (*STORES, "redis"), sizes=SIZES),
    Case("wait", LARDERS),
    Case("mix", STORES),
    Case("list", LARDERS, connections=(1, 16)),
    Case("bulk-write", STORES, connections=(1, 16)),
    Case("bulk-read", STORES, connections=(1, 16)),
    Case("live", LARDERS),
    Case("hello", ("bare", "hyper")),
)

# Measured in ways of their own, by the modules of these names, in the first rounds only: they take long.
SPECIAL = ("visible", "drain", "start", "footprint")
SPECIAL_ROUNDS = 3


@dataclass(frozen=True)
class Settings:
    """How long and how much."""

    rounds: int = 5
    seconds: int = 2
    # In the large store; 0 leaves it out.
    items: int = 10_000_000
    # Accepted before a worker drains them.
    drain: int = 500_000
    # Idle connections that are weighed.
    idle: int = 1_000
    # Whether large values meet all numbers of connections, or the largest number only.
    product: bool = False
    cases: tuple[str, ...] = field(default=(*(case.name for case in CASES), *SPECIAL))
    connections: tuple[int, ...] = CONNECTIONS
    sizes: tuple[int, ...] = SIZES
    # What the order of the contenders is drawn with.
    seed: int = 1

    def points(self, case: Case) -> list[tuple[int, int]]:
        """The sizes and numbers of connections that a case is measured with."""
        connections = [count for count in case.connections if count in self.connections] or [case.connections[-1]]
        sizes = [size for size in case.sizes if size in self.sizes]
        smallest, most = case.sizes[0], connections[-1]
        return [(s, c) for s in sizes for c in connections if self.product or s == smallest or c == most]


def quick() -> Settings:
    """To try it out in two minutes; no figure of it is worth anything."""
    return Settings(rounds=1, seconds=1, items=0, drain=20_000, connections=(64,), sizes=(100,))

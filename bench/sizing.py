"""What is measured of memory and disk, what the formula says of it, and how docs/sizing.md tells it."""

from dataclasses import dataclass
from pathlib import Path

from . import formula
from .formula import Write
from .tables import Table

FILE = Path(__file__).resolve().parent / "sizes.json"
DOCUMENT = Path(__file__).resolve().parent.parent / "docs/sizing.md"
BEGIN, END = "<!-- make sizes: begin -->\n", "<!-- make sizes: end -->\n"


@dataclass(frozen=True)
class Case:
    """So many writes of a kind: many in a request, or one after the other; or with no worker to apply them."""

    name: str
    count: int
    write: Write
    alone: bool = False
    pending: bool = False


CASES = (
    Case("id 20, value 100", 100_000, Write(20, 100)),
    Case("the same, one after the other", 5_000, Write(20, 100), alone=True),
    Case("id 20, value 1,000", 100_000, Write(20, 1_000)),
    Case("id 20, value 10,000", 20_000, Write(20, 10_000)),
    Case("id 100, value 20", 100_000, Write(100, 20)),
    Case("id 20, value 100, `ttl`", 100_000, Write(20, 100, ttl=True)),
    Case("id 20, value 100, `Idempotency-Key` of 36", 100_000, Write(20, 100, key=36)),
    Case("id 20, value 100, feed of changes", 100_000, Write(20, 100, feed=True)),
    Case("id 20, value 100, not applied", 50_000, Write(20, 100), pending=True),
    Case("id 20, value 1,000, not applied", 50_000, Write(20, 1_000), pending=True),
    Case("id 20, value 10,000, not applied", 20_000, Write(20, 10_000), pending=True),
)


@dataclass(frozen=True)
class Sizes:
    """Bytes for each write: in memory, in the append-only file, and in that once Redis has rewritten it.

    0 where the formula says nothing.
    """

    memory: float
    file: float
    rewritten: float = 0


def expected(case: Case, accepted: float, committed: float) -> Sizes:
    """What the formula says of writes of which a call of a script accepts or commits so many."""
    write, count = case.write, case.count
    if case.pending:
        return Sizes(formula.memory_of_pending(write, count), formula.file_of_pending(write, accepted))
    # What is there whatever is written would be told as a part of so few.
    memory = 0 if case.alone else formula.memory_of_item(write, count)
    memory += formula.memory_of_key(write, count) if write.key else 0
    memory += formula.memory_of_change(write, count) if write.feed else 0
    rewritten = 0 if write.feed else formula.file_of_item(write)
    return Sizes(memory, formula.file_of_write(write, accepted, committed), rewritten)


def generated(rows: list[dict]) -> str:
    """The table of the documentation, of what `FILE` holds."""
    lines = []
    for case, row in zip(CASES, rows, strict=True):
        said = expected(case, row["accepted"], row["committed"])
        cells = [f"{size:,.0f}" if size else "" for what in row["measured"] for size in both(what, row, said)]
        lines.append([case.name, *cells])
    head = ["", "memory", "formula", "file", "formula", "rewritten", "formula"]
    return Table("Bytes for each write, measured and by the formula", head, lines).markdown() + "\n"


def both(what: str, row: dict, said: Sizes) -> tuple[float, float]:
    """What was measured, and what the formula says; nothing where it says nothing."""
    formula_says = getattr(said, what)
    return (row["measured"][what] if formula_says else 0), formula_says

"""The part of docs/benchmarks.md that a result file decides. Needs nothing but Python."""

import textwrap
from pathlib import Path

from . import tables
from .results import Run

DOCUMENT = Path(__file__).resolve().parent.parent / "docs/benchmarks.md"
BEGIN, END = "<!-- make bench-report: begin -->\n", "<!-- make bench-report: end -->\n"

# Drawn by `charts`, in docs/benchmarks/, each with what it shows.
CHARTS = {
    "read": "Reads a second, by connections",
    "write": "Writes a second, by connections",
    "sizes": "Reads and writes a second, by the size of the value",
    "latency": "Latency of reads and writes with 64 connections",
    "processor": "Processor time of a read and of a write, without FastAPI",
}


def write(run: Run, name: str, document: Path = DOCUMENT) -> None:
    """Puts the tables and charts of a run into the document, in place of those before."""
    document.write_text(replaced(document.read_text(), generated(run, name)))


def replaced(text: str, part: str, begin: str = BEGIN, end: str = END) -> str:
    """The document with another part between the marks."""
    before, rest = text.split(begin)
    _, after = rest.split(end)
    return before + begin + part + end + after


def generated(run: Run, name: str) -> str:
    """What stands between the marks."""
    first, *others = (f"{table.markdown()}\n" for table in tables.all_of(run))
    return "\n".join([about(run, name), first, *charts(), *others, left(run)])


def about(run: Run, name: str) -> str:
    """When, on what, and how often."""
    m, s = run.machine, run.settings
    versions = f"Redis {m['redis']}, wrk {m['wrk']}, Webdis {m['webdis']}, Python {m['python']}, " + ", ".join(
        f"{package} {version}" for package, version in m["packages"].items()
    )
    whole = "" if run.finished else " It was cut short."
    text = (
        f"Measured on {run.date}, commit `{m['commit']}`: {m['cores']} cores ({m['cpu']}), which the load generator, "
        f"Redis and the servers share; Linux {m['kernel']}; load average before: {m['load_before']}. {versions}. "
        f"Rounds: {s['rounds']}, with {s['seconds']} s for each figure.{whole} All samples: "
        f"[bench/results/{name}](../bench/results/{name}). In brackets: the least and the most of the rounds."
    )
    return textwrap.fill(text, 118, break_on_hyphens=False, break_long_words=False) + "\n"


def charts() -> list[str]:
    """References to the pictures."""
    return [f"![{title}](benchmarks/{file}.svg)\n" for file, title in CHARTS.items()]


def left(run: Run) -> str:
    """What was not measured, in this run."""
    return "".join(f"Not measured: {line}.\n" for line in run.not_measured)

"""The file of a run: the machine, the settings, every sample as it was measured, and what sums them up.

It is written anew after each sample, so that a run that was cut short leaves all that it has measured.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import summary


def now() -> str:
    """The time, in UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Sample:
    """One measurement: of whom, of what, in which round; and its figures by name."""

    round: int
    case: str
    contender: str
    size: int
    connections: int
    metrics: dict[str, float]


@dataclass
class Run:
    """All that a run has measured so far."""

    machine: Mapping[str, Any]
    settings: Mapping[str, Any]
    started: str = field(default_factory=now)
    finished: str | None = None
    samples: list[Sample] = field(default_factory=list)
    # What was left out, and why.
    not_measured: list[str] = field(default_factory=list)

    @property
    def date(self) -> str:
        """The day on which it began."""
        return self.started[:10]

    @property
    def summary(self) -> summary.Summary:
        """The medians, spreads and ratios."""
        return summary.Summary((asdict(sample) for sample in self.samples))


def save(run: Run, file: Path) -> None:
    """Writes all of it, or leaves the file as it was. One sample is one line."""
    parts = {name: json.dumps(value) for name, value in asdict(run).items() if name != "samples"}
    for name, rows in ("samples", [asdict(sample) for sample in run.samples]), ("medians", run.summary.rows()):
        parts[name] = "[\n" + ",\n".join("  " + json.dumps(row) for row in rows) + "\n ]"
    text = ",\n".join(f" {json.dumps(name)}: {part}" for name, part in parts.items())
    new = file.with_suffix(".new")
    new.write_text(f"{{\n{text}\n}}\n")
    os.replace(new, file)


def load(file: Path) -> Run:
    """Reads what `save` has written. What sums up is worked out anew."""
    told = json.loads(file.read_text())
    del told["medians"]
    told["samples"] = [Sample(**sample) for sample in told["samples"]]
    return Run(**told)


def newest(folder: Path) -> Path:
    """The result file that the documentation is made of: the last by name, which is by date."""
    return max(folder.glob("*.json"))

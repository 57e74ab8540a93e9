"""Medians, spreads and ratios of the samples of a run. Needs nothing but Python."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any

# Of whom, of what: case, contender, size, connections.
Point = tuple[str, str, int, int]


@dataclass(frozen=True)
class Figure:
    """The median of some rounds, and the least and the most of them."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Figure | None":
        """None where there is no value."""
        several = list(values)
        return cls(median(several), min(several), max(several)) if several else None


class Summary:
    """The figures by point and metric."""

    def __init__(self, samples: Iterable[dict[str, Any]]):
        self._values: dict[Point, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
        for sample in samples:
            point = (sample["case"], sample["contender"], sample["size"], sample["connections"])
            for name, value in sample["metrics"].items():
                self._values[point][name][sample["round"]] = value

    def points(self) -> list[Point]:
        """All that was measured."""
        return list(self._values)

    def get(self, point: Point, metric: str) -> Figure | None:
        """A figure over the rounds."""
        return Figure.of(self._rounds(point, metric).values())

    def ratio(self, point: Point, other: Point, metric: str = "per_second", other_metric: str = "") -> Figure | None:
        """The ratio of two in each round that has both, so that what slows a whole round down favours nobody."""
        ours, theirs = self._rounds(point, metric), self._rounds(other, other_metric or metric)
        return Figure.of(ours[n] / theirs[n] for n in ours.keys() & theirs.keys() if theirs[n])

    def rows(self) -> list[dict[str, Any]]:
        """All figures, for the result file."""
        found = []
        for (case, contender, size, connections), metrics in self._values.items():
            row = {"case": case, "contender": contender, "size": size, "connections": connections}
            figures = {name: Figure.of(rounds.values()) for name, rounds in metrics.items()}
            found.append(row | {name: [f.median, f.least, f.most] for name, f in figures.items() if f})
        return found

    def _rounds(self, point: Point, metric: str) -> dict[int, float]:
        return self._values[point][metric] if point in self._values and metric in self._values[point] else {}

"""What is aimed at: ratios of two figures of one run, and a few limits."""

from collections.abc import Callable
from dataclasses import dataclass

from .summary import Figure, Point, Summary

SMALL, MANY = 100, 64


@dataclass(frozen=True)
class Target:
    """Something measured, and where it shall be."""

    text: str
    limit: float
    figure: Callable[[Summary], Figure | None]
    unit: str = "×"
    at_least: bool = True

    @property
    def aim(self) -> str:
        """In words."""
        return f"{'at least' if self.at_least else 'below'} {self.limit:g} {self.unit}"

    def show(self, value: float) -> str:
        """A value of it."""
        return f"{value:.2f}"

    def verdict(self, figure: Figure) -> str:
        """Whether the median is there."""
        met = figure.median >= self.limit if self.at_least else figure.median < self.limit
        return "met" if met else "missed"


def _point(case: str, contender: str, connections: int = MANY) -> Point:
    return case, contender, SMALL, connections


def _ratio(ours: Point, theirs: Point, metric: str = "per_second") -> Callable[[Summary], Figure | None]:
    return lambda told: told.ratio(ours, theirs, metric)


def _get(point: Point, metric: str) -> Callable[[Summary], Figure | None]:
    return lambda told: told.get(point, metric)


LARDER, WEBDIS, FASTAPI = "larder-wasip3", "webdis", "fastapi"

TARGETS = (
    Target("reads, 64 connections, of Webdis'", 0.75, _ratio(_point("read", LARDER), _point("read", WEBDIS))),
    Target("the same, of `/health/live`", 0.8, _ratio(_point("read", LARDER), _point("live", LARDER))),
    Target(
        "their p99, of Webdis'",
        1,
        _ratio(_point("read", LARDER), _point("read", WEBDIS), "p99_ms"),
        at_least=False,
    ),
    Target("reads, 1 connection, of Webdis'", 0.8, _ratio(_point("read", LARDER, 1), _point("read", WEBDIS, 1))),
    Target("durable writes, of Webdis' `SET`", 0.6, _ratio(_point("write", LARDER), _point("write", WEBDIS))),
    Target("the same, of FastAPI + Huey's", 20, _ratio(_point("write", LARDER), _point("write", FASTAPI))),
    Target(
        "the same, until they are applied",
        20,
        _ratio(_point("write", LARDER), _point("write", FASTAPI), "applied_per_second"),
    ),
    Target("reads, of FastAPI's", 8, _ratio(_point("read", LARDER), _point("read", FASTAPI))),
    Target(
        "visible after its 202 at half load, p99",
        2,
        _get(_point("visible", LARDER), "p99_ms"),
        unit="ms",
        at_least=False,
    ),
    Target(
        "draining, of Redis' pipelined `SET`",
        0.4,
        _ratio(_point("drain", LARDER, 0), _point("drain", "redis-p16", 50)),
    ),
    Target("the component", 1, _get(("component", LARDER, 0, 0), "mib"), unit="MiB", at_least=False),
    Target("the worker at rest", 12, _get(("rest", LARDER, 0, 0), "mib.worker"), unit="MiB", at_least=False),
)

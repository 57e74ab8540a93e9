"""The pictures of docs/benchmarks.md: SVG, with its text as text, the same for the same result file."""

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot
from matplotlib.axes import Axes

from . import names
from .report import CHARTS, DOCUMENT
from .results import Run
from .summary import Figure, Point, Summary

FOLDER = DOCUMENT.parent / "benchmarks"
SMALL, MANY = 100, 64

# Colours that those can tell apart who see fewer of them (Okabe and Ito).
COLOURS = {
    "larder-wasip3": "#0072b2",
    "larder-wasip2": "#56b4e9",
    "spin-wasip3": "#332288",
    "spin-wasip2": "#88ccee",
    "webdis": "#d55e00",
    "fastapi": "#009e73",
    "bare": "#999999",
    "hyper": "#666666",
    "redis": "#cc79a7",
}
ROLE_COLOURS = {"server": "#0072b2", "redis": "#d55e00", "worker": "#009e73", "wrk": "#cccccc"}

STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "larder",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#dddddd",
    "axes.axisbelow": True,
    "figure.facecolor": "white",
}


def draw(run: Run, name: str, folder: Path = FOLDER) -> None:
    """Draws all of them, each with the name of the result file in it."""
    folder.mkdir(exist_ok=True)
    with matplotlib.rc_context(STYLE):
        for file, title in CHARTS.items():
            figure, axes = pyplot.subplots(figsize=(8, 3.8), layout="constrained")
            DRAWN[file](axes, run.summary)
            axes.set_title(title, loc="left", fontsize=11)
            axes.set_title(f"median, least and most of the rounds; {name}", loc="right", fontsize=7)
            figure.savefig(folder / f"{file}.svg", metadata={"Date": None, "Creator": None})
            pyplot.close(figure)


def _by_connections(case: str) -> Callable[[Axes, Summary], None]:
    def draw_case(axes: Axes, told: Summary) -> None:
        points = [point for point in told.points() if point[0] == case and point[2] == SMALL]
        connections = sorted({point[3] for point in points})
        bars = {
            who: [told.get((case, who, SMALL, count), "per_second") for count in connections] for who in _who(points)
        }
        _grouped(axes, bars, [f"{count} connection{'s' * (count > 1)}" for count in connections], "requests/s")

    return draw_case


def _by_size(axes: Axes, told: Summary) -> None:
    points = [point for point in told.points() if point[0] in ("read", "write") and point[3] == MANY]
    places = [(case, size) for case in ("read", "write") for size in sorted({point[2] for point in points})]
    there = [who for who in _who(points) if who != "bare"]
    bars = {who: [told.get((case, who, size, MANY), "per_second") for case, size in places] for who in there}
    _grouped(axes, bars, [f"{case}\n{names.size(size)}" for case, size in places], "requests/s, logarithmic")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:,.0f}")


def _latency(axes: Axes, told: Summary) -> None:
    points = [point for point in told.points() if point[0] in ("read", "write") and point[2:] == (SMALL, MANY)]
    places = [(case, metric) for case in ("read", "write") for metric in ("p50_ms", "p99_ms", "p999_ms")]
    bars = {who: [told.get((case, who, SMALL, MANY), metric) for case, metric in places] for who in _who(points)}
    labels = {"p50_ms": "p50", "p99_ms": "p99", "p999_ms": "p99.9"}
    _grouped(axes, bars, [f"{case}\n{labels[metric]}" for case, metric in places], "ms, logarithmic")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")


def _processor(axes: Axes, told: Summary) -> None:
    # FastAPI would make all others short; it is in the table.
    points = [point for point in told.points() if point[0] in ("read", "write") and point[2:] == (SMALL, MANY)]
    points = [point for point in points if point[1] != "fastapi"]
    bars = [(case, who) for case in ("read", "write") for who in _who(points) if (case, who, SMALL, MANY) in points]
    left = [0.0] * len(bars)
    for role, colour in ROLE_COLOURS.items():
        figures = [told.get((case, who, SMALL, MANY), f"cpu_us.{role}") for case, who in bars]
        widths = [figure.median if figure else 0.0 for figure in figures]
        axes.barh(range(len(bars)), widths, left=left, color=colour, label=names.ROLES[role])
        left = [a + b for a, b in zip(left, widths, strict=True)]
    axes.set_yticks(range(len(bars)), [f"{case}, {names.of(who)}" for case, who in bars])
    axes.invert_yaxis()
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("µs")
    axes.legend(frameon=False)


DRAWN = {
    "read": _by_connections("read"),
    "write": _by_connections("write"),
    "sizes": _by_size,
    "latency": _latency,
    "processor": _processor,
}


def _grouped(axes: Axes, bars: dict[str, list[Figure | None]], labels: Sequence[str], unit: str) -> None:
    """A group of bars for each label, with whiskers from the least to the most."""
    width = 0.85 / max(len(bars), 1)
    for number, (who, figures) in enumerate(bars.items()):
        there = [(at, figure) for at, figure in enumerate(figures) if figure]
        heights = [figure.median for _, figure in there]
        whiskers = [[f.median - f.least for _, f in there], [f.most - f.median for _, f in there]]
        axes.bar(
            [at + (number - len(bars) / 2 + 0.5) * width for at, _ in there],
            heights,
            width,
            yerr=whiskers,
            error_kw={"elinewidth": 0.8, "ecolor": "#333333"},
            color=COLOURS[who],
            label=names.of(who),
        )
    axes.set_xticks(range(len(labels)), labels)
    axes.set_ylabel(unit)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    if bars:
        axes.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.14))


def _who(points: Sequence[Point]) -> list[str]:
    return sorted({point[1] for point in points}, key=names.rank)

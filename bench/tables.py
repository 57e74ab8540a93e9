"""The tables of a run, as text in cells. Needs nothing but Python, as the tests make them too."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from . import names
from .plan import BULK, FILLING
from .results import Run
from .summary import Figure, Point, Summary
from .targets import TARGETS

SMALL = 100
NOWHERE: Point = ("", "", 0, 0)
LATENCIES = ("p50_ms", "p99_ms", "p999_ms")
TITLES = {
    "read": "Reads",
    "write": "Writes, answered when they are durable",
    "wait": "Writes, answered when they are applied (`Prefer: wait`)",
    "mix": "Nine reads and one write",
    "list": f"Pages of {BULK} ids",
    "bulk-write": f"Bulk requests of {BULK} writes",
    "bulk-read": f"Bulk requests of {BULK} reads",
    "live": "`/health/live`: no Redis",
    "hello": "Ten bytes, and nothing else",
}


@dataclass(frozen=True)
class Table:
    """A title, the heads of the columns, of which the first is empty, and rows of text."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """As the documentation has it."""
        lines = [self.head, ["---", *["--:"] * (len(self.head) - 1)], *self.rows]
        return f"**{self.title}**\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def all_of(run: Run) -> list[Table]:
    """All tables for which there are figures."""
    told = run.summary
    found = [targets(told), *(speed(told, case) for case in TITLES), *(sizes(told, case) for case in ("read", "write"))]
    found += [processor(told), memory(told), *special(told)]
    return [table for table in found if table.rows]


def targets(told: Summary) -> Table:
    """What was aimed at, and whether it is met."""
    rows = [(target, target.figure(told)) for target in TARGETS]
    return Table(
        "Aims",
        ["", "aim", "measured", "rounds, from to", ""],
        [
            [t.text, t.aim, t.show(f.median), f"{t.show(f.least)} to {t.show(f.most)}", t.verdict(f)]
            for t, f in rows
            if f
        ],
    )


def speed(told: Summary, case: str) -> Table:
    """Requests a second by connections, how that compares, and the latency with the most connections."""
    points = [point for point in told.points() if point[0] == case and point[2] == SMALL]
    connections, who = sorted({point[3] for point in points}), _ranked(point[1] for point in points)
    other = "webdis" if "webdis" in who else next(iter(who), "")
    writing = case in ("write", "bulk-write")
    head = [column for count in connections for column in (f"{count} conn., /s", f"× {names.of(other)}" if who else "")]
    rows = []
    for name in who:
        cells = []
        for count in connections:
            point = (case, name, SMALL, count)
            compared = told.ratio(point, (case, other, SMALL, count))
            cells += [spread(told.get(point, "per_second")), ratio(compared)]
        most = (case, name, SMALL, connections[-1])
        cells += [number(told.get(most, metric), 2) for metric in LATENCIES]
        cells += [number(told.get(most, "applied_per_second"), 0)] * writing
        rows.append([names.of(name), *cells, errors(told, case, name)])
    last = f"{connections[-1]} conn." if connections else ""
    return Table(
        TITLES[case], ["", *head, f"{last}, p50 ms", "p99 ms", "p99.9 ms", *["applied, /s"] * writing, "errors"], rows
    )


def sizes(told: Summary, case: str) -> Table:
    """Requests a second by the size of the value, with the most connections."""
    points = [point for point in told.points() if point[0] == case]
    found, most = sorted({point[2] for point in points}), max((point[3] for point in points), default=0)
    if len(found) < 2:
        return Table("", [], [])
    rows = []
    for name in _ranked(point[1] for point in points if point[2] != SMALL):
        cells = []
        for size in found:
            point, other = (case, name, size, most), (case, "webdis", size, most)
            cells += [spread(told.get(point, "per_second")), ratio(told.ratio(point, other))]
        rows.append([names.of(name), *cells])
    head = [column for size in found for column in (f"{names.size(size)}, /s", "× Webdis")]
    return Table(f"{_short(case)} by size, {most} connections", ["", *head], rows)


def processor(told: Summary) -> Table:
    """Microseconds of processor time for each request, by process."""
    rows, roles = [], list(names.ROLES)
    for case in TITLES:
        points = [point for point in told.points() if point[0] == case and point[2] == SMALL]
        most = max((point[3] for point in points), default=0)
        for name in _ranked(point[1] for point in points if point[3] == most):
            figures = [told.get((case, name, SMALL, most), f"cpu_us.{role}") for role in roles]
            rows.append([f"{case}, {names.of(name)}", *(number(figure, 1) for figure in figures)])
    return Table(
        "Processor time of a request, µs, with the most connections", ["", *(names.ROLES[r] for r in roles)], rows
    )


def memory(told: Summary) -> Table:
    """Resident memory, at rest and at most while all those requests came."""
    rows = []
    for name in _ranked(point[1] for point in told.points() if point[0] == "rest"):
        rest = [told.get(("rest", name, 0, 0), f"mib.{role}") for role in ("server", "worker")]
        peaks = [told.get(point, "peak_mib.server") for point in told.points() if point[1] == name]
        most = Figure.of(peak.most for peak in peaks if peak)
        idle = [told.get(p, "kib") for p in told.points() if p[:2] == ("idle-connection", name)]
        each = [told.get(p, "kib") for p in told.points() if p[:2] == ("instance", name)]
        last = [number(figures[0] if figures else None, 1) for figures in (idle, each)]
        if rest[0]:
            rows.append(
                [names.of(name), *(number(f, 1) for f in rest), number(most and Figure.of([most.most]), 1), *last]
            )
    head = ["", "server at rest, MiB", "its worker at rest, MiB", "server, most, MiB"]
    return Table("Memory", [*head, "an idle connection, KiB", "an instance at work, KiB"], rows)


def special(told: Summary) -> Iterable[Table]:
    """What has a way of its own of being measured."""
    latency = [("p50 ms", "visible", "p50_ms", 2), ("p99 ms", "visible", "p99_ms", 2)]
    latency += [("of full load", "visible", "load_share", 2)]
    latency += [("worker: half within, ms", "visible", "worker_p50_within_ms", 0)]
    latency += [("99 % within, ms", "visible", "worker_p99_within_ms", 0)]
    yield _plain(told, "From the 202 until it can be read, at half load", latency)
    drained = [("applied, /s", "drain", "per_second", 0), ("Redis, µs each", "drain", "cpu_us.redis", 1)]
    drained += [("worker, µs each", "drain", "cpu_us.worker", 1)]
    drained += [(f"accepted before, in bulk requests of {FILLING}, /s", "accept-bulk", "per_second", 0)]
    yield _plain(told, "Writes that have piled up, and Redis' `SET`", drained)
    started = [("ms", "start", "ms", 0), ("with nothing compiled, ms", "start-cold", "ms", 0)]
    started += [("the component, MiB", "component", "mib", 3)]
    yield _plain(told, "From the start of the process to its first answer", started)
    filled = [
        ("filled, items/s", "fill", "per_second", 0),
        ("Redis, bytes for each", "fill", "redis_bytes_per_item", 0),
    ]
    yield _plain(told, "The large store", filled)
    for case in "read", "write", "list":
        yield _large(told, f"{_short(case)}, large store and small", f"large-{case}")


def _plain(told: Summary, title: str, columns: Sequence[tuple[str, str, str, int]]) -> Table:
    """A row for each contender; a column is a head, a case, a metric, and digits."""
    points = {point[:2]: point for point in told.points()}
    cases = {case for _, case, _, _ in columns}
    rows = []
    for who in _ranked(name for case, name in points if case in cases):
        cells = [spread(told.get(points.get((case, who), NOWHERE), metric), n) for _, case, metric, n in columns]
        rows.append([names.of(who), *cells])
    return Table(title, ["", *(column[0] for column in columns)], rows)


def _large(told: Summary, title: str, case: str) -> Table:
    """Requests a second on the one and on the other."""
    points = {point[1]: point for point in told.points() if point[0] == case}
    rows = []
    for who in _ranked(points):
        small = points.get(who.partition("/")[0] + "/0", points[who])
        figures = [told.get(points[who], metric) for metric in LATENCIES]
        speed_of = spread(told.get(points[who], "per_second"))
        rows.append([names.of(who), speed_of, ratio(told.ratio(points[who], small)), *(number(f, 2) for f in figures)])
    return Table(title, ["", "/s", "× small store", "p50 ms", "p99 ms", "p99.9 ms"], rows)


def _short(case: str) -> str:
    return TITLES[case].split(",")[0]


def errors(told: Summary, case: str, name: str) -> str:
    """The largest share of answers that were errors, over all of a case."""
    found = [told.get(point, "errors") for point in told.points() if point[:2] == (case, name)]
    most = max((figure.most for figure in found if figure), default=0)
    return f"{100 * most:.2g} %" if most else "none"


def spread(figure: Figure | None, digits: int = 0) -> str:
    """The median, and from where to where the rounds went."""
    if figure is None:
        return ""
    if figure.least == figure.most:
        return number(figure, digits)
    return f"{figure.median:,.{digits}f} ({figure.least:,.{digits}f} to {figure.most:,.{digits}f})"


def number(figure: Figure | None, digits: int) -> str:
    """The median alone."""
    return f"{figure.median:,.{digits}f}" if figure else ""


def ratio(figure: Figure | None) -> str:
    """The median of the ratios of the rounds."""
    return f"{figure.median:.2f}" if figure else ""


def _ranked(some: Iterable[str]) -> list[str]:
    return sorted(set(some), key=names.rank)

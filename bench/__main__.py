"""`python -m bench run` and `sizes` measure; `report` makes tables and charts of what was measured."""

import argparse
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path

from . import plan, results
from .plan import Settings

FOLDER = Path(__file__).resolve().parent / "results"


def main(arguments: Sequence[str]) -> int:
    """Runs one of the commands."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="measure; a file in bench/results, and a table")
    run.add_argument("--quick", action="store_true", help="one short round, to try it out")
    run.add_argument("--cases", help="only these, with commas between: " + ",".join(Settings().cases))
    for name in ("rounds", "seconds", "items", "drain", "seed"):
        run.add_argument(f"--{name}", type=int, help=f"{getattr(Settings(), name):,} by default")
    run.add_argument("--product", action="store_true", default=None, help="every size with every number of connections")
    run.add_argument("--first-port", type=int, default=23700, help="servers listen on this port and the next ones")
    run.add_argument(
        "--into", type=Path, help="the result file; by default bench/results/<date>.json, of a part target/bench.json"
    )
    report = commands.add_parser("report", help="tables and charts for docs/benchmarks.md")
    report.add_argument("file", type=Path, nargs="?", help="a result file; by default the newest one")
    table = commands.add_parser("table", help="the same tables, in the terminal")
    table.add_argument("file", type=Path, nargs="?", help="a result file; by default the newest one")
    weigh = commands.add_parser("sizes", help="measure memory and disk; a table in docs/sizing.md")
    weigh.add_argument("--first-port", type=int, default=23700, help="servers listen on this port and the next ones")
    told = parser.parse_args(arguments)
    if told.command == "run":
        return measure(told)
    if told.command == "sizes":
        from . import sizes

        return sizes.run(told.first_port)
    file = told.file or results.newest(FOLDER)
    if told.command == "report":
        from . import charts, report as documentation

        charts.draw(results.load(file), file.name)
        documentation.write(results.load(file), file.name)
    else:
        from . import terminal

        terminal.show(results.load(file))
    return 0


def settings(told: argparse.Namespace) -> Settings:
    """The settings that the command line asks for."""
    chosen = plan.quick() if told.quick else Settings()
    given = {field.name: getattr(told, field.name, None) for field in fields(Settings)}
    given["cases"] = tuple(told.cases.split(",")) if told.cases else None
    if unknown := set(given["cases"] or ()) - set(Settings().cases):
        raise SystemExit(f"bench: there is no case {', '.join(sorted(unknown))}")
    return replace(chosen, **{name: value for name, value in given.items() if value is not None})


def measure(told: argparse.Namespace) -> int:
    """A run, its file, and its table."""
    from . import machine, terminal
    from .processes import REPOSITORY, Failed, Processes, tool
    from .rounds import Rounds

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chosen = settings(told)
    run = results.Run(machine.facts(), asdict(chosen))
    # A part of a run does not take the place of a whole one.
    whole = not told.quick and not told.cases
    file = told.into or (FOLDER / f"{run.date}.json" if whole else REPOSITORY / "target/bench.json")
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        for program, package in ("redis-server", ""), ("redis-benchmark", "redis-tools"), ("wrk", ""), ("webdis", ""):
            tool(program, package)
        with Processes(told.first_port) as processes:
            Rounds(run, file, chosen, processes, lambda line: print(line, flush=True)).all()
        run.finished = results.now()
        results.save(run, file)
    except Failed as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"bench: interrupted; what was measured is in {file}", file=sys.stderr)
        return 130
    terminal.show(run)
    print(f"All of it is in {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

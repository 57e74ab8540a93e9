"""The tables of a run, in the terminal."""

import sys

from rich.console import Console
from rich.table import Table

from . import tables
from .results import Run


def show(run: Run) -> None:
    """Prints all of them."""
    # Where no terminal tells how wide it is, as wide as the tables are.
    console = Console(width=None if sys.stdout.isatty() else 180)
    for table in tables.all_of(run):
        shown = Table(title=table.title.replace("`", ""), title_justify="left")
        for column, head in enumerate(table.head):
            shown.add_column(head, justify="right" if column else "left", no_wrap=not column)
        for row in table.rows:
            shown.add_row(*(cell.replace("`", "") for cell in row))
        console.print(shown)
    for line in run.not_measured:
        console.print(f"Not measured: {line}".replace("`", ""))

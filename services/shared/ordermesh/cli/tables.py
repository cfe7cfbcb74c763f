"""Tables for the terminal, whose cells are taken as they are: an id may look like markup."""

from collections.abc import Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text


def titled(title: str, table: Table, *notes: Text) -> Group:
    """A table under its title, which may be wider than the table, and notes below it."""
    return Group(Text(title, style="bold"), table, *notes)


def new_table(texts: Sequence[str], numbers: Sequence[str] = (), *, numbers_at: int = 0) -> Table:
    """Columns of texts, with columns of numbers between those before and after ``numbers_at``."""
    table = Table()
    for heading in texts[:numbers_at]:
        table.add_column(heading, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right")
    for heading in texts[numbers_at:]:
        table.add_column(heading, overflow="fold")
    return table


def add_row(table: Table, *cells: str | Text, style: str = "") -> None:
    """Add a row of cells that are not markup."""
    table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells), style=style)

"""The figures, what each of them means, what it must be, and what would be good."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ordermesh.inventory.bench.checks import Findings
from ordermesh.inventory.bench.rates import Passes


@dataclass(frozen=True)
class Figure:
    """One figure. ``is_least``: it must be at least ``must``, else at most."""

    name: str
    meaning: str
    must: float
    stretch: float
    is_least: bool = True

    def is_met(self, value: float) -> bool:
        """Whether the value is what it must be."""
        return value >= self.must if self.is_least else value <= self.must


@dataclass(frozen=True)
class Ratio:
    """A figure that is one case's rate by another's, as the median over the passes."""

    figure: Figure
    product: str
    reference: str


RATIOS = (
    Ratio(
        Figure(
            "bulk_over_pgbench_batch",
            "ReserveBulk of 1,000 over the wire / batch of 256 by a function, pgbench",
            0.8,
            1.1,
        ),
        "bulk of 1,000",
        "pgbench, batch of 256",
    ),
    Ratio(
        Figure(
            "batcher_over_pgbench_batch",
            "128 callers of the ledger in one process / batch of 256 by a function, pgbench",
            0.45,
            0.7,
        ),
        "batcher, 128 callers",
        "pgbench, batch of 256",
    ),
    Ratio(
        Figure("hot_over_spread", "128 callers: one item / 1,000 items", 1.0, 1.5),
        "batcher hot, 128 callers",
        "batcher, 128 callers",
    ),
    Ratio(
        Figure(
            "hot_batcher_over_pgbench_hot",
            "one item, 128 callers / one function call each on 128 connections, pgbench",
            20.0,
            60.0,
        ),
        "batcher hot, 128 callers",
        "pgbench hot, 128 clients",
    ),
    Ratio(
        Figure(
            "coalesced64_over_unary64",
            "64 callers over the wire: coalesced / each its own call",
            3.0,
            5.0,
        ),
        "coalesced, 64 callers",
        "unary, 64 callers",
    ),
    Ratio(
        Figure(
            "unary_over_echo",
            "64 callers over the wire: Reserve / a call that does nothing",
            0.7,
            0.85,
        ),
        "unary, 64 callers",
        "empty call, 64 callers",
    ),
    *(
        Ratio(
            Figure(
                f"adaptive_over_single_{callers}",
                f"{callers} callers of the ledger / one function call and transaction each",
                must,
                stretch,
            ),
            f"batcher, {callers} caller{'' if callers == 1 else 's'}",
            f"function, {callers} caller{'' if callers == 1 else 's'}",
        )
        for callers, must, stretch in ((1, 0.9, 1.0), (16, 2.0, 3.0), (128, 4.5, 7.0))
    ),
    Ratio(
        Figure(
            "sqlite_batched_over_single",
            "SQLite, synchronous=FULL: 256 callers / one caller",
            30.0,
            60.0,
        ),
        "SQLite, 256 callers",
        "SQLite, 1 caller",
    ),
)

AVAILABILITY = Figure(
    "availability_100x210_ms",
    "availability of 100 items at 210 locations, read from the copy of a reader and encoded",
    1.0,
    0.2,
    is_least=False,
)
_NEVER = {
    "oversold": "units sold that were not there",
    "changed_replays": "answers that were not the first one's when asked again",
    "wrong_refusals": "refusals of what would have fitted",
    "lost_acks": "acknowledged reservations that are not in the books",
}
NEVER = tuple(Figure(name, meaning, 0, 0, is_least=False) for name, meaning in _NEVER.items())


def values(passes: Passes, availability_ms: float, found: Findings) -> dict[str, float]:
    """The figures by name, in the order of the table."""
    ratios = {one.figure.name: passes.ratio(one.product, one.reference) for one in RATIOS}
    counts = {figure.name: getattr(found, figure.name) for figure in NEVER}
    return {**ratios, AVAILABILITY.name: availability_ms, **counts}


def figures() -> tuple[Figure, ...]:
    """All figures in the order of the table."""
    return (*(one.figure for one in RATIOS), AVAILABILITY, *NEVER)


def print_figures(console: Console, measured: Mapping[str, float]) -> None:
    """The table of figures with what they must be."""
    table = Table(title="The ledger")
    for name in ("figure", "what it is"):
        table.add_column(name, overflow="fold")
    for name in ("measured", "must", "stretch", ""):
        table.add_column(name, justify="right")
    for figure in figures():
        value = measured[figure.name]
        sign = "≥" if figure.is_least else "≤"
        verdict = "[green]met[/]" if figure.is_met(value) else "[red]missed[/]"
        table.add_row(
            figure.name,
            figure.meaning,
            f"{value:,.3g}",
            f"{sign} {figure.must:g}",
            f"{sign} {figure.stretch:g}",
            verdict,
        )
    console.print(table)


def print_rates(console: Console, passes: Passes) -> None:
    """What each case did in a second: true of this machine and this moment only."""
    table = Table(title="Reservations in a second (of this machine and moment; ratios are above)")
    table.add_column("case")
    table.add_column("median", justify="right")
    table.add_column("each pass", justify="right")
    for name, rates in passes.rates.items():
        table.add_row(
            name, f"{passes.median(name):,.0f}", "  ".join(f"{one:,.0f}" for one in rates)
        )
    console.print(table)


def write_json(file: Path, measured: Mapping[str, float]) -> None:
    """The figures for programs: exactly these fields."""
    file.write_text(json.dumps(dict(measured), indent=2) + "\n", encoding="utf-8")

"""Lets a mesh of real processes fail at every named point, and looks whether it keeps its promises.

Usage::

    python -m tests.failpoints                          every point, every action, both databases
    python -m tests.failpoints --points outbox. work.claimed --actions exit --databases sqlite
    python -m tests.failpoints --everywhere             in every service that passes the point
    python -m tests.failpoints --storm 5000             kill and stop processes at random instead
    python -m tests.failpoints --defects                plant defects, and see that cells fail
    python -m tests.failpoints --list                   the points and what a crash there leaves
    python -m tests.failpoints --cost                   what a point costs while nothing is armed

A cell fails when its fault never fired, when something was lost or doubled, when all is not settled
after 30 seconds, when the ledger does not balance, or when the history of its clients is refused.
Exits with 1 when a cell has failed.
"""

import argparse
import asyncio
import json
import sys
import time
import timeit
from collections.abc import Sequence
from math import inf
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ordermesh.cli.processes import ServiceFailed
from ordermesh.cli.up import until_told_to_stop
from ordermesh.inventory.bench.cluster import NoPostgres
from ordermesh.runtime.engines import Dialect
from ordermesh.runtime.failpoints import Action
from ordermesh.runtime.points import POINTS
from tests.failpoints.audit import at_the_end
from tests.failpoints.cells import SERVICES, Cell, cells
from tests.failpoints.defects import attempt_all
from tests.failpoints.matrix import ORDERS, Result, run_cell
from tests.failpoints.storm import weather
from tests.failpoints.world import World, world

DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgresql")
STARTS_MAX = 5
"""A machine that stands still may not let services start in time."""

PASSES = 5_000_000

_console = Console(highlight=False, markup=False, soft_wrap=True)


def main() -> int:
    """Read the command line, run the cells, print what became of them."""
    parser = argparse.ArgumentParser(prog="tests.failpoints", description=__doc__)
    parser.add_argument("--points", nargs="+", default=[], help="points, or beginnings of them")
    parser.add_argument("--actions", nargs="+", default=[], choices=[one.value for one in Action])
    parser.add_argument("--services", nargs="+", default=[], choices=SERVICES)
    parser.add_argument("--databases", nargs="+", default=list(DIALECTS), choices=DIALECTS)
    parser.add_argument("--everywhere", action="store_true", help="in every service")
    parser.add_argument("--orders", type=int, default=ORDERS, help="orders that leave, per cell")
    parser.add_argument("--results", type=Path, help="where to write the results as JSON")
    parser.add_argument("--histories", type=Path, help="a folder for histories of failed cells")
    parser.add_argument("--storm", type=int, help="so many orders, and strokes at random")
    parser.add_argument("--seed", type=int, default=1, help="of the storm")
    parser.add_argument("--minutes", type=float, default=inf, help="after which a storm ends")
    parser.add_argument("--defects", nargs="*", help="those with these words, or all")
    parser.add_argument("--list", action="store_true", help="the points")
    parser.add_argument("--cost", action="store_true", help="what a point costs")
    wanted = parser.parse_args()
    if wanted.list:
        _list()
        return 0
    if wanted.cost:
        _cost()
        return 0
    if wanted.defects is not None:
        return 1 if attempt_all(wanted.defects, _console.print) else 0
    if wanted.storm is not None:
        return _storm(wanted.databases, wanted.storm, wanted.seed, wanted.minutes)
    chosen = list(
        cells(
            wanted.points,
            [Action(one) for one in wanted.actions],
            wanted.services,
            everywhere=wanted.everywhere,
        )
    )
    if not chosen:
        parser.error("there is no such cell")
    if wanted.histories is not None:
        wanted.histories.mkdir(parents=True, exist_ok=True)
    results = Results()
    running = _run(results, chosen, wanted.databases, wanted.orders, wanted.histories)
    asyncio.run(until_told_to_stop(running, told=lambda: _console.print("Stopping ...")))
    if wanted.results is not None:
        written = [one.written() for one in results.cells]
        wanted.results.write_text(
            json.dumps({"cells": written, "problems": results.problems}, indent=1) + "\n"
        )
    return _report(results)


class Results:
    """What became of all cells, and of the meshes as wholes."""

    def __init__(self) -> None:
        self.cells: list[Result] = []
        self.problems: list[str] = []
        self.seconds = 0.0


async def _run(
    results: Results,
    chosen: Sequence[Cell],
    dialects: Sequence[Dialect],
    orders: int,
    histories: Path | None,
) -> None:
    began = time.monotonic()
    for dialect in dialects:
        waiting, starts = list(chosen), 0
        while waiting:
            try:
                # A mesh in which something has gone wrong judges no other cell.
                async with world(dialect, _console.print) as running:
                    while waiting:
                        number = len(results.cells) + 1
                        result = await run_cell(
                            running,
                            waiting.pop(0),
                            f"c{number}",
                            orders=orders,
                            histories=histories,
                        )
                        results.cells.append(result)
                        results.seconds = time.monotonic() - began
                        _tell(result, number, len(chosen) * len(dialects), results.seconds)
                        if not result.is_well:
                            _tell_logs(running)
                            break
                    else:
                        found = await at_the_end(running)
                        results.problems += [f"{dialect}: {one}" for one in found]
            except ServiceFailed as failure:
                starts += 1
                _console.print(str(failure))
                if starts == STARTS_MAX:
                    raise


def _tell_logs(running: World) -> None:
    for name in SERVICES:
        _console.print(_tail(running.processes.directory.log_file(name), name))


def _tell(result: Result, number: int, total: int, seconds: float) -> None:
    cell = result.cell
    verdict = "well" if result.is_well else "FAILED"
    still = f", still {result.still_seconds:.1f} s" if result.still_seconds else ""
    _console.print(
        f"{number:4}/{total} {verdict:6} {result.dialect:10} {cell.point:26} {cell.action:5}"
        f" {cell.service:9} settled {result.settle_seconds:5.1f} s, {result.calls:3} calls,"
        f" {result.seconds:5.1f} s; {number / seconds * 60:.1f} cells a minute{still}"
    )
    for problem in result.problems:
        _console.print(f"       {problem}")


def _tail(file: Path, name: str) -> str:
    lines = file.read_text(errors="replace").splitlines()[-12:]
    return "\n".join([f"--- {name}", *lines])


def _report(results: Results) -> int:
    table = Table("point", *(action.value for action in Action), title="Settled within, in seconds")
    by_point: dict[str, dict[Action, list[Result]]] = {}
    for one in results.cells:
        by_point.setdefault(one.cell.point, {}).setdefault(one.cell.action, []).append(one)
    for point, actions in by_point.items():
        table.add_row(point, *(_words(actions.get(action, [])) for action in Action))
    _console.print(table)
    failed = [one for one in results.cells if not one.is_well]
    worst = max((one.settle_seconds for one in results.cells), default=0.0)
    _console.print(
        f"{len(results.cells)} cells, {len(failed)} failed;"
        f" {sum(one.orders + 1 for one in results.cells)} orders,"
        f" {sum(one.calls for one in results.cells)} calls, {sum(map(_passings, results.cells))}"
        f" faults; the slowest settled in {worst:.1f} s; {results.seconds:.0f} s in all."
    )
    for one in failed:
        _console.print(f"FAILED {one.dialect} {one.cell.name}: {'; '.join(one.problems)}")
    for problem in results.problems:
        _console.print(f"FAILED {problem}")
    return 1 if failed or results.problems else 0


def _passings(result: Result) -> int:
    return result.passings


def _words(results: Sequence[Result]) -> str:
    if not results:
        return ""
    if any(not one.is_well for one in results):
        return "FAILED"
    return f"{max(one.settle_seconds for one in results):.1f}"


def _storm(dialects: Sequence[Dialect], orders: int, seed: int, minutes: float) -> int:
    passed = []
    for dialect in dialects:
        try:
            storm = weather(dialect, orders, seed, _console.print, minutes=minutes)
            one = asyncio.run(until_told_to_stop(storm, told=lambda: None))
            passed += [] if one is None else [one]
        except NoPostgres as error:
            _console.print(f"NOT TESTED on PostgreSQL: {error}")
    for one in passed:
        _console.print(str(one))
    return 1 if any(one.problems for one in passed) else 0


def _list() -> None:
    for point, meaning in POINTS.items():
        _console.print(f"{point:26} {meaning}")


def _cost() -> None:
    setup = "from ordermesh.runtime import failpoints"
    guarded = "if failpoints.armed:\n    raise AssertionError"
    nothing = min(timeit.repeat("pass", setup, number=PASSES, repeat=5))
    passing = min(timeit.repeat(guarded, setup, number=PASSES, repeat=5))
    _console.print(f"{(passing - nothing) / PASSES * 1e9:.0f} ns for a point that is not armed.")


if __name__ == "__main__":
    sys.exit(main())

"""``python -m ordermesh.inventory.bench``: measure, check, print; ``--help`` tells the options."""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.status import Status

from ordermesh.inventory.bench.cases import cases, places
from ordermesh.inventory.bench.checks import Findings, kill_under_load, sell_out
from ordermesh.inventory.bench.cluster import Cluster, NoPostgres
from ordermesh.inventory.bench.more import measure_more
from ordermesh.inventory.bench.picture import availability_milliseconds
from ordermesh.inventory.bench.rates import run_passes
from ordermesh.inventory.bench.report import (
    figures,
    print_figures,
    print_rates,
    values,
    write_json,
)
from ordermesh.runtime.server import loop_factory, spare_garbage_collection

QUICK_PASSES, QUICK_SECONDS, QUICK_KILLS = 2, 1.0, 1
PASSES, SECONDS, KILLS = 5, 3.0, 20


def main() -> int:
    """Run the benchmark; gives 1 when something happened that may never happen."""
    parser = argparse.ArgumentParser(
        prog="ordermesh bench ledger",
        description="The ledger against what its database can do at best, in one run.",
        epilog="\n".join(f"{one.name}: {one.meaning}" for one in figures()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter passes, one kill")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file")
    parser.add_argument("--passes", type=int, help="how often every case runs")
    parser.add_argument("--seconds", type=float, help="how long a case runs in a pass")
    parser.add_argument("--kills", type=int, help="how often the database is killed under load")
    parser.add_argument(
        "--more", action="store_true", help="measure costs, growth and waits instead"
    )
    parser.add_argument(
        "--balances", type=int, default=10_000_000, help="of the large ledger of --more"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the demand")
    asked = parser.parse_args()
    console = Console()
    spare_garbage_collection()
    # Programs are started beside calls that are under way; the library would warn of each.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(_run(asked, console))
    except NoPostgres as error:
        console.print(f"[red]{error}[/]")
        return 2


async def _run(asked: argparse.Namespace, console: Console) -> int:
    passes = asked.passes or (QUICK_PASSES if asked.quick else PASSES)
    seconds = asked.seconds or (QUICK_SECONDS if asked.quick else SECONDS)
    kills = (QUICK_KILLS if asked.quick else KILLS) if asked.kills is None else asked.kills
    status = console.status("starting PostgreSQL")
    with status, tempfile.TemporaryDirectory() as folder, Cluster() as cluster:
        tell = _teller(console, status)
        version = await cluster.version()
        console.print(
            f"PostgreSQL {version}, {passes} passes of {seconds:g} s a case, {kills} kills."
        )
        if asked.more:
            await measure_more(cluster, passes, seconds, asked.balances, console, tell)
            return 0
        found = Findings()
        async with places(cluster, Path(folder)) as where:

            async def check_books(_case: str) -> None:
                found.oversold += await where.check()

            reached = await run_passes(cases(where), passes, seconds, tell, check_books)
            tell("availability of 100 items at 210 locations")
            availability_ms = availability_milliseconds()
            for books, name in ((where.books, "PostgreSQL"), (where.sqlite, "SQLite")):
                tell(f"selling out on {name}, and asking everything again")
                found.add(await sell_out(books, asked.seed))
        found.add(await kill_under_load(cluster, asked.seed, kills, tell))
    measured = values(reached, availability_ms, found)
    print_figures(console, measured)
    print_rates(console, reached)
    console.print(
        f"Checked: {found.asked:,} requests, {found.refused:,} of them refused, {found.replayed:,}"
        f" replays, {found.kills} kills of the database with {found.resent:,} requests sent again."
    )
    if asked.json:
        write_json(asked.json, measured)
    return 0 if found.is_clean else 1


def _teller(console: Console, status: Status) -> Callable[[str], None]:
    def tell(sentence: str) -> None:
        status.update(sentence)
        if not console.is_terminal:
            console.print(sentence)

    return tell


if __name__ == "__main__":
    sys.exit(main())

"""What was not known of the design: what its parts cost, how it grows, how long a caller waits."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from ordermesh.inventory.bench.books import LOCATION, SKUS, STOCK, Demand, opened, sku_names
from ordermesh.inventory.bench.cases import CONNECTIONS
from ordermesh.inventory.bench.cluster import Cluster
from ordermesh.inventory.bench.rates import Case, Passes, rate, run_passes
from ordermesh.inventory.bench.reference import batch_script, functions
from ordermesh.inventory.store.tables.ledger import balance

CALLERS = 128
PLACES = 1_000
"""Locations of the large ledger."""

_RUNNING_NUMBER = """
alter table entry drop constraint entry_pkey;
alter table entry add column entry_id bigint generated always as identity primary key;
"""

_FIGURES = [
    column.name
    for column in balance.columns
    if not column.primary_key and column.server_default is None
]
_VALUES = ["1000" if name == "on_hand" else "0" for name in _FIGURES]
BALANCES = f"""
insert into balance (item_id, location_id, {", ".join(_FIGURES)})
select item.item_id, location.location_id, {", ".join(_VALUES)}
from item cross join location on conflict do nothing
"""  # noqa: S608 - the columns of our own table
"""Makes the balances that are missing: of each item at each location, with stock and no history."""


@dataclass(frozen=True)
class Waits:
    """How long callers waited who came at moments of their own, in milliseconds."""

    arrivals: float
    p50: float
    p99: float
    alone: float
    """What a lone caller waits."""


async def measure_more(
    cluster: Cluster,
    passes: int,
    seconds: float,
    balances: int,
    console: Console,
    tell: Callable[[str], None],
) -> None:
    """Measure all of it and print it."""
    table = Table(title="What parts cost, how it grows, how long a caller waits")
    table.add_column("what")
    table.add_column("measured", justify="right")
    tell("the cost of the gapless key and of stored replies")
    reached = await _batches(cluster, passes, seconds, tell)
    table.add_row(
        "gapless key: batches with it / with a running number",
        f"{reached.ratio('plain', 'running number'):.2f}",
    )
    table.add_row(
        "stored replies: batches with them / without", f"{reached.ratio('plain', 'no replies'):.2f}"
    )
    tell("open loop at half of what 128 callers reach")
    waits = await _open_loop(cluster, seconds)
    table.add_row("open loop: arrivals in a second", f"{waits.arrivals:,.0f}")
    table.add_row("open loop: p50, p99", f"{waits.p50:.1f} ms, {waits.p99:.1f} ms")
    table.add_row("a lone caller: p50", f"{waits.alone:.1f} ms")
    tell(f"{balances:,} balances")
    small, large = await _growth(cluster, seconds, balances, tell)
    table.add_row(f"128 callers: {balances:,} balances / {SKUS:,}", f"{large / small:.2f}")
    console.print(table)


async def _batches(
    cluster: Cluster, passes: int, seconds: float, tell: Callable[[str], None]
) -> Passes:
    """The batch of the reference on tables as they are, with another key, and without replies."""
    variants = {
        "plain": functions(),
        "running number": _RUNNING_NUMBER + functions(),
        "no replies": functions(with_replies=False),
    }

    def batch(database: str) -> Case:
        async def run(seconds: float) -> float:
            whole = max(1, round(seconds))
            return await cluster.pgbench(database, batch_script(SKUS), CONNECTIONS, whole)

        return run

    cases: dict[str, Case] = {}
    for variant, script in variants.items():
        name = await cluster.create()
        async with opened(cluster.url(name)) as books:
            await books.load(sku_names(SKUS), STOCK)
        connection = await cluster.connect(name)
        await connection.execute(script)
        await connection.close()
        cases[variant] = batch(name)

    async def nothing(_case: str) -> None:
        """The references have no books of their own to check."""

    return await run_passes(cases, passes, seconds, tell, nothing)


async def _open_loop(cluster: Cluster, seconds: float) -> Waits:
    """Callers come at random moments, half as many in a second as could be served."""
    async with opened(cluster.url(await cluster.create())) as books:
        await books.load(sku_names(SKUS), STOCK)
        demand = Demand(sku_names(SKUS), seed=5)
        waits: list[float] = []

        async def one() -> int:
            started = time.perf_counter()
            await books.reserve(demand.next())
            waits.append(1_000 * (time.perf_counter() - started))
            return 1

        await rate(one, CALLERS, 0.5)
        arrivals = await rate(one, CALLERS, seconds) / 2
        waits.clear()
        await rate(one, 1, seconds / 2)
        alone = sorted(waits)[len(waits) // 2]
        waits.clear()
        draw = random.Random(5)  # noqa: S311 - repeatable
        end = time.perf_counter() + seconds
        due = time.perf_counter()
        async with asyncio.TaskGroup() as callers:
            while due < end:
                due += draw.expovariate(arrivals)
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                callers.create_task(one())
        count = len(waits)
        waits.sort()
        await books.check()
        return Waits(count / seconds, waits[count // 2], waits[count * 99 // 100], alone)


async def _growth(
    cluster: Cluster, seconds: float, balances: int, tell: Callable[[str], None]
) -> tuple[float, float]:
    """What 128 callers reach on a small and on a large ledger, which is not verified."""
    name = await cluster.create()
    skus = sku_names(max(1, balances // PLACES))
    async with opened(cluster.url(name)) as books:
        await books.load(skus[:SKUS], STOCK)
        small_demand = Demand(skus[:SKUS], seed=6)

        async def small() -> int:
            await books.reserve(small_demand.next())
            return 1

        await rate(small, CALLERS, 0.5)
        before = await rate(small, CALLERS, seconds)
        if skus[SKUS:]:
            await books.load(skus[SKUS:], 1)
        places = [LOCATION, *(f"PLACE-{number}" for number in range(1, PLACES))]
        await books.put_places(places)
        tell(f"making {balances:,} balances")
        connection = await cluster.connect(name)
        await connection.execute(BALANCES)
        await connection.execute("vacuum analyze balance")
        await connection.close()
        demands = [Demand(skus, number, place) for number, place in enumerate(places)]
        draw = random.Random(7)  # noqa: S311 - repeatable

        async def large() -> int:
            await books.reserve(draw.choice(demands).next())
            return 1

        await rate(large, CALLERS, 0.5)
        return before, await rate(large, CALLERS, seconds)

"""What was decided on memory, and waits for a lock while that is switched by which it was."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import Context
from typing import Any

import pytest
from sqlalchemy import select, text

from ordermesh.api.inventory.v1 import BalanceChange, Control
from ordermesh.inventory.domain.control_table import ControlTable
from ordermesh.inventory.domain.errors.control import PurchaseLimit
from ordermesh.inventory.domain.errors.stock import InsufficientStock
from ordermesh.inventory.store.naming import names_of
from ordermesh.inventory.store.tables.ledger import balance
from ordermesh.runtime.database import Transaction
from tests.dialects import on_postgresql
from tests.eventually import eventually
from tests.inventory.messages import control, item
from tests.inventory.processes import Open, Process, keeping
from tests.inventory.reading import changes_told

pytestmark = pytest.mark.usefixtures("patient")


@asynccontextmanager
async def balances_locked(process: Process) -> AsyncIterator[None]:
    """Others wait for all balances while the block lasts."""
    async with keeping(process, lambda tx: tx.execute(select(balance).with_for_update())):
        yield


async def somebody_waits(process: Process) -> bool:
    """Whether a statement waits for a lock."""

    async def look(tx: Transaction) -> int:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        return int((await tx.execute(text(waiting))).scalar_one())

    return await process.wiring.database.read(look) > 0


@asynccontextmanager
async def before_commits(process: Process) -> AsyncIterator[tuple[asyncio.Event, asyncio.Event]]:
    """Writes of a process tell when all is written, and wait for a sign before they commit."""
    written, may_commit = asyncio.Event(), asyncio.Event()
    database: Any = process.wiring.database
    run: Callable[..., Any] = database.run

    async def slowly(work: Callable[..., Any], **how: Any) -> Any:
        async def working(tx: Transaction) -> Any:
            result = await work(tx)
            await tx.flush()
            written.set()
            await may_commit.wait()
            return result

        return await run(working, **how)

    database.run = slowly
    try:
        yield written, may_commit
    finally:
        database.run = run


@on_postgresql
async def test_a_limit_that_came_while_it_waited_holds(first: Process, another: Open) -> None:
    second = await another()

    async with balances_locked(second):
        wish = asyncio.create_task(first.reserve({"MUG at A": 2}))
        await eventually(lambda: somebody_waits(second))
        await second.put_controls(control("one", "limit_per_line", 1, sku="MUG"))

    with pytest.raises(PurchaseLimit):
        await wish
    assert first.outcomes["stood"] == 0


@on_postgresql
async def test_an_item_that_was_switched_off_while_it_waited_is_not_sold_nor_told_to_be_there(
    first: Process, another: Open
) -> None:
    second = await another()

    async with before_commits(second) as (written, may_commit):
        switch = asyncio.create_task(second.put_items(item("MUG", unsellable=True)))
        await written.wait()
        wish = asyncio.create_task(first.reserve({"MUG at A": 1}))
        await eventually(lambda: somebody_waits(first))
        may_commit.set()
        await switch

    with pytest.raises(InsufficientStock):
        await wish
    told = await changes_told(first.wiring.database, "availability")
    last = {
        change.key.location_id: change.available
        for change in (BalanceChange.FromString(one.payload) for one in told)
        if change.key.sku == "MUG"
    }
    assert last == {"A": 0, "B": 0}


@on_postgresql
@pytest.mark.parametrize(
    ("what", "channel", "refusal"),
    [
        (control("one", "limit_per_line", 2, sku="MUG"), "", PurchaseLimit),
        (control("web", "pool", 4, sku="MUG", channel="web"), "web", InsufficientStock),
    ],
)
async def test_a_limit_or_a_pool_that_is_seen_before_it_is_decided_holds(
    first: Process, another: Open, what: Control, channel: str, refusal: type[Exception]
) -> None:
    second = await another()
    database: Any = first.wiring.database
    at_once: Callable[..., Any] = database.run_at_once

    async def after_others(work: Callable[..., Any]) -> Any:
        # Whoever has looked meanwhile remembers the control as it is committed.
        await second.put_controls(what)
        await second.reserve({"MUG at A": 2}, channel=channel)
        await first.receive({"MUG at A": 1})
        return await at_once(work)

    database.run_at_once = after_others

    with pytest.raises(refusal):
        await first.reserve({"MUG at A": 3}, channel=channel)
    assert first.outcomes["stood"] == 0


@on_postgresql
async def test_a_limit_that_came_between_two_looks_at_what_there_is_holds(
    first: Process, another: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = await another()
    coming = [control("one", "limit_per_line", 1, sku="MUG")]

    async def names_later(tx: Transaction, wanted: Any, table: ControlTable) -> Any:
        # It looks again where controls that it has just read name tags.
        if table.needs_features and coming:
            putting = second.put_controls(coming.pop())
            await asyncio.create_task(putting, context=Context())
        return await names_of(tx, wanted, table)

    monkeypatch.setattr("ordermesh.inventory.store.ledger.names_of", names_later)
    await first.put_controls(control("fragile", "safety_stock", 1, tag="fragile"))
    await first.receive({"MUG at A": 1})
    assert not coming

    with pytest.raises(PurchaseLimit):
        await first.reserve({"MUG at A": 2})
    assert first.outcomes["stood"] == 0

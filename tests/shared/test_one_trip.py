"""How often a transaction on a file goes to the thread of its connection, and what is true then."""

import asyncio
from typing import Any

import pytest
from aiosqlite.core import Connection as Driver
from sqlalchemy import select

from ordermesh.runtime.bulk import insert_columns
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.engines import TransactionConflict
from tests.dialects import on_sqlite
from tests.shared.things import THING

pytestmark = on_sqlite


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done in threads of connections, trip by trip."""
    made: list[str] = []
    go: Any = Driver._execute

    async def noted(self: Driver, work: Any, *arguments: Any, **named: Any) -> Any:
        made.append(work.__name__)
        return await go(self, work, *arguments, **named)

    monkeypatch.setattr(Driver, "_execute", noted)
    return made


async def add(tx: Transaction, *numbers: int) -> None:
    await insert_columns(tx, THING, {"number": numbers})


async def listed(tx: Transaction) -> list[int]:
    return list((await tx.execute(select(THING.c.number).order_by("number"))).scalars())


async def test_a_read_begins_with_its_first_statement_and_ends(
    things: Database, trips: list[str]
) -> None:
    assert await things.read(listed) == []

    assert trips == ["_begin_and", "commit"]


async def test_writes_that_follow_one_another_go_together(
    things: Database, trips: list[str]
) -> None:
    async def write(tx: Transaction) -> list[int]:
        await add(tx, 1)
        await add(tx, 2, 3)
        return await listed(tx)

    assert await things.run(write) == [1, 2, 3]
    assert trips == ["_begin_and", "_begin_and", "commit"]


async def test_where_nothing_was_begun_nothing_is_ended(things: Database, trips: list[str]) -> None:
    async def nothing(_: Transaction) -> None:
        return

    await things.run(nothing)

    assert trips == []


async def test_writes_that_meet_a_twin_fail_together_and_nothing_is_left(things: Database) -> None:
    await things.run(lambda tx: add(tx, 2))

    async def write(tx: Transaction) -> None:
        await add(tx, 1)
        await add(tx, 2)
        await add(tx, 3)

    with pytest.raises(TransactionConflict):
        await things.run(write)
    assert await things.read(listed) == [2]
    await things.run(lambda tx: add(tx, 1))
    assert await things.read(listed) == [1, 2]


async def test_writes_of_a_block_that_fails_vanish_and_those_before_it_stay(
    things: Database,
) -> None:
    async def fail(tx: Transaction) -> None:
        async with tx.savepoint():
            await add(tx, 2)
            raise ValueError("no")

    async def write(tx: Transaction) -> None:
        await add(tx, 1)
        with pytest.raises(ValueError, match="no"):
            await fail(tx)
        await add(tx, 3)

    await things.run(write)

    assert await things.read(listed) == [1, 3]


async def test_a_transaction_that_is_cancelled_while_it_begins_holds_nothing(
    things: Database,
) -> None:
    """The thread begins it after its caller has gone; it must be ended all the same."""
    for delay in range(12):
        begun = asyncio.Event()

        async def work(tx: Transaction, begun: asyncio.Event = begun) -> None:
            begun.set()
            await listed(tx)
            await asyncio.sleep(3600)

        task = asyncio.create_task(things.run(work))
        await begun.wait()
        for _ in range(delay):
            await asyncio.sleep(0)
        (inner,) = things._running
        inner.cancel()
        await asyncio.gather(task, return_exceptions=True)

        await things.run(lambda tx, number=delay: add(tx, number))  # type: ignore[misc]

    assert await things.read(listed) == list(range(12))

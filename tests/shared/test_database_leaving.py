"""Callers that go away while their transaction is under way."""

import asyncio
import random

import pytest
from sqlalchemy import insert, text

from ordermesh.runtime.database import Database, Transaction
from tests.eventually import eventually
from tests.fakes import FakeClock
from tests.shared.things import THING, add, numbers


async def test_a_caller_that_goes_away_does_not_cancel_its_transaction(things: Database) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()
    called = []

    async def write(tx: Transaction) -> None:
        await tx.execute(insert(THING).values(number=1))
        tx.after_commit(lambda: called.append(1))
        inside.set()
        await go_on.wait()
        await tx.execute(insert(THING).values(number=2))

    caller = asyncio.create_task(things.run(write))
    await inside.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()

    await eventually(lambda: called == [1])
    assert await numbers(things) == [1, 2]


async def test_a_caller_that_goes_away_does_not_hide_a_rollback(things: Database) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def write(tx: Transaction) -> None:
        await tx.execute(insert(THING).values(number=1))
        inside.set()
        await go_on.wait()
        raise ValueError("nobody hears this")

    caller = asyncio.create_task(things.run(write))
    await inside.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()

    await add(things, 2)
    assert await numbers(things) == [2]


async def test_a_caller_that_goes_away_before_its_turn_changes_nothing(
    database_url: str, clock: FakeClock
) -> None:
    narrow = await Database.open(database_url, clock=clock, pool_size=1)
    inside, go_on = asyncio.Event(), asyncio.Event()
    began = False

    async def hold(_: Transaction) -> None:
        inside.set()
        await go_on.wait()

    async def write(_: Transaction) -> None:
        nonlocal began
        began = True

    holder = asyncio.create_task(narrow.run(hold))
    await inside.wait()
    caller = asyncio.create_task(narrow.run(write))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    await holder

    await narrow.close()
    assert not began


async def test_cancellations_at_random_moments_leak_nothing(things: Database) -> None:
    """Every transaction has all of its rows or none; no connection or lock stays behind."""
    chance = random.Random(7)
    rounds = 150

    async def write(number: int, tx: Transaction) -> None:
        await tx.execute(insert(THING).values(number=number))
        await tx.execute(insert(THING).values(number=number + 1_000))

    async def call(number: int) -> None:
        task = asyncio.create_task(things.run(lambda tx: write(number, tx)))
        for _ in range(chance.randrange(12)):
            await asyncio.sleep(0)
        if chance.random() < 0.3:
            await asyncio.sleep(chance.random() * 0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    for start in range(0, rounds, 5):
        await asyncio.gather(*(call(number) for number in range(start, start + 5)))
    await add(things, 5_000)

    there = set(await numbers(things)) - {5_000}
    await eventually(lambda: not things.running)
    assert {number + 1_000 for number in there if number < 1_000} == {
        number for number in there if number >= 1_000
    }
    assert things.connections_in_use == 0
    if things.dialect == "postgresql":

        async def others(tx: Transaction) -> int:
            result = await tx.execute(
                text(
                    "select count(*) from pg_stat_activity where datname = current_database()"
                    " and pid <> pg_backend_pid() and state like 'idle in transaction%'"
                )
            )
            return int(result.scalar_one())

        assert await things.read(others) == 0

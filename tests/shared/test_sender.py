"""A connection that is kept: what becomes of it, and of what is sent, when it breaks."""

import asyncio
from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy import text

from ordermesh.kernel.errors import Unavailable
from ordermesh.runtime import at_once
from ordermesh.runtime.at_once import AtOnce, Guard, NotAsRemembered
from ordermesh.runtime.bulk import insert_rows
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.sender import Sender
from tests.dialects import on_postgresql
from tests.eventually import eventually
from tests.shared.test_bulk import everything, row, rows_of
from tests.shared.test_bulk import tables as tables

_SLEEPS = text("select wait_event = 'PgSleep' from pg_stat_activity where pid = :pid")
_END = text("select pg_terminate_backend(:pid)")


@pytest.fixture
async def known(tables: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database whose clock was read, and whose kept connection has sent something."""
    monkeypatch.setattr(at_once, "CLOCK_TOLERANCE", timedelta(seconds=10))
    monkeypatch.setattr(at_once, "WAY_TOLERANCE", timedelta(seconds=10))

    async def write(tx: Transaction) -> None:
        await tx.now()

    await tables.run(write)
    await adding(tables, 1)
    return tables


async def adding(
    database: Database, number: int, failures: list[int] | None = None, *, is_slow: bool = False
) -> None:
    async def write(tx: AtOnce) -> None:
        if is_slow:
            tx.guard(Guard(lambda _: "(SELECT pg_sleep(1.5)) IS NOT NULL"))
        tx.after_failure(lambda: None if failures is None else failures.append(number))
        await insert_rows(tx, everything, [row(number)])

    await database.run_at_once(write)


def driver(database: Database) -> Any:
    return cast("Sender", database._sender)._driver


async def numbers(database: Database) -> list[int]:
    return sorted(one["number"] for one in await rows_of(database))


@on_postgresql
async def test_a_connection_that_broke_while_nothing_was_sent_is_another_history(
    known: Database,
) -> None:
    kept, before, failures = driver(known), known.history, list[int]()

    async def end(tx: Transaction) -> None:
        await tx.execute(_END, {"pid": kept.get_server_pid()})

    await known.run(end)
    await eventually(kept.is_closed)

    with pytest.raises(NotAsRemembered):
        await adding(known, 2, failures)

    assert failures == [2]
    assert known.history > before
    await adding(known, 3)
    assert await numbers(known) == [1, 3]


@on_postgresql
async def test_a_connection_that_breaks_while_it_sends_leaves_what_it_sent_unknown(
    known: Database,
) -> None:
    kept, failures = driver(known), list[int]()

    pid = kept.get_server_pid()
    sending = asyncio.ensure_future(adding(known, 2, failures, is_slow=True))

    async def sleeps() -> bool:
        async def look(tx: Transaction) -> bool:
            return bool((await tx.execute(_SLEEPS, {"pid": pid})).scalar_one_or_none())

        return await known.read(look)

    async def end(tx: Transaction) -> None:
        await tx.execute(_END, {"pid": pid})

    await eventually(sleeps)
    await known.run(end)
    with pytest.raises(Unavailable):
        await sending
    await eventually(kept.is_closed)

    assert failures == [2]
    with pytest.raises(NotAsRemembered):
        await adding(known, 3)
    await adding(known, 4)
    assert await numbers(known) == [1, 4]


@on_postgresql
async def test_who_closes_waits_for_what_is_being_sent(known: Database) -> None:
    has_begun, go, committed = asyncio.Event(), asyncio.Event(), list[bool]()

    async def write(tx: AtOnce) -> None:
        has_begun.set()
        await go.wait()
        await insert_rows(tx, everything, [row(2)])
        tx.after_commit(lambda: committed.append(True))

    sending = asyncio.ensure_future(known.run_at_once(write))
    await has_begun.wait()
    closing = asyncio.ensure_future(known.close())
    await asyncio.sleep(0)
    assert not closing.done()
    go.set()

    await sending
    await closing
    assert committed == [True]
    assert driver(known) is None

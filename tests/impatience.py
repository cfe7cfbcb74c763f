"""Callers that do not wait: their time is over or they have gone, while a call is under way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from sqlalchemy import func, select

from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.engines import WRITERS
from ordermesh.runtime.tables import reply
from tests.eventually import eventually

_ARRIVAL_SECONDS = 0.1
"""Long enough for a call to arrive, and for a server to hear that nobody waits any more."""


@asynccontextmanager
async def all_connections_in_use(database: Database) -> AsyncIterator[None]:
    """Transactions that do nothing and do not end: whoever comes to write has to wait."""
    begun, let_go = asyncio.Semaphore(0), asyncio.Event()

    async def linger(_: Transaction) -> None:
        begun.release()
        await let_go.wait()

    count = 1 if database.dialect == "sqlite" else WRITERS
    lingering = [asyncio.create_task(database.run(linger)) for _ in range(count)]
    for _ in range(count):
        await begun.acquire()
    try:
        yield
    finally:
        let_go.set()
        await asyncio.gather(*lingering)


async def recorded_count(database: Database) -> int:
    """How many requests have had an effect, once nobody waits for a connection any more."""

    async def count(tx: Transaction) -> int:
        return int((await tx.execute(select(func.count()).select_from(reply))).scalar_one())

    async with all_connections_in_use(database):
        pass
    return await database.read(count)


async def assert_nobody_acts_for_who_has_gone(
    database: Database,
    call: Callable[..., Any],
    fingerprint: Callable[[], Awaitable[object]],
) -> None:
    """Call past a deadline, and into a deadline and a cancellation while the server is at it.

    Each is told as what it was, and nothing changes; then the same call succeeds, which shows that
    it was these callers' impatience and nothing else. ``call`` makes a new request each time.
    """
    before, recorded = await fingerprint(), await recorded_count(database)

    with pytest.raises(grpc.aio.AioRpcError) as past:
        await call(timeout=-1)
    assert past.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED

    async with all_connections_in_use(database):
        waiting = database.running
        with pytest.raises(grpc.aio.AioRpcError) as over:
            await call(timeout=0.2)
        assert over.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED

        cancelled = call(timeout=10)
        code = asyncio.ensure_future(cancelled.code())
        await asyncio.sleep(_ARRIVAL_SECONDS)
        # It has arrived and waits; without this it might have been refused at the door.
        await eventually(lambda: database.running > waiting)
        cancelled.cancel()
        assert await code is grpc.StatusCode.CANCELLED
        await asyncio.sleep(_ARRIVAL_SECONDS)

    assert await recorded_count(database) == recorded
    assert await fingerprint() == before
    await call(timeout=20)
    assert await recorded_count(database) == recorded + 1

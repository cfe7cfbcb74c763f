import asyncio
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, insert, select, update

from ordermesh.runtime import feed as feeds
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.engines import TookTooLong
from ordermesh.runtime.feed import Sequencer
from ordermesh.runtime.housekeeping import FEED_AGE, INBOX_AGE, REPLY_AGE, Housekeeping
from ordermesh.runtime.tables import feed, inbox, reply
from tests.eventually import eventually
from tests.fakes import FakeClock


async def fill(database: Database, clock: FakeClock, count: int, age: timedelta) -> None:
    """So many replies, inbox entries and changes, each older than what is kept by ``age``."""

    async def write(tx: Transaction) -> None:
        now = await tx.now()
        await tx.execute(insert(reply), [a_reply(now - REPLY_AGE - age) for _ in range(count)])
        await tx.execute(insert(inbox), [an_arrival(now - INBOX_AGE - age) for _ in range(count)])
        for number in range(count):
            await feeds.append(tx, topic="item", key=str(number), payload=b"")

    await database.run(write)
    sequencer = Sequencer(database, clock)
    while await sequencer.stamp():
        pass

    async def grow_old(tx: Transaction) -> None:
        await tx.execute(update(feed).values(create_time=await tx.now() - FEED_AGE - age))

    await database.run(grow_old)


def a_reply(create_time: datetime) -> dict[str, object]:
    return {
        "request_id": uuid4(), "request_hash": b"", "method": "/a.B/C", "caller": "routing",
        "reply": b"", "create_time": create_time,
    }  # fmt: skip


def an_arrival(receive_time: datetime) -> dict[str, object]:
    return {"event_id": uuid4(), "source": "routing", "type": "t", "receive_time": receive_time}


async def count(database: Database) -> list[int]:
    async def look(tx: Transaction) -> list[int]:
        return [
            (await tx.execute(select(func.count()).select_from(table))).scalar_one()
            for table in (reply, inbox, feed)
        ]

    return await database.read(look)


async def test_what_is_too_old_is_forgotten_in_steps(database: Database, clock: FakeClock) -> None:
    await fill(database, clock, 1_200, timedelta(hours=1))

    assert await Housekeeping(database, clock).forget() == 3_600
    assert await count(database) == [0, 0, 0]


async def test_what_may_still_be_asked_for_is_kept(database: Database, clock: FakeClock) -> None:
    await fill(database, clock, 3, timedelta(hours=-1))

    assert await Housekeeping(database, clock).forget() == 0
    assert await count(database) == [3, 3, 3]


async def test_what_cannot_be_forgotten_keeps_nothing_else_from_it(
    database: Database, clock: FakeClock
) -> None:
    await fill(database, clock, 3, timedelta(hours=1))
    forgotten = 0

    async def too_long(_tx: Transaction, _older_than: datetime) -> int:
        raise TookTooLong("The database is away.", service="database", retry_after=0.2)

    async def forget_names(_tx: Transaction, _older_than: datetime) -> int:
        nonlocal forgotten
        forgotten += 1
        return 0

    more = [(too_long, FEED_AGE), (forget_names, FEED_AGE)]
    with pytest.raises(TookTooLong):
        await Housekeeping(database, clock, more).forget()

    assert forgotten == 1
    assert await count(database) == [0, 0, 0]


async def test_it_is_done_every_hour_until_stopped(database: Database, clock: FakeClock) -> None:
    housekeeping = Housekeeping(database, clock)
    running = asyncio.create_task(housekeeping.run())
    await eventually(lambda: clock.sleepers == 1)
    await fill(database, clock, 3, timedelta(hours=1))
    clock.advance(3_600.0)
    await eventually(lambda: is_empty(database))

    await housekeeping.stop()
    await running


async def is_empty(database: Database) -> bool:
    return await count(database) == [0, 0, 0]

"""The ledger is told of each receipt once, though workers sleep through their leases."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from ordermesh.kernel.clock import SystemClock
from ordermesh.kernel.errors import Unavailable
from ordermesh.returns.domain.order_return import (
    Actor,
    Disposal,
    Disposition,
    Grade,
    Receipt,
    ReceivedUnits,
    RefundTiming,
    Return,
    ReturnLine,
    ReturnReason,
    ReturnState,
)
from ordermesh.returns.operations.receive import WORK_KIND, Poster
from ordermesh.returns.operations.records import Records
from ordermesh.returns.ports import LedgerRefused
from ordermesh.returns.store.returns import SqlReturnStore
from ordermesh.runtime import claims
from ordermesh.runtime.database import Database
from ordermesh.runtime.outbox import Outbox
from ordermesh.runtime.waiting import Waiters
from ordermesh.runtime.work import Claimed, enqueue

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


class Books:
    """A ledger that refuses the first request for a receipt, and answers it as often as it comes.

    The first answer is late; the first reply to what it does is lost.
    """

    def __init__(self) -> None:
        self.booked: list[int] = []
        self.asked, self.late = asyncio.Event(), asyncio.Event()
        self._answered = 0

    async def take_back(self, one: Return, receipt: Receipt) -> UUID:
        if receipt.ledger_refusals == 0:
            self._answered += 1
            if self._answered == 1:
                self.asked.set()
                await self.late.wait()
            raise LedgerRefused("KEY_CLOSED")
        if receipt.ledger_refusals not in self.booked:
            self.booked.append(receipt.ledger_refusals)
            raise Unavailable("The reply is lost.", service="inventory", retry_after=0.0)
        return uuid4()

    async def dispose(self, one: Return, disposal: Disposal) -> UUID:
        raise NotImplementedError


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url, clock=SystemClock())
    yield opened
    await opened.close()


def received() -> Return:
    came = ReceivedUnits("1", "MUG", 1, Grade.GOOD, Disposition.RESTOCK)
    return Return(
        return_id="R-1",
        order_id="O-1",
        state=ReturnState.RECEIVED,
        refund_timing=RefundTiming.NOW,
        location_id="WEST",
        location_reason="",
        lines=(ReturnLine("1", "MUG", 1, ReturnReason.UNWANTED, received=1),),
        receipts=(Receipt(1, "WEST", (came,), Actor("store"), NOON),),
        create_time=NOON,
        update_time=NOON,
    )


async def claim(database: Database) -> Claimed:
    """The row, under a lease that is over at once."""
    (row,) = await database.run(
        lambda tx: claims.claim(tx, WORK_KIND, alone=False, limit=1, lease_seconds=0)
    )
    return Claimed.of(row)


async def test_who_hears_of_a_refusal_late_makes_nobody_tell_twice(database: Database) -> None:
    async def go_on(_point: str) -> None:
        return

    records = Records(SqlReturnStore(), Outbox("returns", {}), Waiters(SystemClock()))
    await database.run(lambda tx: records.create(tx, received(), ()))
    await database.run(lambda tx: enqueue(tx, kind=WORK_KIND, key="R-1", payload=b"receipt:1"))
    books = Books()
    handle = Poster(database, books, records, go_on).work_kind().handle
    sleeper: asyncio.Future[None] = asyncio.ensure_future(handle([await claim(database)]))
    await books.asked.wait()
    await asyncio.sleep(0)
    for _ in range(2):
        with suppress(LedgerRefused, Unavailable):
            await handle([await claim(database)])

    books.late.set()
    with pytest.raises(LedgerRefused):
        await sleeper
    with suppress(Unavailable):
        await handle([await claim(database)])

    assert books.booked == [1]

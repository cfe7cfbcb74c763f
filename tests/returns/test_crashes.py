"""Returns stops at every point of telling the ledger, which may be away or refuse: told once."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import grpc
import pytest

from ordermesh.api.inventory.v1 import (
    BlockedKind,
    DisposedStock,
    DisposeStockRequest,
    ReturnedStock,
    ReturnStockRequest,
)
from ordermesh.api.returns.v1 import DisposeReturnedRequest, ReceiveReturnRequest, Return
from ordermesh.returns.domain.order_return import Receipt
from ordermesh.returns.domain.order_return import Return as OrderReturn
from ordermesh.returns.peers import LedgerPeer
from ordermesh.runtime.idempotency import prune
from tests.dialects import on_sqlite
from tests.eventually import eventually
from tests.returns.desk import (
    REFURBISHABLE,
    TO_BLOCK,
    TO_DISCARD,
    TO_RESTOCK,
    Desk,
    asked,
    came,
    quantities,
    receipt,
)
from tests.routing.house import key, line, new_id
from tests.routing.test_books_in_doubt import doubt, free

pytestmark = on_sqlite


class Crash(Exception):
    """The process is gone."""


@pytest.mark.parametrize("point", ["before post", "after post", "marked"])
async def test_goods_are_on_sale_once_wherever_returns_stops(desk: Desk, point: str) -> None:
    await desk.house.stock({"MUG at NEAR": 2})
    await desk.sell("O-1", line("1", "MUG", 2))
    await desk.authorize("R-1", asked("1", 2), location_id="WEST")
    crashed = False

    def crash(reached: str) -> None:
        nonlocal crashed
        crashed = crashed or reached == point
        if crashed:
            raise Crash

    desk.at = crash
    request = receipt("R-1", came("1", 2))
    call: asyncio.Task[object] = asyncio.ensure_future(
        desk.mesh.returns.ReceiveReturn(request, timeout=2)
    )
    await eventually(lambda: crashed)
    await desk.stop_returns()
    await asyncio.gather(call, return_exceptions=True)
    desk.at = lambda _point: None
    await desk.start_returns()

    await eventually(lambda: is_answered(desk, request))
    await eventually(lambda: is_complete(desk))
    done = await desk.get("R-1")
    assert quantities(done) == {("1", "MUG"): (2, 2, 2, 0, 0)}
    assert [one.posted for one in done.receipts] == [True]
    assert await desk.stock("MUG at WEST") == (2, 0)
    assert await desk.house.books_balance()


async def test_goods_are_on_sale_once_though_the_ledger_has_forgotten_its_answer_to_returns(
    desk: Desk,
) -> None:
    await desk.house.stock({"MUG at NEAR": 1})
    await desk.sell("O-1", line("1", "MUG"))
    await desk.authorize("R-1", asked("1", 1), location_id="WEST")
    crashed = asyncio.Event()

    def crash(reached: str) -> None:
        if reached == "after post":
            crashed.set()
            raise Crash

    desk.at = crash
    request = receipt("R-1", came("1", 1))
    call: asyncio.Task[object] = asyncio.ensure_future(
        desk.mesh.returns.ReceiveReturn(request, timeout=2)
    )
    await crashed.wait()
    await desk.stop_returns()
    await asyncio.gather(call, return_exceptions=True)
    assert await desk.stock("MUG at WEST") == (1, 0)

    # Returns is started again when the ledger keeps no answer that it gave then.
    ledger = desk.house.inventory_database
    assert ledger is not None
    await ledger.run(lambda tx: prune(tx, datetime.now(UTC) + timedelta(minutes=1)))
    desk.at = lambda _point: None
    await desk.start_returns()

    await eventually(lambda: is_answered(desk, request))
    await eventually(lambda: is_complete(desk))
    assert await desk.stock("MUG at WEST") == (1, 0)


async def test_goods_are_received_though_the_ledger_is_away_and_told_to_it_later(
    desk: Desk,
) -> None:
    await desk.house.stock({"MUG at NEAR": 1})
    await desk.sell("O-1", line("1", "MUG"))
    await desk.authorize("R-1", asked("1", 1), location_id="WEST")
    await desk.house.stop_inventory()

    request = receipt("R-1", came("1", 1))
    reply = await desk.mesh.returns.ReceiveReturn(request, timeout=2)

    assert reply.order_return.state == Return.STATE_RECEIVED
    assert not reply.order_return.receipts[0].posted
    await desk.house.start_inventory()
    await eventually(lambda: is_complete(desk))
    assert await desk.stock("MUG at WEST") == (1, 0)


async def test_what_the_ledger_refused_is_posted_when_the_cause_is_gone(desk: Desk) -> None:
    await desk.house.stock({"MUG at NEAR": 1})
    await desk.sell("O-1", line("1", "MUG"))
    await desk.authorize("R-1", asked("1", 1), location_id="WEST")
    await desk.receive("R-1", came("1", 1, REFURBISHABLE))
    found = key("MUG at WEST")
    one = DisposedStock(key=found, quantity=1, disposition=TO_DISCARD)
    await desk.mesh.ledger.DisposeStock(DisposeStockRequest(request_id=new_id(), lines=[one]))

    request = DisposeReturnedRequest(request_id=new_id(), return_id="R-1")
    request.lines.add(line_id="1", sku="MUG", quantity=1, disposition=TO_RESTOCK)
    reply = await desk.mesh.dispositions.DisposeReturned(request, timeout=1)

    assert quantities(reply.order_return) == {("1", "MUG"): (1, 1, 0, 0, 0)}
    damaged = BlockedKind.BLOCKED_KIND_DAMAGED
    back = ReturnedStock(key=found, quantity=1, disposition=TO_BLOCK, blocked_kind=damaged)
    await desk.mesh.ledger.ReturnStock(ReturnStockRequest(request_id=new_id(), lines=[back]))
    await eventually(lambda: is_restocked(desk))
    assert await desk.stock("MUG at WEST") == (1, 0)


async def test_a_call_that_was_late_finds_done_what_was_refused_for_a_while(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[LedgerPeer, OrderReturn, Receipt]] = []
    take_back = LedgerPeer.take_back

    async def noted(peer: LedgerPeer, one: OrderReturn, receipt: Receipt) -> UUID:
        calls.append((peer, one, receipt))
        return await take_back(peer, one, receipt)

    monkeypatch.setattr(LedgerPeer, "take_back", noted)
    await desk.house.stock({"MUG at NEAR": 2, "MUG at WEST": 1})
    await desk.sell("O-1", line("1", "MUG"))
    await desk.authorize("R-1", asked("1", 1), location_id="WEST")
    await doubt(desk.house, "MUG at WEST")
    request = receipt("R-1", came("1", 1))
    await desk.mesh.returns.ReceiveReturn(request, timeout=3)
    await eventually(lambda: len(calls) > 1)
    await free(desk.house, "MUG at WEST")
    await eventually(lambda: is_complete(desk))
    assert await desk.stock("MUG at WEST") == (2, 0)

    # A copy of the first call was on its way for long.
    await take_back(*calls[0])

    assert await desk.stock("MUG at WEST") == (2, 0)


async def test_goods_are_on_sale_once_though_returns_was_not_let_in_for_a_while(
    desk: Desk,
) -> None:
    await desk.house.stock({"MUG at NEAR": 1})
    await desk.sell("O-1", line("1", "MUG"))
    await desk.authorize("R-1", asked("1", 1), location_id="WEST")
    reached: list[str] = []

    def crash(point: str) -> None:
        reached.append(point)
        if point == "after post":
            raise Crash

    desk.at = crash
    request = receipt("R-1", came("1", 1))
    call: asyncio.Task[object] = asyncio.ensure_future(
        desk.mesh.returns.ReceiveReturn(request, timeout=2)
    )
    await eventually(lambda: "after post" in reached)
    await desk.stop_returns()
    await asyncio.gather(call, return_exceptions=True)

    # It shows a certificate by mistake that is not its own.
    reached.clear()
    await desk.start_returns(caller="notify")
    await eventually(lambda: reached.count("before post") > 1)
    await desk.stop_returns()
    desk.at = lambda _point: None
    await desk.start_returns()

    await eventually(lambda: is_answered(desk, request))
    await eventually(lambda: is_complete(desk))
    assert await desk.stock("MUG at WEST") == (1, 0)


async def is_restocked(desk: Desk) -> bool:
    return quantities(await desk.get("R-1")) == {("1", "MUG"): (1, 1, 1, 0, 0)}


async def is_answered(desk: Desk, request: ReceiveReturnRequest) -> bool:
    """Whether a retry is answered: a connection that has just been refused takes a moment."""
    try:
        reply = await desk.mesh.returns.ReceiveReturn(request, timeout=20)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            raise
        return False
    return len(reply.order_return.receipts) == 1


async def is_complete(desk: Desk) -> bool:
    return (await desk.get("R-1")).state == Return.STATE_COMPLETED

"""The client that lets calls travel together, against the real service."""

import asyncio

import grpc

from ordermesh.api.inventory.v1 import (
    ListBalancesRequest,
    PutItemsRequest,
    PutLocationsRequest,
    ReceiveStockRequest,
    ReserveRequest,
    ReserveResponse,
    StockLine,
    VerifyLedgerRequest,
)
from ordermesh.client import CoalescingReserver, refusal_of
from tests.inventory.messages import item, key, location, new_id, reserve_lines
from tests.servers import Served


def wish(quantity: int) -> ReserveRequest:
    return ReserveRequest(
        request_id=new_id(),
        reservation_id=new_id(),
        lines=reserve_lines({"MUG at A": quantity}),
    )


async def test_many_callers_share_calls_and_no_unit_is_sold_twice(served: Served) -> None:
    mesh = served.mesh
    await mesh.items.PutItems(PutItemsRequest(request_id=new_id(), items=[item("MUG")]))
    await mesh.locations.PutLocations(
        PutLocationsRequest(request_id=new_id(), locations=[location("A")])
    )
    lines = [StockLine(key=key("MUG at A"), quantity=100)]
    await mesh.ledger.ReceiveStock(ReceiveStockRequest(request_id=new_id(), lines=lines))
    requests = [wish(1) for _ in range(150)] + [wish(-1)]

    async with CoalescingReserver(mesh.reservations) as reserver:

        async def ask(request: ReserveRequest) -> ReserveResponse | grpc.aio.AioRpcError:
            try:
                return await reserver.reserve(request, timeout=30.0)
            except grpc.aio.AioRpcError as error:
                return error

        answers = await asyncio.gather(*map(ask, requests))
        again = await asyncio.gather(*map(ask, requests))

    made = [answer for answer in answers if isinstance(answer, ReserveResponse)]
    refusals = [refusal_of(one) for one in answers if isinstance(one, grpc.aio.AioRpcError)]
    assert len(made) == 100
    reasons = [refusal.reason for refusal in refusals if refusal is not None]
    assert sorted(reasons) == ["FIELD_VIOLATION", *["INSUFFICIENT_STOCK"] * 50]
    # Asked again, in other groups: the same answers.
    assert [_words(answer) for answer in again] == [_words(answer) for answer in answers]
    # A call of its own, with the same id, gets it too.
    assert await mesh.reservations.Reserve(requests[0]) == answers[0]
    balances = await mesh.ledger.ListBalances(ListBalancesRequest(skus=["MUG"]))
    assert balances.balances[0].reserved == 100
    verified = [one async for one in mesh.ledger.VerifyLedger(VerifyLedgerRequest())]
    assert verified[-1].balanced


def _words(answer: ReserveResponse | grpc.aio.AioRpcError) -> object:
    if isinstance(answer, ReserveResponse):
        return answer.SerializeToString(deterministic=True)
    return answer.code(), refusal_of(answer)

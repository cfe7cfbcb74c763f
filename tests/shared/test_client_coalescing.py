"""Calls that travel together are to each caller what a call of its own would have been."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from ordermesh.api.inventory.v1 import (
    Reservation,
    ReservationServiceServicer,
    ReserveBulkRequest,
    ReserveBulkResponse,
    ReserveRequest,
    ReserveResponse,
    ReserveVerdict,
    add_ReservationServiceServicer_to_server,
)
from ordermesh.client import CoalescingReserver, Mesh, refusal_of
from ordermesh.client.testing import refuse, serving
from tests.eventually import eventually
from tests.inventory.messages import new_id, reserve_lines

FAILED = grpc.StatusCode.FAILED_PRECONDITION


class Fake(ReservationServiceServicer):
    """Answers when it is let: refuses orders called BAD; notes what it got together."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.fails_with: grpc.StatusCode | None = None
        self.under_way = 0
        self.peak = 0

    async def Reserve(  # noqa: N802 - the contract's name
        self, request: ReserveRequest, context: Any
    ) -> ReserveResponse:
        await self._enter([request], context)
        if request.order_id == "BAD":
            await refuse(context, "INSUFFICIENT_STOCK", service="inventory", metadata={"sku": "X"})
        return _reply(request)

    async def ReserveBulk(  # noqa: N802 - the contract's name
        self, request: ReserveBulkRequest, context: Any
    ) -> ReserveBulkResponse:
        await self._enter(request.requests, context)
        return ReserveBulkResponse(verdicts=map(_verdict, request.requests))

    async def _enter(self, requests: Any, context: Any) -> None:
        self.groups.append([one.order_id for one in requests])
        self.under_way += 1
        self.peak = max(self.peak, self.under_way)
        try:
            await self.open.wait()
        finally:
            self.under_way -= 1
        if self.fails_with is not None:
            await refuse(
                context, "OVERLOADED", code=self.fails_with, service="inventory", retry_after=0.5
            )


def _reply(request: ReserveRequest) -> ReserveResponse:
    return ReserveResponse(
        reservation=Reservation(reservation_id=request.reservation_id, order_id=request.order_id)
    )


def _verdict(request: ReserveRequest) -> ReserveVerdict:
    if request.order_id != "BAD":
        return ReserveVerdict(reply=_reply(request))
    info = Packed()
    info.Pack(
        ErrorInfo(reason="INSUFFICIENT_STOCK", domain="inventory.ordermesh", metadata={"sku": "X"})
    )
    status = Status(code=FAILED.value[0], message="Too little is there.", details=[info])
    return ReserveVerdict(refusal=status)


@pytest.fixture
def fake() -> Fake:
    return Fake()  # type: ignore[abstract]  # only what is called


@pytest.fixture
async def mesh(fake: Fake) -> AsyncIterator[Mesh]:
    registration = (add_ReservationServiceServicer_to_server, fake)
    async with serving({"inventory": [registration]}, caller="webshop") as opened:
        yield opened


def wish(order_id: str) -> ReserveRequest:
    return ReserveRequest(
        request_id=new_id(),
        reservation_id=new_id(),
        order_id=order_id,
        lines=reserve_lines({"MUG at A": 1}),
    )


async def test_a_lone_call_is_sent_as_it_is(fake: Fake, mesh: Mesh) -> None:
    async with CoalescingReserver(mesh.reservations) as reserver:
        request = wish("1")
        reply = await reserver.reserve(request)

        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await reserver.reserve(wish("BAD"))

    assert reply.reservation.reservation_id == request.reservation_id
    assert fake.groups == [["1"], ["BAD"]]
    refusal = refusal_of(refused.value)
    assert refusal is not None
    assert refusal.reason == "INSUFFICIENT_STOCK"


async def test_calls_of_one_moment_travel_together_and_each_gets_its_own_answer(
    fake: Fake, mesh: Mesh
) -> None:
    names = ["1", "BAD", "2", "3", "BAD", "4"]
    async with CoalescingReserver(mesh.reservations) as reserver:
        answers = await asyncio.gather(
            *(reserver.reserve(wish(name)) for name in names), return_exceptions=True
        )

    assert fake.groups == [names]
    for name, answer in zip(names, answers, strict=True):
        if name != "BAD":
            assert isinstance(answer, ReserveResponse)
            assert answer.reservation.order_id == name
            continue
        assert isinstance(answer, grpc.aio.AioRpcError)
        assert (answer.code(), answer.details()) == (FAILED, "Too little is there.")
        refusal = refusal_of(answer)
        assert refusal is not None
        assert (refusal.reason, refusal.metadata) == ("INSUFFICIENT_STOCK", {"sku": "X"})


async def test_what_comes_while_two_calls_are_under_way_is_the_next(fake: Fake, mesh: Mesh) -> None:
    fake.open.clear()
    async with CoalescingReserver(mesh.reservations, requests_max=3) as reserver:
        asked = [asyncio.create_task(reserver.reserve(wish("1")))]
        await eventually(lambda: fake.under_way == 1)
        asked.append(asyncio.create_task(reserver.reserve(wish("2"))))
        await eventually(lambda: fake.under_way == 2)
        asked += [asyncio.create_task(reserver.reserve(wish(str(one)))) for one in range(3, 8)]
        await asyncio.sleep(0.05)
        assert fake.under_way == 2
        fake.open.set()
        await asyncio.gather(*asked)

    assert fake.peak == 2
    assert fake.groups[:2] == [["1"], ["2"]]
    assert fake.groups[2:] == [["3", "4", "5"], ["6", "7"]]


async def test_a_caller_that_is_cancelled_before_it_is_sent_takes_its_request_back(
    fake: Fake, mesh: Mesh
) -> None:
    fake.open.clear()
    async with CoalescingReserver(mesh.reservations, in_flight=1) as reserver:
        first = asyncio.create_task(reserver.reserve(wish("1")))
        await eventually(lambda: fake.under_way == 1)
        gone, stays = (asyncio.create_task(reserver.reserve(wish(name))) for name in ("2", "3"))
        await asyncio.sleep(0.01)
        gone.cancel()
        await asyncio.sleep(0)
        fake.open.set()
        await asyncio.gather(first, stays)

    assert gone.cancelled()
    assert fake.groups == [["1"], ["3"]]


async def test_a_caller_that_is_cancelled_later_disturbs_nobody(fake: Fake, mesh: Mesh) -> None:
    fake.open.clear()
    async with CoalescingReserver(mesh.reservations) as reserver:
        gone, stays = (asyncio.create_task(reserver.reserve(wish(name))) for name in ("1", "2"))
        await eventually(lambda: fake.under_way == 1)
        gone.cancel()
        await asyncio.sleep(0)
        fake.open.set()
        reply = await stays

    assert reply.reservation.order_id == "2"
    assert fake.groups == [["1", "2"]]


async def test_each_caller_has_its_own_deadline(fake: Fake, mesh: Mesh) -> None:
    fake.open.clear()
    async with CoalescingReserver(mesh.reservations, in_flight=1) as reserver:
        patient = asyncio.create_task(reserver.reserve(wish("1"), timeout=30.0))
        hasty = asyncio.create_task(reserver.reserve(wish("2"), timeout=0.05))
        await eventually(lambda: fake.under_way == 1)
        late = asyncio.create_task(reserver.reserve(wish("3"), timeout=0.05))
        for one in (hasty, late):
            with pytest.raises(grpc.aio.AioRpcError) as over:
                await one
            assert over.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        fake.open.set()

        assert (await patient).reservation.order_id == "1"

    # What was not sent in time is not sent at all.
    assert fake.groups == [["1", "2"]]


async def test_a_refusal_of_the_whole_call_is_everybody_s(fake: Fake, mesh: Mesh) -> None:
    fake.fails_with = grpc.StatusCode.RESOURCE_EXHAUSTED
    async with CoalescingReserver(mesh.reservations) as reserver:
        answers = await asyncio.gather(
            *(reserver.reserve(wish(str(one))) for one in range(3)), return_exceptions=True
        )
        fake.fails_with = None
        again = await reserver.reserve(wish("again"))

    for answer in answers:
        assert isinstance(answer, grpc.aio.AioRpcError)
        refusal = refusal_of(answer)
        assert refusal is not None
        assert (refusal.reason, refusal.retry_after) == ("OVERLOADED", 0.5)
    assert again.reservation.order_id == "again"


async def test_a_server_that_is_away_is_everybody_s_unknown_outcome(mesh: Mesh) -> None:
    await mesh.close()
    async with (
        Mesh({"inventory": "127.0.0.1:1"}) as nowhere,
        CoalescingReserver(nowhere.reservations) as reserver,
    ):
        answers = await asyncio.gather(
            *(reserver.reserve(wish(str(one))) for one in range(2)), return_exceptions=True
        )

    assert [
        answer.code() if isinstance(answer, grpc.aio.AioRpcError) else answer for answer in answers
    ] == [grpc.StatusCode.UNAVAILABLE] * 2


async def test_whom_a_closed_mesh_cannot_send_is_told_at_once(fake: Fake, mesh: Mesh) -> None:
    async with CoalescingReserver(mesh.reservations) as reserver:
        await reserver.reserve(wish("sent"))
        await mesh.close()
        async with asyncio.timeout(5):
            answers = await asyncio.gather(
                *(reserver.reserve(wish(str(one)), timeout=60.0) for one in range(2)),
                return_exceptions=True,
            )

    assert fake.groups == [["sent"]]
    assert [type(answer) for answer in answers] == [grpc.aio.UsageError] * 2


async def test_requests_that_are_large_together_travel_apart(fake: Fake, mesh: Mesh) -> None:
    large = [wish(str(number)) for number in range(3)]
    for request in large:
        for _ in range(9):
            request.lines.extend(reserve_lines({f"{'S' * 120} at A": 1}) * 250)
    assert 300_000 < large[0].ByteSize() < 450_000

    async with CoalescingReserver(mesh.reservations) as reserver:
        await asyncio.gather(*(reserver.reserve(one) for one in large))

    assert sorted(len(group) for group in fake.groups) == [1, 2]


async def test_a_reserver_that_is_closed_finishes_what_it_has_and_takes_no_more(
    fake: Fake, mesh: Mesh
) -> None:
    fake.open.clear()
    reserver = CoalescingReserver(mesh.reservations, in_flight=1)
    asked = [asyncio.create_task(reserver.reserve(wish(str(one)))) for one in range(2)]
    await eventually(lambda: fake.under_way == 1)
    asked.append(asyncio.create_task(reserver.reserve(wish("2"))))
    await asyncio.sleep(0.01)
    closing = asyncio.create_task(reserver.close())
    await asyncio.sleep(0.01)
    fake.open.set()

    await closing

    assert [one.result().reservation.order_id for one in asked] == ["0", "1", "2"]
    with pytest.raises(RuntimeError):
        await reserver.reserve(wish("late"))

"""Many requests in one call: each is decided for itself, and none can harm another."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from sqlalchemy import func, select

from ordermesh.api.inventory.v1 import (
    Reservation,
    ReservationLine,
    ReserveBulkRequest,
    ReserveResponse,
    ReserveStreamRequest,
    ReserveStreamResponse,
    SupplyWait,
)
from ordermesh.client.errors import refusal_of
from ordermesh.inventory.domain.plain import FreeStock, Granted, PlainAsk
from ordermesh.inventory.servicer import reservations
from ordermesh.kernel.errors import Overloaded, RuleViolated
from ordermesh.runtime import batching
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.idempotency import RequestIdReused
from ordermesh.runtime.tables import reply
from tests.eventually import eventually
from tests.inventory.bulk import bulk, detail, held_for, one, reason, reasons, wish
from tests.inventory.caller import NO_CONTEXT
from tests.inventory.messages import reserve_lines
from tests.inventory.shop import Shop
from tests.servers import Served

HELD = ReservationLine.STATE_HELD
EXPIRED = ReservationLine.STATE_EXPIRED

pytestmark = pytest.mark.usefixtures("reserving")


async def replies_of(shop: Shop) -> int:
    async def count(tx: Transaction) -> int:
        found = await tx.execute(select(func.count()).select_from(reply))
        return int(found.scalar_one())

    return await shop.wiring.database.read(count)


async def test_each_request_has_its_verdict_in_its_place(shop: Shop) -> None:
    await shop.stock({"MUG at A": 3, "CUP at A": 1})
    wanted = [
        wish("MUG at A", 2),
        wish("CUP at A", 2),
        wish("NOBODY at A"),
        wish("MUG at MOON"),
        wish("MUG at A", 2),
        wish("MUG at A", 1),
        wish("MUG at B", 1),
    ]

    verdicts = await bulk(shop, *wanted)

    assert reasons(verdicts) == [
        "",
        "INSUFFICIENT_STOCK",
        "UNKNOWN_SKU",
        "UNKNOWN_LOCATION",
        "INSUFFICIENT_STOCK",
        "",
        "NOT_STOCKED_HERE",
    ]
    assert verdicts[0].reply.reservation.reservation_id == wanted[0].reservation_id
    short = detail(verdicts[4].refusal, ErrorInfo).metadata
    assert (short["sku"], short["wanted"], short["available"]) == ("MUG", "2", "1")
    assert detail(verdicts[4].refusal, ErrorInfo).domain == "inventory.ordermesh"
    assert verdicts[2].refusal.code == grpc.StatusCode.NOT_FOUND.value[0]
    assert (await shop.balance("MUG at A")).reserved == 3
    assert (await shop.balance("CUP at A")).reserved == 0
    assert await shop.is_sound()


async def test_what_breaks_a_rule_of_the_contract_is_refused_alone(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    negative = wish("MUG at A", -1)
    nameless = wish("MUG at A", request_id="not a uuid")
    twice = wish("MUG at A", lines=reserve_lines([("1", "MUG at A", 1), ("1", "MUG at A", 1)]))

    verdicts = await bulk(shop, negative, wish(), nameless, twice, wish())

    assert reasons(verdicts) == [
        "FIELD_VIOLATION",
        "",
        "FIELD_VIOLATION",
        "DUPLICATE_ENTRY",
        "",
    ]
    violation = detail(verdicts[0].refusal, BadRequest).field_violations[0]
    assert violation.field == "lines[0].quantity"
    assert (await shop.balance("MUG at A")).reserved == 2


async def test_who_takes_what_there_is_and_waits_nevertheless_is_refused_alone(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    whole = wish("MUG at A", 1, best_effort=True, wait=SupplyWait())
    line_alone = wish("MUG at A", 1, best_effort=True)
    line_alone.lines[0].wait.SetInParent()

    verdicts = await bulk(shop, whole, wish("MUG at A", 1), line_alone)

    assert reasons(verdicts) == ["FIELD_VIOLATION", "", "FIELD_VIOLATION"]
    violation = detail(verdicts[2].refusal, BadRequest).field_violations[0]
    assert violation.field == "lines[0].wait"
    assert (await shop.balance("MUG at A")).reserved == 1
    assert await shop.is_sound()


async def test_a_request_that_comes_twice_in_one_call_is_done_once(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    request = wish("MUG at A", 2)

    verdicts = await bulk(shop, request, wish("MUG at A", 9), request)

    assert verdicts[0] == verdicts[2]
    assert reasons(verdicts) == ["", "INSUFFICIENT_STOCK", ""]
    assert (await shop.balance("MUG at A")).reserved == 2
    refused = wish("MUG at A", 99)
    first, second = await bulk(shop, refused, refused)
    assert first == second
    assert reason(first) == "INSUFFICIENT_STOCK"


async def test_one_id_for_two_requests_is_refused_to_the_second(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    first = wish("MUG at A", 1)
    other = wish("MUG at A", 2, request_id=first.request_id)

    verdicts = await bulk(shop, first, other)

    assert reasons(verdicts) == ["", "REQUEST_ID_REUSED"]
    assert detail(verdicts[1].refusal, ErrorInfo).metadata["requestId"] == first.request_id
    assert reasons(await bulk(shop, other)) == ["REQUEST_ID_REUSED"]
    with pytest.raises(RequestIdReused):
        await one(shop, other)
    assert (await shop.balance("MUG at A")).reserved == 1


async def test_an_answer_stays_what_it_was_however_it_is_asked_for_again(shop: Shop) -> None:
    await shop.stock({"MUG at A": 2})
    alone, refused, first, second = wish(), wish("MUG at A", 9), wish(), wish()
    answered = await one(shop, alone)
    verdicts = await bulk(shop, refused, first, second)
    assert reasons(verdicts) == ["INSUFFICIENT_STOCK", "", "INSUFFICIENT_STOCK"]
    await shop.receive({"MUG at A": 50})
    before = await shop.dump()

    # In other groups, in another order, through the other method, and with one that is new.
    again = [await bulk(shop, second, first), await bulk(shop, alone, refused)]
    unary = await one(shop, first)
    with pytest.raises(RuleViolated) as sold_out:
        await one(shop, second)

    assert again[0] == [verdicts[2], verdicts[1]]
    assert again[1][0].reply == answered
    assert again[1][1] == verdicts[0]
    assert unary == verdicts[1].reply
    assert sold_out.value.reason == "INSUFFICIENT_STOCK"
    assert await shop.dump() == before


async def test_replays_do_not_take_from_those_that_are_new(shop: Shop) -> None:
    await shop.stock({"MUG at A": 3})
    old = wish("MUG at A", 2)
    await bulk(shop, old)

    verdicts = await bulk(shop, old, wish("MUG at A", 1), old)

    assert reasons(verdicts) == ["", "", ""]
    assert (await shop.balance("MUG at A")).reserved == 3
    assert await shop.is_sound()


async def test_refusals_that_are_no_decision_are_not_kept(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1})
    early = wish("CUP at A")
    assert reasons(await bulk(shop, early, wish())) == ["UNKNOWN_SKU", ""]

    await shop.stock({"CUP at A": 1})

    assert reasons(await bulk(shop, early)) == [""]


async def test_one_that_makes_the_transaction_fail_is_found_and_the_others_stand(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.stock({"MUG at A": 50})
    grant = FreeStock.grant

    def stumble(stock: FreeStock, ask: PlainAsk) -> Granted | None:
        if ask.order_id == "POISON":
            raise ArithmeticError("a bug")
        return grant(stock, ask)

    monkeypatch.setattr(FreeStock, "grant", stumble)
    wanted = [wish(order_id="POISON" if number == 5 else "") for number in range(9)]

    verdicts = await bulk(shop, *wanted)

    assert reasons(verdicts) == ["", "", "", "", "", "INTERNAL", "", "", ""]
    assert "bug" not in verdicts[5].refusal.message
    assert (await shop.balance("MUG at A")).reserved == 8
    assert await shop.is_sound()
    monkeypatch.undo()
    assert reasons(await bulk(shop, *wanted)) == [""] * 9


async def test_a_caller_that_is_gone_before_its_turn_changes_nothing(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    await one(shop, wish())
    stored = await replies_of(shop)
    gone = asyncio.create_task(one(shop, wish("MUG at A", 3)))
    # Cancelled before the worker has run at all.
    await asyncio.sleep(0)
    gone.cancel()
    stays = asyncio.create_task(one(shop, wish()))
    await stays

    assert gone.cancelled()
    await eventually(lambda: shop.wiring.database.running == 0)
    assert (await shop.balance("MUG at A")).reserved == 2
    assert await replies_of(shop) == stored + 1
    assert await shop.is_sound()


async def test_overload_refuses_with_a_time_to_come_back_and_records_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.stock({"MUG at A": 5})
    monkeypatch.setattr(shop.reservations._reserving._batcher, "_waiting_max", 2)
    before = await shop.dump()
    stored = await replies_of(shop)
    wanted = [wish() for _ in range(3)]

    with pytest.raises(Overloaded) as refused:
        await bulk(shop, *wanted)

    assert refused.value.retry_after > 0
    assert await shop.dump() == before
    assert await replies_of(shop) == stored
    assert reasons(await bulk(shop, *wanted[:2])) == ["", ""]


async def test_over_the_wire_overload_is_resource_exhausted_with_retry_info(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching.Batcher, "_wait", _overloaded)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await served.mesh.reservations.ReserveBulk(ReserveBulkRequest(requests=[wish()]))

    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    refusal = refusal_of(refused.value)
    assert refusal is not None
    assert refusal.reason == "OVERLOADED"
    assert refusal.retry_after is not None
    assert RetryInfo.DESCRIPTOR.full_name == "google.rpc.RetryInfo"


def _overloaded(*_: object) -> None:
    raise Overloaded("Too many calls wait.", retry_after=0.1)


async def test_calls_of_many_clients_at_once_share_transactions(shop: Shop) -> None:
    await shop.stock({"MUG at A": 30})
    begun = 0
    run = shop.wiring.database.run

    async def counted(work: Any, **how: Any) -> Any:
        nonlocal begun
        begun += 1
        return await run(work, **how)

    shop.wiring.database.run = counted  # type: ignore[method-assign]
    answers = await asyncio.gather(*(one(shop, wish()) for _ in range(40)), return_exceptions=True)

    made = [answer for answer in answers if isinstance(answer, ReserveResponse)]
    assert len(made) == 30
    assert begun <= 3
    assert await shop.is_sound()


class Frames:
    """A stream of requests that counts what was read of it."""

    def __init__(self, frames: Sequence[ReserveStreamRequest]) -> None:
        self.read = 0
        self._frames = frames

    async def __aiter__(self) -> AsyncIterator[ReserveStreamRequest]:
        for frame in self._frames:
            self.read += 1
            yield frame


async def test_a_stream_answers_frames_in_order_with_a_verdict_for_each_request(
    shop: Shop,
) -> None:
    await shop.stock({"MUG at A": 10})
    frames = Frames(
        [
            ReserveStreamRequest(frame=number, requests=[wish(quantity=2), wish("MUG at B")])
            for number in range(7)
        ]
    )

    answers = [
        answer async for answer in shop.reservations.ReserveStream(frames.__aiter__(), NO_CONTEXT)
    ]

    assert [answer.frame for answer in answers] == list(range(7))
    for number, answer in enumerate(answers):
        wanted = "" if number < 5 else "INSUFFICIENT_STOCK"
        assert reasons(answer.verdicts) == [wanted, "NOT_STOCKED_HERE"]
    assert await shop.is_sound()


async def test_no_more_frames_are_read_than_a_few_ahead(shop: Shop) -> None:
    await shop.stock({"MUG at A": 99})
    frames = Frames([ReserveStreamRequest(frame=number, requests=[wish()]) for number in range(30)])

    answers = shop.reservations.ReserveStream(frames.__aiter__(), NO_CONTEXT)
    first: ReserveStreamResponse = await anext(answers)
    await asyncio.sleep(0.2)

    assert first.frame == 0
    assert frames.read <= reservations.FRAMES_AHEAD + 2
    await answers.aclose()  # type: ignore[attr-defined]  # it is a generator
    await eventually(lambda: shop.wiring.database.running == 0)
    assert await shop.is_sound()


async def test_over_the_wire_a_bulk_and_a_stream_answer_alike(served: Served) -> None:
    mesh = served.mesh
    requests = [wish("NOBODY at A"), wish("NOBODY at A", -1)]

    reply_ = await mesh.reservations.ReserveBulk(ReserveBulkRequest(requests=requests))

    async def frames() -> AsyncIterator[ReserveStreamRequest]:
        yield ReserveStreamRequest(frame=1, requests=requests)

    streamed = [answer async for answer in mesh.reservations.ReserveStream(frames())]
    assert reasons(reply_.verdicts) == ["UNKNOWN_SKU", "FIELD_VIOLATION"]
    assert [list(answer.verdicts) for answer in streamed] == [list(reply_.verdicts)]


async def test_a_held_reservation_of_a_bulk_is_like_any_other(shop: Shop) -> None:
    await shop.stock({"MUG at A": 2})
    request = held_for(wish("MUG at A", 2, order_id="X"), 60)

    (verdict,) = await bulk(shop, request)

    made: Reservation = verdict.reply.reservation
    assert made == await shop.reservation(request.reservation_id)
    assert [line.state for line in made.lines] == [HELD]
    held = made.lines[0].expire_time.ToDatetime() - made.create_time.ToDatetime()
    assert held == timedelta(seconds=60)

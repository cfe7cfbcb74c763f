"""What cannot be told is not done: answers that would not fit in a message."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence

import grpc
import pytest
from google.rpc.status_pb2 import Status

from ordermesh.api.inventory.v1 import (
    GetReservationRequest,
    LineSelection,
    ListBalancesRequest,
    PutItemsRequest,
    PutLocationsRequest,
    ReassignBulkRequest,
    ReceiveStockRequest,
    ReleaseRequest,
    ReleaseResponse,
    Reservation,
    ReservationLine,
    ReserveBulkRequest,
    ReserveBulkResponse,
    ReserveLine,
    ReserveRequest,
    ReserveResponse,
    ReserveStreamRequest,
    ReserveVerdict,
    ShipRequest,
    ShipResponse,
    ShortResponse,
    StockLine,
)
from ordermesh.api.order.v1 import StockKey
from ordermesh.client import CoalescingReserver, refusal_of
from ordermesh.inventory.domain.errors.requests import TooMuchAsked
from ordermesh.inventory.servicer.fitting import fit
from ordermesh.runtime.limits import Limits
from tests.inventory.bulk import reasons
from tests.inventory.caller import NO_CONTEXT
from tests.inventory.messages import item, leaving, location, new_id, selection
from tests.inventory.shop import Shop
from tests.servers import Served

TOO_MUCH = "TOO_MUCH_ASKED"


def long(name: str) -> str:
    """An id as long as one may be."""
    return name.rjust(128, "😀")


KIT, HERE, THERE = long("KIT"), long("HERE"), long("THERE")
PARTS = {long(f"PART-{number}"): 1 for number in range(50)}


def kits(count: int = 1, **fields: object) -> ReserveRequest:
    lines = [
        ReserveLine(line_id=long(str(number)), key=StockKey(sku=KIT, location_id=HERE), quantity=1)
        for number in range(count)
    ]
    return ReserveRequest(
        **{"request_id": new_id(), "reservation_id": new_id(), "confirm": True, **fields},  # type: ignore[arg-type]  # fields by name
        lines=lines,
    )


def stock(units: int) -> list[StockLine]:
    return [
        StockLine(key=StockKey(sku=part, location_id=place), quantity=units)
        for part in PARTS
        for place in (HERE, THERE)
    ]


@pytest.fixture
async def full(shop: Shop) -> Shop:
    await shop.put_locations(HERE, THERE)
    await shop.put_items(*PARTS)
    await shop.put_items(item(KIT, PARTS))
    request = ReceiveStockRequest(request_id=new_id(), lines=stock(1_000))
    with shop.calling("ReceiveStock"):
        await shop.ledger.ReceiveStock(request, NO_CONTEXT)
    return shop


async def bulk(shop: Shop, requests: Sequence[ReserveRequest]) -> ReserveBulkResponse:
    with shop.calling("ReserveBulk"):
        reply = await shop.reservations.ReserveBulk(
            ReserveBulkRequest(requests=requests), NO_CONTEXT
        )
    size = reply.ByteSize()
    assert size <= Limits.reply_bytes
    return reply


async def reserved(shop: Shop) -> int:
    with shop.calling("ListBalances"):
        request = ListBalancesRequest(skus=[next(iter(PARTS))])
        found = await shop.ledger.ListBalances(request, NO_CONTEXT)
    return sum(one.reserved for one in found.balances)


async def test_a_reservation_that_is_too_large_to_be_told_is_refused_and_holds_nothing(
    served: Served,
) -> None:
    mesh = served.mesh
    await mesh.locations.PutLocations(
        PutLocationsRequest(request_id=new_id(), locations=[location(HERE), location(THERE)])
    )
    for some in ([item(part) for part in PARTS], [item(KIT, PARTS)]):
        await mesh.items.PutItems(PutItemsRequest(request_id=new_id(), items=some))
    await mesh.ledger.ReceiveStock(ReceiveStockRequest(request_id=new_id(), lines=stock(1_000)))
    too_large, large = kits(100), kits(15)

    for _ in range(2):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await mesh.reservations.Reserve(too_large, timeout=30.0)
        refusal = refusal_of(refused.value)
        assert refusal is not None
        assert refusal.reason == TOO_MUCH
    nothing = await mesh.ledger.ListBalances(ListBalancesRequest(skus=[next(iter(PARTS))]))
    await mesh.reservations.Reserve(large, timeout=30.0)
    named = GetReservationRequest(reservation_id=large.reservation_id)
    found = await mesh.reservations.GetReservation(named)
    await mesh.reservations.Release(
        ReleaseRequest(request_id=new_id(), reservation_id=large.reservation_id), timeout=30.0
    )

    assert [one.reserved for one in nothing.balances] == [0, 0]
    assert len(found.reservation.lines) == 15 * 50


async def test_an_order_in_five_thousand_parts_is_held_or_told_what_is_missing(
    served: Served,
) -> None:
    mesh = served.mesh
    places, skus = [f"P-{n}" for n in range(5)], [f"SKU-{n}" for n in range(1_000)]
    known = PutLocationsRequest(request_id=new_id(), locations=[location(one) for one in places])
    await mesh.locations.PutLocations(known)
    await mesh.items.PutItems(PutItemsRequest(request_id=new_id(), items=[item(s) for s in skus]))
    keys = [StockKey(sku=sku, location_id=place) for place in places for sku in skus]
    for start in range(0, len(keys), 1_000):
        came = [StockLine(key=key, quantity=1) for key in keys[start : start + 1_000]]
        receive = ReceiveStockRequest(request_id=new_id(), lines=came)
        await mesh.ledger.ReceiveStock(receive, timeout=30.0)
    lines = [ReserveLine(line_id=key.sku, key=key, quantity=1) for key in keys]
    first, second = (
        ReserveRequest(request_id=new_id(), reservation_id=new_id(), lines=lines, confirm=True)
        for _ in range(2)
    )

    made = await mesh.reservations.Reserve(first, timeout=30.0)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await mesh.reservations.Reserve(second, timeout=30.0)
    left = [LineSelection(line_id=sku, location_id=places[0]) for sku in skus]
    ship = ShipRequest(request_id=new_id(), reservation_id=first.reservation_id, lines=left)
    shipped = await mesh.reservations.Ship(ship, timeout=30.0)
    release = ReleaseRequest(request_id=new_id(), reservation_id=first.reservation_id)
    freed = await mesh.reservations.Release(release, timeout=30.0)

    assert len(made.reservation.lines) == 5_000
    refusal = refusal_of(refused.value)
    assert refusal is not None
    assert refusal.reason == "INSUFFICIENT_STOCK"
    states = Counter(one.state for one in shipped.reservation.lines)
    assert states == {ReservationLine.STATE_SHIPPED: 1_000, ReservationLine.STATE_CONFIRMED: 4_000}
    states = Counter(one.state for one in freed.reservation.lines)
    assert states == {ReservationLine.STATE_SHIPPED: 1_000, ReservationLine.STATE_RELEASED: 4_000}


async def test_what_does_not_fit_in_the_reply_to_a_bulk_is_refused_and_not_done(
    full: Shop,
) -> None:
    requests = [kits() for _ in range(60)]

    first = reasons((await bulk(full, requests)).verdicts)

    granted = first.count("")
    assert first == [""] * granted + [TOO_MUCH] * (60 - granted)
    assert 30 < granted < 60
    assert await reserved(full) == granted
    again = reasons((await bulk(full, requests)).verdicts)
    assert again[:granted] == [""] * granted
    assert TOO_MUCH in again
    assert await reserved(full) == again.count("")
    surplus = requests[granted:]
    assert reasons((await bulk(full, surplus)).verdicts) == [""] * len(surplus)
    assert await reserved(full) == 60


async def test_a_frame_of_a_stream_is_answered_like_a_bulk(full: Shop) -> None:
    async def frames() -> AsyncIterator[ReserveStreamRequest]:
        yield ReserveStreamRequest(frame=1, requests=[kits() for _ in range(60)])

    with full.calling("ReserveStream"):
        [reply] = [one async for one in full.reservations.ReserveStream(frames(), NO_CONTEXT)]

    size = reply.ByteSize()
    assert size <= Limits.reply_bytes
    assert set(reasons(reply.verdicts)) == {"", TOO_MUCH}
    assert await reserved(full) == reasons(reply.verdicts).count("")


async def test_what_was_done_before_is_asked_for_again_in_another_call(full: Shop) -> None:
    requests = [kits() for _ in range(60)]
    made = [(await bulk(full, [one])).verdicts[0].reply for one in requests]

    verdicts = (await bulk(full, requests)).verdicts

    assert set(reasons(verdicts)) == {"", TOO_MUCH}
    last = [one for one, reason in zip(requests, reasons(verdicts), strict=True) if reason]
    assert [one.reply for one in (await bulk(full, last)).verdicts] == made[-len(last) :]


def test_refusals_give_way_to_what_was_granted() -> None:
    long_refusal = ReserveVerdict(refusal=Status(message="x" * 5_000))
    granted = ReserveVerdict(reply=ReserveResponse(reservation=Reservation(order_id="x" * 9_000)))
    verdicts = [long_refusal] * 900 + [granted] * 100
    few = [long_refusal] * 9

    fit(few)
    fit(verdicts)

    assert few == [long_refusal] * 9
    assert verdicts[-100:] == [granted] * 100
    kept = verdicts[:900].count(long_refusal)
    assert kept > 500
    assert reasons(verdicts[kept:900]) == [TOO_MUCH] * (900 - kept)
    assert ReserveBulkResponse(verdicts=verdicts).ByteSize() <= Limits.reply_bytes


async def test_a_rehearsal_takes_room_like_what_is_meant(full: Shop) -> None:
    requests = [kits(validate_only=True) for _ in range(60)]

    assert set(reasons((await bulk(full, requests)).verdicts)) == {"", TOO_MUCH}
    assert await reserved(full) == 0


async def test_moves_whose_reply_would_be_too_large_are_not_made(full: Shop) -> None:
    made = [(await full.ask(kits(15))).reservation for _ in range(3)]

    moves = [(one.reservation_id, (long("0"), HERE, THERE, 1)) for one in made]
    before = await full.dump()
    with pytest.raises(TooMuchAsked), full.calling("ReassignBulk"):
        await full.reservations.ReassignBulk(reassigning(moves), NO_CONTEXT)

    assert await full.dump() == before
    with full.calling("ReassignBulk"):
        await full.reservations.ReassignBulk(reassigning(moves[:2]), NO_CONTEXT)


async def test_any_number_of_reservations_can_be_told_to_have_left(full: Shop) -> None:
    made = [(await full.ask(kits(15))).reservation for _ in range(3)]

    parts = [leaving(one.reservation_id, selection(long("0"))) for one in made]
    reply = await full.ship_bulk(*parts)

    assert sum(one.ByteSize() for one in made) > Limits.reply_bytes
    assert [one.reservation_id for one in reply.shipped_reservations] == [
        one.reservation_id for one in made
    ]


@pytest.mark.parametrize("verb", ["release", "ship", "ship_bulk", "short", "reassign"])
async def test_a_part_is_not_split_off_where_the_reservation_could_not_be_told_any_more(
    full: Shop, verb: str
) -> None:
    request = kits(15)
    for line in request.lines:
        line.quantity = 5
    made = (await full.ask(request)).reservation
    some = [selection(line.line_id, 1) for line in request.lines]
    here = [selection(line.line_id, 1, HERE) for line in request.lines]

    async def part() -> Reservation:
        if verb == "reassign":
            return await full.reassign(made.reservation_id, *((one, THERE) for one in here))
        if verb == "ship_bulk":
            await full.ship_bulk(leaving(made.reservation_id, *some))
            return await full.reservation(made.reservation_id)
        reply: ReleaseResponse | ShipResponse | ShortResponse = await getattr(full, verb)(
            made.reservation_id, *some
        )
        return reply.reservation

    told = [made]

    async def split_off_parts() -> None:
        while len(told) < 5:
            told.append(await part())

    with pytest.raises(TooMuchAsked):
        await split_off_parts()

    assert told[-1].ByteSize() <= Limits.reply_bytes
    assert (await full.reservation(made.reservation_id)).lines == told[-1].lines
    await full.release(made.reservation_id)
    assert await reserved(full) == 0


def reassigning(moves: Sequence[tuple[str, tuple[str, str, str, int]]]) -> ReassignBulkRequest:
    request = ReassignBulkRequest(request_id=new_id())
    for reservation_id, (line_id, place, to, quantity) in moves:
        one = request.reassignments.add(reservation_id=reservation_id)
        move = one.lines.add(to_location_id=to)
        move.line.line_id, move.line.location_id, move.line.quantity = line_id, place, quantity
    return request


async def test_callers_whose_calls_travel_together_do_not_lack_room(served: Served) -> None:
    mesh = served.mesh
    await mesh.locations.PutLocations(
        PutLocationsRequest(request_id=new_id(), locations=[location(HERE), location(THERE)])
    )
    for some in ([item(part) for part in PARTS], [item(KIT, PARTS)]):
        await mesh.items.PutItems(PutItemsRequest(request_id=new_id(), items=some))
    await mesh.ledger.ReceiveStock(ReceiveStockRequest(request_id=new_id(), lines=stock(1_000)))

    async with CoalescingReserver(mesh.reservations) as reserver:
        asked = [reserver.reserve(kits(), timeout=60.0) for _ in range(80)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await reserver.reserve(kits(100), timeout=60.0)

    assert [one for one in answers if not isinstance(one, ReserveResponse)] == []
    refusal = refusal_of(refused.value)
    assert refusal is not None
    assert refusal.reason == TOO_MUCH

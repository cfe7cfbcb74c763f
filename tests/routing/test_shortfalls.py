"""Stock that an order counts on is not there: it goes elsewhere, or ends explained."""

import asyncio
from contextlib import suppress

import grpc
import pytest

from ordermesh.api.event.v1 import DeliverRequest, EventEnvelope
from ordermesh.api.inventory.v1 import (
    AcceptCountRequest,
    AdjustmentReason,
    BlockedKind,
    BlockedStock,
    BlockStockRequest,
    CountedStock,
    ListShortfallsRequest,
    OpenCountRequest,
    PlanCountRequest,
    Shortfall,
    ShortfallOpened,
    SubmitCountRequest,
)
from ordermesh.api.routing.v1 import FulfillmentOrder, Order
from tests.eventually import eventually
from tests.routing.house import House, item, key, line, new_id
from tests.routing.looks import has_work_at, only_line

MISSING = BlockedKind.BLOCKED_KIND_MISSING


async def lose(house: House, place: str, units: int) -> None:
    """Somebody looks for so many units there and does not find them."""
    lines = [BlockedStock(key=key(place), quantity=units, kind=MISSING)]
    await house.mesh.ledger.BlockStock(BlockStockRequest(request_id=new_id(), lines=lines))


async def count(house: House, place: str, found: int) -> None:
    """Two people count so many units there, and a third believes them."""
    sku, location_id = place.split(" at ")
    mesh, name = house.mesh, "C-1"
    await mesh.counts.PlanCount(
        PlanCountRequest(request_id=new_id(), count_id=name, location_id=location_id, skus=[sku])
    )
    await mesh.counts.OpenCount(OpenCountRequest(request_id=new_id(), count_id=name))
    for counter in ("Ann", "Bob"):
        lines = [CountedStock(sku=sku, counted=found)]
        await mesh.counts.SubmitCount(
            SubmitCountRequest(request_id=new_id(), count_id=name, counter=counter, lines=lines)
        )
    await mesh.counts.AcceptCount(
        AcceptCountRequest(
            request_id=new_id(),
            count_id=name,
            accepted_by="Cat",
            reason=AdjustmentReason.ADJUSTMENT_REASON_LOST,
        )
    )


async def shortfalls(house: House, *, include_closed: bool = False) -> list[Shortfall]:
    request = ListShortfallsRequest(include_closed=include_closed)
    return list((await house.mesh.ledger.ListShortfalls(request)).shortfalls)


def opened(shortfall: Shortfall) -> EventEnvelope:
    """The event that tells of it."""
    event = EventEnvelope(
        event_id=new_id(),
        type="ordermesh.shortfall.opened.v1",
        source="inventory",
        aggregate_type="shortfall",
        aggregate_id=shortfall.shortfall_id,
        sequence=1,
        payload_type="ordermesh.api.inventory.v1.ShortfallOpened",
        payload=ShortfallOpened(shortfall=shortfall).SerializeToString(),
        order_id=shortfall.order_id,
    )
    event.event_time.GetCurrentTime()
    return event


async def has_no_shortfall(house: House) -> bool:
    return await shortfalls(house) == []


@pytest.fixture
async def told(house: House) -> House:
    """Inventory knows where routing is, and tells it of shortfalls."""
    await house.stop_inventory()
    await house.start_inventory()
    return house


async def test_an_order_whose_stock_is_not_found_moves_and_the_ledger_balances(
    told: House,
) -> None:
    await told.stock({"MUG at NEAR": 5, "MUG at EAST": 5})
    await told.submit("O-1", line("1", "MUG", 3))
    assert await has_work_at(told, "O-1", "NEAR")

    await lose(told, "MUG at NEAR", 4)

    await eventually(lambda: has_work_at(told, "O-1", "EAST"))
    await eventually(lambda: has_no_shortfall(told))
    assert await told.balance("MUG at NEAR") == (1, 0, 1)
    assert await told.balance("MUG at EAST") == (5, 3, 2)
    (closed,) = await shortfalls(told, include_closed=True)
    assert (closed.order_id, closed.quantity, closed.open_quantity) == ("O-1", 2, 0)
    states = {one.location_id: one.state for one in await told.work("O-1")}
    assert states["NEAR"] == FulfillmentOrder.STATE_REJECTED
    assert await told.books_balance()


async def test_an_order_moves_when_a_count_finds_less_than_was_promised(told: House) -> None:
    await told.stock({"MUG at NEAR": 5, "MUG at EAST": 5})
    await told.submit("O-1", line("1", "MUG", 3))

    await count(told, "MUG at NEAR", 1)

    await eventually(lambda: has_work_at(told, "O-1", "EAST"))
    await eventually(lambda: has_no_shortfall(told))
    assert await told.balance("MUG at NEAR") == (1, 0, 1)
    assert await told.balance("MUG at EAST") == (5, 3, 2)
    (closed,) = await shortfalls(told, include_closed=True)
    assert (closed.order_id, closed.quantity, closed.open_quantity) == ("O-1", 2, 0)
    assert (await told.order("O-1")).state == Order.STATE_RELEASED
    assert await told.books_balance()


async def test_an_order_that_nobody_else_can_serve_ends_explained(told: House) -> None:
    await told.stock({"MUG at NEAR": 3})
    await told.submit("O-1", line("1", "MUG", 3))

    await lose(told, "MUG at NEAR", 1)

    async def is_unfillable() -> bool:
        return (await told.order("O-1")).state == Order.STATE_UNFILLABLE

    await eventually(is_unfillable)
    await eventually(lambda: has_no_shortfall(told))
    assert only_line(await told.order("O-1")).unfilled_reason
    assert await told.balance("MUG at NEAR") == (2, 0, 2)
    assert await told.books_balance()


async def test_goods_that_have_left_were_there(told: House) -> None:
    await told.stock({"MUG at NEAR": 5, "MUG at EAST": 5})
    await told.submit("O-1", line("1", "MUG", 3))
    (reservation,) = await told.reservations("O-1")
    (work,) = await told.work("O-1")
    await told.ship(work)

    missing = Shortfall(
        shortfall_id=new_id(),
        key=key("MUG at NEAR"),
        reservation_id=reservation.reservation_id,
        order_id="O-1",
        quantity=1,
        open_quantity=1,
    )
    await told.mesh.inbox("routing").Deliver(DeliverRequest(events=[opened(missing)]))

    assert (await told.order("O-1")).state == Order.STATE_FULFILLED
    assert [one.location_id for one in await told.work("O-1")] == ["NEAR"]


async def test_only_the_lines_that_are_short_leave_the_place(told: House) -> None:
    await told.stock({"MUG at NEAR": 2, "LAMP at NEAR": 2, "MUG at EAST": 2})
    await told.submit("O-1", line("1", "MUG", 2), line("2", "LAMP", 2))

    await lose(told, "MUG at NEAR", 1)

    await eventually(lambda: has_work_at(told, "O-1", "NEAR", "EAST"))
    await eventually(lambda: has_no_shortfall(told))
    assert await told.balance("LAMP at NEAR") == (2, 2, 0)
    assert await told.balance("MUG at NEAR") == (1, 0, 1)
    assert await told.books_balance()


async def test_a_component_that_is_short_moves_the_kit(told: House) -> None:
    await told.items("POT", "CUP", item("SET", {"POT": 1, "CUP": 2}))
    await told.receive({"POT at NEAR": 1, "CUP at NEAR": 2, "POT at EAST": 1, "CUP at EAST": 2})
    await told.submit("O-1", line("1", "SET"))
    assert await has_work_at(told, "O-1", "NEAR")

    await lose(told, "CUP at NEAR", 1)

    await eventually(lambda: has_work_at(told, "O-1", "EAST"))
    await eventually(lambda: has_no_shortfall(told))
    assert await told.books_balance()


@pytest.mark.parametrize("point", ["planned", "plan stored"])
async def test_units_that_are_lost_while_it_is_decided_who_keeps_them_are_kept_by_nobody(
    house: House, point: str
) -> None:
    await house.stock({"MUG at NEAR": 1, "MUG at EAST": 2, "MUG at SOUTH": 2})
    await house.submit("O-1", line("1", "MUG", 1), line("2", "MUG", 2))
    near = next(one for one in await house.work("O-1") if one.location_id == "NEAR")
    await house.accept(near)
    reached, gate = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        reached.set()
        await gate.wait()

    house.at = lambda at: wait() if at == point else None
    call = asyncio.ensure_future(house.source("O-1"))
    await reached.wait()
    await lose(house, "MUG at EAST", 1)
    (missing,) = await shortfalls(house)
    request = DeliverRequest(events=[opened(missing)])
    with suppress(grpc.aio.AioRpcError):
        # It may be told to come again.
        await house.mesh.inbox("routing").Deliver(request)
    gate.set()
    await call
    await house.mesh.inbox("routing").Deliver(request)

    await eventually(lambda: has_work_at(house, "O-1", "NEAR", "SOUTH"))
    await eventually(lambda: has_no_shortfall(house))
    assert await house.books_balance()

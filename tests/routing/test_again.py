"""Work that is decided again: by hand, or because a location rejected it."""

import asyncio

import pytest
from sqlalchemy import select

from ordermesh.api.inventory.v1 import (
    Control,
    ControlKind,
    LineSelection,
    ReservationLine,
    ShipRequest,
)
from ordermesh.api.routing.v1 import (
    FulfillmentOrder,
    ListDecisionsRequest,
    Order,
)
from ordermesh.routing.store.tables.orders import saga
from tests.eventually import eventually
from tests.routing.house import (
    House,
    entry,
    line,
    new_id,
    refused,
)
from tests.routing.looks import has_work_at, is_free, only_line
from tests.routing.test_shortfalls import lose


async def test_sourcing_again_by_hand_moves_work_and_stock_and_keeps_both_decisions(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 5, "MUG at EAST": 5})
    await house.submit("O-1", line("1", "MUG", 3))
    await house.network(entry("NEAR", methods=[]))

    reply = await house.source("O-1")

    assert [one.location_id for one in reply.decision.plan.shipments] == ["EAST"]
    assert await house.balance("MUG at NEAR") == (5, 0, 5)
    assert await house.balance("MUG at EAST") == (5, 3, 2)
    assert await has_work_at(house, "O-1", "EAST")
    states = {one.location_id: one.state for one in await house.work("O-1")}
    assert states["NEAR"] == FulfillmentOrder.STATE_CANCELLED
    listed = await house.mesh.sourcing.ListDecisions(ListDecisionsRequest(order_id="O-1"))
    assert len(listed.decisions) == 2
    assert await house.books_balance()


async def test_what_would_be_decided_counts_on_what_the_channel_of_the_order_may_sell(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 5, "MUG at EAST": 5})
    await house.control(
        Control(
            control_id="C-1",
            kind=ControlKind.CONTROL_KIND_SAFETY_STOCK,
            value=4,
            sku="MUG",
            location_id="NEAR",
            channel="web",
        )
    )
    await house.submit("O-1", line("1", "MUG", 3), channel="web")

    told = await house.source("O-1", validate_only=True)
    made = await house.source("O-1")

    assert [one.location_id for one in made.decision.plan.shipments] == ["EAST"]
    assert told.decision.plan == made.decision.plan


async def test_sourcing_again_keeps_the_last_units_that_the_order_holds(house: House) -> None:
    await house.stock({"MUG at NEAR": 3})
    await house.submit("O-1", line("1", "MUG", 3))

    reply = await house.source("O-1")

    assert [one.location_id for one in reply.decision.plan.shipments] == ["NEAR"]
    assert await house.balance("MUG at NEAR") == (3, 3, 0)
    assert await has_work_at(house, "O-1", "NEAR")


async def test_work_that_has_begun_is_not_decided_again(house: House) -> None:
    await house.stock({"MUG at NEAR": 5})
    await house.submit("O-1", line("1", "MUG", 3))
    (work,) = await house.work("O-1")
    await house.accept(work)

    assert (await refused(house.source("O-1"))).reason == "WORK_IN_PROGRESS"


async def test_only_what_nobody_has_begun_is_decided_again(house: House) -> None:
    await house.stock({"MUG at NEAR": 1, "LAMP at EAST": 1, "LAMP at WEST": 1})
    await house.submit("O-1", line("1", "MUG"), line("2", "LAMP"))
    mug = next(one for one in await house.work("O-1") if one.location_id == "NEAR")
    await house.accept(mug)

    await house.source("O-1")
    assert await has_work_at(house, "O-1", "NEAR", "EAST")

    await house.network(entry("EAST", methods=[]))
    await house.source("O-1")

    assert await has_work_at(house, "O-1", "NEAR", "WEST")
    await eventually(lambda: is_free(house, "LAMP at EAST"))
    assert await house.balance("LAMP at WEST") == (1, 1, 0)
    assert await house.balance("MUG at NEAR") == (1, 1, 0)
    for work in await house.work("O-1"):
        if work.state in (FulfillmentOrder.STATE_ACCEPTED, FulfillmentOrder.STATE_RELEASED):
            await house.ship(work)
    assert (await house.order("O-1")).state == Order.STATE_FULFILLED
    assert await house.books_balance()


async def test_what_was_unfilled_is_sourced_again_by_hand(house: House) -> None:
    await house.stock({"MUG at NEAR": 2})
    await house.submit("O-1", line("1", "MUG", 5))
    for work in await house.work("O-1"):
        await house.ship(work)
    assert (await house.order("O-1")).state == Order.STATE_FULFILLED
    await house.receive({"MUG at NEAR": 9})

    await house.source("O-1")

    one = only_line(await house.order("O-1"))
    assert (one.sourced_quantity, one.shipped_quantity, one.unfilled_quantity) == (5, 2, 0)
    assert await house.balance("MUG at NEAR") == (9, 3, 6)


async def test_rejected_work_goes_elsewhere_and_never_back(house: House) -> None:
    await house.stock({"MUG at NEAR": 5, "MUG at EAST": 5})
    await house.submit("O-1", line("1", "MUG", 3))
    (work,) = await house.work("O-1")

    rejected = await house.reject(work)

    assert rejected.state == FulfillmentOrder.STATE_REJECTED
    await eventually(lambda: has_work_at(house, "O-1", "EAST"))
    await eventually(lambda: is_free(house, "MUG at NEAR"))
    second = next(
        one for one in await house.work("O-1") if one.state == FulfillmentOrder.STATE_RELEASED
    )
    await house.reject(second)
    await eventually(lambda: is_unfillable(house, "O-1"))
    await eventually(lambda: is_free(house, "MUG at EAST"))
    assert await house.balance("MUG at NEAR") == (5, 0, 5)
    reply = await house.source("O-1")
    assert not reply.decision.plan.shipments
    assert {one.removed_by for one in reply.decision.candidates if one.location_id == "NEAR"} == {
        "REJECTED_BEFORE"
    }


async def is_unfillable(house: House, order_id: str) -> bool:
    return (await house.order(order_id)).state == Order.STATE_UNFILLABLE


@pytest.mark.parametrize("point", ["planned", "plan stored", "before reserve", "after reserve"])
async def test_sourcing_again_is_answered_while_the_order_is_being_decided(
    house: House, point: str
) -> None:
    await house.stock({"MUG at NEAR": 5})
    reached, gate = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        reached.set()
        await gate.wait()

    house.at = lambda at: wait() if at == point else None
    submitted = asyncio.ensure_future(house.submit("O-1", line("1", "MUG", 3)))
    await reached.wait()
    asked = asyncio.ensure_future(house.source("O-1"))
    await eventually(lambda: is_asked_for(house, "O-1"))
    gate.set()

    assert [one.location_id for one in (await asked).decision.plan.shipments] == ["NEAR"]
    assert (await submitted).order.state == Order.STATE_RELEASED
    assert await has_work_at(house, "O-1", "NEAR")
    assert await house.balance("MUG at NEAR") == (5, 3, 2)
    assert not await is_asked_for(house, "O-1")


async def is_asked_for(house: House, order_id: str) -> bool:
    database = house.database
    assert database is not None
    wanted = select(saga.c.source_request_id).where(saga.c.order_id == order_id)
    found = await database.read(lambda tx: tx.execute(wanted))
    return found.scalar_one() is not None


async def under_two_reservations(house: House) -> FulfillmentOrder:
    """Work of EAST: two mugs are held by the first reservation of O-1, one by the second."""
    await house.stock({"MUG at NEAR": 1, "MUG at EAST": 2, "MUG at SOUTH": 1})
    await house.submit("O-1", line("1", "MUG", 4))
    near = next(one for one in await house.work("O-1") if one.location_id == "NEAR")
    await house.accept(near)
    await house.receive({"MUG at EAST": 1})
    await house.source("O-1")
    await eventually(lambda: has_work_at(house, "O-1", "NEAR", "EAST"))
    assert len(await house.reservations("O-1")) == 2
    return next(
        one
        for one in await house.work("O-1")
        if one.location_id == "EAST" and one.state == FulfillmentOrder.STATE_RELEASED
    )


async def test_work_under_two_reservations_leaves_as_a_whole_or_not_at_all(house: House) -> None:
    work = await under_two_reservations(house)
    await lose(house, "MUG at EAST", 1)

    refusal = await refused(house.ship(work))

    assert refusal.reason == "INSUFFICIENT_STOCK"
    assert refusal.rows() == [
        {"lineId": "1", "sku": "MUG", "locationId": "EAST", "wanted": "3", "available": "2"}
    ]
    assert await house.balance("MUG at EAST") == (2, 3, 0)
    await house.receive({"MUG at EAST": 1})
    assert (await house.ship(work)).state == FulfillmentOrder.STATE_SHIPPED
    assert await house.balance("MUG at EAST") == (0, 0, 0)
    assert await house.books_balance()


async def test_work_of_which_a_part_has_left_leaves_with_the_rest_of_it(house: House) -> None:
    work = await under_two_reservations(house)
    await lose(house, "MUG at EAST", 1)
    await ship_first_part(house, work)

    # As it was told before: one reservation after the other, and then the process ended.
    refusal = await refused(house.ship(work))

    assert refusal.reason == "INSUFFICIENT_STOCK"
    assert await house.balance("MUG at EAST") == (0, 1, 0)
    await house.receive({"MUG at EAST": 1})
    assert (await house.ship(work)).state == FulfillmentOrder.STATE_SHIPPED
    assert await house.balance("MUG at EAST") == (0, 0, 0)
    assert await house.books_balance()


async def ship_first_part(house: House, work: FulfillmentOrder) -> None:
    """The ledger knows that what the first reservation holds has left."""
    for made in await house.reservations("O-1"):
        units = sum(
            one.quantity
            for one in made.lines
            if one.key.location_id == "EAST" and one.state == ReservationLine.STATE_CONFIRMED
        )
        if units == 2:
            selection = LineSelection(line_id="1", location_id="EAST", sku="MUG", quantity=2)
            await house.mesh.reservations.Ship(
                ShipRequest(
                    request_id=new_id(),
                    reservation_id=made.reservation_id,
                    lines=[selection],
                    document=work.fulfillment_order_id,
                )
            )

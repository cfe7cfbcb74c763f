"""Inventory is away: paid orders wait, checkouts fail at once, and nothing is left behind."""

import asyncio
import random
from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import Any

import grpc
import pytest
from sqlalchemy import Select, select

from ordermesh.api.inventory.v1 import PutLocationsRequest, ReleaseRequest
from ordermesh.api.routing.v1 import (
    FulfillmentOrder,
    GetNetworkOverviewRequest,
    Order,
    SubmitOrderRequest,
)
from ordermesh.kernel.clock import SystemClock
from ordermesh.routing.store.tables.orders import customer_order, saga
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.tables import work
from tests.dialects import on_sqlite
from tests.eventually import eventually
from tests.routing.house import (
    IF_SOURCED,
    House,
    entry,
    item,
    line,
    location,
    new_id,
    refused,
    submission,
)
from tests.routing.looks import has_work_at

pytestmark = on_sqlite

UNANSWERED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


async def knows(house: House, items: int) -> bool:
    """Whether routing has heard of so many items."""
    seen = await house.mesh.network.GetNetworkOverview(GetNetworkOverviewRequest())
    return seen.item_count >= items


async def is_gone(house: House, order_id: str) -> bool:
    try:
        await house.order(order_id)
    except grpc.aio.AioRpcError as error:
        return error.code() is grpc.StatusCode.NOT_FOUND
    return False


async def test_a_paid_order_is_stored_while_inventory_is_away_and_sourced_when_it_is_back(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 5})
    await eventually(lambda: knows(house, 1))
    await house.stop_inventory()

    reply = await house.mesh.orders.SubmitOrder(submission("O-1", line("1", "MUG", 2)), timeout=3)
    assert reply.order.state == Order.STATE_RECEIVED
    assert not reply.HasField("decision")

    await house.start_inventory()
    await eventually(lambda: has_work_at(house, "O-1", "NEAR"))
    assert await house.balance("MUG at NEAR") == (5, 2, 3)


class Slow(random.Random):
    """Waits that are drawn at random are as long as they can be, and then an hour."""

    def uniform(self, a: float, b: float) -> float:
        return 3_600.0


async def test_orders_that_waited_long_are_looked_at_as_soon_as_inventory_is_back(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 5})
    await eventually(lambda: knows(house, 1))
    await house.stop_routing()
    house.random = Slow()
    await house.start_routing()
    await house.stop_inventory()
    await house.mesh.orders.SubmitOrder(submission("O-1", line("1", "MUG", 2)), timeout=1)
    await eventually(lambda: waits_long(house))

    await house.start_inventory()

    await eventually(lambda: has_work_at(house, "O-1", "NEAR"))


async def waits_long(house: House) -> bool:
    """Whether the one row of work has failed and is put off for more than half an hour."""
    database = house.database
    assert database is not None

    async def look(tx: Transaction) -> bool:
        found = await tx.execute(select(work).where(work.c.failing_since.is_not(None)))
        return [row.due_time - row.failing_since > timedelta(minutes=30) for row in found] == [True]

    return await database.read(look)


async def test_a_checkout_fails_at_once_while_inventory_is_away_and_leaves_nothing(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 5})
    await eventually(lambda: knows(house, 1))
    await house.stop_inventory()
    request = submission("O-1", line("1", "MUG", 2), acceptance=IF_SOURCED)

    refusal = await refused(house.mesh.orders.SubmitOrder(request))

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")
    assert refusal.metadata == {"service": "inventory"}
    assert refusal.retry_after is not None
    assert await is_gone(house, "O-1")

    await house.start_inventory()
    reply = await house.mesh.orders.SubmitOrder(request)
    assert reply.order.state == Order.STATE_RELEASED
    assert await house.balance("MUG at NEAR") == (5, 2, 3)


async def test_a_hold_whose_answer_was_lost_is_released_when_nobody_waits_any_more(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 5})
    cut = asyncio.Event()

    def cut_off(point: str) -> None:
        if point == "after reserve" and not cut.is_set():
            cut.set()
            raise ConnectionError

    house.at = cut_off
    request = submission("O-1", line("1", "MUG", 2), acceptance=IF_SOURCED)
    call = asyncio.ensure_future(house.mesh.orders.SubmitOrder(request, timeout=4))
    await cut.wait()
    await house.stop_inventory()
    await asyncio.gather(call, return_exceptions=True)

    await house.start_inventory()

    await eventually(lambda: is_gone(house, "O-1"))
    assert await house.balance("MUG at NEAR") == (5, 0, 5)
    assert await house.books_balance()


async def test_a_checkout_that_is_asked_again_keeps_its_place_however_long_it_takes(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 5})
    may_go_on = asyncio.Event()
    house.at = lambda point: opened(may_go_on) if point == "looked" else None
    request = submission("O-1", line("1", "MUG", 2), acceptance=IF_SOURCED)
    await unanswered(house, request)
    place = await only(house, select(customer_order.c.number))

    again = asyncio.ensure_future(house.mesh.orders.SubmitOrder(request, timeout=10))
    await eventually(lambda: is_waited_for(house))
    may_go_on.set()

    assert (await again).order.state == Order.STATE_RELEASED
    assert await only(house, select(customer_order.c.number)) == place
    assert await house.balance("MUG at NEAR") == (5, 2, 3)
    assert await house.books_balance()


async def test_a_checkout_that_is_asked_again_while_it_is_undone_is_made_anew_in_the_same_call(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 5})
    nobody_waits, may_go_on, is_undone = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def slow(point: str) -> Awaitable[None] | None:
        if point == "before undo":
            is_undone.set()
            return opened(may_go_on)
        return opened(nobody_waits) if point == "before confirm" else None

    house.at = slow
    request = submission("O-1", line("1", "MUG", 2), acceptance=IF_SOURCED)
    await unanswered(house, request)
    nobody_waits.set()
    await is_undone.wait()
    assert await house.balance("MUG at NEAR") == (5, 2, 3)

    again = asyncio.ensure_future(house.mesh.orders.SubmitOrder(request, timeout=10))
    await eventually(lambda: is_waited_for(house))
    may_go_on.set()

    assert (await again).order.state == Order.STATE_RELEASED
    assert await house.balance("MUG at NEAR") == (5, 2, 3)
    assert await house.books_balance()


async def unanswered(house: House, request: SubmitOrderRequest) -> None:
    """Ask until the patience of a caller is over."""
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await house.mesh.orders.SubmitOrder(request, timeout=1)
    assert failure.value.code() in UNANSWERED
    await eventually(lambda: is_unwanted(house))


async def opened(gate: asyncio.Event) -> None:
    await gate.wait()


async def is_unwanted(house: House) -> bool:
    return not await is_waited_for(house)


async def is_waited_for(house: House) -> bool:
    """Whether somebody waits for whether the one order can be made."""
    until: datetime = await only(house, select(saga.c.answer_by))
    return until > SystemClock().now()


async def only(house: House, statement: Select[Any]) -> Any:
    """The one value that is found."""
    database = house.database
    assert database is not None

    async def read(tx: Transaction) -> Any:
        return (await tx.execute(statement)).scalar_one()

    return await database.read(read)


async def test_shipping_is_told_to_the_ledger_when_it_is_back(house: House) -> None:
    await house.stock({"MUG at NEAR": 5})
    await house.submit("O-1", line("1", "MUG", 2))
    (work,) = await house.work("O-1")
    await house.stop_inventory()

    assert (await house.ship(work, within=3)).state == FulfillmentOrder.STATE_SHIPPING

    await house.start_inventory()

    async def has_left() -> bool:
        (after,) = await house.work("O-1")
        return after.state == FulfillmentOrder.STATE_SHIPPED

    await eventually(has_left)
    assert await house.balance("MUG at NEAR") == (3, 0, 3)


async def test_goods_that_are_leaving_can_no_longer_be_accepted(house: House) -> None:
    await house.stock({"MUG at NEAR": 5})
    await house.submit("O-1", line("1", "MUG", 2))
    (work,) = await house.work("O-1")
    await house.stop_inventory()
    await house.ship(work, within=3)

    assert (await refused(house.accept(work))).reason == "WRONG_STATE"

    await house.start_inventory()

    async def has_left() -> bool:
        (after,) = await house.work("O-1")
        return after.state == FulfillmentOrder.STATE_SHIPPED

    await eventually(has_left)


async def test_what_changes_while_routing_is_away_is_known_when_it_is_back(house: House) -> None:
    await house.items(item("MUG", weight_grams=100))
    await eventually(lambda: knows(house, 1))
    await house.stop_routing()
    await house.items("LAMP", "VASE")
    await house.mesh.locations.PutLocations(
        PutLocationsRequest(request_id=new_id(), locations=[location("NEAR", disabled=True)])
    )
    await house.start_routing()

    await eventually(lambda: knows(house, 3))
    await house.receive({"MUG at NEAR": 5, "MUG at EAST": 5})

    async def goes_east() -> bool:
        order_id = new_id()
        await house.submit(order_id, line("1", "MUG"))
        return await has_work_at(house, order_id, "EAST")

    await eventually(goes_east)


async def test_an_item_that_routing_has_not_heard_of_is_asked_for(house: House) -> None:
    await house.items("MUG", item("SET", {"MUG": 2}))
    await house.receive({"MUG at NEAR": 5})

    reply = await house.submit("O-1", line("1", "SET"))

    assert reply.order.state == Order.STATE_RELEASED
    assert await house.balance("MUG at NEAR") == (5, 2, 3)


async def test_the_network_counts_what_it_knows_and_how_fresh_it_is(house: House) -> None:
    await house.items("MUG", "LAMP")
    await house.network(entry("WEST", methods=[]))
    await eventually(lambda: knows(house, 2))

    seen = await house.mesh.network.GetNetworkOverview(GetNetworkOverviewRequest())

    assert (seen.location_count, seen.shipping_location_count) == (4, 3)
    assert (seen.item_count, seen.known_location_count) == (2, 4)
    assert seen.item_revision > 0
    assert seen.HasField("heard_time")


async def test_a_hold_that_was_lost_before_it_was_confirmed_is_made_anew(house: House) -> None:
    await house.stock({"MUG at NEAR": 5})
    is_released = False

    def not_yet(point: str) -> None:
        if point == "before confirm" and not is_released:
            raise ConnectionError

    house.at = not_yet
    call = asyncio.ensure_future(house.submit("O-1", line("1", "MUG", 2), acceptance=IF_SOURCED))

    async def is_held() -> bool:
        return len(await house.reservations("O-1")) == 1

    await eventually(is_held)
    (held,) = await house.reservations("O-1")
    await house.mesh.reservations.Release(
        ReleaseRequest(request_id=new_id(), reservation_id=held.reservation_id)
    )
    is_released = True

    assert (await call).order.state == Order.STATE_RELEASED
    assert len(await house.reservations("O-1")) == 2
    assert await house.balance("MUG at NEAR") == (5, 2, 3)
    assert await house.books_balance()

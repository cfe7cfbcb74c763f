"""Routing is stopped at every point of an order's way and started again: nothing is lost."""

import asyncio

import grpc
import pytest

from ordermesh.api.inventory.v1 import ReservationLine
from ordermesh.api.routing.v1 import (
    CancelOrderRequest,
    FulfillmentOrder,
    Order,
    Parcel,
    RejectFulfillmentOrderRequest,
    RejectReason,
    ShipFulfillmentOrderRequest,
    SubmitOrderRequest,
)
from tests.dialects import on_sqlite
from tests.eventually import eventually
from tests.routing.house import IF_SOURCED, House, line, new_id, submission
from tests.routing.test_again import under_two_reservations

pytestmark = on_sqlite

OPEN = (ReservationLine.STATE_HELD, ReservationLine.STATE_CONFIRMED)

POINTS_ALWAYS = ("planned", "plan stored", "before reserve", "after reserve", "committed")
POINTS_IF_SOURCED = (*POINTS_ALWAYS, "before confirm", "after confirm")


UNANSWERED = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
)


class Crash(Exception):
    """The process is gone."""


class CrashAt:
    """Lets nothing happen any more once a point was reached for the given time."""

    def __init__(self, point: str, times: int = 1) -> None:
        self._point = point
        self._times = times
        self.has_crashed = False

    def __call__(self, point: str) -> None:
        if point == self._point:
            self._times -= 1
        if self._times <= 0:
            self.has_crashed = True
            raise Crash


async def restart_after(house: House, crash: CrashAt, call: asyncio.Task[object]) -> None:
    """Wait for the crash, and start routing again."""
    await eventually(lambda: crash.has_crashed)
    await house.stop_routing()
    await asyncio.gather(call, return_exceptions=True)
    house.at = lambda _point: None
    await house.start_routing()


async def submit_until_answered(house: House, request: SubmitOrderRequest) -> Order:
    """The order, by as many retries as it takes."""
    for _ in range(20):
        try:
            return (await house.mesh.orders.SubmitOrder(request, timeout=5)).order
        except grpc.aio.AioRpcError as error:
            if error.code() not in UNANSWERED:
                raise
    raise AssertionError("It was never answered.")


async def held(house: House, order_id: str) -> dict[tuple[str, str], int]:
    """What the ledger holds for an order."""
    units: dict[tuple[str, str], int] = {}
    for reservation in await house.reservations(order_id):
        for one in reservation.lines:
            if one.state in OPEN:
                place = (one.key.sku, one.key.location_id)
                units[place] = units.get(place, 0) + one.quantity
    return units


@pytest.mark.parametrize("point", POINTS_ALWAYS)
async def test_a_paid_order_is_sourced_once_wherever_routing_stops(
    house: House, point: str
) -> None:
    await house.stock({"MUG at NEAR": 5})
    crash = CrashAt(point)
    house.at = crash
    request = submission("O-1", line("1", "MUG", 2))

    call: asyncio.Task[object] = asyncio.ensure_future(house.mesh.orders.SubmitOrder(request))
    await restart_after(house, crash, call)
    order = await submit_until_answered(house, request)
    await eventually(lambda: is_released(house, "O-1"))

    assert order.order_id == "O-1"
    assert await held(house, "O-1") == {("MUG", "NEAR"): 2}
    assert [work.location_id for work in await house.work("O-1")] == ["NEAR"]
    assert await house.balance("MUG at NEAR") == (5, 2, 3)
    assert await house.books_balance()


@pytest.mark.parametrize("point", POINTS_IF_SOURCED)
async def test_a_checkout_is_sourced_once_wherever_routing_stops(house: House, point: str) -> None:
    await house.stock({"MUG at NEAR": 5})
    crash = CrashAt(point)
    house.at = crash
    request = submission("O-1", line("1", "MUG", 2), acceptance=IF_SOURCED)

    call: asyncio.Task[object] = asyncio.ensure_future(
        house.mesh.orders.SubmitOrder(request, timeout=2)
    )
    await restart_after(house, crash, call)
    order = await submit_until_answered(house, request)

    assert order.state == Order.STATE_RELEASED
    assert await held(house, "O-1") == {("MUG", "NEAR"): 2}
    assert await house.balance("MUG at NEAR") == (5, 2, 3)
    assert await house.books_balance()


@pytest.mark.parametrize("point", POINTS_IF_SOURCED)
async def test_a_checkout_that_nobody_asks_for_again_leaves_nothing(
    house: House, point: str
) -> None:
    await house.stock({"MUG at NEAR": 5})
    crash = CrashAt(point)
    house.at = crash
    request = submission("O-1", line("1", "MUG", 2), acceptance=IF_SOURCED)

    call: asyncio.Task[object] = asyncio.ensure_future(
        house.mesh.orders.SubmitOrder(request, timeout=2)
    )
    await restart_after(house, crash, call)

    await eventually(lambda: is_gone_or_released(house, "O-1"))
    if await is_gone(house, "O-1"):
        assert await held(house, "O-1") == {}
        assert await house.balance("MUG at NEAR") == (5, 0, 5)
    assert await house.books_balance()


async def ship_though_routing_stops(
    house: House, work: FulfillmentOrder, point: str
) -> FulfillmentOrder:
    """Ask twice, because routing stops at this point of the first call; gives the work after it."""
    crash = CrashAt(point)
    house.at = crash
    request = ShipFulfillmentOrderRequest(
        request_id=new_id(),
        fulfillment_order_id=work.fulfillment_order_id,
        parcels=[Parcel(carrier="UPS", tracking_number="1Z", weight_grams=900)],
    )
    call: asyncio.Task[object] = asyncio.ensure_future(
        house.mesh.fulfillments.ShipFulfillmentOrder(request, timeout=5)
    )
    await restart_after(house, crash, call)
    return (await house.mesh.fulfillments.ShipFulfillmentOrder(request)).fulfillment_order


@pytest.mark.parametrize("point", ["before ship", "after ship", "committed"])
async def test_goods_leave_once_wherever_routing_stops(house: House, point: str) -> None:
    await house.stock({"MUG at NEAR": 5})
    await house.submit("O-1", line("1", "MUG", 2))
    (work,) = await house.work("O-1")

    shipped = await ship_though_routing_stops(house, work, point)

    assert shipped.state == FulfillmentOrder.STATE_SHIPPED
    assert await house.balance("MUG at NEAR") == (3, 0, 3)
    assert (await house.order("O-1")).state == Order.STATE_FULFILLED
    assert await house.books_balance()


@pytest.mark.parametrize("point", ["before ship", "after ship"])
async def test_goods_of_two_reservations_leave_once_wherever_routing_stops(
    house: House, point: str
) -> None:
    work = await under_two_reservations(house)

    shipped = await ship_though_routing_stops(house, work, point)

    assert shipped.state == FulfillmentOrder.STATE_SHIPPED
    assert await house.balance("MUG at EAST") == (0, 0, 0)
    assert await house.books_balance()


@pytest.mark.parametrize("point", ["before undo", "after undo", "committed"])
async def test_a_cancelled_order_holds_nothing_wherever_routing_stops(
    house: House, point: str
) -> None:
    await house.stock({"MUG at NEAR": 5})
    await house.submit("O-1", line("1", "MUG", 2))
    crash = CrashAt(point)
    house.at = crash
    request = CancelOrderRequest(request_id=new_id(), order_id="O-1")

    call: asyncio.Task[object] = asyncio.ensure_future(
        house.mesh.orders.CancelOrder(request, timeout=5)
    )
    await restart_after(house, crash, call)
    order = (await house.mesh.orders.CancelOrder(request)).order

    assert order.state == Order.STATE_CANCELLED
    assert not order.cancel_requested
    assert await house.balance("MUG at NEAR") == (5, 0, 5)
    assert await house.books_balance()


@pytest.mark.parametrize("point", [*POINTS_ALWAYS, "after surplus"])
async def test_rejected_work_is_sourced_elsewhere_once_wherever_routing_stops(
    house: House, point: str
) -> None:
    await house.stock({"MUG at NEAR": 5, "MUG at EAST": 5, "LAMP at WEST": 5})
    await house.submit("O-1", line("1", "MUG", 2), line("2", "LAMP", 1))
    mugs = next(work for work in await house.work("O-1") if work.location_id == "NEAR")
    crash = CrashAt(point)
    house.at = crash
    request = RejectFulfillmentOrderRequest(
        request_id=new_id(),
        fulfillment_order_id=mugs.fulfillment_order_id,
        reason=RejectReason.REJECT_REASON_DAMAGED,
    )

    call: asyncio.Task[object] = asyncio.ensure_future(
        house.mesh.fulfillments.RejectFulfillmentOrder(request, timeout=5)
    )
    await restart_after(house, crash, call)

    places = {("MUG", "EAST"): 2, ("LAMP", "WEST"): 1}
    await eventually(lambda: holds(house, "O-1", places))
    assert await house.balance("MUG at NEAR") == (5, 0, 5)
    assert await house.books_balance()


async def is_released(house: House, order_id: str) -> bool:
    try:
        return (await house.order(order_id)).state == Order.STATE_RELEASED
    except grpc.aio.AioRpcError:
        return False


async def is_gone(house: House, order_id: str) -> bool:
    try:
        await house.order(order_id)
    except grpc.aio.AioRpcError as error:
        return error.code() is grpc.StatusCode.NOT_FOUND
    return False


async def is_gone_or_released(house: House, order_id: str) -> bool:
    return await is_gone(house, order_id) or await is_released(house, order_id)


async def holds(house: House, order_id: str, places: dict[tuple[str, str], int]) -> bool:
    return await held(house, order_id) == places

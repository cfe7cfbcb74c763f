"""Routing is stopped at every point of moving orders and started again: nothing is lost."""

import asyncio

import pytest

from ordermesh.api.routing.v1 import FulfillmentOrder, Order
from tests.eventually import eventually
from tests.routing.house import House, refused
from tests.routing.reoptimizing import (
    APART,
    CROSSED,
    crossed,
    fates,
    places,
    reoptimize,
)
from tests.routing.test_crashes import CrashAt, held, restart_after

POINTS = (
    "replanned",
    "reassignment stored",
    "before reassign",
    "after reassign",
    "reassigned",
)


@pytest.mark.parametrize("point", POINTS)
async def test_orders_hold_their_stock_wherever_moving_them_is_stopped(
    house: House, point: str
) -> None:
    await crossed(house)
    crash = CrashAt(point)
    house.at = crash

    call: asyncio.Task[object] = asyncio.ensure_future(reoptimize(house))
    await restart_after(house, crash, call)

    # What was begun is finished, what was not leaves all as it was; each order has what it wants.
    expected = CROSSED if point == "replanned" else APART
    await eventually(lambda: _are(house, expected))
    for order_id in ("O-EAST", "O-WEST"):
        assert (await house.order(order_id)).state == Order.STATE_RELEASED
        ((place, units),) = (await held(house, order_id)).items()
        assert (place[1], units) == (next(iter(expected[order_id])), 1)
    assert await house.balance("MUG at EAST") == (1, 1, 0)
    assert await house.balance("MUG at WEST") == (1, 1, 0)
    assert await house.books_balance()
    # The next run begins anew, and finds nothing half done.
    reply = await reoptimize(house)
    assert set(fates(reply).values()) == (
        {"MOVED"} if point == "replanned" else {"BEST_WHERE_IT_IS"}
    )
    assert await places(house, "O-EAST", "O-WEST") == APART


@pytest.mark.parametrize("point", ["before reassign", "after reassign"])
async def test_a_move_that_is_cut_off_keeps_its_work_from_being_begun_until_it_is_known(
    house: House, point: str
) -> None:
    await crossed(house)
    (work,) = await house.work("O-EAST")
    crash = CrashAt(point)
    house.at = crash
    call: asyncio.Task[object] = asyncio.ensure_future(reoptimize(house))
    await eventually(lambda: crash.has_crashed)

    assert (await refused(house.accept(work))).reason == "BEING_MOVED"

    await restart_after(house, crash, call)
    await eventually(lambda: _are(house, APART))
    assert (await refused(house.accept(work))).reason == "WRONG_STATE"
    (moved,) = [
        one for one in await house.work("O-EAST") if one.state == FulfillmentOrder.STATE_RELEASED
    ]
    assert (await house.accept(moved)).location_id == "EAST"


async def test_inventory_that_is_away_while_orders_move_is_asked_again(house: House) -> None:
    await crossed(house)

    async def leave(point: str) -> None:
        if point == "reassignment stored":
            await house.stop_inventory()

    house.at = leave
    reply = await reoptimize(house, within=5)
    house.at = lambda _point: None
    assert set(fates(reply).values()) <= {"TO_BE_MOVED", "MOVED"}

    await house.start_inventory()

    await eventually(lambda: _are(house, APART))
    assert await house.balance("MUG at EAST") == (1, 1, 0)
    assert await house.books_balance()


async def _are(house: House, expected: dict[str, set[str]]) -> bool:
    return await places(house, "O-EAST", "O-WEST") == expected

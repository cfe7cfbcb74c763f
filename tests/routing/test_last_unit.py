"""The last unit, wanted by two orders at once, many times: one gets it, and the other the facts."""

import asyncio

import grpc
import pytest

from ordermesh.api.routing.v1 import Order, SubmitOrderResponse
from ordermesh.client.errors import Refusal
from tests.routing.house import ALWAYS, IF_SOURCED, House, answered, line, submission

ROUNDS = [60, pytest.param(1_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
TOGETHER = 8
"""How many rounds run at a time."""

STOCKED_AT_ONCE = 200


async def race(house: House, number: int) -> None:
    """Two checkouts for the one unit of an item."""
    sku = f"LAST-{number}"
    first, second = await asyncio.gather(
        *(
            answered(
                house.mesh.orders.SubmitOrder(
                    submission(f"{sku}-{name}", line("1", sku), acceptance=IF_SOURCED), timeout=20
                )
            )
            for name in ("a", "b")
        )
    )
    winners = [one for one in (first, second) if isinstance(one, SubmitOrderResponse)]
    losers = [one for one in (first, second) if isinstance(one, Refusal)]
    assert len(winners) == 1, (first, second)
    assert winners[0].order.state == Order.STATE_RELEASED
    assert losers[0].reason == "INSUFFICIENT_STOCK"
    assert losers[0].code is grpc.StatusCode.FAILED_PRECONDITION
    assert losers[0].metadata == {
        "lineId": "1",
        "sku": sku,
        "locationId": "NEAR",
        "wanted": "1",
        "available": "0",
    }


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_of_two_checkouts_for_the_last_unit_one_wins_every_time(
    house: House, rounds: int
) -> None:
    for start in range(0, rounds, STOCKED_AT_ONCE):
        some = range(start, min(start + STOCKED_AT_ONCE, rounds))
        await house.stock({f"LAST-{number} at NEAR": 1 for number in some})

    for start in range(0, rounds, TOGETHER):
        some = range(start, min(start + TOGETHER, rounds))
        await asyncio.gather(*(race(house, number) for number in some))

    assert await house.books_balance()


async def test_of_many_paid_orders_for_a_few_units_each_ends_sourced_or_explained(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 3, "MUG at EAST": 4})

    replies = await asyncio.gather(
        *(
            house.mesh.orders.SubmitOrder(
                submission(f"O-{number}", line("1", "MUG"), acceptance=ALWAYS), timeout=30
            )
            for number in range(20)
        )
    )

    states = [reply.order.state for reply in replies]
    assert states.count(Order.STATE_RELEASED) == 7
    assert states.count(Order.STATE_UNFILLABLE) == 13
    assert {
        reply.order.lines[0].unfilled_reason
        for reply in replies
        if reply.order.state == Order.STATE_UNFILLABLE
    } == {"INSUFFICIENT_STOCK"}
    assert await house.balance("MUG at NEAR") == (3, 3, 0)
    assert await house.balance("MUG at EAST") == (4, 4, 0)
    assert await house.books_balance()

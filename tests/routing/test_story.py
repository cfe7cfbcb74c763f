"""The main story: stock is received, an order is sourced, its goods leave."""

from ordermesh.api.routing.v1 import FulfillmentOrder, Order, Outcome
from tests.routing.house import IF_SOURCED, House, line


async def test_an_order_is_sourced_from_where_it_is_cheapest_and_shipped(house: House) -> None:
    await house.stock({"MUG at NEAR": 5, "MUG at WEST": 5})

    reply = await house.submit("O-1", line("1", "MUG", 2))

    assert reply.order.state == Order.STATE_RELEASED
    assert reply.decision.outcome == Outcome.OUTCOME_OPTIMAL
    (work,) = await house.work("O-1")
    assert work.location_id == "NEAR"
    assert await house.balance("MUG at NEAR") == (5, 2, 3)

    shipped = await house.ship(work)

    assert shipped.state == FulfillmentOrder.STATE_SHIPPED
    assert (await house.order("O-1")).state == Order.STATE_FULFILLED
    assert await house.balance("MUG at NEAR") == (3, 0, 3)
    assert await house.books_balance()


async def test_a_checkout_is_sourced_or_there_is_no_order(house: House) -> None:
    await house.stock({"MUG at NEAR": 5})

    reply = await house.submit("O-1", line("1", "MUG", 2), acceptance=IF_SOURCED)

    assert reply.order.state == Order.STATE_RELEASED
    assert await house.balance("MUG at NEAR") == (5, 2, 3)

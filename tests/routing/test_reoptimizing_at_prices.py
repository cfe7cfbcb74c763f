"""Open orders decided again while prices are in force: what is paid never rises for their sake."""

from decimal import Decimal

from ordermesh.api.routing.v1 import ReoptimizeOrdersResponse
from tests.routing.house import House, line, usd
from tests.routing.policing import save
from tests.routing.pricing import from_the_south, last_decision, renew, scarce_in_the_east
from tests.routing.reoptimizing import amount, bought, fates, places, reoptimize


def money(reply: ReoptimizeOrdersResponse) -> tuple[Decimal, Decimal]:
    """What is paid for all orders before, and after: their costs without prices."""
    return (
        amount(reply.cost_before) - amount(reply.prices_before),
        amount(reply.cost_after) - amount(reply.prices_after),
    )


async def test_no_order_pays_more_so_that_those_who_may_come_pay_less(house: House) -> None:
    await save(house, reassignment_charge=usd(0))
    await scarce_in_the_east(house)
    assert await from_the_south(house, "BEFORE") == "EAST"
    await renew(house)
    # At these prices it would come from elsewhere.
    assert await from_the_south(house, "AFTER") == "NEAR"

    reply = await reoptimize(house)

    assert fates(reply)["BEFORE"] == "SAVES_TOO_LITTLE"
    (told,) = [one for one in reply.orders if one.order_id == "BEFORE"]
    assert told.fact == "it would save for orders that may come, not now"
    assert await places(house, "BEFORE", "AFTER") == {"BEFORE": {"EAST"}, "AFTER": {"NEAR"}}
    assert reply.moved_orders == 0
    assert amount(reply.prices_before) > 0
    assert money(reply)[0] == money(reply)[1]


async def test_what_was_left_to_orders_that_may_come_is_not_taken_by_a_move(house: House) -> None:
    await save(house, reassignment_charge=usd(0))
    await scarce_in_the_east(house)
    await renew(house)
    assert await from_the_south(house, "AFTER") == "NEAR"
    decision = await last_decision(house, "AFTER")

    reply = await reoptimize(house)

    # In money alone it would be a little cheaper from EAST, whose units are dear.
    assert amount(decision.prices.paid) == 0
    assert fates(reply)["AFTER"] == "BEST_WHERE_IT_IS"
    assert await places(house, "AFTER") == {"AFTER": {"NEAR"}}


async def test_what_saves_at_prices_and_without_is_moved_and_tells_both(house: House) -> None:
    await scarce_in_the_east(house)
    await house.stock({"LAMP at WEST": 1})
    await bought(house, "O-EAST", "EAST", line("1", "LAMP"))
    before = await places(house, "O-EAST")
    await renew(house)
    await house.receive({"LAMP at EAST": 1})

    reply = await reoptimize(house)

    assert before == {"O-EAST": {"WEST"}}
    assert fates(reply)["O-EAST"] == "MOVED"
    assert await places(house, "O-EAST") == {"O-EAST": {"EAST"}}
    paid_before, paid_after = money(reply)
    assert paid_after + amount(reply.charge) < paid_before
    assert amount(reply.cost_after) + amount(reply.charge) < amount(reply.cost_before)
    # The mugs of the neighbours are dear, and still are.
    assert amount(reply.prices_after) == amount(reply.prices_before) > 0
    assert await house.books_balance()

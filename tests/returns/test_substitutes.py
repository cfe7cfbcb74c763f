"""What was sent instead of what was ordered comes back: what was paid for it is due."""

from decimal import Decimal

from google.type.money_pb2 import Money

from ordermesh.api.returns.v1 import Return
from ordermesh.api.routing import v1
from tests.eventually import eventually
from tests.returns.desk import NOW, Desk, asked, came
from tests.routing.house import item, line, usd
from tests.routing.policing import save
from tests.routing.test_substitutes_sent import replacing


async def test_what_was_sent_instead_is_refunded_what_was_paid_for_it(desk: Desk) -> None:
    house = desk.house
    await house.stock({"MUG at NEAR": 0, "CUP at NEAR": 4})
    # Two cups stand for one mug, at the mug's price.
    await save(house, rules=[replacing(units_each=2)])
    await desk.sell("O-1", line("1", "MUG", 2, unit_price=usd(9), accepts_substitutes=True))

    half = await desk.authorize("R-1", asked("1", 1, "CUP"), refund_timing=NOW)
    rest = await desk.authorize("R-2", refund_timing=NOW)

    assert (due(half), due(rest)) == ([Decimal("4.50")], [Decimal("13.50")])
    assert [amount(one.lines[0].unit_price) for one in (half, rest)] == [Decimal("4.50")] * 2


async def test_a_line_of_which_a_part_was_sent_instead_is_refunded_what_was_paid_for_each(
    desk: Desk,
) -> None:
    house = desk.house
    await house.items(item("CUP", value=usd(3)))
    await house.stock({"MUG at NEAR": 1})
    await house.receive({"CUP at NEAR": 2})
    await desk.sell("O-1", line("1", "MUG", 2, unit_price=usd(9), accepts_substitutes=True))
    # Two cups are worth less than the mug that they stand for: that is what is paid for them.
    await save(house, rules=[replacing(units_each=2, price=v1.Substitute.PRICE_LOWER)])
    await house.source("O-1")
    await house.ship((await house.work("O-1"))[-1])
    await eventually(lambda: desk.has_heard("O-1", 3))

    await desk.authorize("R-1", location_id="WEST")
    for sku in ("CUP", "MUG", "CUP"):
        await desk.receive("R-1", came("1", 1, sku=sku))

    assert due(await desk.get("R-1")) == [Decimal(3), Decimal(9), Decimal(3)]


async def test_what_left_instead_at_two_prices_is_due_both_however_returns_divide_it(
    desk: Desk,
) -> None:
    house = desk.house
    await house.items("MUG", item("CUP", value=usd(3)))
    await house.receive({"CUP at NEAR": 2})
    await save(house, rules=[replacing(units_each=2)])
    await desk.sell("O-1", line("1", "MUG", 2, unit_price=usd(9), accepts_substitutes=True))
    first = await desk.authorize("R-1", asked("1", 1, "CUP"), refund_timing=NOW)

    await house.receive({"CUP at NEAR": 1})
    await save(house, rules=[replacing(price=v1.Substitute.PRICE_LOWER)])
    await house.source("O-1")
    await house.ship((await house.work("O-1"))[-1])
    await eventually(lambda: desk.has_heard("O-1", 3))
    rest = await desk.authorize("R-2", refund_timing=NOW)

    assert (due(first), due(rest)) == ([Decimal("4.50")], [Decimal("7.50")])
    assert amount(rest.lines[0].unit_price) == Decimal(4)


async def test_what_was_sent_instead_and_never_came_back_is_not_refunded_again(
    desk: Desk,
) -> None:
    house = desk.house
    await house.stock({"MUG at NEAR": 0, "CUP at NEAR": 3})
    await save(house, rules=[replacing(units_each=3)])
    await desk.sell("O-1", line("1", "MUG", 1, unit_price=usd(10), accepts_substitutes=True))

    await desk.authorize("R-1", asked("1", 2, "CUP"), refund_timing=NOW)
    await desk.cancel("R-1")
    again = await desk.authorize("R-2", refund_timing=NOW)

    first = await desk.get("R-1")
    # A third of it cannot be paid: all of it can.
    assert (due(first), due(again)) == ([Decimal("6.6666")], [Decimal("3.3334")])


def due(one: Return) -> list[Decimal]:
    return [amount(refund.amount) for refund in one.refunds]


def amount(money: Money) -> Decimal:
    return Decimal(money.units) + Decimal(money.nanos) / 1_000_000_000

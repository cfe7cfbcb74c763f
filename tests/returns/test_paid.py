"""What was paid for what left instead of what was ordered: all of it is due, and never more."""

from random import Random

import pytest

from ordermesh.kernel.money import Money
from ordermesh.returns.domain.order_return import Price
from ordermesh.returns.domain.paid import Paid, paid_for
from ordermesh.returns.domain.returnable import ShippedLine

THREE_FOR_TEN = Price("USD", Money(100_000), 3)
TWO_FOR_NINE = Price("USD", Money(90_000), 2)
PAIR = ("1", "CUP")


def left(*parts: tuple[int, Price | None]) -> list[ShippedLine]:
    return [
        ShippedLine("O-1", f"F-{number}", *PAIR, quantity, price, number)
        for number, (quantity, price) in enumerate(parts, start=1)
    ]


def paid(*parts: tuple[int, Price | None]) -> Paid:
    return paid_for(left(*parts))[PAIR]


def one_by_one(known: Paid, units: int) -> list[int]:
    return [known.of(1, after) for after in range(units)]


def test_units_that_come_back_one_by_one_are_due_what_was_paid_for_them_together() -> None:
    assert one_by_one(paid((3, THREE_FOR_TEN)), 3) == [33_333, 33_333, 33_334]


def test_units_that_stand_together_for_one_are_due_its_price_though_they_left_apart() -> None:
    apart = paid((1, THREE_FOR_TEN), (1, THREE_FOR_TEN), (1, THREE_FOR_TEN))

    assert apart.of(3) == 100_000


def test_what_left_first_is_due_first_and_what_leaves_later_changes_nothing_of_it() -> None:
    before, after = paid((4, TWO_FOR_NINE)), paid((4, TWO_FOR_NINE), (3, THREE_FOR_TEN))

    assert one_by_one(after, 4) == one_by_one(before, 4) == [45_000] * 4
    assert after.of(7) == 180_000 + 100_000


def test_what_nobody_knows_the_price_of_is_due_nothing_beside_what_somebody_does() -> None:
    known = paid((2, None), (2, TWO_FOR_NINE))

    assert one_by_one(known, 4) == [0, 0, 45_000, 45_000]
    assert known.average == Price("USD", Money(90_000), 4)


def test_what_has_no_price_at_all_is_not_among_what_was_paid() -> None:
    assert paid_for(left((2, None))) == {}


@pytest.mark.parametrize("seed", range(20))
def test_however_it_is_divided_all_that_was_paid_is_due_and_at_no_time_more(seed: int) -> None:
    random = Random(seed)
    parts = []
    for _ in range(random.randint(1, 4)):
        each = random.randint(1, 7)
        price = Price("USD", Money(random.randint(0, 99_999)), each)
        parts.append((each * random.randint(1, 3), price))
    whole = sum(price.amount * quantity // price.units for quantity, price in parts)
    units = sum(quantity for quantity, _ in parts)
    known, back, due = paid(*parts), 0, 0

    while back < units:
        some = random.randint(1, units - back)
        due += known.of(some, back)
        back += some
        assert due <= whole

    assert due == whole == known.average.amount

"""What has left, by shipment."""

from ordermesh.kernel.money import Money
from ordermesh.returns.domain.order_return import Price
from ordermesh.returns.domain.returnable import ShippedLine, shipped_lines

PAID = Price("USD", Money(90_000), 2)


def test_each_order_line_and_item_of_a_shipment_is_one_fact() -> None:
    units = [("1", "MUG-7", 2, None), ("2", "MUG-7", 1, PAID), ("1", "BOX", 1, None)]
    facts = shipped_lines("A-1", "F-1", units, 4)

    assert facts == [
        ShippedLine("A-1", "F-1", "1", "MUG-7", 2, None, 4),
        ShippedLine("A-1", "F-1", "2", "MUG-7", 1, PAID, 4),
        ShippedLine("A-1", "F-1", "1", "BOX", 1, None, 4),
    ]


def test_a_pair_that_is_named_twice_is_summed() -> None:
    facts = shipped_lines("A-1", "F-1", [("1", "MUG-7", 2, PAID), ("1", "MUG-7", 3, PAID)], 4)

    assert facts == [ShippedLine("A-1", "F-1", "1", "MUG-7", 5, PAID, 4)]


def test_a_shipment_without_lines_is_no_fact() -> None:
    assert shipped_lines("A-1", "F-1", [], 4) == []

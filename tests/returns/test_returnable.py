"""What has left, by shipment."""

from ordermesh.returns.domain.returnable import ShippedLine, shipped_lines


def test_each_order_line_and_item_of_a_shipment_is_one_fact() -> None:
    facts = shipped_lines("A-1", "F-1", [("1", "MUG-7", 2), ("2", "MUG-7", 1), ("1", "BOX", 1)])

    assert facts == [
        ShippedLine("A-1", "F-1", "1", "MUG-7", 2),
        ShippedLine("A-1", "F-1", "2", "MUG-7", 1),
        ShippedLine("A-1", "F-1", "1", "BOX", 1),
    ]


def test_a_pair_that_is_named_twice_is_summed() -> None:
    facts = shipped_lines("A-1", "F-1", [("1", "MUG-7", 2), ("1", "MUG-7", 3)])

    assert facts == [ShippedLine("A-1", "F-1", "1", "MUG-7", 5)]


def test_a_shipment_without_lines_is_no_fact() -> None:
    assert shipped_lines("A-1", "F-1", []) == []

"""Freezing kits: components as they are now, and shares that add up to the price."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordermesh.kernel.money import Money, from_decimal
from ordermesh.routing.domain.item import Item, KitPart
from ordermesh.routing.domain.kit import freeze, shares
from ordermesh.routing.domain.price import Price


def an_item(sku: str, value: str | None = None, currency: str = "USD") -> Item:
    price = None if value is None else Price(currency, from_decimal(value))
    return Item(sku, 1, 100, price, True)


def a_kit(**parts: int) -> Item:
    components = tuple(KitPart(sku, quantity) for sku, quantity in parts.items())
    return Item("SET", 1, 0, None, True, components)


def amounts(kit: Item, items: list[Item], price: str) -> list[str]:
    frozen = freeze(kit, {one.sku: one for one in items}, Price("USD", from_decimal(price)))
    shown = [part.price_share for part in frozen]
    return [f"{share.amount / 10_000:.4f}" for share in shown if share is not None]


def test_shares_go_by_the_value_of_the_components() -> None:
    items = [an_item("CUP", "3"), an_item("TEA", "4")]

    assert amounts(a_kit(CUP=2, TEA=1), items, "5.00") == ["3.0000", "2.0000"]


def test_shares_go_by_units_where_a_value_is_missing_or_in_another_currency() -> None:
    for other in (an_item("TEA"), an_item("TEA", "9", "EUR"), an_item("TEA", "0")):
        items = [an_item("CUP", "3"), other]

        assert amounts(a_kit(CUP=2, TEA=1), items, "9.00") == ["6.0000", "3.0000"]


def test_what_cannot_be_divided_goes_to_the_largest_remainders_the_first_of_equals() -> None:
    assert shares(Money(10), [1, 1, 1]) == (4, 3, 3)
    assert shares(Money(11), [3, 3, 1]) == (5, 5, 1)
    assert shares(Money(-10), [1, 1, 1]) == (-4, -3, -3)


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(1, 10**6), min_size=1, max_size=50))
def test_shares_add_up_and_none_is_off_by_a_unit(amount: int, weights: list[int]) -> None:
    split = shares(Money(amount), weights)

    assert sum(split) == amount
    for share, weight in zip(split, weights, strict=True):
        assert abs(share - amount * weight / sum(weights)) <= 1


def test_weights_must_be_positive() -> None:
    for weights in ([], [1, 0], [-1]):
        with pytest.raises(ValueError, match="positive"):
            shares(Money(1), weights)


def test_a_kit_without_a_price_has_no_shares_and_an_item_no_components() -> None:
    items = {"CUP": an_item("CUP", "3")}

    assert [part.price_share for part in freeze(a_kit(CUP=2), items, None)] == [None]
    assert freeze(an_item("CUP"), items, None) == ()

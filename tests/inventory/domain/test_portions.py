from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from ordermesh.inventory.domain.errors.stock import InsufficientStock, NotStockedHere
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.kit import Component, Kit, Wanted, exploded
from ordermesh.inventory.domain.ledger import Balance, Ledger
from ordermesh.inventory.domain.portions import portions
from ordermesh.inventory.domain.reserving import Ask, Reserved, reserve
from ordermesh.inventory.domain.selling import Terms

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MUG_A, CUP_A, MUG_B = StockKey("MUG", "A"), StockKey("CUP", "A"), StockKey("MUG", "B")
SET = {"SET": Kit((Component("MUG", 2), Component("CUP", 1)))}


def books(**on_hand: int) -> Ledger:
    keys = {name: StockKey(*name.split("_")) for name in on_hand}
    return Ledger({keys[name]: Balance(on_hand=count) for name, count in on_hand.items()})


def best(ledger: Ledger, *wanted: Wanted, is_final: bool = True) -> Reserved:
    ask = Ask(UUID(int=1), "X", exploded(wanted, SET), timedelta(minutes=5), is_best_effort=True)
    return reserve(ledger, Actor("storefront"), ask, {}, Terms(), NOON, is_final=is_final)


def test_nothing_of_anything_is_refused_with_every_line() -> None:
    with pytest.raises(InsufficientStock) as refusal:
        best(books(MUG_A=0, CUP_A=0), Wanted("1", MUG_A, 2), Wanted("2", CUP_A, 1))
    assert refusal.value.facts()["rows"] == "2"

    with pytest.raises(NotStockedHere):
        best(books(), Wanted("1", MUG_A, 2))


def test_what_is_missing_is_refused_so_long_as_an_overdue_hold_may_be_in_the_way() -> None:
    ledger = books(MUG_A=1)

    with pytest.raises(InsufficientStock):
        best(ledger, Wanted("1", MUG_A, 2), Wanted("2", MUG_B, 1), is_final=False)

    assert ledger.entries == ()


def test_each_line_gets_what_the_ones_before_have_left() -> None:
    ledger = books(MUG_A=5, CUP_A=9)

    made, _, found = best(
        ledger,
        Wanted("1", MUG_A, 3),
        Wanted("2", MUG_A, 3),
        Wanted("3", MUG_A, 1),
        Wanted("4", CUP_A, 1),
        Wanted("5", MUG_B, 2),
    )

    assert [(one.line_id, one.wanted, one.granted, one.reason) for one in found] == [
        ("1", 3, 3, ""),
        ("2", 3, 2, "INSUFFICIENT_STOCK"),
        ("3", 1, 0, "INSUFFICIENT_STOCK"),
        ("4", 1, 1, ""),
        ("5", 2, 0, "NOT_STOCKED_HERE"),
    ]
    assert [(line.line_id, line.quantity) for line in made.lines] == [("1", 3), ("2", 2), ("4", 1)]
    assert made.granted == 6
    assert ledger.balance(MUG_A).reserved == 5


def test_kits_are_granted_whole_and_share_their_components_with_other_lines() -> None:
    ledger = books(MUG_A=7, CUP_A=9)

    made, _, found = best(ledger, Wanted("1", MUG_A, 2), Wanted("2", StockKey("SET", "A"), 4))

    assert [(one.key.sku, one.wanted, one.granted) for one in found] == [
        ("MUG", 2, 2),
        ("SET", 4, 2),
    ]
    assert [(line.key.sku, line.quantity, line.kit_sku) for line in made.lines] == [
        ("MUG", 2, ""),
        ("MUG", 4, "SET"),
        ("CUP", 2, "SET"),
    ]


def test_a_line_for_a_kit_and_one_for_its_component_are_two_though_they_share_an_id() -> None:
    wanted = exploded([Wanted("1", StockKey("SET", "A"), 1), Wanted("1", MUG_A, 1)], SET)

    found = portions(books(MUG_A=3, CUP_A=1), wanted, Terms(), "", NOON)

    assert [(one.key.sku, one.granted) for one in found] == [("SET", 1), ("MUG", 1)]

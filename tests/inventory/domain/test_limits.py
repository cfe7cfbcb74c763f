from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from ordermesh.inventory.domain.control import Control, ControlKind
from ordermesh.inventory.domain.control_table import ControlTable
from ordermesh.inventory.domain.errors.control import PurchaseLimit
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.kit import Wanted
from ordermesh.inventory.domain.limits import (
    Buyer,
    Purchases,
    asked_units,
    purchases_of,
    refuse_over_limit,
    sent_beyond,
)
from ordermesh.inventory.domain.reservation import Line, LineState, Reservation
from ordermesh.inventory.domain.selling import Terms
from tests.inventory.domain.moves import CUP, MUG

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, MOMENT = timedelta(hours=1), timedelta(microseconds=1)
MUG_B = StockKey("MUG", "B")
ANN = Buyer("W-1", "ann", "web")
LINE, ORDER, CUSTOMER = (
    ControlKind.LIMIT_PER_LINE,
    ControlKind.LIMIT_PER_ORDER,
    ControlKind.LIMIT_PER_CUSTOMER,
)


def wanted(line_id: str, key: StockKey, units: int, **fields: Any) -> Wanted:
    return replace(Wanted(line_id, key, units), **fields)


def bought(
    number: int, *units: tuple[StockKey, int], buyer: Buyer = ANN, **fields: Any
) -> Reservation:
    """A reservation with confirmed lines, made at noon."""
    lines = tuple(
        Line(place, str(place), key, count, LineState.CONFIRMED)
        for place, (key, count) in enumerate(units, start=1)
    )
    plain = Reservation(
        UUID(int=number),
        "shop",
        buyer.order_id,
        NOON,
        lines,
        channel=buyer.channel,
        customer=buyer.customer,
    )
    return replace(plain, **fields)


def terms(*controls: Control, **fields: Any) -> Terms:
    return Terms(controls=ControlTable(controls), **fields)


def over(
    rules: Terms,
    *lines: Wanted,
    buyer: Buyer = ANN,
    purchases: Purchases | None = None,
    replaced: tuple[Reservation, ...] = (),
) -> list[tuple[object, ...]]:
    """What is over a limit: SKU, per what, the limit, how many are wanted and were bought."""
    try:
        refuse_over_limit(lines, buyer, rules, purchases, replaced, NOON)
    except PurchaseLimit as refusal:
        return [
            tuple(row[name] for name in ("sku", "per", "limit", "wanted", "already"))
            for row in refusal.rows
        ]
    return []


def test_where_nothing_limits_purchases_anything_may_be_wanted() -> None:
    assert over(terms(), wanted("1", MUG, 10**9)) == []
    assert over(terms(Control("cap", ControlKind.CAP, 1)), wanted("1", MUG, 10**9)) == []


@pytest.mark.parametrize(("units", "is_over"), [(3, False), (4, True)])
def test_a_line_may_want_as_many_as_the_limit_says(units: int, *, is_over: bool) -> None:
    rules = terms(Control("line", LINE, 3))

    found = over(rules, wanted("1", MUG, units), wanted("2", MUG, 3), wanted("3", CUP, 1))
    assert found == ([("MUG", "line", 3, 4, 0)] if is_over else [])


def test_a_line_over_several_places_is_one_line() -> None:
    found = over(terms(Control("line", LINE, 3)), wanted("1", MUG, 2), wanted("1", MUG_B, 2))

    assert found == [("MUG", "line", 3, 4, 0)]


@pytest.mark.parametrize(("kind", "per"), [(ORDER, "order"), (CUSTOMER, "customer")])
def test_lines_of_an_item_count_together_with_what_was_bought(kind: ControlKind, per: str) -> None:
    rules = terms(Control("limit", kind, 5))
    purchases = Purchases([bought(1, (MUG, 1)), bought(2, (MUG_B, 1), (CUP, 9))], NOON)

    assert over(rules, wanted("1", MUG, 2), wanted("2", MUG, 1), purchases=purchases) == []
    assert over(rules, wanted("1", MUG, 3), wanted("2", MUG, 1), purchases=purchases) == [
        ("MUG", per, 5, 4, 2)
    ]
    # Where nothing is known of purchases, what is wanted now counts alone.
    assert over(rules, wanted("1", MUG, 5)) == []
    assert over(rules, wanted("1", MUG, 6)) == [("MUG", per, 5, 6, 0)]


def test_what_was_bought_does_not_count_for_a_line() -> None:
    purchases = Purchases([bought(1, (MUG, 9))], NOON)

    assert over(terms(Control("line", LINE, 3)), wanted("1", MUG, 3), purchases=purchases) == []


@pytest.mark.parametrize(
    ("kind", "other", "counts"),
    [
        (ORDER, Buyer("W-2", "ann", "web"), False),
        (ORDER, Buyer("W-1", "bob", "app"), True),
        (CUSTOMER, Buyer("W-2", "ann", "app"), True),
        (CUSTOMER, Buyer("W-1", "bob", "web"), False),
    ],
)
def test_purchases_of_the_same_order_or_customer_count(
    kind: ControlKind, other: Buyer, *, counts: bool
) -> None:
    purchases = Purchases([bought(1, (MUG, 5), buyer=other)], NOON)
    found = over(terms(Control("limit", kind, 5)), wanted("1", MUG, 1), purchases=purchases)

    assert bool(found) == counts


@pytest.mark.parametrize("kind", [ORDER, CUSTOMER])
def test_nobody_is_not_the_same_as_nobody(kind: ControlKind) -> None:
    nobody = Buyer(channel="web")
    purchases = Purchases([bought(1, (MUG, 5), buyer=nobody)], NOON)
    rules = terms(Control("limit", kind, 5))

    assert over(rules, wanted("1", MUG, 5), buyer=nobody, purchases=purchases) == []
    assert over(rules, wanted("1", MUG, 6), buyer=nobody, purchases=purchases)


def test_a_limit_of_a_channel_counts_what_was_bought_through_it() -> None:
    app = Buyer("W-1", "ann", "app")
    purchases = Purchases([bought(1, (MUG, 3)), bought(2, (MUG, 4), buyer=app)], NOON)
    rules = terms(Control("web", CUSTOMER, 5, channel="web"), Control("all", CUSTOMER, 9))

    assert over(rules, wanted("1", MUG, 3), purchases=purchases) == [("MUG", "customer", 5, 3, 3)]
    assert over(rules, wanted("1", MUG, 3), buyer=app, purchases=purchases) == [
        ("MUG", "customer", 9, 3, 7)
    ]


def test_a_limit_looks_back_as_far_as_its_window() -> None:
    purchases = Purchases(
        [
            bought(1, (MUG, 1), create_time=NOON - HOUR - MOMENT),
            bought(2, (MUG, 2), create_time=NOON - HOUR),
            bought(3, (MUG, 4), create_time=NOON - HOUR + MOMENT),
        ],
        NOON,
    )

    def already(window: timedelta | None) -> object:
        rules = terms(Control("limit", CUSTOMER, 5, window=window))
        ((*_, count),) = over(rules, wanted("1", MUG, 5), purchases=purchases)
        return count

    assert already(HOUR) == 4
    assert already(HOUR + MOMENT) == 6
    assert already(None) == 7


def test_what_is_taken_over_does_not_count_but_for_what_has_left() -> None:
    rules = terms(Control("limit", CUSTOMER, 5))
    purchases = Purchases([bought(1, (MUG, 1)), bought(2, (MUG, 3)), bought(3, (MUG, 4))], NOON)
    closed = bought(2, lines=(Line(1, "1", MUG, 3, LineState.RELEASED),))
    half = bought(
        2,
        lines=(
            Line(1, "1", MUG, 1, LineState.RELEASED),
            Line(2, "1", MUG, 2, LineState.SHIPPED),
        ),
    )

    def already(*replaced: Reservation) -> object:
        return over(rules, wanted("1", MUG, 5), purchases=purchases, replaced=replaced)[0][-1]

    assert [already(), already(closed), already(half)] == [8, 5, 7]
    purchases.renew([])
    assert already() == 8
    purchases.renew([half, bought(3, lines=())])
    assert already() == 3
    purchases.note(bought(4, (MUG, 1)))
    assert already() == 4


@pytest.mark.parametrize("state", LineState)
def test_what_is_open_or_shipped_was_bought(state: LineState) -> None:
    line = Line(1, "1", MUG, 2, state)
    found = purchases_of(bought(1, lines=(line,)), NOON)

    counts = state in (LineState.HELD, LineState.CONFIRMED, LineState.SHIPPED)
    assert [(one.sku, one.units) for one in found] == ([("MUG", 2)] if counts else [])


def test_a_hold_counts_until_its_time_has_passed() -> None:
    line = Line(1, "1", MUG, 2, LineState.HELD, expire_time=NOON)
    made = bought(1, lines=(line,))

    assert purchases_of(made, NOON - MOMENT)
    assert not purchases_of(made, NOON)


def test_a_purchase_says_who_bought_what_and_when() -> None:
    (one,) = purchases_of(bought(1, (MUG, 2)), NOON)

    assert (one.reservation_id, one.buyer, one.sku, one.units, one.time) == (
        UUID(int=1),
        ANN,
        "MUG",
        2,
        NOON,
    )


def test_of_a_kit_that_was_asked_for_kits_count() -> None:
    pot, cup = StockKey("POT", "A"), StockKey("CUP", "A")
    kit = {"kit_sku": "SET"}
    lines = [
        wanted("1", pot, 3, quantity_per_kit=1, **kit),
        wanted("1", cup, 4, quantity_per_kit=2, **kit),
        wanted("1", StockKey("CUP", "B"), 3, quantity_per_kit=2, **kit),
        wanted("2", cup, 5),
        wanted("1", cup, 1),
    ]

    assert asked_units(lines) == {("1", "SET"): 4, ("2", "CUP"): 5, ("1", "CUP"): 1}


def test_everything_over_a_limit_is_told_item_by_item_and_kind_by_kind() -> None:
    rules = terms(
        Control("per-customer", CUSTOMER, 1),
        Control("per-line", LINE, 2, tag="red"),
        Control("per-order", ORDER, 9),
        tags={"MUG": ("red",)},
    )
    lines = [wanted("1", MUG, 3), wanted("2", CUP, 2)]

    with pytest.raises(PurchaseLimit) as refusal:
        refuse_over_limit(lines, ANN, rules, None, (), NOON)

    assert [(row["sku"], row["controlId"]) for row in refusal.value.rows] == [
        ("MUG", "per-line"),
        ("MUG", "per-customer"),
        ("CUP", "per-customer"),
    ]


def test_what_left_beyond_it_counts_whoever_takes_over_the_rest() -> None:
    before = bought(1, (MUG, 2))
    beyond = sent_beyond(before, {"MUG": 1, "CUP": 9})
    purchases = Purchases([before], NOON, beyond)
    rules = terms(Control("limit", ORDER, 5))

    assert over(rules, wanted("1", MUG, 2), purchases=purchases) == []
    assert over(rules, wanted("1", MUG, 3), purchases=purchases) == [("MUG", "order", 5, 3, 3)]
    purchases.renew([before])
    assert over(rules, wanted("1", MUG, 3), purchases=purchases) == [("MUG", "order", 5, 3, 3)]
    released = replace(before, lines=())
    assert over(rules, wanted("1", MUG, 5), purchases=purchases, replaced=(released,)) == [
        ("MUG", "order", 5, 5, 1)
    ]


def test_what_left_beyond_it_is_told_by_the_name_that_was_asked_for() -> None:
    made = bought(1, (MUG, 2), (CUP, 4))
    mug, cup = made.lines
    of_kit: dict[str, Any] = {"kit_sku": "SET", "quantity_per_kit": 2}

    def told(*lines: Line, **units: int) -> dict[str, int]:
        found = sent_beyond(replace(made, lines=lines), units)
        return {one.sku: one.units for one in found}

    assert told(mug, cup, MUG=3) == {"MUG": 3}
    assert told(mug, replace(cup, **of_kit), CUP=3) == {"SET": 2}
    assert told(replace(mug, **of_kit), replace(cup, **of_kit), CUP=3, MUG=5) == {"SET": 3}
    # An item that was asked for as itself, and is part of a kit besides, counts as itself.
    assert told(mug, replace(mug, number=3, **of_kit), MUG=2) == {"MUG": 2}

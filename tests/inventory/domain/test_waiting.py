"""Where wishes are met from, when they may wait."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ordermesh.inventory.domain.errors.stock import InsufficientStock
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.kit import Wait, Wanted
from ordermesh.inventory.domain.ledger import Balance, Ledger
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.domain.supply import (
    TRANSITIONS,
    Supply,
    SupplyKind,
    SupplyRule,
    SupplyState,
    due,
)
from ordermesh.inventory.domain.waiting import Market, allot

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEY = StockKey("MUG", "A")
NEVER = 99

wishes = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from((0, 1, 2, 3, NEVER))), min_size=1, max_size=5
)
coming = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), max_size=4)


def supply(number: int, quantity: int, day: int, **fields: Any) -> Supply:
    return Supply(
        supply_id=f"S{number}",
        kind=SupplyKind.PURCHASE_ORDER,
        key=KEY,
        quantity=quantity,
        expected_time=NOW + timedelta(days=day),
        confidence_percent=90,
        **fields,
    )


def wanted(number: int, quantity: int, day: int) -> Wanted:
    """0: it must be on hand; ``NEVER``: it waits however long."""
    if day == 0:
        return Wanted(str(number), KEY, quantity)
    return Wanted(
        str(number), KEY, quantity, wait=Wait(None if day == NEVER else NOW + timedelta(days=day))
    )


@given(on_hand=st.integers(0, 6), asked=wishes, expected=coming, deficit=st.integers(0, 3))
def test_wishes_are_met_exactly_when_they_can_be(
    on_hand: int, asked: list[tuple[int, int]], expected: list[tuple[int, int]], deficit: int
) -> None:
    """By each deadline, those who cannot wait longer want no more than is there by then."""
    deficit = 0 if on_hand else deficit
    balance = Balance(on_hand, deficit, deficit)
    rows = sorted(
        (supply(number, *row) for number, row in enumerate(expected)),
        key=lambda one: (one.expected_time, one.supply_id),
    )
    lines = [wanted(number, *row) for number, row in enumerate(asked)]
    can_be = all(
        sum(quantity for quantity, until in asked if until <= day)
        <= on_hand + max(0, sum(quantity for quantity, comes in expected if comes <= day) - deficit)
        for day in (0, 1, 2, 3, NEVER)
    )

    try:
        parts = allot(Ledger({KEY: balance}), lines, Market(Terms(), "", NOW, {KEY: rows}))
    except InsufficientStock:
        assert not can_be
        return

    assert can_be
    by_id = {one.supply_id: one for one in rows}
    for line in lines:
        own = [part for part in parts if part.wanted.line_id == line.line_id]
        assert sum(part.wanted.quantity for part in own) == line.quantity
        for part in own:
            if part.supply_id:
                assert line.wait is not None
                until = line.wait.needed_by
                assert until is None or by_id[part.supply_id].expected_time <= until
    for supply_id, one in by_id.items():
        taken = sum(part.wanted.quantity for part in parts if part.supply_id == supply_id)
        assert taken <= one.quantity
    here = sum(part.wanted.quantity for part in parts if not part.supply_id)
    assert here <= on_hand


def test_every_state_leads_on_or_is_closed_for_ever() -> None:
    assert TRANSITIONS.keys() == set(SupplyState)
    assert {state for state, later in TRANSITIONS.items() if not later} == {
        SupplyState.RECEIVED,
        SupplyState.CANCELLED,
    }
    assert all(min(later, default=SupplyState.CANCELLED) > state for state, later in
               TRANSITIONS.items() if later)  # fmt: skip


def test_what_may_be_counted_on_is_due_in_time_and_sure_enough() -> None:
    rule = SupplyRule(timedelta(days=10), 80)

    assert rule.counts(supply(1, 1, 0), NOW)
    assert rule.counts(supply(1, 1, 10), NOW)
    assert not rule.counts(supply(1, 1, 11), NOW)
    assert not rule.counts(supply(1, 1, -1), NOW)
    assert not rule.as_sure_as(91).counts(supply(1, 1, 1), NOW)
    assert rule.as_sure_as(5) == rule


def test_units_that_are_due_are_those_that_nobody_was_promised() -> None:
    rows = [supply(1, 5, 1, promised=2), supply(2, 4, 3, received=1)]

    assert due(rows, NOW, {}) == 0
    assert due(rows, NOW + timedelta(days=1), {}) == 3
    assert due(rows, NOW + timedelta(days=3), {"S1": 2}) == 8

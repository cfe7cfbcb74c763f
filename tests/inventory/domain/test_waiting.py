"""Where wishes are met from, when they may wait."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordermesh.inventory.domain.control import Control, ControlKind
from ordermesh.inventory.domain.control_table import ControlTable
from ordermesh.inventory.domain.errors.stock import ALL_OVERDUE, InsufficientStock, NotStockedHere
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.kit import Wait, Wanted
from ordermesh.inventory.domain.ledger import Balance, Cause, Ledger, MovementKind
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.reservation import Line, LineState, Reservation
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.domain.supply import (
    TRANSITIONS,
    Supply,
    SupplyKind,
    SupplyRule,
    SupplyState,
    due,
)
from ordermesh.inventory.domain.waiting import BreakCause, Market, Part, Waiters, allot

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


@given(
    on_hand=st.integers(0, 6),
    asked=wishes,
    expected=coming,
    deficit=st.integers(0, 3),
    pool=st.one_of(st.just(10**9), st.integers(0, 12)),
)
def test_wishes_are_met_exactly_when_they_can_be(
    on_hand: int,
    asked: list[tuple[int, int]],
    expected: list[tuple[int, int]],
    deficit: int,
    pool: int,
) -> None:
    """By each deadline, those who cannot wait longer want no more than is there by then.

    Nor do all together want more than their channel's pool has.
    """
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
    ) and pool >= sum(quantity for quantity, _ in asked)
    ring_fence = Control("pool", ControlKind.POOL, pool, channel="web", number=1)
    terms = Terms(controls=ControlTable([ring_fence]))

    try:
        parts = allot(Ledger({KEY: balance}), lines, Market(terms, "web", NOW, {KEY: rows}))
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


ANN, BOB, CAT = (UUID(int=number) for number in (1, 2, 3))


def some(number: int, units: int, **more: Any) -> Line:
    plain = Line(number, str(number), KEY, units, LineState.CONFIRMED, supply_id="S1")
    return replace(plain, **more)


def those(who: UUID, *lines: Line, day: int = 0) -> Reservation:
    return Reservation(who, "shop", "", NOW + timedelta(days=day), lines, len(lines))


def lapsed(waiters: Waiters, one: Supply) -> list[tuple[UUID, int, int, BreakCause]]:
    """Who, which line, how many units, and why."""
    return [
        (row.reservation.reservation_id, row.line.number, row.line.quantity, row.cause)
        for row in waiters.lapse(Ledger({}), one, NOW)
    ]


def parts(
    ledger: Ledger, lines: list[Wanted], *rows: Supply, terms: Terms | None = None
) -> list[tuple[str, str, int]]:
    market = Market(terms or Terms(), "", NOW, {KEY: rows})
    return [
        (one.wanted.line_id, one.supply_id, one.wanted.quantity)
        for one in allot(ledger, lines, market)
    ]


def test_on_hand_is_used_first_and_then_supplies_in_the_order_of_their_dates() -> None:
    rows = (supply(1, 2, 1), supply(2, 9, 2))

    assert parts(Ledger({KEY: Balance(3)}), [wanted(1, 7, 2)], *rows) == [
        ("1", "", 3),
        ("1", "S1", 2),
        ("1", "S2", 2),
    ]


def test_several_wishes_use_up_what_is_there_and_what_comes_to_the_last_unit() -> None:
    lines = [wanted(number, units, 1) for number, units in enumerate((2, 2, 2, 2, 1), start=1)]

    assert parts(Ledger({KEY: Balance(4)}), lines, supply(1, 5, 1)) == [
        ("1", "", 2),
        ("2", "", 2),
        ("3", "S1", 2),
        ("4", "S1", 2),
        ("5", "S1", 1),
    ]
    with pytest.raises(InsufficientStock) as refusal:
        parts(Ledger({KEY: Balance(4)}), [*lines, wanted(6, 3, 1)], supply(1, 5, 1))
    assert refusal.value.rows == ({"sku": "MUG", "locationId": "A", "wanted": 12, "available": 9},)


def test_what_waits_keeps_the_order_of_its_serial_numbers() -> None:
    line = replace(wanted(1, 3, 1), serial_numbers=("A", "B", "C"))

    market = Market(Terms(), "", NOW, {KEY: [supply(1, 9, 1)]})
    found = allot(Ledger({KEY: Balance(2)}), [line], market)

    assert [part.wanted.serial_numbers for part in found] == [("A", "B"), ("C",)]
    assert [part.is_on_hand for part in found] == [True, False]


def test_what_the_decision_has_promised_already_is_promised_once() -> None:
    ledger = Ledger({KEY: Balance()})
    ledger.promise("S1", 3)

    assert parts(ledger, [wanted(1, 2, 1)], supply(1, 5, 1)) == [("1", "S1", 2)]
    with pytest.raises(InsufficientStock) as refusal:
        parts(ledger, [wanted(1, 3, 1)], supply(1, 5, 1))
    assert refusal.value.rows == ({"sku": "MUG", "locationId": "A", "wanted": 3, "available": 2},)


def test_the_first_to_come_cover_the_deficit() -> None:
    ledger = Ledger({KEY: Balance(reserved=3, short=3)})

    assert parts(ledger, [wanted(1, 4, 2)], supply(1, 2, 1), supply(2, 5, 2)) == [("1", "S2", 4)]
    with pytest.raises(InsufficientStock) as refusal:
        parts(ledger, [wanted(1, 5, 2)], supply(1, 2, 1), supply(2, 5, 2))
    assert refusal.value.rows[0]["available"] == 4


def test_what_may_not_be_sold_is_covered_by_the_first_to_come() -> None:
    safety = Control("s", ControlKind.SAFETY_STOCK, 3)
    terms = Terms(controls=ControlTable([safety]))

    assert parts(Ledger({KEY: Balance(1)}), [wanted(1, 3, 1)], supply(1, 5, 1), terms=terms) == [
        ("1", "S1", 3)
    ]
    with pytest.raises(InsufficientStock) as refusal:
        parts(Ledger({KEY: Balance(1)}), [wanted(1, 4, 1)], supply(1, 5, 1), terms=terms)
    assert refusal.value.missing == {KEY: ALL_OVERDUE}


def test_what_is_short_is_missing_by_so_many_units_where_there_are_no_conditions() -> None:
    with pytest.raises(InsufficientStock) as refusal:
        parts(Ledger({KEY: Balance(1)}), [wanted(1, 4, 1), wanted(2, 2, 0)])

    assert refusal.value.missing == {KEY: 5}


def test_who_may_wait_for_what_nobody_keeps_is_told_that_nobody_does() -> None:
    with pytest.raises(NotStockedHere) as refusal:
        parts(Ledger({}), [wanted(1, 4, 1)])
    assert refusal.value.rows == ({"sku": "MUG", "locationId": "A"},)
    with pytest.raises(InsufficientStock):
        parts(Ledger({KEY: Balance()}), [wanted(1, 4, 1)])
    other = replace(wanted(2, 1, 1), key=StockKey("CUP", "A"))
    with pytest.raises(InsufficientStock) as both:
        parts(Ledger({KEY: Balance()}), [wanted(1, 4, 1), other])
    assert [row["sku"] for row in both.value.rows] == ["MUG", "CUP"]


def test_the_most_urgent_is_met_first_and_of_equals_the_first() -> None:
    ledger = Ledger({KEY: Balance(2)})
    rows = (supply(1, 2, 1), supply(2, 2, 2))
    lines = [wanted(1, 2, 2), wanted(2, 2, 1), wanted(3, 2, NEVER)]

    assert parts(ledger, lines, *rows) == [("1", "S1", 2), ("2", "", 2), ("3", "S2", 2)]
    assert parts(ledger, [wanted(1, 2, 1), wanted(2, 2, 1)], *rows) == [
        ("1", "", 2),
        ("2", "S1", 2),
    ]


def test_what_is_not_held_waits_for_nothing() -> None:
    tracked = replace(wanted(1, 4, 1), mode=ReservationMode.TRACK_ONLY)

    assert parts(Ledger({KEY: Balance()}), [tracked], supply(1, 9, 1)) == [("1", "", 4)]
    beside = [tracked, wanted(2, 3, 1)]
    assert parts(Ledger({KEY: Balance()}), beside, supply(1, 9, 1)) == [
        ("1", "", 4),
        ("2", "S1", 3),
    ]
    assert not Part(tracked).is_on_hand


def test_units_that_came_go_to_those_who_wait_the_oldest_first() -> None:
    ledger = Ledger({KEY: Balance(5)})
    cause = Cause(MovementKind.RECEIVED)
    waiters = Waiters(
        [
            those(CAT, some(1, 4), day=1),
            those(BOB, some(2, 1), some(1, 1, supply_id="S2")),
            those(ANN, some(2, 1, lot_id="L", serial_numbers=("X",)), some(1, 1)),
        ]
    )

    assert waiters.keep(ledger, cause, supply(1, 9, 1), 5) == 5

    assert [(one.reservation_id, one.quantity) for one in ledger.entries] == [
        (ANN, 1),
        (ANN, 1),
        (BOB, 1),
        (CAT, 2),
    ]
    assert (ledger.entries[1].lot_id, ledger.entries[1].serial_numbers) == ("L", ("X",))
    assert ledger.promised() == {"S1": -5}
    done = waiters.done()
    assert [(one.quantity, one.is_on_hand) for one in done[CAT].lines] == [(2, False), (2, True)]
    assert [one.supply_id for one in done[BOB].lines] == ["S2", ""]
    assert waiters.keep(ledger, cause, supply(3, 9, 1), 5) == 0
    assert waiters.keep(Ledger({KEY: Balance(9)}), cause, supply(1, 9, 1), 9) == 2


def test_nobody_gets_anything_where_nothing_came() -> None:
    ledger = Ledger({KEY: Balance(5)})
    waiters = Waiters([those(ANN, some(1, 4))])

    assert waiters.keep(ledger, Cause(MovementKind.RECEIVED), supply(1, 9, 1), 0) == 0
    assert ledger.entries == ()
    assert ledger.promised() == {}


def test_a_supply_that_comes_too_late_breaks_promises_with_an_earlier_date() -> None:
    def waiters() -> Waiters:
        in_time = some(1, 1, needed_by=NOW + timedelta(days=2))
        return Waiters([those(ANN, in_time, some(2, 1)), those(BOB, some(1, 1, broken_time=NOW))])

    assert lapsed(waiters(), supply(1, 2, 2)) == []
    assert lapsed(waiters(), supply(1, 2, 3)) == [(ANN, 1, 1, BreakCause.LATE)]


def test_a_supply_that_shrinks_breaks_the_newest_promises_and_keeps_a_part() -> None:
    def waiters() -> Waiters:
        return Waiters(
            [those(BOB, some(1, 3), some(2, 2), day=1), those(ANN, some(1, 4)), those(CAT)]
        )

    assert lapsed(waiters(), supply(1, 9, 1)) == []
    assert lapsed(waiters(), supply(1, 8, 1)) == [(BOB, 3, 1, BreakCause.FEWER)]
    assert lapsed(waiters(), supply(1, 7, 1)) == [(BOB, 2, 2, BreakCause.FEWER)]
    assert lapsed(waiters(), supply(1, 3, 1)) == [
        (BOB, 2, 2, BreakCause.FEWER),
        (BOB, 1, 3, BreakCause.FEWER),
        (ANN, 2, 1, BreakCause.FEWER),
    ]
    assert [cause for *_, cause in lapsed(waiters(), supply(1, 0, 1))] == [BreakCause.CANCELLED] * 3


def test_a_promise_that_is_broken_waits_for_nothing_and_stays_open() -> None:
    ledger = Ledger({})
    waiters = Waiters([those(ANN, some(1, 4))])

    (row,) = waiters.lapse(ledger, supply(1, 0, 1), NOW)

    assert (row.line.broken_time, row.line.is_broken, row.line.is_waiting) == (NOW, True, False)
    assert ledger.promised() == {"S1": -4}
    assert waiters.done()[ANN].lines == (row.line,)
    assert waiters.lapse(ledger, supply(1, 0, 1), NOW) == []

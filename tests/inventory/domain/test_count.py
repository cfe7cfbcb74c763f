from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordermesh.inventory.domain.count import (
    COUNT_TRANSITIONS,
    LINE_TRANSITIONS,
    Count,
    CountLine,
    CountLineState,
    CountState,
    Expectation,
    Tally,
    Threshold,
    expectation,
)
from ordermesh.inventory.domain.errors.counts import NotInCount, WrongCountState
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.ledger import Balance

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
EXPECTED = Expectation(3, 10)


def line(sku: str = "MUG", state: CountLineState = CountLineState.OPEN) -> CountLine:
    return CountLine(sku, state, EXPECTED)


def count(state: CountState, *lines: CountLine) -> Count:
    return Count("C1", "A", state, Threshold(), (), Actor("wms"), NOON, lines=lines)


def test_who_counts_should_find_what_is_sellable_and_what_was_given_up_as_missing() -> None:
    balance = Balance(on_hand=7, reserved=2, damaged=5, inspection=4, missing=3, sequence=9)

    assert expectation(balance) == Expectation(9, 10)


@pytest.mark.parametrize(
    ("threshold", "expected", "borne"),
    [
        (Threshold(), 100, range(1)),
        (Threshold(units=0), 100, range(1)),
        (Threshold(units=3), 100, range(4)),
        (Threshold(percent=3), 100, range(4)),
        (Threshold(percent=3), 99, range(3)),
        (Threshold(percent=3), 33, range(1)),
        (Threshold(percent=3), 34, range(2)),
        (Threshold(units=2, percent=3), 100, range(3)),
        (Threshold(units=4, percent=3), 100, range(4)),
        (Threshold(percent=100), 0, range(1)),
        (Threshold(percent=0), 100, range(1)),
    ],
)
def test_a_variance_is_borne_within_all_measures_up_or_down(
    threshold: Threshold, expected: int, borne: range
) -> None:
    found = [size for size in range(8) if threshold.bears(size, expected)]

    assert found == list(borne)
    assert [size for size in range(8) if threshold.bears(-size, expected)] == found


@given(
    variance=st.integers(-50, 50),
    expected=st.integers(0, 200),
    units=st.none() | st.integers(0, 60),
    percent=st.none() | st.integers(0, 100),
)
def test_one_more_measure_never_bears_more(
    variance: int, expected: int, units: int | None, percent: int | None
) -> None:
    by_units, by_percent = Threshold(units=units), Threshold(percent=percent)
    both = Threshold(units, percent).bears(variance, expected)

    if units is None:
        assert both == by_percent.bears(variance, expected)
    elif percent is None:
        assert both == by_units.bears(variance, expected)
    else:
        assert both == (by_units.bears(variance, expected) and by_percent.bears(variance, expected))


def test_the_variance_is_what_was_found_beyond_what_was_expected() -> None:
    assert Tally("ann", 12, EXPECTED, NOON).variance == 2
    assert Tally("ann", 7, EXPECTED, NOON).variance == -3


def test_a_count_that_must_not_know_the_books_is_told_from_one_that_may() -> None:
    assert {state for state in CountLineState if line(state=state).is_blind} == {
        CountLineState.OPEN,
        CountLineState.RECOUNT,
    }
    assert {state for state in CountLineState if line(state=state).is_settled} == {
        CountLineState.ACCEPTED,
        CountLineState.CANCELLED,
    }


def test_a_line_and_a_count_become_only_what_their_tables_say() -> None:
    for before in CountLineState:
        for after in CountLineState:
            if after in LINE_TRANSITIONS[before]:
                assert line(state=before).become(after) == line(state=after)
            else:
                with pytest.raises(ValueError, match=f"{before.name} cannot become {after.name}"):
                    line(state=before).become(after)
    for earlier in CountState:
        for later in CountState:
            if later in COUNT_TRANSITIONS[earlier]:
                assert count(earlier).become(later) == count(later)
            else:
                with pytest.raises(WrongCountState) as refusal:
                    count(earlier).become(later)
                assert refusal.value.facts() == {"countId": "C1", "state": earlier.name}


def test_a_line_is_found_by_its_sku_and_lies_at_the_location_of_the_count() -> None:
    opened = count(CountState.OPEN, line("CUP"), line("MUG"))

    assert opened.line("MUG").sku == "MUG"
    assert opened.key("MUG") == StockKey("MUG", "A")
    with pytest.raises(NotInCount):
        opened.line("JAR")

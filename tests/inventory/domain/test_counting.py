from datetime import UTC, datetime, timedelta

import pytest

from ordermesh.inventory.domain.count import (
    Count,
    Counted,
    CountLineState,
    CountState,
    Expectation,
    Threshold,
    expectation,
)
from ordermesh.inventory.domain.counting import (
    accept,
    cancel,
    opened,
    submit,
    undercut,
    undercut_by,
)
from ordermesh.inventory.domain.errors.counts import (
    CountOvertaken,
    NotInCount,
    SamePerson,
    WrongCountState,
)
from ordermesh.inventory.domain.errors.requests import DuplicateEntry
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.ledger import (
    Account,
    AdjustmentReason,
    Balance,
    Cause,
    Ledger,
    MovementKind,
)
from tests.inventory.domain.moves import CUP, MUG, causes, moved

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
ONE, TWO, THREE = (NOON + timedelta(hours=hours) for hours in (1, 2, 3))
LOST, FOUND = AdjustmentReason.LOST, AdjustmentReason.FOUND
COUNTED, NONE = AdjustmentReason.COUNTED, AdjustmentReason.NONE


def planned(threshold: Threshold) -> Count:
    return Count("C1", "A", CountState.PLANNED, threshold, (), Actor("wms"), NOON)


def begun(ledger: Ledger, *keys: StockKey, threshold: Threshold | None = None) -> Count:
    expected = {key.sku: expectation(ledger.balance(key)) for key in keys}
    return opened(planned(threshold or Threshold()), expected, NOON)


def disputed(ledger: Ledger, found: int) -> Count:
    """Ann and Bob have found what the books do not bear; what Bob has found counts."""
    count = submit(ledger, begun(ledger, MUG), [Counted("MUG", found + 1)], "ann", ONE)
    return submit(ledger, count, [Counted("MUG", found)], "bob", TWO)


def states(count: Count) -> dict[str, str]:
    return {line.sku: line.state.name for line in count.lines}


def sell(ledger: Ledger, key: StockKey, units: int) -> None:
    ledger.move(Cause(MovementKind.SOLD), key, Account.FREE, Account.CUSTOMER, units)


def test_a_count_opens_with_what_the_books_expect_of_each_item() -> None:
    count = opened(planned(Threshold()), {"MUG": Expectation(4, 5), "CUP": Expectation(1, 2)}, ONE)

    assert (count.state, count.open_time, count.close_time) == (CountState.OPEN, ONE, None)
    assert [(line.sku, line.state.name, line.expected.units) for line in count.lines] == [
        ("CUP", "OPEN", 2),
        ("MUG", "OPEN", 5),
    ]
    with pytest.raises(WrongCountState):
        opened(count, {}, TWO)


def test_a_count_of_nothing_is_settled_as_soon_as_it_opens() -> None:
    count = opened(planned(Threshold()), {}, ONE)

    assert (count.state, count.close_time) == (CountState.SETTLED, ONE)


def test_what_is_as_expected_is_settled_without_any_movement_and_without_a_reason() -> None:
    ledger = Ledger({MUG: Balance(on_hand=10, reserved=3, sequence=7)})

    count = submit(ledger, begun(ledger, MUG), [Counted("MUG", 10)], "ann", ONE)

    assert (count.state, count.close_time) == (CountState.SETTLED, ONE)
    (line,) = count.lines
    assert (line.state, line.accepted_by, line.accept_time) == (
        CountLineState.ACCEPTED,
        "ann",
        ONE,
    )
    assert (line.reason, line.settled_missing) == (NONE, 0)
    assert [(tally.counter, tally.units, tally.count_time) for tally in line.tallies] == [
        ("ann", 10, ONE)
    ]
    assert not ledger.entries


@pytest.mark.parametrize(
    ("found", "moves", "after"),
    [
        (11, [(MUG, "LOSS", "FREE", 1)], Balance(11, 8, 0, sequence=1)),
        (9, [(MUG, "FREE", "LOSS", 1)], Balance(9, 8, 0, sequence=1)),
        # Free units are missing first; then promises are left without a unit.
        (7, [(MUG, "FREE", "LOSS", 2), (MUG, "SHORT", "LOSS", 1)], Balance(7, 8, 1, sequence=2)),
    ],
)
def test_a_variance_within_the_threshold_moves_the_books_at_once(
    found: int, moves: list[object], after: Balance
) -> None:
    ledger = Ledger({MUG: Balance(on_hand=10, reserved=8)})
    count = begun(ledger, MUG, threshold=Threshold(units=3))

    count = submit(ledger, count, [Counted("MUG", found)], "ann", ONE)

    assert moved(ledger) == moves
    assert causes(ledger) == {"COUNTED"}
    assert ledger.balance(MUG) == after
    assert count.lines[0].reason is COUNTED


def test_what_is_found_pays_the_deficit_first() -> None:
    ledger = Ledger({MUG: Balance(on_hand=2, reserved=4, short=2)})
    count = begun(ledger, MUG, threshold=Threshold(units=3))

    submit(ledger, count, [Counted("MUG", 5)], "ann", ONE)

    assert moved(ledger) == [(MUG, "LOSS", "SHORT", 2), (MUG, "LOSS", "FREE", 1)]


@pytest.mark.parametrize(
    ("found", "moves"),
    [
        (6, [(MUG, "MISSING", "LOSS", 3), (MUG, "FREE", "LOSS", 4)]),
        (10, [(MUG, "MISSING", "LOSS", 3)]),
        (12, [(MUG, "MISSING", "FREE", 2), (MUG, "MISSING", "LOSS", 1)]),
        (13, [(MUG, "MISSING", "FREE", 3)]),
        (15, [(MUG, "MISSING", "FREE", 3), (MUG, "LOSS", "FREE", 2)]),
    ],
)
def test_units_declared_missing_are_found_or_lost_for_good(found: int, moves: list[object]) -> None:
    ledger = Ledger({MUG: Balance(on_hand=10, missing=3)})
    count = begun(ledger, MUG, threshold=Threshold(units=9))

    (line,) = submit(ledger, count, [Counted("MUG", found)], "ann", ONE).lines

    assert moved(ledger) == moves
    assert ledger.balance(MUG).on_hand == found
    assert ledger.balance(MUG).missing == 0
    assert (line.settled_missing, line.reason) == (3, COUNTED)


def test_goods_go_on_moving_and_a_pick_is_not_counted_twice() -> None:
    ledger = Ledger({MUG: Balance(on_hand=10)})
    count = begun(ledger, MUG, threshold=Threshold(units=2))
    sell(ledger, MUG, 4)

    count = submit(ledger, count, [Counted("MUG", 9)], "ann", ONE)

    assert ledger.balance(MUG).on_hand == 5
    assert count.lines[0].tallies[0].variance == -1


def test_what_the_books_were_corrected_by_meanwhile_is_expected_and_has_not_moved() -> None:
    ledger = Ledger({MUG: Balance(on_hand=10, sequence=3)})
    count = begun(ledger, MUG, threshold=Threshold(units=1))
    sell(ledger, MUG, 1)
    ledger.move(Cause(MovementKind.SHORTED), MUG, Account.FREE, Account.LOSS, 2)

    count = submit(ledger, count, [Counted("MUG", 7)], "ann", ONE, {"MUG": -2})

    (tally,) = count.lines[0].tallies
    assert (tally.expected, tally.variance) == (Expectation(5, 8), -1)
    assert ledger.balance(MUG).on_hand == 6


def test_what_was_corrected_since_a_recount_is_not_lost_again_when_it_is_accepted() -> None:
    ledger = Ledger({MUG: Balance(on_hand=10, reserved=8)})
    count = disputed(ledger, 7)
    ledger.take_away(Cause(MovementKind.ADJUSTED), MUG, Account.LOSS, 3)

    assert undercut_by(ledger, count, [], {"MUG": -3}) == {}
    assert undercut_by(ledger, count, []) == {MUG: 3}
    count = accept(ledger, count, [], "boss", LOST, THREE, {"MUG": -3})

    assert ledger.balance(MUG).on_hand == 7
    assert count.lines[0].reason is LOST


def test_a_correction_that_is_known_already_undercuts_no_promise() -> None:
    ledger = Ledger({MUG: Balance(on_hand=8, reserved=8)})
    count = opened(planned(Threshold()), {"MUG": Expectation(0, 10)}, NOON)

    assert undercut(ledger, count, [Counted("MUG", 8)]) == {MUG: 2}
    assert undercut(ledger, count, [Counted("MUG", 8)], {"MUG": -2}) == {}


def test_a_variance_that_is_not_borne_is_counted_again_and_then_disputed() -> None:
    ledger = Ledger({MUG: Balance(on_hand=10, sequence=5)})
    count = submit(ledger, begun(ledger, MUG), [Counted("MUG", 8)], "ann", ONE)
    assert states(count) == {"MUG": "RECOUNT"}
    assert count.state is CountState.OPEN

    sell(ledger, MUG, 1)
    count = submit(ledger, count, [Counted("MUG", 7)], "bob", TWO)
    assert states(count) == {"MUG": "DISPUTED"}
    # The next one is compared with what the books say from now on.
    assert count.lines[0].expected == Expectation(6, 9)

    count = submit(ledger, count, [Counted("MUG", 7)], "cid", THREE)
    assert states(count) == {"MUG": "DISPUTED"}
    assert [tally.counter for tally in count.lines[0].tallies] == ["ann", "bob", "cid"]
    assert len(ledger.entries) == 1


def test_a_second_count_that_finds_what_the_books_say_is_settled() -> None:
    ledger = Ledger({MUG: Balance(on_hand=10), CUP: Balance(on_hand=3)})
    found = [Counted("MUG", 8), Counted("CUP", 3)]
    count = submit(ledger, begun(ledger, MUG, CUP), found, "ann", ONE)
    assert states(count) == {"CUP": "ACCEPTED", "MUG": "RECOUNT"}

    count = submit(ledger, count, [Counted("MUG", 10)], "bob", TWO)

    assert (count.state, count.close_time) == (CountState.SETTLED, TWO)


def test_a_count_that_sales_have_overtaken_is_repeated_however_large_the_threshold() -> None:
    ledger = Ledger({MUG: Balance(on_hand=10)})
    count = begun(ledger, MUG, threshold=Threshold(units=10))
    sell(ledger, MUG, 8)

    count = submit(ledger, count, [Counted("MUG", 1)], "ann", ONE)
    assert states(count) == {"MUG": "RECOUNT"}
    assert len(ledger.entries) == 1

    sell(ledger, MUG, 2)
    count = submit(ledger, count, [Counted("MUG", 1)], "bob", TWO)
    assert states(count) == {"MUG": "RECOUNT"}

    count = submit(ledger, count, [Counted("MUG", 0)], "cid", THREE)
    assert states(count) == {"MUG": "ACCEPTED"}


def test_a_count_of_just_what_has_left_since_leaves_nothing() -> None:
    ledger = Ledger({MUG: Balance(on_hand=10)})
    count = begun(ledger, MUG, threshold=Threshold(units=10))
    sell(ledger, MUG, 8)

    count = submit(ledger, count, [Counted("MUG", 8)], "ann", ONE)

    assert states(count) == {"MUG": "ACCEPTED"}
    assert ledger.balance(MUG).on_hand == 0


def test_only_an_open_count_of_these_items_is_submitted_once_each_by_somebody_else() -> None:
    ledger = Ledger({MUG: Balance(on_hand=10), CUP: Balance(on_hand=3)})
    count = begun(ledger, MUG, CUP)

    with pytest.raises(WrongCountState) as state:
        submit(ledger, planned(Threshold()), [Counted("MUG", 1)], "ann", ONE)
    assert state.value.facts() == {"countId": "C1", "state": "PLANNED"}
    with pytest.raises(NotInCount):
        submit(ledger, count, [Counted("JAR", 1)], "ann", ONE)
    with pytest.raises(DuplicateEntry) as twice:
        submit(ledger, count, [Counted("MUG", 1), Counted("MUG", 1)], "ann", ONE)
    assert twice.value.facts() == {"field": "lines[1].sku", "value": "MUG"}

    count = submit(ledger, count, [Counted("MUG", 1), Counted("CUP", 3)], "ann", ONE)
    with pytest.raises(SamePerson) as same:
        submit(ledger, count, [Counted("MUG", 10)], "ann", TWO)
    assert same.value.facts() == {"countId": "C1", "person": "ann", "sku": "MUG"}
    with pytest.raises(WrongCountState) as settled:
        submit(ledger, count, [Counted("MUG", 9), Counted("CUP", 3)], "bob", TWO)
    assert settled.value.facts() == {"countId": "C1", "state": "ACCEPTED", "sku": "CUP"}


def test_somebody_else_accepts_what_is_disputed_with_a_reason() -> None:
    ledger = Ledger({MUG: Balance(on_hand=10)})
    count = disputed(ledger, 7)

    with pytest.raises(SamePerson) as same:
        accept(ledger, count, ["MUG"], "bob", LOST, THREE)
    assert same.value.facts() == {"countId": "C1", "person": "bob", "sku": "MUG"}

    count = accept(ledger, count, ["MUG", "MUG"], "boss", LOST, THREE)
    (line,) = count.lines
    assert (line.state.name, line.accepted_by, line.accept_time, line.reason) == (
        "ACCEPTED",
        "boss",
        THREE,
        LOST,
    )
    assert moved(ledger) == [(MUG, "FREE", "LOSS", 3)]
    assert (count.state, count.close_time) == (CountState.SETTLED, THREE)


def test_without_names_all_that_is_disputed_is_accepted_and_nothing_else() -> None:
    ledger = Ledger({MUG: Balance(on_hand=10), CUP: Balance(on_hand=3)})
    count = begun(ledger, MUG, CUP)
    count = submit(ledger, count, [Counted("MUG", 12), Counted("CUP", 2)], "ann", ONE)

    with pytest.raises(WrongCountState) as nothing:
        accept(ledger, count, [], "boss", FOUND, THREE)
    assert nothing.value.facts() == {"countId": "C1", "state": "OPEN"}
    with pytest.raises(WrongCountState) as early:
        accept(ledger, count, ["CUP"], "boss", FOUND, THREE)
    assert early.value.facts() == {"countId": "C1", "state": "RECOUNT", "sku": "CUP"}

    count = submit(ledger, count, [Counted("MUG", 12)], "bob", TWO)
    count = accept(ledger, count, [], "boss", FOUND, THREE)
    assert states(count) == {"CUP": "RECOUNT", "MUG": "ACCEPTED"}
    assert (count.state, count.close_time) == (CountState.OPEN, None)


def test_what_left_since_the_last_count_may_not_be_more_than_it_found() -> None:
    ledger = Ledger({MUG: Balance(on_hand=10)})
    count = disputed(ledger, 7)
    sell(ledger, MUG, 8)

    with pytest.raises(CountOvertaken) as refusal:
        accept(ledger, count, [], "boss", LOST, THREE)
    assert refusal.value.facts() == {
        "sku": "MUG", "locationId": "A", "countId": "C1", "counted": "7",
    }  # fmt: skip

    ledger = Ledger({MUG: Balance(on_hand=10)})
    count = disputed(ledger, 7)
    sell(ledger, MUG, 7)
    accept(ledger, count, [], "boss", LOST, THREE)
    assert ledger.balance(MUG).on_hand == 0


def test_only_an_open_count_is_accepted_or_called_off() -> None:
    ledger = Ledger({MUG: Balance(on_hand=10), CUP: Balance(on_hand=3)})
    count = submit(ledger, begun(ledger, MUG, CUP), [Counted("CUP", 3)], "ann", ONE)

    called_off = cancel(count, TWO)

    assert (called_off.state, called_off.close_time) == (CountState.CANCELLED, TWO)
    assert states(called_off) == {"CUP": "ACCEPTED", "MUG": "CANCELLED"}
    with pytest.raises(WrongCountState):
        cancel(called_off, THREE)
    with pytest.raises(WrongCountState) as refusal:
        accept(ledger, called_off, ["MUG"], "boss", LOST, THREE)
    assert refusal.value.facts() == {"countId": "C1", "state": "CANCELLED"}


@pytest.mark.parametrize(
    ("sold", "found", "beyond"), [(0, 6, {}), (0, 5, {MUG: 1}), (2, 8, {}), (2, 5, {MUG: 3})]
)
def test_a_count_undercuts_promises_by_what_is_not_free(
    sold: int, found: int, beyond: dict[StockKey, int]
) -> None:
    """Of 10 units 6 are promised; what is sold after it was counted takes from what was found."""
    ledger = Ledger({MUG: Balance(on_hand=10, reserved=6), CUP: Balance(on_hand=2, reserved=2)})
    count = begun(ledger, MUG, CUP)
    if sold:
        sell(ledger, MUG, sold)

    assert undercut(ledger, count, [Counted("MUG", found), Counted("CUP", 2)]) == beyond


def test_what_was_counted_before_undercuts_promises_too() -> None:
    ledger = Ledger({MUG: Balance(on_hand=10, reserved=9), CUP: Balance(on_hand=5, reserved=5)})
    count = begun(ledger, MUG, CUP)
    for who in ("ann", "bob"):
        count = submit(ledger, count, [Counted("MUG", 7), Counted("CUP", 4)], who, ONE)
    count = submit(ledger, count, [Counted("MUG", 8)], "cid", TWO)

    assert undercut_by(ledger, count, []) == {CUP: 1, MUG: 1}
    assert undercut_by(ledger, count, ["MUG", "JAR"]) == {MUG: 1}

    count = submit(ledger, begun(ledger, MUG), [Counted("MUG", 2)], "ann", ONE)
    assert undercut_by(ledger, count, []) == {}

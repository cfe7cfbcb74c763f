"""Whom a deficit hits, and whose shortfall is paid first."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.shortfall import Promised, Shortfall, hit, pay

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = StockKey("MUG", "A")
ANN, BOB, CAT = UUID(int=1), UUID(int=2), UUID(int=3)


def shortfall(reservation_id: UUID, units: int, minutes: int = 0) -> Shortfall:
    opened = NOON + timedelta(minutes=minutes)
    return Shortfall(UUID(int=minutes), KEY, reservation_id, "O", ("1",), units, units, ANN, opened)


def promised(reservation_id: UUID, units: int) -> Promised:
    return Promised(reservation_id, "O", ("1",), units)


def open_units(shortfalls: list[Shortfall]) -> list[int]:
    return [one.open_quantity for one in shortfalls]


def test_no_more_is_paid_than_is_open() -> None:
    with pytest.raises(ValueError, match="do not pay"):
        shortfall(ANN, 2).paid(3, NOON)
    with pytest.raises(ValueError, match="do not pay"):
        shortfall(ANN, 2).paid(-1, NOON)


def test_nobody_is_short_of_what_nobody_was_promised() -> None:
    with pytest.raises(ValueError, match="nobody was promised"):
        hit(4, [promised(ANN, 3)], [])


def test_the_first_candidates_are_hit_as_far_as_they_hold() -> None:
    chosen = hit(4, [promised(ANN, 3), promised(BOB, 3), promised(CAT, 1)], [])

    assert [(one.reservation_id, units) for one, units in chosen] == [(ANN, 3), (BOB, 1)]


def test_what_is_said_already_is_not_said_twice() -> None:
    standing = [shortfall(ANN, 2), shortfall(BOB, 1)]

    chosen = hit(2, [promised(ANN, 3), promised(BOB, 1), promised(CAT, 5)], standing)

    assert [(one.reservation_id, units) for one, units in chosen] == [(ANN, 1), (CAT, 1)]


def test_the_oldest_is_paid_first_and_closed_when_nothing_is_left() -> None:
    standing = [shortfall(ANN, 2, 1), shortfall(BOB, 3, 2)]

    after = pay(standing, 2, {ANN: 9, BOB: 9}, NOON)

    assert open_units(after) == [0, 2]
    assert [one.close_time for one in after] == [NOON, None]


def test_who_gave_the_promise_back_is_not_short_of_it() -> None:
    standing = [shortfall(ANN, 2, 1), shortfall(BOB, 3, 2)]

    after = pay(standing, 2, {ANN: 9, BOB: 0}, NOON)

    assert open_units(after) == [2, 0]


def test_nothing_changes_while_the_deficit_stays() -> None:
    standing = [shortfall(ANN, 2, 1), shortfall(BOB, 3, 2)]

    assert pay(standing, 5, {ANN: 2, BOB: 3}, NOON) == standing


def test_a_part_that_was_shipped_leaves_the_others_to_be_hit() -> None:
    # Bob took what there was: he is not short any more, and somebody else is.
    standing = [shortfall(BOB, 2)]

    after = pay(standing, 2, {BOB: 0}, NOON)
    chosen = hit(2 - sum(open_units(after)), [promised(CAT, 2)], after)

    assert open_units(after) == [0]
    assert [(one.reservation_id, units) for one, units in chosen] == [(CAT, 2)]


def test_a_shortfall_is_paid_part_by_part_and_closed_with_the_last_unit() -> None:
    one = shortfall(ANN, 3)

    part = one.paid(1, NOON)
    assert (part.open_quantity, part.quantity, part.is_open) == (2, 3, True)
    done = part.paid(2, NOON)
    assert (done.open_quantity, done.close_time, done.is_open) == (0, NOON, False)
    for units in (-1, 4):
        with pytest.raises(ValueError, match="do not pay"):
            one.paid(units, NOON)
    assert one.paid(0, NOON) == one


def test_who_still_holds_a_part_is_short_of_that_part() -> None:
    (after,) = pay([shortfall(ANN, 5)], 3, {ANN: 3}, NOON)

    assert (after.open_quantity, after.close_time) == (3, None)


def test_a_deficit_that_is_paid_closes_all() -> None:
    after = pay([shortfall(ANN, 2, 1), shortfall(BOB, 3, 2)], 0, {ANN: 9, BOB: 9}, NOON)

    assert open_units(after) == [0, 0]
    assert [one.close_time for one in after] == [NOON, NOON]


def test_one_unit_of_a_deficit_pays_the_oldest_by_one() -> None:
    after = pay([shortfall(ANN, 2, 1), shortfall(BOB, 3, 2)], 4, {ANN: 9, BOB: 9}, NOON)

    assert open_units(after) == [1, 3]


def test_who_gave_more_back_than_the_deficit_fell_leaves_the_others_as_they_are() -> None:
    """Then somebody else is short of it: the sum is below the deficit until they are named."""
    after = pay([shortfall(ANN, 4, 1), shortfall(BOB, 3, 2)], 6, {ANN: 1, BOB: 3}, NOON)

    assert open_units(after) == [1, 3]


def test_several_shortfalls_of_one_reservation_say_together_what_it_is_short_of() -> None:
    standing = [shortfall(ANN, 1), shortfall(ANN, 1)]

    chosen = hit(2, [promised(ANN, 3), promised(BOB, 2)], standing)

    assert [(one.reservation_id, units) for one, units in chosen] == [(ANN, 1), (BOB, 1)]


def test_nobody_is_hit_by_nothing() -> None:
    assert hit(0, [promised(ANN, 3)], []) == []

"""The numbers that a source gives its changes."""

from hypothesis import given
from hypothesis import strategies as st

from ordermesh.inventory.domain.stock_source import (
    GAPS_KEPT,
    Gap,
    GapPolicy,
    Numbers,
    SourceKind,
    StockSource,
)


def told(*numbers: int) -> Numbers:
    known = Numbers()
    for number in numbers:
        if not known.has(number):
            known = known.after(number)
    return known


@given(st.lists(st.integers(min_value=1, max_value=40), max_size=60))
def test_whatever_the_order_exactly_those_that_came_are_known(numbers: list[int]) -> None:
    known = told(*numbers)

    assert {number for number in range(1, 45) if known.has(number)} == set(numbers)
    assert known.applied == max(numbers, default=0)
    missing = set(range(1, known.applied + 1)) - set(numbers)
    assert {number for gap in known.gaps for number in range(gap.first, gap.last + 1)} == missing
    assert known.settled == min(missing, default=known.applied + 1) - 1


@given(st.permutations(range(1, 12)))
def test_when_all_have_come_there_is_no_gap(numbers: list[int]) -> None:
    assert told(*numbers) == Numbers(11, ())


def test_gaps_ascend_and_do_not_touch() -> None:
    assert told(9, 5, 2).gaps == (Gap(1, 1), Gap(3, 4), Gap(6, 8))


def test_a_source_that_leaves_out_most_numbers_does_not_grow_for_ever() -> None:
    known = told(*range(2, 2 * GAPS_KEPT + 20, 2))

    assert len(known.gaps) == GAPS_KEPT
    assert known.has(1)
    assert not known.has(known.applied - 1)


def test_a_jump_is_judged_by_units_or_by_a_share() -> None:
    def limit(units: int, percent: int, on_hand: int) -> int | None:
        source = StockSource(
            "WMS", SourceKind.WMS, ("A",), jump_units=units, jump_percent=percent,
            gap_policy=GapPolicy.TELL,
        )  # fmt: skip
        return source.jump_limit(on_hand)

    assert limit(0, 50, 100) is None
    assert limit(20, 0, 1_000) == 20
    assert limit(20, 50, 1_000) == 500
    assert limit(20, 50, 10) == 20

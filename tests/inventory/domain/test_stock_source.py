"""The numbers that a source gives its changes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordermesh.inventory.domain.errors.belonging import NotYourLocation
from ordermesh.inventory.domain.errors.feed import ForeignLocation, NotYourSource
from ordermesh.inventory.domain.errors.requests import DuplicateEntry
from ordermesh.inventory.domain.key import Actor
from ordermesh.inventory.domain.stock_source import (
    GAPS_KEPT,
    Gap,
    GapPolicy,
    Numbers,
    SourceKind,
    SourceReport,
    SourceState,
    Speaker,
    StockSource,
    refuse_repeated,
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
    assert not known.has(known.applied - 1)
    # Of what lies before the gaps that are kept nobody knows any more what has come.
    assert known.forgotten == known.gaps[0].first - 2
    assert known.is_forgotten(1)
    assert known.is_forgotten(known.forgotten)
    assert not known.is_forgotten(known.forgotten + 1)
    assert not known.has(1)
    assert not known.has(2)
    assert known.settled == 0
    assert known.after(known.applied + 1).forgotten == known.forgotten
    assert known.after(known.gaps[0].first).forgotten == known.forgotten


def test_after_a_number_nothing_is_missing_up_to_the_next_gap() -> None:
    known = Numbers(9, (Gap(4, 5), Gap(7, 7)), forgotten=1)

    assert [known.last_after(number) for number in (0, 1, 3, 4, 5, 6, 7, 9, 12)] == [
        0, 3, 3, 4, 6, 6, 9, 9, 12
    ]  # fmt: skip


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


def test_a_source_is_spoken_for_by_its_callers_and_by_operators() -> None:
    source = StockSource("WMS", SourceKind.WMS, ("A",), callers=("source/wms",))

    source.refuse_stranger(Speaker(Actor("source/wms"), is_operator=False))
    source.refuse_stranger(Speaker(Actor("somebody"), is_operator=True))
    with pytest.raises(NotYourSource):
        source.refuse_stranger(Speaker(Actor("somebody"), is_operator=False))


def test_a_source_speaks_for_its_own_locations() -> None:
    source = StockSource("WMS", SourceKind.WMS, ("A", "B"))

    source.refuse_foreign(["A"])
    with pytest.raises(ForeignLocation) as foreign:
        source.refuse_foreign(["A", "C"])
    assert foreign.value.facts() == {"sourceId": "WMS", "locationId": "C"}


def test_silence_begins_with_the_last_word_or_with_the_source() -> None:
    begin = datetime(2026, 11, 25, tzinfo=UTC)
    hour = timedelta(hours=1)
    source = StockSource("WMS", SourceKind.WMS, ("A",), silence=hour)
    never = SourceReport(SourceState(source), 0, 0, begin)
    heard = SourceReport(SourceState(source, heard_time=begin + hour), 0, 0, begin)

    assert never.silence(begin + hour) == hour
    assert not never.is_stale(begin + hour)
    assert never.is_stale(begin + hour + timedelta(seconds=1))
    assert not heard.is_stale(begin + 2 * hour)
    assert heard.is_stale(begin + 3 * hour)
    patient = SourceState(StockSource("WMS", SourceKind.WMS, ("A",)))
    assert not SourceReport(patient, 0, 0, begin).is_stale(begin + 9_999 * hour)


def test_a_source_is_put_once() -> None:
    one = StockSource("WMS", SourceKind.WMS, ("A",))
    refuse_repeated([one, StockSource("POS", SourceKind.POS, ("A",))])
    with pytest.raises(DuplicateEntry) as twice:
        refuse_repeated([one, one])
    assert twice.value.facts() == {"field": "sources[1].source_id", "value": "WMS"}


def test_numbers_that_do_not_come_in_order_leave_the_gaps_between_them() -> None:
    known = Numbers(3)

    assert known.after(4) == Numbers(4)
    assert known.after(5) == Numbers(5, (Gap(4, 4),))
    assert known.after(9) == Numbers(9, (Gap(4, 8),))
    gap = Numbers(9, (Gap(4, 8),))
    assert gap.after(4) == Numbers(9, (Gap(5, 8),))
    assert gap.after(8) == Numbers(9, (Gap(4, 7),))
    assert gap.after(6) == Numbers(9, (Gap(4, 5), Gap(7, 8)))
    assert Numbers(9, (Gap(4, 4),)).after(4) == Numbers(9)


def test_all_is_settled_below_the_first_gap() -> None:
    assert Numbers().settled == 0
    assert Numbers(9).settled == 9
    assert Numbers(9, (Gap(4, 5), Gap(7, 7))).settled == 3


def test_of_too_many_gaps_the_youngest_are_kept_when_one_is_split() -> None:
    gaps = tuple(Gap(10 * number, 10 * number + 2) for number in range(GAPS_KEPT))
    known = Numbers(10 * GAPS_KEPT, gaps)

    split = known.after(10 * GAPS_KEPT - 9)

    assert len(split.gaps) == GAPS_KEPT == 1_000
    assert split.gaps[0] == gaps[1]
    assert split.forgotten == gaps[0].last
    assert split.gaps[-2:] == (
        Gap(10 * GAPS_KEPT - 10, 10 * GAPS_KEPT - 10),
        Gap(10 * GAPS_KEPT - 8, 10 * GAPS_KEPT - 8),
    )


def test_a_share_of_what_is_on_hand_is_rounded_down() -> None:
    source = StockSource("WMS", SourceKind.WMS, ("A",), jump_units=1, jump_percent=10)

    assert [source.jump_limit(on_hand) for on_hand in (0, 19, 20, 29, 30, 1_000)] == [
        1, 1, 2, 2, 3, 100
    ]  # fmt: skip


def test_who_is_confined_to_locations_speaks_for_sources_that_are_too() -> None:
    source = StockSource("TILL", SourceKind.POS, ("A", "B"), callers=("store",))

    def speaker(*own: str) -> Speaker:
        return Speaker(Actor("store", own_locations=frozenset(own)), is_operator=False)

    source.refuse_stranger(speaker("A", "B", "C"))
    with pytest.raises(NotYourLocation) as refusal:
        source.refuse_stranger(speaker("A"))
    assert refusal.value.facts() == {"locationId": "B", "caller": "store"}
    assert speaker("A", "B").owns(source)
    assert speaker("A", "B", "C").owns(source)
    assert not speaker("A").owns(source)
    assert not speaker("A", "C").owns(source)
    assert Speaker(Actor("erp"), is_operator=False).owns(source)

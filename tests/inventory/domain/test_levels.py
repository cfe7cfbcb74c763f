import pytest

from ordermesh.inventory.domain.levels import (
    Crossing,
    Level,
    Look,
    Standing,
    Subject,
    crossing_of,
    settle_levels,
)

MUG, CUP = Subject("MUG", "web", ""), Subject("CUP", "web", "A")
PLENTY, LOW, OUT = Level.PLENTY, Level.LOW, Level.OUT


@pytest.mark.parametrize(
    ("available", "low_level", "level"),
    [
        (-1, 0, OUT),
        (0, 0, OUT),
        (0, 3, OUT),
        (1, 0, PLENTY),
        (1, 1, LOW),
        (3, 3, LOW),
        (4, 3, PLENTY),
    ],
)
def test_the_level_of_what_is_available(available: int, low_level: int, level: Level) -> None:
    assert Look(MUG, available, low_level).level is level


def test_every_change_of_level_is_told_by_its_name_and_nothing_else_is() -> None:
    told = {
        (before, after): crossing_of(before, after) for before in (None, *Level) for after in Level
    }

    assert {change: crossing for change, crossing in told.items() if crossing} == {
        (PLENTY, LOW): Crossing.LOW,
        (PLENTY, OUT): Crossing.OUT,
        (LOW, OUT): Crossing.OUT,
        (LOW, PLENTY): Crossing.RECOVERED,
        (OUT, LOW): Crossing.BACK,
        (OUT, PLENTY): Crossing.BACK,
    }


def test_what_is_looked_at_first_has_crossed_nothing() -> None:
    changed, told = settle_levels({MUG: Look(MUG, 0, 3)}, {})

    assert changed == {MUG: Standing(OUT, 0)}
    assert told == []


def test_a_crossing_is_told_once_with_the_next_number() -> None:
    look = Look(MUG, 2, 3)
    changed, told = settle_levels({MUG: look}, {MUG: Standing(PLENTY, 4)})

    assert changed == {MUG: Standing(LOW, 5)}
    ((one),) = told
    assert (one.look, one.crossing, one.previous, one.sequence) == (look, Crossing.LOW, PLENTY, 5)

    assert settle_levels({MUG: Look(MUG, 1, 3)}, changed) == ({}, [])


def test_what_is_not_looked_at_any_more_is_forgotten_but_for_its_count() -> None:
    known = {MUG: Standing(LOW, 4), CUP: Standing(None, 2)}

    changed, told = settle_levels({}, known)
    assert changed == {MUG: Standing(None, 4)}
    assert told == []

    again, told = settle_levels({MUG: Look(MUG, 0, 3)}, changed)
    assert again == {MUG: Standing(OUT, 4)}
    assert told == []


def test_each_subject_is_settled_for_itself() -> None:
    changed, told = settle_levels(
        {MUG: Look(MUG, 9, 3), CUP: Look(CUP, 0, 3)},
        {MUG: Standing(PLENTY, 1), CUP: Standing(LOW, 2)},
    )

    assert changed == {CUP: Standing(OUT, 3)}
    assert [one.look.subject for one in told] == [CUP]


def test_a_channel_that_is_looked_at_first_starts_where_all_are() -> None:
    everybody = MUG._replace(channel="")

    changed, told = settle_levels(
        {MUG: Look(MUG, 0, 3), everybody: Look(everybody, 9, 3)}, {everybody: Standing(PLENTY, 4)}
    )
    assert changed == {MUG: Standing(OUT, 1)}
    assert [(one.look.subject, one.crossing, one.previous) for one in told] == [
        (MUG, Crossing.OUT, PLENTY)
    ]

    forgotten = {MUG: Standing(None, 7), everybody: Standing(OUT, 4)}
    assert settle_levels({MUG: Look(MUG, 0, 3)}, forgotten)[1] == []
    changed, told = settle_levels({MUG: Look(MUG, 8, 3)}, forgotten)
    assert changed[MUG] == Standing(PLENTY, 8)
    assert [one.crossing for one in told] == [Crossing.BACK]


def test_what_is_looked_at_for_the_last_time_is_told_and_forgotten() -> None:
    last = Look(MUG, 9, 3, is_last=True)

    changed, told = settle_levels({MUG: last}, {MUG: Standing(OUT, 1)})

    assert changed == {MUG: Standing(None, 2)}
    assert [(one.crossing, one.sequence) for one in told] == [(Crossing.BACK, 2)]
    assert settle_levels({MUG: last}, {MUG: Standing(PLENTY, 1)}) == ({MUG: Standing(None, 1)}, [])

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.verification import (
    FIGURES,
    Figures,
    Finding,
    KeyFacts,
    Promise,
    ReservationFacts,
    SupplyFacts,
    examine,
    examine_reservation,
    examine_supply,
    examine_transit,
    oversold,
    unguarded,
)
from tests.inventory.domain.moves import CUP, MUG

MUG_B = StockKey("MUG", "B")
ANN, BOB = UUID(int=1), UUID(int=2)

FOLDED = Figures(free=0, reserved=5, short=2, damaged=1, inspection=2, missing=3)
"""Three are on hand, five are promised."""


def sound(**wrong: Any) -> KeyFacts:
    """What a sound ledger says of a key, but for what is wrong."""
    right: dict[str, Any] = {
        "recorded": FOLDED,
        "sequence": 9,
        "folded": FOLDED,
        "entry_count": 9,
        "last_sequence": 9,
        "shortfalls": 2,
        "sealed_count": 7,
        "last_sealed": 7,
        "promises": {ANN: Promise("W-1", 2, 2), BOB: Promise("W-2", 3, 3)},
    }
    return KeyFacts(MUG, **{**right, **wrong})


def told(findings: list[Finding]) -> list[tuple[str, int, int]]:
    return [(one.invariant, one.recorded, one.expected) for one in findings]


def test_figures_of_two_parts_of_the_entries_are_added() -> None:
    assert Figures(1, 2, 3, 4, 5, 6) + Figures(10, 20, 30, 40, 50, 60) == Figures(
        11, 22, 33, 44, 55, 66
    )


def test_units_on_hand_are_those_that_are_free_or_promised_and_there() -> None:
    assert FOLDED.on_hand == 3
    assert Figures(free=4, reserved=2).on_hand == 6


@pytest.mark.parametrize(
    "figures",
    [
        Figures(free=-1, reserved=9),
        Figures(free=2, reserved=-1),
        Figures(damaged=-1),
        Figures(inspection=-1),
        Figures(missing=-1),
        Figures(free=-1),
    ],
)
def test_the_lowest_figure_is_the_one_that_may_not_fall_below_zero(figures: Figures) -> None:
    expected = 0 if figures.on_hand > 0 and figures.reserved > 0 else -1

    assert figures.lowest == expected


def test_a_sound_key_has_nothing_wrong() -> None:
    assert examine(sound()) == []
    assert examine(KeyFacts(MUG)) == []
    assert examine(sound(last_sequence=7, sequence=7, entry_count=7)) == []


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_that_the_entries_do_not_explain_is_found(name: str) -> None:
    written = getattr(FOLDED, name)
    wrong = sound(recorded=replace(FOLDED, **{name: written + 1}))

    found = [one for one in examine(wrong) if one.invariant == "BALANCE_IS_FOLD_OF_ENTRIES"]

    assert told(found) == [("BALANCE_IS_FOLD_OF_ENTRIES", written + 1, written)]
    assert found[0].key == MUG
    assert found[0].sentence == (
        f"The balance says {written + 1} {name}, its entries sum up to {written}."
    )


def test_a_balance_that_was_lost_is_found_by_its_entries() -> None:
    found = told(examine(sound(recorded=None)))

    assert ("BALANCE_IS_FOLD_OF_ENTRIES", 0, 5) in found
    assert ("SHORT_IS_SUM_OF_SHORTFALLS", 0, 2) in found
    assert ("RESERVED_IS_SUM_OF_LINES", 0, 5) in found


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        (Figures(free=0, reserved=5, short=3), []),
        (Figures(free=4, reserved=5, short=0), []),
        (Figures(free=1, reserved=5, short=2), [("SHORT_IS_THE_DEFICIT", 2, 1)]),
        (Figures(free=2, reserved=5, short=1), [("SHORT_IS_THE_DEFICIT", 1, 0)]),
    ],
)
def test_short_is_what_is_promised_beyond_what_is_on_hand(
    figures: Figures, expected: list[tuple[str, int, int]]
) -> None:
    found = examine(sound(recorded=figures, folded=figures, shortfalls=figures.short))

    assert told(found) == expected


def test_a_figure_below_zero_is_found_with_the_deficit() -> None:
    figures = Figures(free=3, damaged=-1)
    found = examine(KeyFacts(MUG, recorded=figures, folded=figures))

    assert told(found) == [("SHORT_IS_THE_DEFICIT", 0, 0)]
    assert found[0].sentence == "The balance says 0 short where 0 are."


def test_what_is_short_is_what_open_shortfalls_say() -> None:
    found = examine(sound(shortfalls=3))

    assert told(found) == [("SHORT_IS_SUM_OF_SHORTFALLS", 2, 3)]
    assert found[0].sentence == "The balance says 2 short, open shortfalls sum up to 3."


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"sequence": 8}, ("ENTRIES_HAVE_NO_GAPS", 9, 9)),
        ({"sequence": 10}, ("ENTRIES_HAVE_NO_GAPS", 9, 10)),
        ({"entry_count": 8}, ("ENTRIES_HAVE_NO_GAPS", 8, 9)),
        ({"entry_count": 10}, ("ENTRIES_HAVE_NO_GAPS", 10, 9)),
        ({"last_sequence": 10}, ("ENTRIES_HAVE_NO_GAPS", 9, 10)),
        ({"last_sequence": 8}, ("ENTRIES_HAVE_NO_GAPS", 9, 9)),
        ({"hollow_count": 1}, ("ENTRIES_MOVE_UNITS", 1, 0)),
        ({"sealed_count": 6}, ("SEALS_COVER_ENTRIES", 6, 7)),
        ({"sealed_count": 8}, ("SEALS_COVER_ENTRIES", 8, 7)),
        ({"sealed_count": 10, "last_sealed": 10}, ("SEALS_COVER_ENTRIES", 10, 10)),
        ({"waiting_count": 1}, ("SEALS_COVER_ENTRIES", 1, 2)),
        ({"waiting_count": 3}, ("SEALS_COVER_ENTRIES", 3, 2)),
    ],
)
def test_entries_are_numbered_without_gaps_move_units_and_seals_cover_them(
    wrong: dict[str, int], expected: tuple[str, int, int]
) -> None:
    assert told(examine(sound(**wrong))) == [expected]


def test_seals_may_reach_up_to_the_last_entry() -> None:
    assert examine(sound(sealed_count=9, last_sealed=9)) == []
    assert examine(sound(waiting_count=2)) == []


def test_what_an_orders_entries_and_lines_say_otherwise_is_told_with_the_order() -> None:
    wrong = sound(promises={ANN: Promise("W-1", 2, 4), BOB: Promise("W-2", 3, 3)})
    (found,) = examine(wrong)

    assert (found.invariant, found.recorded, found.expected) == ("RESERVED_IS_SUM_OF_LINES", 2, 4)
    assert (found.key, found.order_id) == (MUG, "W-1")
    assert found.sentence == "By its entries 2 are held, by its open lines 4."
    assert wrong.by_lines == 7


def test_what_the_balance_and_all_lines_say_otherwise_is_told_without_an_order() -> None:
    recorded = replace(FOLDED, reserved=6, short=3)
    (*others, found) = [
        one for one in examine(sound(recorded=recorded)) if "LINES" in one.invariant
    ]

    assert others == []
    assert (found.invariant, found.recorded, found.expected) == ("RESERVED_IS_SUM_OF_LINES", 6, 5)
    assert found.order_id == ""


def test_reserved_units_that_one_orders_entries_explain_are_told_once() -> None:
    """An entry of Ann's was lost: the balance agrees with the lines, and the fold does not."""
    folded = replace(FOLDED, reserved=3, free=2)
    lost = sound(
        folded=folded,
        recorded=replace(FOLDED, free=2),
        promises={ANN: Promise("W-1", 0, 2), BOB: Promise("W-2", 3, 3)},
        shortfalls=2,
    )
    invariants = [one.invariant for one in examine(lost)]

    assert invariants.count("RESERVED_IS_SUM_OF_LINES") == 1
    assert "BALANCE_IS_FOLD_OF_ENTRIES" not in invariants

    # But where the balance agrees with nobody, both are told.
    worse = sound(
        folded=folded,
        recorded=replace(FOLDED, free=2, reserved=9),
        promises={ANN: Promise("W-1", 0, 2), BOB: Promise("W-2", 3, 3)},
    )
    assert ("BALANCE_IS_FOLD_OF_ENTRIES", 9, 3) in told(examine(worse))


def test_units_on_their_way_are_those_of_transfers_over_all_locations() -> None:
    keys = [
        KeyFacts(MUG, transit=5, on_its_way=2),
        KeyFacts(MUG_B, transit=-3),
        KeyFacts(CUP, transit=1, on_its_way=1),
    ]
    assert examine_transit(keys) == []

    (found,) = examine_transit([*keys, KeyFacts(StockKey("MUG", "C"), transit=1)])
    assert (found.invariant, found.key) == ("TRANSIT_IS_SUM_OF_TRANSFERS", StockKey("MUG", ""))
    assert (found.recorded, found.expected) == (3, 2)
    (found,) = examine_transit([*keys, KeyFacts(StockKey("MUG", "C"), on_its_way=1)])
    assert (found.recorded, found.expected) == (2, 3)


def test_more_can_never_arrive_than_was_sent() -> None:
    (found,) = examine_transit([KeyFacts(MUG, transit=-2), KeyFacts(MUG_B, transit=1)])

    assert (found.invariant, found.recorded, found.expected) == ("TRANSIT_IS_NOT_NEGATIVE", -1, 0)
    assert found.sentence == "1 units more arrived than were sent."
    assert examine_transit([KeyFacts(MUG, transit=0)]) == []
    (found,) = examine_transit([KeyFacts(MUG, transit=0, on_its_way=1)])
    assert found.invariant == "TRANSIT_IS_SUM_OF_TRANSFERS"


@pytest.mark.parametrize(
    ("promised", "to_come", "by_lines", "expected"),
    [
        (4, 4, 4, []),
        (3, 4, 3, []),
        (4, 4, 3, [("PROMISED_IS_SUM_OF_WAITING_LINES", 4, 3)]),
        (
            4,
            4,
            5,
            [("PROMISED_IS_SUM_OF_WAITING_LINES", 4, 5), ("PROMISED_IS_STILL_TO_COME", 5, 4)],
        ),
        (5, 4, 5, [("PROMISED_IS_STILL_TO_COME", 5, 4)]),
    ],
)
def test_what_is_promised_of_a_supply_is_what_waits_for_it_and_no_more_than_comes(
    promised: int, to_come: int, by_lines: int, expected: list[tuple[str, int, int]]
) -> None:
    found = examine_supply(SupplyFacts("S1", MUG, promised, to_come, by_lines))

    assert told(found) == expected
    assert {one.key for one in found} <= {MUG}


@pytest.mark.parametrize(
    ("units", "count", "is_wrong"), [(5, 2, False), (4, 2, True), (6, 2, True), (5, 1, True)]
)
def test_the_lines_of_a_reservation_sum_to_what_was_granted(
    units: int, count: int, *, is_wrong: bool
) -> None:
    found = examine_reservation(ReservationFacts(ANN, "W-1", 5, 2, units, count))

    assert told(found) == ([("LINES_SUM_TO_GRANTED", units, 5)] if is_wrong else [])
    for one in found:
        assert (one.key, one.order_id) == (None, "W-1")


@pytest.mark.parametrize(
    ("on_hand", "by_lines", "by_entries", "recorded_short", "expected"),
    [
        (5, 5, 5, 0, 0),
        (5, 4, 4, 0, 0),
        (5, 6, 5, 0, 1),
        (5, 5, 7, 0, 2),
        (5, 8, 8, 3, 0),
        (5, 8, 8, 2, 1),
    ],
)
def test_what_is_oversold_is_promised_beyond_what_is_there_and_no_deficit_says_so(
    on_hand: int, by_lines: int, by_entries: int, recorded_short: int, expected: int
) -> None:
    facts = KeyFacts(
        MUG,
        recorded=Figures(short=recorded_short),
        folded=Figures(free=on_hand - by_entries, reserved=by_entries),
        promises={ANN: Promise("W-1", by_lines, by_lines)},
    )

    assert oversold(facts) == expected


def test_a_key_without_a_balance_has_no_recorded_deficit() -> None:
    facts = KeyFacts(MUG, promises={None: Promise("", 2, 2)})

    assert oversold(facts) == 2


def test_tables_that_lost_a_guard_are_named() -> None:
    found = unguarded(["entry", "movement"])

    assert told(found) == [("HISTORY_IS_GUARDED", 0, 1)] * 2
    assert found[0].sentence == "Table entry has lost a guard: it can be edited."
    assert {one.key for one in found} == {None}

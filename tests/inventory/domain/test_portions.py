from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordermesh.inventory.domain.control import Control, ControlKind
from ordermesh.inventory.domain.control_table import ControlTable
from ordermesh.inventory.domain.errors.requests import TooMuchAsked
from ordermesh.inventory.domain.errors.stock import InsufficientStock, NotStockedHere
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.kit import LINES_MAX, Component, Kit, Wait, Wanted, exploded
from ordermesh.inventory.domain.ledger import Balance, Ledger
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.portions import bound, portions
from ordermesh.inventory.domain.reserving import Ask, Reserved, reserve
from ordermesh.inventory.domain.selling import Terms

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MUG_A, CUP_A, MUG_B = StockKey("MUG", "A"), StockKey("CUP", "A"), StockKey("MUG", "B")
SET = {"SET": Kit((Component("MUG", 2), Component("CUP", 1)))}


def books(**on_hand: int) -> Ledger:
    keys = {name: StockKey(*name.split("_")) for name in on_hand}
    return Ledger({keys[name]: Balance(on_hand=count) for name, count in on_hand.items()})


def best(ledger: Ledger, *wanted: Wanted, is_final: bool = True) -> Reserved:
    ask = Ask(UUID(int=1), "X", exploded(wanted, SET), timedelta(minutes=5), is_best_effort=True)
    return reserve(ledger, Actor("storefront"), ask, {}, Terms(), NOON, is_final=is_final)


def test_nothing_of_anything_is_refused_with_every_line() -> None:
    with pytest.raises(InsufficientStock) as refusal:
        best(books(MUG_A=0, CUP_A=0), Wanted("1", MUG_A, 2), Wanted("2", CUP_A, 1))
    assert refusal.value.facts()["rows"] == "2"

    with pytest.raises(NotStockedHere):
        best(books(), Wanted("1", MUG_A, 2))


def test_what_is_missing_is_refused_so_long_as_an_overdue_hold_may_be_in_the_way() -> None:
    ledger = books(MUG_A=1)

    with pytest.raises(InsufficientStock):
        best(ledger, Wanted("1", MUG_A, 2), Wanted("2", MUG_B, 1), is_final=False)

    assert ledger.entries == ()


def test_each_line_gets_what_the_ones_before_have_left() -> None:
    ledger = books(MUG_A=5, CUP_A=9)

    made, _, found = best(
        ledger,
        Wanted("1", MUG_A, 3),
        Wanted("2", MUG_A, 3),
        Wanted("3", MUG_A, 1),
        Wanted("4", CUP_A, 1),
        Wanted("5", MUG_B, 2),
    )

    assert [(one.line_id, one.wanted, one.granted, one.reason) for one in found] == [
        ("1", 3, 3, ""),
        ("2", 3, 2, "INSUFFICIENT_STOCK"),
        ("3", 1, 0, "INSUFFICIENT_STOCK"),
        ("4", 1, 1, ""),
        ("5", 2, 0, "NOT_STOCKED_HERE"),
    ]
    assert [(line.line_id, line.quantity) for line in made.lines] == [("1", 3), ("2", 2), ("4", 1)]
    assert made.granted == 6
    assert ledger.balance(MUG_A).reserved == 5


def test_kits_are_granted_whole_and_share_their_components_with_other_lines() -> None:
    ledger = books(MUG_A=7, CUP_A=9)

    made, _, found = best(ledger, Wanted("1", MUG_A, 2), Wanted("2", StockKey("SET", "A"), 4))

    assert [(one.key.sku, one.wanted, one.granted) for one in found] == [
        ("MUG", 2, 2),
        ("SET", 4, 2),
    ]
    assert [(line.key.sku, line.quantity, line.kit_sku) for line in made.lines] == [
        ("MUG", 2, ""),
        ("MUG", 4, "SET"),
        ("CUP", 2, "SET"),
    ]


def test_a_line_for_a_kit_and_one_for_its_component_are_two_though_they_share_an_id() -> None:
    wanted = exploded([Wanted("1", StockKey("SET", "A"), 1), Wanted("1", MUG_A, 1)], SET)

    found = portions(books(MUG_A=3, CUP_A=1), wanted, Terms(), "", NOON)

    assert [(one.key.sku, one.granted) for one in found] == [("SET", 1), ("MUG", 1)]


WEST = ("A", "B", "C")


def group(line_id: str, sku: str, units: int, **more: Any) -> Wanted:
    """So many units from anywhere in the west."""
    plain = Wanted(line_id, StockKey(sku, ""), units, group="west", candidates=WEST)
    return replace(plain, **more)


def spread(
    ledger: Ledger, *wanted: Wanted, terms: Terms | None = None, channel: str = ""
) -> list[tuple[str, str, str, int]]:
    """How lines are bound: line id, SKU, location and units."""
    found = bound(ledger, wanted, terms or Terms(), channel, NOON)
    assert all(not line.group and not line.candidates for line in found)
    return [(one.line_id, one.key.sku, one.key.location_id, one.quantity) for one in found]


def test_lines_without_a_group_stay_as_they_are() -> None:
    line = Wanted("1", MUG_A, 9)

    assert bound(books(), [line], Terms(), "", NOON) == [line]


def test_a_line_of_a_group_is_bound_to_the_fullest_location_first() -> None:
    ledger = books(MUG_A=2, MUG_B=5, MUG_C=3)

    assert spread(ledger, group("1", "MUG", 4)) == [("1", "MUG", "B", 4)]
    assert spread(ledger, group("1", "MUG", 5)) == [("1", "MUG", "B", 5)]
    assert spread(ledger, group("1", "MUG", 6)) == [("1", "MUG", "B", 5), ("1", "MUG", "C", 1)]
    assert spread(ledger, group("1", "MUG", 10)) == [
        ("1", "MUG", "B", 5),
        ("1", "MUG", "C", 3),
        ("1", "MUG", "A", 2),
    ]


def test_of_equally_full_locations_the_lower_id_is_first() -> None:
    assert spread(books(MUG_A=0, MUG_B=3, MUG_C=3), group("1", "MUG", 4)) == [
        ("1", "MUG", "B", 3),
        ("1", "MUG", "C", 1),
    ]


def test_lines_that_name_a_location_come_first_whatever_their_order() -> None:
    ledger = books(MUG_A=3, MUG_B=2)

    assert spread(ledger, group("1", "MUG", 3), Wanted("2", MUG_A, 2)) == [
        ("1", "MUG", "B", 2),
        ("1", "MUG", "A", 1),
        ("2", "MUG", "A", 2),
    ]


def test_what_may_wait_for_goods_takes_nothing_from_those_who_have_no_choice() -> None:
    """It is met from supply, where others need what is on hand."""
    ledger = books(MUG_A=3)
    waiting = Wanted("2", MUG_A, 3, wait=Wait())

    assert spread(ledger, group("1", "MUG", 3), waiting)[0] == ("1", "MUG", "A", 3)


def test_leave_to_wait_is_not_needed_where_all_are_met_from_what_is_there() -> None:
    waiting = Wanted("1", MUG_A, 5, wait=Wait())

    found = spread(books(MUG_A=5, MUG_B=5), waiting, group("2", "MUG", 5))

    assert found == [("1", "MUG", "A", 5), ("2", "MUG", "B", 5)]
    # Some of what waits is there, and the rest is to come: the group has enough elsewhere.
    found = spread(books(MUG_A=2, MUG_B=3), waiting, group("2", "MUG", 3))
    assert found == [("1", "MUG", "A", 5), ("2", "MUG", "B", 3)]


def test_two_lines_of_a_group_do_not_get_the_same_units() -> None:
    ledger = books(MUG_A=3, MUG_B=2)

    assert spread(ledger, group("1", "MUG", 3), group("2", "MUG", 2)) == [
        ("1", "MUG", "A", 3),
        ("2", "MUG", "B", 2),
    ]
    with pytest.raises(InsufficientStock) as refusal:
        spread(ledger, group("1", "MUG", 3), group("2", "MUG", 3), group("3", "CUP", 1))
    assert refusal.value.rows == (
        {"sku": "MUG", "locationGroup": "west", "wanted": 3, "available": 2},
        {"sku": "CUP", "locationGroup": "west", "wanted": 1, "available": 0},
    )
    assert refusal.value.missing.keys() == {
        StockKey(sku, place) for sku in ("MUG", "CUP") for place in WEST
    }


def test_a_kit_is_bound_whole_where_all_its_components_are() -> None:
    ledger = books(MUG_A=9, CUP_A=1, MUG_B=5, CUP_B=9, MUG_C=9)
    kit = [
        replace(part, candidates=WEST)
        for part in exploded([Wanted("1", StockKey("SET", ""), 3, group="west")], SET)
    ]

    assert spread(ledger, *kit) == [
        ("1", "MUG", "B", 4),
        ("1", "CUP", "B", 2),
        ("1", "MUG", "A", 2),
        ("1", "CUP", "A", 1),
    ]


def test_serial_numbers_go_to_the_first_units() -> None:
    wanted = group("1", "MUG", 3, serial_numbers=("S1", "S2", "S3"))

    found = bound(books(MUG_A=2, MUG_B=1), [wanted], Terms(), "", NOON)

    assert found[0].serial_numbers == ("S1", "S2")


def test_what_is_only_tracked_or_not_kept_is_bound_without_units() -> None:
    track = group("1", "MUG", 7, mode=ReservationMode.TRACK_ONLY)
    none = group("1", "MUG", 7, mode=ReservationMode.NONE)

    assert spread(books(MUG_B=0), track) == [("1", "MUG", "B", 7)]
    assert bound(books(MUG_B=0), [none], Terms(), "", NOON) == []
    with pytest.raises(InsufficientStock):
        spread(books(CUP_A=5), track)


def test_a_request_that_is_spread_over_too_many_lines_is_refused() -> None:
    places = tuple(f"P{number:04}" for number in range(LINES_MAX + 1))
    ledger = Ledger({StockKey("MUG", place): Balance(on_hand=1) for place in places})

    def line(units: int) -> Wanted:
        return Wanted("1", StockKey("MUG", ""), units, group="all", candidates=places)

    assert len(spread(ledger, line(LINES_MAX))) == LINES_MAX
    with pytest.raises(TooMuchAsked) as refusal:
        spread(ledger, line(LINES_MAX + 1))
    assert refusal.value.facts() == {"limit": str(LINES_MAX)}


def test_a_best_effort_takes_from_the_group_what_there_is() -> None:
    found = portions(books(MUG_A=2, MUG_B=1), [group("1", "MUG", 9)], Terms(), "", NOON)

    assert [(one.group, one.wanted, one.granted, one.reason) for one in found] == [
        ("west", 9, 3, "INSUFFICIENT_STOCK")
    ]
    (nothing,) = portions(books(CUP_A=1), [group("1", "MUG", 9)], Terms(), "", NOON)
    assert (nothing.granted, nothing.reason, nothing.lines) == (0, "NOT_STOCKED_HERE", ())


def test_lines_that_name_a_location_are_granted_first_and_told_in_their_place() -> None:
    ledger = books(MUG_A=5, MUG_B=3)
    wanted = [group("1", "MUG", 3), Wanted("2", MUG_A, 3)]

    found = portions(ledger, wanted, Terms(), "", NOON)

    assert [(one.line_id, one.granted) for one in found] == [("1", 3), ("2", 3)]
    assert [line.key for one in found for line in one.lines] == [MUG_B, MUG_A]


def test_what_is_said_of_a_kit_bounds_nothing_that_is_not_held() -> None:
    none = Wanted("1", StockKey("SET", "A"), 2, mode=ReservationMode.NONE)
    held = Wanted("2", StockKey("SET", "A"), 2)
    cap = Control("cap", ControlKind.CAP, 1, sku="SET")

    found = portions(
        books(MUG_A=9, CUP_A=9),
        exploded([none, held], SET),
        Terms(controls=ControlTable([cap])),
        "",
        NOON,
    )

    assert [(one.granted, len(one.lines)) for one in found] == [(2, 0), (1, 2)]


QUANTITY, PLACE = st.integers(1, 4), st.sampled_from(WEST)
MODE = st.sampled_from([*[ReservationMode.RESERVE] * 4, *ReservationMode])
LINE = st.tuples(st.sampled_from(["MUG", "CUP", "SET"]), PLACE, QUANTITY, st.booleans(), MODE)
SHELVES = st.dictionaries(st.tuples(st.sampled_from(["MUG", "CUP"]), PLACE), st.integers(0, 6))
CAPS = st.one_of(st.none(), st.integers(0, 3))


@given(st.lists(LINE, min_size=1, max_size=4), SHELVES, CAPS)
def test_what_a_best_effort_holds_is_what_its_verdicts_say(
    rows: list[tuple[str, str, int, bool, ReservationMode]],
    shelves: dict[tuple[str, str], int],
    cap: int | None,
) -> None:
    controls = [] if cap is None else [Control("cap", ControlKind.CAP, cap, sku="SET")]
    terms = Terms(controls=ControlTable(controls))
    wanted = [
        Wanted(str(number), StockKey(sku, "" if grouped else place), units, mode=mode,
               group="west" if grouped else "")
        for number, (sku, place, units, grouped, mode) in enumerate(rows)
    ]  # fmt: skip
    parts = [replace(one, candidates=WEST if one.group else ()) for one in exploded(wanted, SET)]
    ask = Ask(UUID(int=1), "X", parts, None, is_best_effort=True)

    for is_final in (True, False):
        ledger = Ledger({StockKey(*key): Balance(on_hand=units) for key, units in shelves.items()})
        try:
            made, _, found = reserve(ledger, Actor("shop"), ask, {}, terms, NOON, is_final=is_final)
        except (InsufficientStock, NotStockedHere):
            assert ledger.entries == ()
            continue
        held: Counter[str] = Counter()
        for line in made.lines:
            held[line.line_id] += line.quantity
        said = {one.line_id: sum(part.quantity for part in one.lines) for one in found if one.lines}
        assert held == said
        assert all(is_final or one.granted == one.wanted for one in found)
        for one in found:
            per_unit = 3 if one.key.sku == "SET" else 1
            recorded = rows[int(one.line_id)][-1] is not ReservationMode.NONE
            assert said.get(one.line_id, 0) == one.granted * per_unit * recorded


@pytest.mark.parametrize(
    ("mode", "records", "granted", "lines"),
    [
        (ReservationMode.RESERVE, {"MUG_A": 4}, 4, 1),
        (ReservationMode.UNSAID, {"MUG_A": 4}, 4, 1),
        (ReservationMode.TRACK_ONLY, {"MUG_A": 0}, 9, 1),
        (ReservationMode.TRACK_ONLY, {}, 0, 0),
        (ReservationMode.NONE, {"MUG_A": 0}, 9, 0),
        (ReservationMode.NONE, {}, 9, 0),
    ],
)
def test_a_best_effort_grants_units_records_or_nothing_by_the_mode(
    mode: ReservationMode, records: dict[str, int], granted: int, lines: int
) -> None:
    (found,) = portions(books(**records), [Wanted("1", MUG_A, 9, mode=mode)], Terms(), "", NOON)

    assert (found.granted, len(found.lines)) == (granted, lines)


def test_what_is_said_of_a_kit_bounds_all_its_lines_together() -> None:
    cap = Control("cap", ControlKind.CAP, 3, sku="SET", channel="web")
    terms = Terms(controls=ControlTable([cap]))
    wanted = exploded([Wanted(name, StockKey("SET", "A"), 2) for name in "12"], SET)

    found = portions(books(MUG_A=99, CUP_A=99), wanted, terms, "web", NOON)

    assert [one.granted for one in found] == [2, 1]
    found = portions(books(MUG_A=99, CUP_A=99), wanted, terms, "app", NOON)
    assert [one.granted for one in found] == [2, 2]
    smaller = Terms(controls=ControlTable([replace(cap, value=1)]))
    found = portions(books(MUG_A=99, CUP_A=99), wanted, smaller, "web", NOON)
    assert [one.granted for one in found] == [1, 0]


def test_a_best_effort_of_a_kit_is_bounded_by_its_scarcest_component() -> None:
    wanted = exploded([Wanted("1", StockKey("SET", "A"), 9)], SET)

    (found,) = portions(books(MUG_A=7, CUP_A=2), wanted, Terms(), "", NOON)
    assert (found.key, found.wanted, found.granted) == (StockKey("SET", "A"), 9, 2)
    assert [(one.key.sku, one.quantity) for one in found.lines] == [("MUG", 4), ("CUP", 2)]
    (found,) = portions(books(MUG_A=7, CUP_A=9), wanted, Terms(), "", NOON)
    assert found.granted == 3


def test_a_best_effort_keeps_the_serial_numbers_of_what_is_granted() -> None:
    (found,) = portions(
        books(MUG_A=1), [Wanted("1", MUG_A, 2, serial_numbers=("S1", "S2"))], Terms(), "", NOON
    )

    assert found.lines == (Wanted("1", MUG_A, 1, serial_numbers=("S1",)),)

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from ordermesh.inventory.domain.control import Control, ControlKind
from ordermesh.inventory.domain.control_table import ControlTable
from ordermesh.inventory.domain.errors.requests import SameLocation
from ordermesh.inventory.domain.errors.reservation import ReservationClosed, ReservationExpired
from ordermesh.inventory.domain.errors.stock import InsufficientStock
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.kit import Wanted
from ordermesh.inventory.domain.ledger import Balance, Cause, Ledger, MovementKind
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.moving import MOVES_MAX, Move, reassign
from ordermesh.inventory.domain.reservation import Line, LineState, Reservation, Selection
from ordermesh.inventory.domain.reserving import Ask, reserve
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.domain.verbs import release
from tests.inventory.domain.moves import HOLD, lines, moved, promised, stocked

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MUG_A, MUG_B, MUG_C = (StockKey("MUG", place) for place in "ABC")


def held(ledger: Ledger, number: int, key: StockKey, quantity: int) -> Reservation:
    ask = Ask(UUID(int=number), "", [Wanted("1", key, quantity)], timedelta(minutes=5))
    return reserve(ledger, Actor("storefront"), ask, {}, Terms(), NOON).made


def places(reservation: Reservation) -> list[tuple[str, int]]:
    return [(line.key.location_id, line.quantity) for line in reservation.lines]


def test_two_reservations_swap_places_where_nothing_is_free() -> None:
    ledger = Ledger({MUG_A: Balance(2), MUG_B: Balance(2)})
    first, second = held(ledger, 1, MUG_A, 2), held(ledger, 2, MUG_B, 2)

    moved = reassign(
        ledger, [(first, [(Selection("1"), "B")]), (second, [(Selection("1"), "A")])], Terms(), NOON
    )

    assert [places(one) for one in moved] == [[("B", 2)], [("A", 2)]]
    assert (ledger.balance(MUG_A).reserved, ledger.balance(MUG_B).reserved) == (2, 2)


def test_demand_of_all_reservations_for_one_place_is_summed() -> None:
    ledger = Ledger({MUG_A: Balance(2), MUG_B: Balance(2), MUG_C: Balance(3)})
    first, second = held(ledger, 1, MUG_A, 2), held(ledger, 2, MUG_B, 2)

    with pytest.raises(InsufficientStock) as refusal:
        reassign(
            ledger,
            [(first, [(Selection("1"), "C")]), (second, [(Selection("1"), "C")])],
            Terms(),
            NOON,
        )

    assert refusal.value.facts() == {
        "sku": "MUG", "locationId": "C", "wanted": "4", "available": "3",
    }  # fmt: skip


def test_parts_of_one_line_go_to_several_places() -> None:
    ledger = Ledger({MUG_A: Balance(3), MUG_B: Balance(1), MUG_C: Balance(1)})
    only = held(ledger, 1, MUG_A, 3)

    moves = [(Selection("1", "A", "", 1), "B"), (Selection("1", "A", "", 1), "C")]
    (moved,) = reassign(ledger, [(only, moves)], Terms(), NOON)

    assert sorted(places(moved)) == [("A", 1), ("B", 1), ("C", 1)]
    with pytest.raises(ReservationClosed):
        reassign(ledger, [(moved, [(Selection("1", "A", "", 2), "B")])], Terms(), NOON)


def line(number: int, key: StockKey, quantity: int, **more: Any) -> Line:
    return replace(Line(number, str(number), key, quantity, LineState.CONFIRMED), **more)


def reservation(*lines: Line, number: int = 1, **more: Any) -> Reservation:
    plain = Reservation(UUID(int=number), "shop", "X", NOON, lines, last_number=len(lines))
    return replace(plain, **more)


def go(
    ledger: Ledger, made: Reservation, *moves: tuple[Selection, str], terms: Terms | None = None
) -> Reservation:
    (found,) = reassign(ledger, [(made, moves)], terms or Terms(), NOON)
    return found


TRACK = {"mode": ReservationMode.TRACK_ONLY}


def test_a_move_is_one_movement_of_the_reservation_at_both_places() -> None:
    ledger = Ledger({MUG_A: Balance(1, 3, 2), MUG_B: Balance(5)})

    go(ledger, reservation(line(1, MUG_A, 3)), (Selection("1"), "B"))

    assert moved(ledger) == [
        (MUG_A, "RESERVED", "SHORT", 2),
        (MUG_A, "RESERVED", "FREE", 1),
        (MUG_B, "FREE", "RESERVED", 3),
    ]
    assert {entry.cause for entry in ledger.entries} == {
        Cause(MovementKind.REASSIGNED, UUID(int=1), "X")
    }


def test_lines_that_are_there_already_are_passed_over_where_no_location_is_named() -> None:
    ledger = Ledger({MUG_A: Balance(2, 2), MUG_B: Balance(4, 2)})
    made = reservation(line(1, MUG_A, 2), line(2, MUG_B, 2, line_id="1"))

    found = go(ledger, made, (Selection("1"), "B"))

    assert places(found) == [("B", 2), ("B", 2)]
    assert ledger.balance(MUG_B).reserved == 4


def test_where_all_is_there_already_it_says_so_and_closed_lines_do_not_matter() -> None:
    ledger = Ledger({MUG_A: Balance(2, 2), MUG_B: Balance(4, 2)})
    gone = line(1, MUG_A, 2, line_id="1", state=LineState.SHIPPED)
    there = line(2, MUG_B, 2, line_id="1")

    with pytest.raises(SameLocation) as refusal:
        go(ledger, reservation(gone, there), (Selection("1"), "B"))
    assert refusal.value.facts() == {"sku": "MUG", "locationId": "B"}
    # More than is elsewhere is wanted, while something is: that is no mistake about the place.
    with pytest.raises(ReservationClosed) as closed:
        go(
            ledger,
            reservation(line(1, MUG_A, 2, line_id="1"), there),
            (Selection("1", quantity=3), "B"),
        )
    assert closed.value.rows == (
        {"reservationId": UUID(int=1), "lineId": "1", "wanted": 3, "open": 2},
    )


def test_a_line_that_expired_is_told_with_the_first_time_unless_something_is_open() -> None:
    ledger = Ledger({MUG_A: Balance(2, 2), MUG_B: Balance(4)})
    expired = [
        line(
            number, MUG_A, 1, line_id="1", state=LineState.EXPIRED,
            close_time=NOON - timedelta(minutes=number),
        )
        for number in (1, 2)
    ]  # fmt: skip

    with pytest.raises(ReservationExpired) as refusal:
        go(ledger, reservation(*expired), (Selection("1"), "B"))
    assert refusal.value.facts()["expireTime"] == "2026-03-02T11:58:00+00:00"
    with pytest.raises(ReservationClosed):
        go(
            ledger,
            reservation(*expired, line(3, MUG_A, 1, line_id="1")),
            (Selection("1", quantity=2), "B"),
        )


def test_every_selection_that_wants_more_than_is_open_is_named() -> None:
    ledger = Ledger({MUG_A: Balance(4, 4), MUG_B: Balance(9)})
    made = reservation(line(1, MUG_A, 2), line(2, MUG_A, 2), line(3, MUG_A, 1))

    with pytest.raises(ReservationClosed) as refusal:
        go(
            ledger,
            made,
            (Selection("1", quantity=3), "B"),
            (Selection("2", quantity=4), "B"),
            (Selection("3", quantity=1), "B"),
        )

    assert [(row["lineId"], row["wanted"], row["open"]) for row in refusal.value.rows] == [
        ("1", 3, 2),
        ("2", 4, 2),
    ]


def test_what_is_only_tracked_goes_where_there_is_a_record_and_moves_nothing() -> None:
    ledger = Ledger({MUG_B: Balance()})
    tracked = reservation(line(1, MUG_A, 2, **TRACK))

    assert places(go(ledger, tracked, (Selection("1"), "B"))) == [("B", 2)]
    assert ledger.entries == ()
    with pytest.raises(InsufficientStock) as refusal:
        go(ledger, tracked, (Selection("1"), "C"))
    assert refusal.value.rows == ({"sku": "MUG", "locationId": "C", "wanted": 2, "available": 0},)


def test_what_is_held_goes_only_where_units_are_with_or_without_a_record() -> None:
    with pytest.raises(InsufficientStock) as refusal:
        go(Ledger({MUG_A: Balance(2, 2)}), reservation(line(1, MUG_A, 2)), (Selection("1"), "C"))

    assert refusal.value.rows == ({"sku": "MUG", "locationId": "C", "wanted": 2, "available": 0},)


def test_what_waited_for_goods_is_on_hand_where_it_goes() -> None:
    ledger = Ledger({MUG_B: Balance(5)})
    waiting = reservation(line(1, MUG_A, 2, supply_id="S1", needed_by=NOON))

    (found,) = go(ledger, waiting, (Selection("1"), "B")).lines

    assert (found.key, found.is_on_hand, found.supply_id, found.needed_by) == (
        MUG_B,
        True,
        "",
        None,
    )
    assert ledger.promised() == {"S1": -2}
    assert moved(ledger) == [(MUG_B, "FREE", "RESERVED", 2)]


def test_units_go_back_into_their_pool_and_are_taken_from_the_one_where_they_go() -> None:
    pools = [
        Control("a", ControlKind.POOL, 5, location_id="A", channel="web", number=7),
        Control("b", ControlKind.POOL, 5, location_id="B", channel="web", number=8),
    ]
    terms = Terms(controls=ControlTable(pools))
    ledger = Ledger({MUG_A: Balance(9, 2), MUG_B: Balance(9)}, {(7, MUG_A): 2})
    made = reservation(line(1, MUG_A, 2, pool=7), channel="web")

    (found,) = go(ledger, made, (Selection("1"), "B"), terms=terms).lines

    assert found.pool == 8
    assert (ledger.taken(7, MUG_A), ledger.taken(8, MUG_B)) == (0, 2)
    tracked = reservation(line(1, MUG_A, 2, **TRACK), channel="web")
    assert go(ledger, tracked, (Selection("1"), "B"), terms=terms).lines[0].pool is None


def test_each_channel_sells_what_is_available_to_it_when_the_others_have_had_theirs() -> None:
    cap = Control("web", ControlKind.CAP, 2, location_id="C", channel="web")
    terms = Terms(controls=ControlTable([cap]))
    ledger = Ledger({MUG_A: Balance(9, 9), MUG_C: Balance(5)})

    def of(number: int, channel: str, units: int) -> tuple[Reservation, list[Move]]:
        made = reservation(line(1, MUG_A, units), number=number, channel=channel)
        return made, [(Selection("1"), "C")]

    reassign(ledger, [of(1, "app", 3), of(2, "web", 2)], terms, NOON)
    assert ledger.balance(MUG_C).reserved == 5

    ledger = Ledger({MUG_A: Balance(9, 9), MUG_C: Balance(9)})
    with pytest.raises(InsufficientStock) as refusal:
        reassign(ledger, [of(1, "app", 3), of(2, "web", 3)], terms, NOON)
    assert refusal.value.rows == ({"sku": "MUG", "locationId": "C", "wanted": 3, "available": 2},)


def test_a_promise_goes_to_another_location_with_its_state_and_its_time() -> None:
    ledger = stocked(MUG_A=5, MUG_B=5)
    held = promised(ledger, ("1", MUG_A, 3))

    (moved,) = reassign(ledger, [(held, [(Selection("1", quantity=2), "B")])], Terms(), NOON)

    assert lines(moved) == [(MUG_A, 1, LineState.HELD), (MUG_B, 2, LineState.HELD)]
    assert {line.expire_time for line in moved.lines} == {NOON + HOLD}
    assert (ledger.balance(MUG_A).reserved, ledger.balance(MUG_B).reserved) == (1, 2)


def test_promises_can_change_places() -> None:
    ledger = stocked(MUG_A=2, MUG_B=3)
    paid = promised(ledger, ("1", MUG_A, 2), ("2", MUG_B, 2), is_confirmed=True)

    (moved,) = reassign(
        ledger, [(paid, [(Selection("1"), "B"), (Selection("2"), "A")])], Terms(), NOON
    )

    assert lines(moved) == [
        (MUG_B, 2, LineState.CONFIRMED),
        (MUG_A, 2, LineState.CONFIRMED),
    ]


def test_a_promise_cannot_go_where_too_little_is() -> None:
    ledger = stocked(MUG_A=5, MUG_B=1)
    paid = promised(ledger, ("1", MUG_A, 3), is_confirmed=True)

    with pytest.raises(InsufficientStock) as refusal:
        reassign(ledger, [(paid, [(Selection("1"), "B")])], Terms(), NOON)

    assert refusal.value.facts()["locationId"] == "B"


def test_a_promise_cannot_go_where_it_is() -> None:
    ledger = stocked(MUG_A=5)
    paid = promised(ledger, ("1", MUG_A, 3), is_confirmed=True)

    for selection in (Selection("1"), Selection("1", location_id="A")):
        with pytest.raises(SameLocation) as refusal:
            reassign(ledger, [(paid, [(selection, "A")])], Terms(), NOON)
        assert refusal.value.facts() == {"sku": "MUG", "locationId": "A"}


def test_a_promise_that_expired_or_is_closed_cannot_go_anywhere() -> None:
    ledger = stocked(MUG_A=5, MUG_B=5)
    held = promised(ledger, ("1", MUG_A, 3))

    with pytest.raises(ReservationExpired):
        reassign(
            Ledger({MUG_A: Balance(5, 3), MUG_B: Balance(5)}),
            [(held, [(Selection("1"), "B")])],
            Terms(),
            NOON + HOLD,
        )
    closed, _ = release(ledger, held, [], NOON)
    with pytest.raises(ReservationClosed):
        reassign(ledger, [(closed, [(Selection("1"), "B")])], Terms(), NOON)


def test_one_request_moves_a_thousand_lines_at_most() -> None:
    assert MOVES_MAX == 1_000

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from ordermesh.inventory.domain.errors.requests import DuplicateEntry
from ordermesh.inventory.domain.errors.reservation import ReservationClosed, ReservationNotConfirmed
from ordermesh.inventory.domain.errors.stock import InsufficientStock, ShortOfStock
from ordermesh.inventory.domain.errors.supply import WaitsForSupply
from ordermesh.inventory.domain.facts import Extra, Facts
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.kit import Component, Kit, Wanted, exploded
from ordermesh.inventory.domain.ledger import Account, Balance, Ledger
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.picking import Shipment, ShortOutcome, short
from ordermesh.inventory.domain.picking import ship as ship_together
from ordermesh.inventory.domain.reservation import Line, LineState, Reservation, Selection
from ordermesh.inventory.domain.reserving import Ask, reserve
from ordermesh.inventory.domain.selling import Terms
from tests.inventory.domain.moves import causes, lines, moved, promised, stocked

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
MUG_A, CUP_A = StockKey("MUG", "A"), StockKey("CUP", "A")
SET = {"SET": Kit((Component("MUG", 2), Component("CUP", 1)))}


def paid(ledger: Ledger, *wanted: Wanted) -> Reservation:
    ask = Ask(UUID(int=1), "X", exploded(wanted, SET), None)
    return reserve(ledger, Actor("routing"), ask, {}, Terms(), NOON).made


def ship(
    ledger: Ledger, reservation: Reservation, shipment: Shipment, now: datetime
) -> tuple[Reservation, list[Extra]]:
    (left,) = ship_together(ledger, [(reservation, shipment)], now)
    return left


def shipped(
    ledger: Ledger,
    reservation: Reservation,
    selections: Sequence[Selection],
    rest: ShortOutcome | None = None,
    *,
    may_exceed: bool = True,
) -> tuple[Reservation, list[Extra]]:
    return ship(ledger, reservation, Shipment(selections, may_exceed, rest), NOON)


def test_more_than_was_promised_does_not_leave_without_leave() -> None:
    ledger = Ledger({MUG_A: Balance(10)})
    made = paid(ledger, Wanted("1", MUG_A, 2))

    with pytest.raises(ReservationClosed) as refusal:
        shipped(ledger, made, [Selection("1", quantity=3)], may_exceed=False)

    assert (refusal.value.facts()["wanted"], refusal.value.facts()["open"]) == ("3", "2")


def test_what_leaves_beyond_the_promise_must_be_free() -> None:
    ledger = Ledger({MUG_A: Balance(5, 2)})
    made = paid(ledger, Wanted("1", MUG_A, 2))

    with pytest.raises(InsufficientStock) as refusal:
        shipped(ledger, made, [Selection("1", quantity=4)])

    assert (refusal.value.facts()["wanted"], refusal.value.facts()["available"]) == ("2", "1")


def test_nothing_leaves_for_a_line_of_which_nothing_is_open() -> None:
    ledger = Ledger({MUG_A: Balance(9)})
    gone, _ = shipped(ledger, paid(ledger, Wanted("1", MUG_A, 2)), [Selection("1")])

    with pytest.raises(ReservationClosed):
        shipped(ledger, gone, [Selection("1", quantity=1)])


def test_what_leaves_beyond_the_promise_is_told_apart_and_reserved_never_falls_below_zero() -> None:
    ledger = Ledger({MUG_A: Balance(10)})
    made = paid(ledger, Wanted("1", MUG_A, 2))

    after, extras = shipped(ledger, made, [Selection("1", quantity=3)])

    assert extras == [Extra("1", MUG_A, 1)]
    assert [(line.quantity, line.state) for line in after.lines] == [(2, LineState.SHIPPED)]
    assert (ledger.balance(MUG_A).on_hand, ledger.balance(MUG_A).reserved) == (7, 0)
    assert [(one.source, one.quantity) for one in ledger.entries[-2:]] == [
        (Account.RESERVED, 2),
        (Account.FREE, 1),
    ]


def test_of_a_kit_whole_kits_leave_beyond_the_promise() -> None:
    ledger = Ledger({MUG_A: Balance(10), CUP_A: Balance(10)})
    made = paid(ledger, Wanted("1", StockKey("SET", "A"), 1))

    _, extras = shipped(ledger, made, [Selection("1", quantity=2)])

    assert extras == [Extra("1", MUG_A, 2), Extra("1", CUP_A, 1)]


@pytest.mark.parametrize(
    ("outcome", "figures"),
    [
        (ShortOutcome.WRITE_OFF, (7, 0, 0)),
        (ShortOutcome.BLOCK, (7, 0, 2)),
        (ShortOutcome.RELEASE, (9, 0, 0)),
    ],
)
def test_the_rest_of_a_line_is_a_short_pick_at_once(
    outcome: ShortOutcome, figures: tuple[int, int, int]
) -> None:
    ledger = Ledger({MUG_A: Balance(10), CUP_A: Balance(4)})
    made = paid(ledger, Wanted("1", MUG_A, 3), Wanted("2", CUP_A, 1))

    after, extras = shipped(ledger, made, [Selection("1", quantity=1)], outcome)

    assert extras == []
    assert sorted((line.line_id, line.quantity, line.state) for line in after.lines) == [
        ("1", 1, LineState.SHIPPED),
        ("1", 2, LineState.SHORT),
        ("2", 1, LineState.CONFIRMED),
    ]
    balance = ledger.balance(MUG_A)
    assert (balance.on_hand, balance.reserved, balance.blocked) == figures


ID = UUID(int=1)
HELD, CONFIRMED = LineState.HELD, LineState.CONFIRMED


def line(number: int, key: StockKey, quantity: int, **more: Any) -> Line:
    return replace(Line(number, str(number), key, quantity, CONFIRMED), **more)


def reservation(*lines: Line) -> Reservation:
    return Reservation(ID, "routing", "X", NOON, lines, last_number=len(lines))


def lost(
    ledger: Ledger, made: Reservation, outcome: ShortOutcome, *selections: Selection
) -> Reservation:
    return short(ledger, made, selections or [Selection("1")], outcome, NOON)


@pytest.mark.parametrize(
    ("outcome", "moves"),
    [
        (ShortOutcome.WRITE_OFF, [("RESERVED", "SHORT", 2), ("RESERVED", "LOSS", 1)]),
        (ShortOutcome.BLOCK, [("RESERVED", "SHORT", 2), ("RESERVED", "MISSING", 1)]),
        (ShortOutcome.RELEASE, [("RESERVED", "SHORT", 2), ("RESERVED", "FREE", 1)]),
    ],
)
def test_promises_without_a_unit_behind_them_are_closed_first(
    outcome: ShortOutcome, moves: list[tuple[str, str, int]]
) -> None:
    ledger = Ledger({MUG_A: Balance(3, 5, 2)})

    after = lost(ledger, reservation(line(1, MUG_A, 3)), outcome)

    assert [move[1:] for move in moved(ledger)] == moves
    assert causes(ledger) == {"SHORTED"}
    assert {entry.reservation_id for entry in ledger.entries} == {ID}
    assert [(one.state, one.close_time) for one in after.lines] == [(LineState.SHORT, NOON)]


@pytest.mark.parametrize("outcome", [ShortOutcome.WRITE_OFF, ShortOutcome.BLOCK])
@pytest.mark.parametrize(("balance", "count"), [(Balance(1, 4, 3), 1), (Balance(4, 4), 1)])
def test_no_entry_moves_nothing(outcome: ShortOutcome, balance: Balance, count: int) -> None:
    ledger = Ledger({MUG_A: balance})

    lost(ledger, reservation(line(1, MUG_A, 3)), outcome)

    assert len(ledger.entries) == count


def test_units_that_were_not_found_go_back_into_their_pool() -> None:
    ledger = Ledger({MUG_A: Balance(3, 5, 2)}, {(7, MUG_A): 5})

    lost(ledger, reservation(line(1, MUG_A, 3, pool=7)), ShortOutcome.WRITE_OFF)

    assert ledger.taken(7, MUG_A) == 2


def test_a_line_that_holds_nothing_is_closed_without_an_entry() -> None:
    ledger = Ledger({MUG_A: Balance(5)})
    tracked = reservation(line(1, MUG_A, 3, mode=ReservationMode.TRACK_ONLY))

    for outcome in ShortOutcome:
        after = lost(ledger, tracked, outcome)
        assert after.lines[0].state is LineState.SHORT
    assert ledger.entries == ()


def test_a_part_that_was_not_found_leaves_the_rest() -> None:
    ledger = Ledger({MUG_A: Balance(5, 3)})

    after = lost(
        ledger,
        reservation(line(1, MUG_A, 3)),
        ShortOutcome.WRITE_OFF,
        Selection("1", quantity=1),
    )

    assert [(one.quantity, one.state) for one in after.lines] == [
        (2, CONFIRMED),
        (1, LineState.SHORT),
    ]


def test_only_confirmed_lines_are_picked_or_not_found() -> None:
    ledger = Ledger({MUG_A: Balance(5, 5), CUP_A: Balance(5, 2)})
    made = reservation(line(1, MUG_A, 2), line(2, CUP_A, 2, state=HELD, expire_time=LATER))
    both = [Selection("1"), Selection("2")]

    with pytest.raises(ReservationNotConfirmed) as refusal:
        ship(ledger, made, Shipment(both), NOON)
    assert refusal.value.facts() == {"reservationId": str(ID), "lineId": "2"}
    with pytest.raises(ReservationNotConfirmed):
        lost(ledger, made, ShortOutcome.WRITE_OFF, *both)
    assert ledger.entries == ()


def test_the_rest_of_a_line_is_only_lost_where_it_is_confirmed() -> None:
    """A line id may stand for a confirmed part and for one that is held."""
    ledger = Ledger({MUG_A: Balance(5, 5)})
    held = line(2, MUG_A, 2, line_id="1", state=HELD, expire_time=LATER)
    made = reservation(line(1, MUG_A, 2), held)

    with pytest.raises(ReservationNotConfirmed):
        ship(
            ledger,
            made,
            Shipment([Selection("1", quantity=2)], rest=ShortOutcome.WRITE_OFF),
            NOON,
        )


def test_what_waits_for_goods_does_not_leave_and_is_told_with_its_supply() -> None:
    ledger = Ledger({MUG_A: Balance(9, 1)})
    made = reservation(
        line(1, MUG_A, 1), line(2, MUG_A, 2, line_id="1", supply_id="S1"),
        line(3, CUP_A, 3, supply_id="S2", broken_time=NOON),
    )  # fmt: skip

    for verb in (
        lambda: ship(ledger, made, Shipment([Selection("3"), Selection("1")]), NOON),
        lambda: lost(ledger, made, ShortOutcome.WRITE_OFF, Selection("3"), Selection("1")),
    ):
        with pytest.raises(WaitsForSupply) as refusal:
            verb()
        assert [
            (row["lineId"], row["sku"], row["supplyId"], row["waiting"])
            for row in refusal.value.rows
        ] == [("1", "MUG", "S1", 2), ("3", "CUP", "S2", 3)]


def test_what_waits_stays_open_when_the_rest_of_its_line_is_lost() -> None:
    ledger = Ledger({MUG_A: Balance(9, 3)})
    made = reservation(line(1, MUG_A, 3), line(2, MUG_A, 2, line_id="1", supply_id="S1"))
    shipment = Shipment([Selection("1", quantity=1)], rest=ShortOutcome.WRITE_OFF)

    after, _ = ship(ledger, made, shipment, NOON)

    assert [(one.quantity, one.state.name, one.supply_id) for one in after.lines] == [
        (2, "SHORT", ""),
        (2, "CONFIRMED", "S1"),
        (1, "SHIPPED", ""),
    ]


def test_what_was_only_tracked_leaves_from_free_units() -> None:
    ledger = Ledger({MUG_A: Balance(5, 2)})
    made = reservation(line(1, MUG_A, 3, mode=ReservationMode.TRACK_ONLY))

    ship(ledger, made, Shipment([Selection("1")]), NOON)

    assert moved(ledger) == [(MUG_A, "FREE", "CUSTOMER", 3)]
    assert causes(ledger) == {"SHIPPED"}


def test_what_was_not_held_must_be_free_by_all_lines_together() -> None:
    ledger = Ledger({MUG_A: Balance(5, 2)})
    track = {"mode": ReservationMode.TRACK_ONLY}
    made = reservation(line(1, MUG_A, 2, **track), line(2, MUG_A, 1, **track))
    shipment = Shipment([Selection("1"), Selection("2", quantity=2)], may_exceed=True)

    with pytest.raises(InsufficientStock) as refusal:
        ship(ledger, made, shipment, NOON)

    assert refusal.value.rows == ({"sku": "MUG", "locationId": "A", "wanted": 4, "available": 3},)
    ship(ledger, made, Shipment([Selection("1"), Selection("2")]), NOON)
    assert ledger.balance(MUG_A).on_hand == 2


def test_promised_units_that_are_not_there_are_told_with_every_key() -> None:
    ledger = Ledger({MUG_A: Balance(2, 3, 1), CUP_A: Balance(0, 2, 2)})
    made = reservation(line(1, MUG_A, 1), line(2, MUG_A, 2), line(3, CUP_A, 2))

    with pytest.raises(ShortOfStock) as refusal:
        ship(ledger, made, Shipment([Selection("1"), Selection("2"), Selection("3")]), NOON)

    assert refusal.value.rows == (
        {"sku": "MUG", "locationId": "A", "wanted": 3, "onHand": 2},
        {"sku": "CUP", "locationId": "A", "wanted": 2, "onHand": 0},
    )
    ship(ledger, made, Shipment([Selection("2")]), NOON)
    assert ledger.balance(MUG_A) == Balance(0, 1, 1, sequence=1)


def test_exactly_what_is_open_leaves_without_leave() -> None:
    ledger = Ledger({MUG_A: Balance(5, 3)})

    after, extras = ship(
        ledger, reservation(line(1, MUG_A, 3)), Shipment([Selection("1", quantity=3)]), NOON
    )

    assert (after.lines[0].state, extras) == (LineState.SHIPPED, [])


def test_units_leave_with_their_lot_and_serial_numbers() -> None:
    ledger = Ledger({MUG_A: Balance(5, 3)})
    made = reservation(line(1, MUG_A, 3, lot_id="L1"))

    ship(
        ledger,
        made,
        Shipment([Selection("1", quantity=2)], facts=[Facts("1", serial_numbers=("S1", "S2"))]),
        NOON,
    )

    assert [(one.lot_id, one.serial_numbers) for one in ledger.entries] == [("L1", ("S1", "S2"))]


def test_of_a_component_that_is_named_only_its_own_units_leave_beyond_the_promise() -> None:
    ledger = Ledger({MUG_A: Balance(10), CUP_A: Balance(10)})
    made = paid(ledger, Wanted("1", StockKey("SET", "A"), 1))

    _, extras = shipped(ledger, made, [Selection("1", sku="MUG", quantity=5)])

    assert extras == [Extra("1", MUG_A, 3)]


def test_what_leaves_beyond_the_promise_is_where_the_last_part_is() -> None:
    mug_b = StockKey("MUG", "B")
    ledger = Ledger({MUG_A: Balance(5, 1), mug_b: Balance(5, 1)})
    made = reservation(line(1, MUG_A, 1), line(2, mug_b, 1, line_id="1"))

    _, extras = shipped(ledger, made, [Selection("1", quantity=4)])

    assert extras == [Extra("1", mug_b, 2)]


def test_a_hold_that_has_passed_is_not_picked() -> None:
    ledger = Ledger({MUG_A: Balance(5, 2)})
    made = reservation(line(1, MUG_A, 2, state=HELD, expire_time=NOON))

    with pytest.raises(ReservationClosed) as refusal:
        ship(ledger, made, Shipment([Selection("1")]), NOON)

    assert refusal.value.rows == ({"reservationId": ID, "lineId": "1", "wanted": 0, "open": 0},)


def test_only_confirmed_lines_can_be_shipped() -> None:
    ledger = stocked(MUG_A=5)

    with pytest.raises(ReservationNotConfirmed):
        ship(ledger, promised(ledger, ("1", MUG_A, 2)), Shipment([Selection("1")]), NOON)


def test_more_than_is_open_cannot_be_shipped_and_every_line_is_named() -> None:
    ledger = stocked(MUG_A=5, CUP_A=5)
    paid = promised(ledger, ("1", MUG_A, 2), ("2", CUP_A, 3), is_confirmed=True)

    with pytest.raises(ReservationClosed) as refusal:
        ship(ledger, paid, Shipment([Selection("1", quantity=3), Selection("2", quantity=4)]), NOON)

    facts = refusal.value.facts()
    assert (facts["lineId"], facts["wanted"], facts["open"]) == ("1", "3", "2")
    assert (facts["lineId-2"], facts["wanted-2"], facts["open-2"]) == ("2", "4", "3")


def test_a_shipment_of_a_part_leaves_the_rest_confirmed() -> None:
    ledger = stocked(MUG_A=5)
    paid = promised(ledger, ("1", MUG_A, 3), is_confirmed=True)

    shipped, _ = ship(ledger, paid, Shipment([Selection("1", quantity=1)]), NOON)

    assert lines(shipped) == [(MUG_A, 2, LineState.CONFIRMED), (MUG_A, 1, LineState.SHIPPED)]
    assert ledger.balance(MUG_A).on_hand == 4


def test_a_promised_unit_that_is_not_on_hand_cannot_leave() -> None:
    ledger = stocked(MUG_A=5)
    paid = promised(ledger, ("1", MUG_A, 5), is_confirmed=True)
    lost = Ledger({MUG_A: Balance(on_hand=2, reserved=5, short=3, sequence=4)})

    with pytest.raises(ShortOfStock) as refusal:
        ship(lost, paid, Shipment([Selection("1")]), NOON)

    assert refusal.value.facts() == {
        "sku": "MUG", "locationId": "A", "wanted": "5", "onHand": "2",
    }  # fmt: skip
    ship(lost, paid, Shipment([Selection("1", quantity=2)]), NOON)
    assert lost.balance(MUG_A) == Balance(on_hand=0, reserved=3, short=3, sequence=5)


def test_what_several_reservations_hold_must_be_there_for_all_of_them() -> None:
    ledger = Ledger({MUG_A: Balance(2, 3, 1), CUP_A: Balance(1, 2, 1)})
    first = reservation(line(1, MUG_A, 2), line(2, CUP_A, 1))
    second = replace(reservation(line(1, MUG_A, 1), line(2, CUP_A, 1)), reservation_id=UUID(int=7))
    all_lines = Shipment([Selection("1"), Selection("2")])

    with pytest.raises(ShortOfStock) as refusal:
        ship_together(ledger, [(first, all_lines), (second, all_lines)], NOON)

    assert refusal.value.rows == (
        {"sku": "MUG", "locationId": "A", "wanted": 3, "onHand": 2},
        {"sku": "CUP", "locationId": "A", "wanted": 2, "onHand": 1},
    )
    assert ledger.entries == ()


def test_a_serial_number_leaves_by_one_reservation() -> None:
    ledger = Ledger({MUG_A: Balance(9, 2)})
    first = reservation(line(1, MUG_A, 1))
    # It was noted on the other when it was promised.
    second = replace(
        reservation(line(1, MUG_A, 1, serial_numbers=("S1",))), reservation_id=UUID(int=7)
    )
    said = Shipment([Selection("1")], facts=[Facts("1", serial_numbers=("S1",))])

    with pytest.raises(DuplicateEntry):
        ship_together(ledger, [(first, said), (second, Shipment([Selection("1")]))], NOON)

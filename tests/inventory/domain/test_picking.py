from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest

from ordermesh.inventory.domain.errors.reservation import ReservationClosed
from ordermesh.inventory.domain.errors.stock import InsufficientStock
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.kit import Component, Kit, Wanted, exploded
from ordermesh.inventory.domain.ledger import Account, Balance, Ledger
from ordermesh.inventory.domain.picking import Extra, Shipment, ShortOutcome, ship
from ordermesh.inventory.domain.reservation import LineState, Reservation, Selection
from ordermesh.inventory.domain.reserving import Ask, reserve
from ordermesh.inventory.domain.selling import Terms

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MUG_A, CUP_A = StockKey("MUG", "A"), StockKey("CUP", "A")
SET = {"SET": Kit((Component("MUG", 2), Component("CUP", 1)))}


def paid(ledger: Ledger, *wanted: Wanted) -> Reservation:
    ask = Ask(UUID(int=1), "X", exploded(wanted, SET), None)
    return reserve(ledger, Actor("routing"), ask, {}, Terms(), NOON).made


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

"""Promised goods that are picked: they leave the building, or are not found."""

import enum
from collections.abc import Mapping, Sequence
from datetime import datetime

from ordermesh.inventory.domain.errors.reservation import ReservationClosed, ReservationNotConfirmed
from ordermesh.inventory.domain.errors.stock import ShortOfStock
from ordermesh.inventory.domain.ledger import Account, Ledger, MovementKind
from ordermesh.inventory.domain.movement import summed
from ordermesh.inventory.domain.reservation import Draft, LineState, Reservation, Selection, take
from ordermesh.inventory.domain.verbs import cause_of, settle


class ShortOutcome(enum.IntEnum):
    """What becomes of units that were not found; the numbers are the contract's."""

    WRITE_OFF = 1
    BLOCK = 2
    RELEASE = 3


_SHORT_TARGETS: Mapping[ShortOutcome, Account] = {
    ShortOutcome.WRITE_OFF: Account.LOSS,
    ShortOutcome.BLOCK: Account.MISSING,
}


def ship(
    ledger: Ledger, reservation: Reservation, selections: Sequence[Selection], now: datetime
) -> Reservation:
    """Promised goods left the building.

    Raises ``LineNotFound``, ``ReservationClosed`` with every selection that wants more than is
    open, ``ReservationNotConfirmed``, ``ShortOfStock`` with every key.
    """
    draft, taken = _confirmed(ledger, reservation, selections, now)
    leaving = summed((draft.lines[number].key, quantity) for number, quantity in taken.items())
    short = {
        key: (quantity, ledger.balance(key).on_hand)
        for key, quantity in leaving.items()
        if quantity > ledger.balance(key).on_hand
    }
    if short:
        raise ShortOfStock(short)
    cause = cause_of(reservation, MovementKind.SHIPPED)
    for number, quantity in sorted(taken.items()):
        part = draft.split(number, quantity)
        ledger.move(cause, part.key, Account.RESERVED, Account.CUSTOMER, quantity)
        draft.put(part.become(LineState.SHIPPED, now))
    return draft.done()


def short(
    ledger: Ledger,
    reservation: Reservation,
    selections: Sequence[Selection],
    outcome: ShortOutcome,
    now: datetime,
) -> Reservation:
    """Promised goods were not found.

    Promises without a unit behind them are closed first; of the others the outcome says what
    becomes of the unit. Raises ``LineNotFound``, ``ReservationClosed`` with every selection that
    wants more than is open, ``ReservationNotConfirmed``.
    """
    draft, taken = _confirmed(ledger, reservation, selections, now)
    cause = cause_of(reservation, MovementKind.SHORTED)
    for number, quantity in sorted(taken.items()):
        part = draft.split(number, quantity)
        if outcome is ShortOutcome.RELEASE:
            ledger.bring(cause, part.key, Account.RESERVED, quantity)
        else:
            owed = min(quantity, ledger.balance(part.key).short)
            if owed:
                ledger.move(cause, part.key, Account.RESERVED, Account.SHORT, owed)
            if quantity > owed:
                target = _SHORT_TARGETS[outcome]
                ledger.move(cause, part.key, Account.RESERVED, target, quantity - owed)
        draft.put(part.become(LineState.SHORT, now))
    return draft.done()


def _confirmed(
    ledger: Ledger, reservation: Reservation, selections: Sequence[Selection], now: datetime
) -> tuple[Draft, dict[int, int]]:
    """A draft, and the units by line number that the selections take, of confirmed lines alone."""
    draft = Draft(settle(ledger, reservation, now))
    taken = _taken_whole(draft, selections)
    for number in taken:
        if draft.lines[number].state is not LineState.CONFIRMED:
            raise ReservationNotConfirmed(reservation.reservation_id, draft.lines[number].line_id)
    return draft, taken


def _taken_whole(draft: Draft, selections: Sequence[Selection]) -> dict[int, int]:
    """Units by line number; raises ``ReservationClosed`` with every selection that lacks units."""
    taken: dict[int, int] = {}
    closed: list[tuple[str, int, int]] = []
    for selection in selections:
        taking = take(draft, selection, taken)
        if taking.wanted > taking.still_open or not taking.units:
            closed.append((selection.line_id, taking.wanted, taking.still_open))
    if closed:
        raise ReservationClosed(draft.reservation.reservation_id, *closed)
    return taken

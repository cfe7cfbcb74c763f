"""Promised goods that are picked: they leave the building, or are not found."""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ordermesh.inventory.domain.errors.reservation import ReservationClosed, ReservationNotConfirmed
from ordermesh.inventory.domain.errors.stock import InsufficientStock, ShortOfStock
from ordermesh.inventory.domain.errors.supply import WaitsForSupply
from ordermesh.inventory.domain.facts import Extra, Facts, refuse_twins, with_facts
from ordermesh.inventory.domain.ledger import Account, Ledger, MovementKind
from ordermesh.inventory.domain.movement import summed
from ordermesh.inventory.domain.reservation import (
    Draft,
    Line,
    LineState,
    Reservation,
    Selection,
    Taking,
    take,
)
from ordermesh.inventory.domain.verbs import cause_of, let_go, settle


class ShortOutcome(enum.IntEnum):
    """What becomes of units that were not found; the numbers are the contract's."""

    WRITE_OFF = 1
    BLOCK = 2
    RELEASE = 3


_SHORT_TARGETS: Mapping[ShortOutcome, Account] = {
    ShortOutcome.WRITE_OFF: Account.LOSS,
    ShortOutcome.BLOCK: Account.MISSING,
}


LINES_MAX = 5_000
"""Lines that leave by one request, over all its reservations."""


@dataclass(frozen=True)
class Shipment:
    """What is to leave of a reservation. ``may_exceed``: more than is open, from free units.

    ``rest`` is what becomes of what stays open of the selected lines; None: it stays open.
    ``facts`` are what is known of the units. ``path`` is where it stands in the request.
    """

    selections: Sequence[Selection]
    may_exceed: bool = False
    rest: ShortOutcome | None = None
    facts: Sequence[Facts] = ()
    path: str = ""


@dataclass(frozen=True)
class _Leaving:
    """A reservation of which goods leave: parts of its lines, and what leaves beyond them."""

    draft: Draft
    shipment: Shipment
    parts: Sequence[Line]
    extras: list[Extra]


def ship(
    ledger: Ledger, wanted: Sequence[tuple[Reservation, Shipment]], now: datetime
) -> list[tuple[Reservation, list[Extra]]]:
    """Goods that were promised by one or many reservations left the building, all or none.

    Gives the units, too, that left beyond those promised. Raises ``LineNotFound``,
    ``ReservationClosed`` with every selection of a reservation that wants more than is open,
    ``ReservationNotConfirmed``, ``WaitsForSupply``, ``ShortOfStock`` with every key,
    ``InsufficientStock`` for units that were not promised and are not free, and as ``with_facts``
    and ``refuse_twins``.
    """
    leaving = [_leaving(settle(ledger, one, now), shipment) for one, shipment in wanted]
    parts = [part for one in leaving for part in one.parts]
    extras = [extra for one in leaving for extra in one.extras]
    refuse_twins([*parts, *extras], (each for one in leaving for each in one.shipment.facts))
    _refuse_absent(ledger, parts, extras)
    for one in leaving:
        _send(ledger, one, now)
    for one in leaving:
        if one.shipment.rest is not None:
            _short_rest(ledger, one.draft, one.shipment.selections, one.shipment.rest, now)
    return [(one.draft.done(), one.extras) for one in leaving]


def _leaving(settled: Reservation, shipment: Shipment) -> _Leaving:
    draft = Draft(settled)
    chosen = _chosen(draft, shipment.selections, may_exceed=shipment.may_exceed)
    parts = [draft.split(number, units) for number, units in sorted(chosen.units.items())]
    noted = with_facts(parts, chosen.extras, shipment.facts, draft, shipment.path)
    return _Leaving(draft, shipment, *noted)


def _refuse_absent(ledger: Ledger, parts: Sequence[Line], extras: Sequence[Extra]) -> None:
    """What was held must be on hand, and what was not held must be free."""
    held = summed((part.key, part.quantity) for part in parts if part.is_on_hand)
    short = {
        key: (quantity, ledger.balance(key).on_hand)
        for key, quantity in held.items()
        if quantity > ledger.balance(key).on_hand
    }
    if short:
        raise ShortOfStock(short)
    others = [(part.key, part.quantity) for part in parts if not part.is_on_hand]
    others += [(extra.key, extra.quantity) for extra in extras]
    lacking = {
        key: (quantity, ledger.balance(key).free)
        for key, quantity in summed(others).items()
        if quantity > ledger.balance(key).free
    }
    if lacking:
        raise InsufficientStock(lacking)


def _send(ledger: Ledger, leaving: _Leaving, now: datetime) -> None:
    cause = cause_of(leaving.draft.reservation, MovementKind.SHIPPED)
    for part in leaving.parts:
        source = Account.RESERVED if part.is_on_hand else Account.FREE
        facts = (part.quantity, part.serial_numbers, part.lot_id)
        ledger.move(cause, part.key, source, Account.CUSTOMER, *facts)
        leaving.draft.put(part.become(LineState.SHIPPED, now))
    for extra in leaving.extras:
        facts = (extra.quantity, extra.serial_numbers, extra.lot_id)
        ledger.move(cause, extra.key, Account.FREE, Account.CUSTOMER, *facts)


def _short_rest(
    ledger: Ledger,
    draft: Draft,
    selections: Sequence[Selection],
    outcome: ShortOutcome,
    now: datetime,
) -> None:
    """What is still open of the selected lines was not found."""
    rest = {
        line.number: line.quantity
        for line in draft.lines.values()
        if line.is_open
        and not line.supply_id
        and any(selection.covers(line) for selection in selections)
    }
    _refuse_unconfirmed(draft, rest)
    _lose(ledger, draft, rest, outcome, now)


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
    wants more than is open, ``ReservationNotConfirmed``, ``WaitsForSupply``.
    """
    draft = Draft(settle(ledger, reservation, now))
    _lose(ledger, draft, _chosen(draft, selections).units, outcome, now)
    return draft.done()


def _lose(
    ledger: Ledger,
    draft: Draft,
    units: Mapping[int, int],
    outcome: ShortOutcome,
    now: datetime,
) -> None:
    cause = cause_of(draft.reservation, MovementKind.SHORTED)
    for number, quantity in sorted(units.items()):
        part = draft.split(number, quantity)
        if outcome is ShortOutcome.RELEASE:
            let_go(ledger, cause, part)
        elif part.is_on_hand:
            owed = min(quantity, ledger.balance(part.key).short)
            if owed:
                ledger.move(cause, part.key, Account.RESERVED, Account.SHORT, owed, pool=part.pool)
            if quantity > owed:
                lost = quantity - owed
                ledger.move(
                    cause,
                    part.key,
                    Account.RESERVED,
                    _SHORT_TARGETS[outcome],
                    lost,
                    part.serial_numbers[:lost],
                    part.lot_id,
                    part.pool,
                )
        draft.put(part.become(LineState.SHORT, now))


@dataclass(frozen=True)
class _Chosen:
    """Units by line number that the selections take, of confirmed lines alone, and what exceeds."""

    units: Mapping[int, int]
    extras: list[Extra]


def _chosen(draft: Draft, selections: Sequence[Selection], *, may_exceed: bool = False) -> _Chosen:
    """Raises ``ReservationClosed`` with every selection that lacks units."""
    taken: dict[int, int] = {}
    extras: list[Extra] = []
    closed: list[tuple[str, int, int]] = []
    for selection in selections:
        taking = take(draft, selection, taken, on_hand_first=True)
        exceeding = taking.wanted - taking.still_open
        if not taking.units or (exceeding > 0 and not may_exceed):
            closed.append((selection.line_id, taking.wanted, taking.still_open))
        elif exceeding > 0:
            extras += _extras(draft, selection, taking, exceeding)
    if closed:
        raise ReservationClosed(draft.reservation.reservation_id, *closed)
    _refuse_unconfirmed(draft, taken)
    _refuse_waiting(draft, taken)
    return _Chosen(taken, extras)


def _extras(draft: Draft, selection: Selection, taking: Taking, exceeding: int) -> list[Extra]:
    """So many more where the last part of the line is; of a kit, of each of its components."""
    taken = [draft.lines[number] for number in sorted(taking.units)]
    last = {line.key.sku: line for line in taken if line.asked_sku == taken[-1].asked_sku}
    return [
        Extra(
            selection.line_id,
            line.key,
            exceeding * (line.quantity_per_kit if line.kit_sku and not selection.sku else 1),
        )
        for line in last.values()
    ]


def _refuse_unconfirmed(draft: Draft, units: Iterable[int]) -> None:
    for number in units:
        line = draft.lines[number]
        if line.state is not LineState.CONFIRMED:
            raise ReservationNotConfirmed(draft.reservation.reservation_id, line.line_id)


def _refuse_waiting(draft: Draft, units: Mapping[int, int]) -> None:
    waiting = [line for number in sorted(units) if (line := draft.lines[number]).supply_id]
    if waiting:
        raise WaitsForSupply(
            draft.reservation.reservation_id,
            *((line.line_id, line.key, line.supply_id, units[line.number]) for line in waiting),
        )

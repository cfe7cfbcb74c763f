"""What each verb does to a reservation and to the ledger: pure decisions, made under locks.

Every function takes the ledger of the locked balances and gives the reservation as it will be. A
refusal is an error that names everything that is wrong; ledger and result are then thrown away.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from ordermesh.inventory.domain.errors.requests import SameLocation
from ordermesh.inventory.domain.errors.reservation import (
    HoldLimit,
    ReservationClosed,
    ReservationExpired,
)
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Account, Cause, Ledger, MovementKind
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
from ordermesh.inventory.domain.selling import Terms, refuse_short

HOLD_MAX = timedelta(hours=4)
"""A reservation that nobody confirms ends at most so long after it was made."""


def settle(ledger: Ledger, reservation: Reservation, now: datetime) -> Reservation:
    """Expire the lines whose hold has passed, so that it does not matter whether a sweep did."""
    draft = Draft(reservation)
    for line in reservation.open_lines:
        if line.is_overdue(now):
            give_back(ledger, draft, line, LineState.EXPIRED, line.expire_time or now)
    return draft.done()


def expire_for(
    ledger: Ledger,
    reservations: Iterable[Reservation],
    missing: Mapping[StockKey, int],
    now: datetime,
) -> list[Reservation]:
    """Expire as many overdue lines, the oldest first, as the keys are missing units.

    Gives the reservations that lost lines, one after the other.
    """
    overdue = [
        (line.expire_time or now, reservation.reservation_id, line)
        for reservation in reservations
        for line in reservation.open_lines
        if line.is_overdue(now) and missing.get(line.key, 0) > 0
    ]
    drafts = {one.reservation_id: Draft(one) for one in reservations}
    # What comes back pays the deficit before it is free.
    rest = {key: units + ledger.balance(key).short for key, units in missing.items()}
    touched: dict[UUID, Draft] = {}
    for expire_time, reservation_id, line in sorted(
        overdue, key=lambda row: (row[0], row[1], row[2].number)
    ):
        if rest[line.key] > 0:
            rest[line.key] -= line.quantity
            draft = touched.setdefault(reservation_id, drafts[reservation_id])
            give_back(ledger, draft, line, LineState.EXPIRED, expire_time)
    return [draft.done() for draft in touched.values()]


def confirm(ledger: Ledger, reservation: Reservation, now: datetime) -> Reservation:
    """Make the hold last. It moves no units; confirming twice changes nothing.

    Raises ``ReservationExpired`` when a line was not confirmed in time, ``ReservationClosed``.
    """
    settled = _open_in_time(ledger, reservation, now)
    draft = Draft(settled)
    for line in settled.open_lines:
        if line.state is LineState.HELD:
            draft.put(line.become(LineState.CONFIRMED, now))
    return draft.done()


def _open_in_time(ledger: Ledger, reservation: Reservation, now: datetime) -> Reservation:
    """The reservation, none of whose lines has expired and some of which are open."""
    settled = settle(ledger, reservation, now)
    expired = [
        line.close_time
        for line in settled.lines
        if line.state is LineState.EXPIRED and line.close_time
    ]
    if expired:
        raise ReservationExpired(reservation.reservation_id, min(expired))
    if not settled.open_lines:
        raise ReservationClosed(reservation.reservation_id)
    return settled


def extend(
    ledger: Ledger, reservation: Reservation, hold_duration: timedelta, now: datetime
) -> Reservation:
    """Give the lines that are held time until ``now + hold_duration``. It moves no units.

    Raises ``ReservationExpired`` when a line was not confirmed in time, ``ReservationClosed``,
    ``HoldLimit`` when that is later than ``HOLD_MAX`` after the reservation was made.
    """
    settled = _open_in_time(ledger, reservation, now)
    latest = reservation.create_time + HOLD_MAX
    expire_time = now + hold_duration
    held = [line for line in settled.open_lines if line.state is LineState.HELD]
    if held and expire_time > latest:
        raise HoldLimit(reservation.reservation_id, latest)
    draft = Draft(settled)
    for line in held:
        draft.put(replace(line, expire_time=expire_time))
    return draft.done()


def release(
    ledger: Ledger, reservation: Reservation, selections: Sequence[Selection], now: datetime
) -> tuple[Reservation, list[Taking]]:
    """Take promises back: all that is open, or the selections, each as far as it is open.

    Raises ``LineNotFound``.
    """
    settled = settle(ledger, reservation, now)
    draft = Draft(settled)
    taken: dict[int, int] = {}
    takings = [take(draft, selection, taken) for selection in selections]
    if not selections:
        taken = {line.number: line.quantity for line in settled.open_lines}
    for number, quantity in sorted(taken.items()):
        give_back(ledger, draft, draft.split(number, quantity), LineState.RELEASED, now)
    return draft.done(), takings


def reassign(
    ledger: Ledger,
    reservation: Reservation,
    moves: Sequence[tuple[Selection, str]],
    terms: Terms,
    now: datetime,
) -> Reservation:
    """Move promises to other locations: never a moment with none or with two.

    What the moves give back counts as free for them. Raises ``LineNotFound``, ``SameLocation``,
    ``ReservationExpired``, ``ReservationClosed``, ``InsufficientStock`` with every short key.
    """
    settled = settle(ledger, reservation, now)
    draft = Draft(settled)
    taken: dict[int, int] = {}
    targets: list[tuple[int, int, str]] = []
    closed: list[tuple[str, int, int]] = []
    for selection, to_location_id in moves:
        # Without a location the selection means the lines that are elsewhere.
        elsewhere = "" if selection.location_id else to_location_id
        taking = take(draft, selection, taken, elsewhere)
        if selection.location_id == to_location_id:
            raise SameLocation(_any_key(settled, selection))
        if taking.wanted > taking.still_open or not taking.units:
            _refuse_unmovable(settled, selection, to_location_id)
            closed.append((selection.line_id, taking.wanted, taking.still_open))
        targets += [(number, units, to_location_id) for number, units in taking.units.items()]
    if closed:
        raise ReservationClosed(reservation.reservation_id, *closed)
    _move_lines(ledger, draft, targets, terms)
    return draft.done()


def _refuse_unmovable(settled: Reservation, selection: Selection, to_location_id: str) -> None:
    """Say more than that it is closed, where more is known: it is there already, or it expired."""
    covered = [line for line in settled.lines if selection.covers(line)]
    there = [line for line in covered if line.is_open and line.key.location_id == to_location_id]
    if there and all(line in there or not line.is_open for line in covered):
        raise SameLocation(there[0].key)
    expired = [line.close_time for line in covered if line.state is LineState.EXPIRED]
    times = [instant for instant in expired if instant is not None]
    if times and not any(line.is_open for line in covered):
        raise ReservationExpired(settled.reservation_id, min(times))


def _any_key(reservation: Reservation, selection: Selection) -> StockKey:
    return next(line.key for line in reservation.lines if selection.covers(line))


def _move_lines(
    ledger: Ledger,
    draft: Draft,
    targets: Sequence[tuple[int, int, str]],
    terms: Terms,
) -> None:
    cause = cause_of(draft.reservation, MovementKind.REASSIGNED)
    parts: list[tuple[Line, StockKey]] = []
    for number, quantity, to_location_id in targets:
        part = draft.split(number, quantity)
        ledger.bring(cause, part.key, Account.RESERVED, quantity)
        parts.append((part, StockKey(part.key.sku, to_location_id)))
    refuse_short(
        ledger, summed((key, part.quantity) for part, key in parts), terms, without_record=False
    )
    for part, key in parts:
        ledger.move(cause, key, Account.FREE, Account.RESERVED, part.quantity)
        draft.put(replace(part, key=key))


def give_back(ledger: Ledger, draft: Draft, line: Line, state: LineState, at: datetime) -> None:
    """Close a line whose units others may have."""
    kind = MovementKind.EXPIRED if state is LineState.EXPIRED else MovementKind.RELEASED
    cause = cause_of(draft.reservation, kind)
    ledger.bring(cause, line.key, Account.RESERVED, line.quantity)
    draft.put(line.become(state, at))


def cause_of(reservation: Reservation, kind: MovementKind) -> Cause:
    """Why units of a reservation move."""
    return Cause(kind, reservation.reservation_id, reservation.order_id)

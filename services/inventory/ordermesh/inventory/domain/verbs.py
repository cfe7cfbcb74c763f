"""What each verb does to a reservation and to the ledger: pure decisions, made under locks.

Every function takes the ledger of the locked balances and gives the reservation as it will be. A
refusal is an error that names everything that is wrong; ledger and result are then thrown away.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from ordermesh.inventory.domain.errors.reservation import (
    HoldLimit,
    ReservationClosed,
    ReservationExpired,
)
from ordermesh.inventory.domain.errors.stock import InsufficientStock
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.kit import kits_among
from ordermesh.inventory.domain.ledger import Account, Cause, Ledger, MovementKind
from ordermesh.inventory.domain.limits import Buyer, Purchases, refuse_over_limit
from ordermesh.inventory.domain.mode import ReservationMode
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
            # What waits for supply frees none that is on hand, and supply may be what is wanted.
            rest[line.key] -= line.quantity if line.is_on_hand else 0
            draft = touched.setdefault(reservation_id, drafts[reservation_id])
            give_back(ledger, draft, line, LineState.EXPIRED, expire_time)
    return [draft.done() for draft in touched.values()]


def confirm(
    ledger: Ledger,
    reservation: Reservation,
    now: datetime,
    *,
    terms: Terms | None = None,
    purchases: Purchases | None = None,
    is_final: bool = True,
) -> Reservation:
    """Make the hold last. It moves no units; confirming twice changes nothing.

    With ``terms``, lines that were not confirmed in time are reserved anew on them, as new lines;
    ``purchases`` are what limits are compared with then.

    Raises ``ReservationExpired`` when a line was not confirmed in time, and its stock is gone,
    ``PurchaseLimit`` and ``ReservationClosed``. Without ``is_final`` stock that is gone is
    ``InsufficientStock``: perhaps overdue holds are in the way.
    """
    settled = settle(ledger, reservation, now)
    lost = settled.lost_lines
    if lost and terms is not None:
        buyer = Buyer(settled.order_id, settled.customer, settled.channel)
        refuse_over_limit(lost, buyer, terms, purchases, (), now)
        draft = Draft(_reserved_again(ledger, settled, terms, now, is_final=is_final))
    else:
        draft = Draft(_open_in_time(settled))
    ledger.refuse_quarantined(line.key for line in settled.open_lines)
    for line in list(draft.lines.values()):
        if line.state is LineState.HELD:
            draft.put(line.become(LineState.CONFIRMED, now))
    return draft.done()


def _reserved_again(
    ledger: Ledger, settled: Reservation, terms: Terms, now: datetime, *, is_final: bool
) -> Reservation:
    lost = settled.lost_lines
    held = [line for line in lost if line.mode is ReservationMode.RESERVE]
    demand = summed((line.key, line.quantity) for line in held)
    try:
        refuse_short(
            ledger,
            demand,
            terms,
            now,
            channel=settled.channel,
            kits=kits_among(held),
            without_record=False,
        )
    except InsufficientStock:
        if not is_final:
            raise
        raise _expired(settled) from None
    draft = Draft(settled)
    cause = cause_of(settled, MovementKind.RESERVED)
    for line in lost:
        is_held = line.mode is ReservationMode.RESERVE
        pool = terms.pool_of(line.key, settled.channel, now) if is_held else None
        taken = replace(line.on_hand(), state=LineState.CONFIRMED, close_time=None, pool=pool)
        again = draft.add(taken)
        hold(ledger, cause, again)
    units = sum(line.quantity for line in lost)
    return replace(draft.done(), granted=settled.granted + units, renew_time=now)


def _expired(settled: Reservation) -> ReservationExpired:
    times = [line.close_time for line in settled.lost_lines if line.close_time]
    return ReservationExpired(settled.reservation_id, min(times))


def _open_in_time(settled: Reservation) -> Reservation:
    """The reservation, none of whose lines has expired and some of which are open.

    One of which nothing was recorded stays as it is.
    """
    if settled.lost_lines:
        raise _expired(settled)
    if settled.lines and not settled.open_lines:
        raise ReservationClosed(settled.reservation_id)
    return settled


def extend(
    ledger: Ledger, reservation: Reservation, hold_duration: timedelta, now: datetime
) -> Reservation:
    """Give the lines that are held time until ``now + hold_duration``. It moves no units.

    Raises ``ReservationExpired`` when a line was not confirmed in time, ``ReservationClosed``,
    ``HoldLimit`` when that is later than ``HOLD_MAX`` after the reservation was made.
    """
    settled = _open_in_time(settle(ledger, reservation, now))
    ledger.refuse_quarantined(line.key for line in settled.open_lines)
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

    What has expired is closed already. Where that is among what is released, none of it is reserved
    again by who confirms too late. Raises ``LineNotFound``.
    """
    settled = settle(ledger, reservation, now)
    lost = settled.lost_lines
    if lost and (not selections or any(one.covers(line) for one in selections for line in lost)):
        settled = replace(settled, is_given_up=True)
    draft = Draft(settled)
    taken: dict[int, int] = {}
    takings = [take(draft, selection, taken) for selection in selections]
    if not selections:
        taken = {line.number: line.quantity for line in settled.open_lines}
    for number, quantity in sorted(taken.items()):
        give_back(ledger, draft, draft.split(number, quantity), LineState.RELEASED, now)
    return draft.done(), takings


def hold(ledger: Ledger, cause: Cause, line: Line) -> None:
    """Take free units for an open line, where it holds any."""
    if line.is_on_hand:
        ledger.move(
            cause,
            line.key,
            Account.FREE,
            Account.RESERVED,
            line.quantity,
            line.serial_numbers,
            line.lot_id,
            line.pool,
        )


def let_go(ledger: Ledger, cause: Cause, line: Line) -> None:
    """Give others what an open line holds: its units, or its part of a supply."""
    if line.is_on_hand:
        ledger.bring(
            cause,
            line.key,
            Account.RESERVED,
            line.quantity,
            line.serial_numbers,
            line.lot_id,
            line.pool,
        )
    elif line.is_waiting:
        ledger.refuse_quarantined([line.key])
        ledger.promise(line.supply_id, -line.quantity, line.place)


def give_back(ledger: Ledger, draft: Draft, line: Line, state: LineState, at: datetime) -> None:
    """Close a line whose units others may have."""
    kind = MovementKind.EXPIRED if state is LineState.EXPIRED else MovementKind.RELEASED
    cause = cause_of(draft.reservation, kind)
    let_go(ledger, cause, line)
    draft.put(line.become(state, at))


def cause_of(reservation: Reservation, kind: MovementKind) -> Cause:
    """Why units of a reservation move."""
    return Cause(kind, reservation.reservation_id, reservation.order_id)

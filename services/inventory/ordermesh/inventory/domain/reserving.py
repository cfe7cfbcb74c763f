"""Promising stock: one wish decided on the ledger, wholly, not at all, or as far as there is."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from ordermesh.inventory.domain.errors.requests import DuplicateEntry, TooManySerialNumbers
from ordermesh.inventory.domain.errors.reservation import (
    ReservationClosed,
    ReservationIdTaken,
    ReservationNotFound,
    ReservationReleased,
)
from ordermesh.inventory.domain.errors.stock import InsufficientStock, NotStockedHere
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.kit import Wanted
from ordermesh.inventory.domain.ledger import Cause, Ledger, MovementKind
from ordermesh.inventory.domain.limits import Buyer, Purchases, refuse_over_limit
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.portions import Portion, bound, portions
from ordermesh.inventory.domain.reservation import (
    Draft,
    Line,
    LineState,
    Reservation,
)
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.domain.verbs import give_back, hold, settle
from ordermesh.inventory.domain.waiting import NOTHING_DUE, Due, Market, Part, allot
from ordermesh.kernel.records import record

HOLD_DEFAULT = timedelta(minutes=15)
"""How long a hold lasts when its caller does not say."""


@record
class Ask:
    """What is to be held: the lines after kits were taken apart, and for whom.

    ``hold_duration`` None means confirmed at once. ``is_best_effort``: what there is will do.
    ``channel`` is through which it is sold, and ``customer`` a key of the caller's for who buys;
    empty: not said.
    """

    reservation_id: UUID
    order_id: str
    wanted: Sequence[Wanted]
    hold_duration: timedelta | None
    replaces: Sequence[UUID] = ()
    fence: int = 0
    is_best_effort: bool = False
    channel: str = ""
    customer: str = ""

    @property
    def buyer(self) -> Buyer:
        """Who buys."""
        return Buyer(self.order_id, self.customer, self.channel)

    @property
    def takes_less(self) -> bool:
        """Whether fewer units, or later ones, will do where overdue holds keep none from it."""
        return self.is_best_effort or any(line.wait is not None for line in self.wanted)


class Reserved(NamedTuple):
    """What a decision made: the reservation, those whose units it took over, and its portions."""

    made: Reservation
    replaced: Sequence[Reservation]
    portions: Sequence[Portion] = ()


def refuse_malformed(lines: Sequence[Wanted]) -> None:
    """Raise ``DuplicateEntry`` where a line id is asked for twice with the same key.

    Raises ``TooManySerialNumbers`` where a line has more of them than units.
    """
    seen: set[tuple[str, StockKey, str]] = set()
    for number, line in enumerate(lines):
        if (line.line_id, line.key, line.group) in seen:
            raise DuplicateEntry(f"lines[{number}]", f"{line.line_id} ({line.key})")
        seen.add((line.line_id, line.key, line.group))
        if len(line.serial_numbers) > line.quantity:
            raise TooManySerialNumbers(line.line_id, len(line.serial_numbers), line.quantity)


def reserve(
    ledger: Ledger,
    actor: Actor,
    ask: Ask,
    known: Mapping[UUID, Reservation],
    terms: Terms,
    now: datetime,
    purchases: Purchases | None = None,
    *,
    due: Due = NOTHING_DUE,
    is_final: bool = True,
) -> Reserved:
    """Hold all lines or none; of a best effort, of each what there is.

    ``known`` are the stored reservations among the new id and those to be replaced. Demand is
    summed for each key before it is checked. ``purchases`` are what limits are compared with.
    ``due`` is what lines may wait for that say so: the part of a line that is not on hand becomes a
    line of its own for each supply. Without ``is_final`` who ``takes_less`` is refused where
    anything is lacking on hand: perhaps overdue holds are in the way.

    Raises ``ReservationReleased``, ``ReservationIdTaken``, ``ReservationNotFound``,
    ``NotYourReservation``, ``Fenced`` and ``ReservationClosed`` for one that is to be replaced,
    ``KeyQuarantined``, ``PurchaseLimit``, ``NotStockedHere`` when all that is missing has no
    record, ``InsufficientStock`` otherwise with every short key.
    """
    twin = known.get(ask.reservation_id)
    if twin is not None:
        refusal = ReservationReleased if twin.is_tombstone else ReservationIdTaken
        raise refusal(ask.reservation_id)
    # Each once: what is closed twice gives its units back twice.
    replaced = [
        _replaced(ledger, actor, known.get(other), other, ask, now)
        for other in dict.fromkeys(ask.replaces)
    ]
    if not ask.is_best_effort:
        ledger.refuse_quarantined(line.key for line in ask.wanted if not line.group)
    refuse_over_limit(ask.wanted, ask.buyer, terms, purchases, replaced, now)
    found = portions(ledger, ask.wanted, terms, ask.channel, now) if ask.is_best_effort else []
    lacks = any(portion.granted < portion.wanted for portion in found)
    if not any(portion.granted for portion in found) or (lacks and not is_final):
        wanted = bound(ledger, ask.wanted, terms, ask.channel, now)
        # What is overdue is on hand, which comes before supply: nothing waits while it is there.
        market = Market(terms, ask.channel, now, due if is_final else {})
        if not is_final:
            # What has no record is cured by nothing, and must not hide what overdue holds cure.
            curable = [line for line in wanted if not _is_unrecordable(ledger, line)]
            allot(ledger, curable, market, without_record=False)
        _refuse_unrecordable(ledger, wanted, is_final=is_final)
        parts = allot(ledger, wanted, market, without_record=is_final)
    else:
        parts = [Part(line) for portion in found for line in portion.lines]
    return Reserved(_held(ledger, actor, ask, parts, terms, now), replaced, found)


def _refuse_unrecordable(ledger: Ledger, wanted: Sequence[Wanted], *, is_final: bool) -> None:
    """Refuse what is only tracked where there is no record to say so."""
    unknown = {line.key: (line.quantity, 0) for line in wanted if _is_unrecordable(ledger, line)}
    if unknown:
        raise NotStockedHere(unknown) if is_final else InsufficientStock(unknown)


def _is_unrecordable(ledger: Ledger, line: Wanted) -> bool:
    return line.mode is ReservationMode.TRACK_ONLY and not ledger.has_record(line.key)


def _held(
    ledger: Ledger, actor: Actor, ask: Ask, parts: Sequence[Part], terms: Terms, now: datetime
) -> Reservation:
    """The reservation that holds the parts, with the entries it makes."""
    cause = Cause(MovementKind.RESERVED, ask.reservation_id, ask.order_id)
    state = LineState.CONFIRMED if ask.hold_duration is None else LineState.HELD
    expire_time = None if ask.hold_duration is None else now + ask.hold_duration
    recorded = [part for part in parts if part.wanted.mode is not ReservationMode.NONE]
    lines = [
        _line(
            number,
            part,
            state,
            expire_time,
            terms.pool_of(part.wanted.key, ask.channel, now) if part.wanted.is_held else None,
        )
        for number, part in enumerate(recorded, start=1)
    ]
    for line in lines:
        if line.is_waiting:
            ledger.promise(line.supply_id, line.quantity, line.place)
        else:
            hold(ledger, cause, line)
    return Reservation(
        reservation_id=ask.reservation_id,
        owner=actor.owner,
        order_id=ask.order_id,
        create_time=now,
        lines=tuple(lines),
        last_number=len(lines),
        granted=sum(line.quantity for line in lines),
        fence=ask.fence,
        channel=ask.channel,
        customer=ask.customer,
        control_version=terms.controls.version,
    )


def _line(
    number: int, part: Part, state: LineState, expire_time: datetime | None, pool: int | None
) -> Line:
    wanted = part.wanted
    needed_by = wanted.wait.needed_by if part.supply_id and wanted.wait else None
    return Line(
        number=number,
        line_id=wanted.line_id,
        key=wanted.key,
        quantity=wanted.quantity,
        state=state,
        expire_time=expire_time,
        kit_sku=wanted.kit_sku,
        quantity_per_kit=wanted.quantity_per_kit,
        mode=wanted.mode or ReservationMode.RESERVE,
        lot_id=wanted.lot_id,
        serial_numbers=wanted.serial_numbers,
        pool=pool,
        supply_id=part.supply_id,
        needed_by=needed_by,
    )


def _replaced(
    ledger: Ledger,
    actor: Actor,
    stored: Reservation | None,
    wanted_id: UUID,
    ask: Ask,
    now: datetime,
) -> Reservation:
    if stored is None:
        raise ReservationNotFound(wanted_id)
    # A cart is held before there is an order: its workers' fences compare with nobody's.
    fence = ask.fence if stored.order_id and stored.order_id == ask.order_id else 0
    reservation = settle(ledger, stored.entered(actor, fence), now)
    # One of which nothing was recorded has nothing to give, and nobody has closed it.
    if reservation.lines and not reservation.open_lines:
        raise ReservationClosed(wanted_id)
    draft = Draft(reservation)
    for line in reservation.open_lines:
        give_back(ledger, draft, line, LineState.RELEASED, now)
    return draft.done()

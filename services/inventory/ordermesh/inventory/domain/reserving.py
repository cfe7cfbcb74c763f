"""Promising stock: one wish decided on the ledger, wholly, not at all, or as far as there is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from ordermesh.inventory.domain.errors.requests import DuplicateEntry
from ordermesh.inventory.domain.errors.reservation import (
    ReservationClosed,
    ReservationIdTaken,
    ReservationNotFound,
    ReservationReleased,
)
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.kit import Wanted
from ordermesh.inventory.domain.ledger import Account, Cause, Ledger, MovementKind
from ordermesh.inventory.domain.movement import summed
from ordermesh.inventory.domain.portions import Portion, portions
from ordermesh.inventory.domain.reservation import (
    Draft,
    Line,
    LineState,
    Reservation,
)
from ordermesh.inventory.domain.selling import Terms, refuse_short
from ordermesh.inventory.domain.verbs import give_back, settle

HOLD_DEFAULT = timedelta(minutes=15)
"""How long a hold lasts when its caller does not say."""


@dataclass(frozen=True)
class Ask:
    """What is to be held: the lines after kits were taken apart, and for whom.

    ``hold_duration`` None means confirmed at once. ``is_best_effort``: what there is will do.
    """

    reservation_id: UUID
    order_id: str
    wanted: Sequence[Wanted]
    hold_duration: timedelta | None
    replaces: Sequence[UUID] = ()
    fence: int = 0
    is_best_effort: bool = False


class Reserved(NamedTuple):
    """What a decision made: the reservation, those whose units it took over, and its portions."""

    made: Reservation
    replaced: Sequence[Reservation]
    portions: Sequence[Portion] = ()


def refuse_repeated(lines: Sequence[Wanted]) -> None:
    """Raise ``DuplicateEntry`` where a line id is asked for twice with the same key."""
    seen: set[tuple[str, StockKey]] = set()
    for number, line in enumerate(lines):
        if (line.line_id, line.key) in seen:
            raise DuplicateEntry(f"lines[{number}]", f"{line.line_id} ({line.key})")
        seen.add((line.line_id, line.key))


def reserve(
    ledger: Ledger,
    actor: Actor,
    ask: Ask,
    known: Mapping[UUID, Reservation],
    terms: Terms,
    now: datetime,
    *,
    is_final: bool = True,
) -> Reserved:
    """Hold all lines or none; of a best effort, of each what there is.

    ``known`` are the stored reservations among the new id and those to be replaced. Demand is
    summed for each key before it is checked. Without ``is_final`` a best effort that lacks
    anything is refused too: perhaps overdue holds are in the way.

    Raises ``ReservationReleased``, ``ReservationIdTaken``, ``ReservationNotFound``,
    ``NotYourReservation`` and ``ReservationClosed`` for one that is to be replaced,
    ``NotStockedHere`` when all that is missing has no record, ``InsufficientStock`` otherwise with
    every short key.
    """
    twin = known.get(ask.reservation_id)
    if twin is not None:
        refusal = ReservationReleased if twin.is_tombstone else ReservationIdTaken
        raise refusal(ask.reservation_id)
    replaced = [_replaced(ledger, actor, known.get(other), other, now) for other in ask.replaces]
    found = portions(ledger, ask.wanted, terms) if ask.is_best_effort else []
    wanted = [line for portion in found for line in portion.lines]
    lacks = any(portion.granted < portion.wanted for portion in found)
    if not wanted or (lacks and not is_final):
        wanted = list(ask.wanted)
        demand = summed((line.key, line.quantity) for line in wanted)
        refuse_short(ledger, demand, terms, without_record=is_final)
    return Reserved(_held(ledger, actor, ask, wanted, now), replaced, found)


def _held(
    ledger: Ledger, actor: Actor, ask: Ask, wanted: Sequence[Wanted], now: datetime
) -> Reservation:
    """The reservation that holds the lines, with the entries it makes."""
    cause = Cause(MovementKind.RESERVED, ask.reservation_id, ask.order_id)
    state = LineState.CONFIRMED if ask.hold_duration is None else LineState.HELD
    expire_time = None if ask.hold_duration is None else now + ask.hold_duration
    lines: list[Line] = []
    for number, line in enumerate(wanted, start=1):
        ledger.move(cause, line.key, Account.FREE, Account.RESERVED, line.quantity)
        lines.append(
            Line(
                number,
                line.line_id,
                line.key,
                line.quantity,
                state,
                expire_time,
                line.kit_sku,
                line.quantity_per_kit,
            )
        )
    return Reservation(
        reservation_id=ask.reservation_id,
        owner=actor.owner,
        order_id=ask.order_id,
        create_time=now,
        lines=tuple(lines),
        last_number=len(lines),
        granted=sum(line.quantity for line in lines),
        fence=ask.fence,
    )


def _replaced(
    ledger: Ledger, actor: Actor, stored: Reservation | None, wanted_id: UUID, now: datetime
) -> Reservation:
    if stored is None:
        raise ReservationNotFound(wanted_id)
    reservation = settle(ledger, stored.entered(actor, 0), now)
    if not reservation.open_lines:
        raise ReservationClosed(wanted_id)
    draft = Draft(reservation)
    for line in reservation.open_lines:
        give_back(ledger, draft, line, LineState.RELEASED, now)
    return draft.done()

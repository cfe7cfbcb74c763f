"""Promises that move to other locations: never a moment with none or with two."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from ordermesh.inventory.domain.errors.requests import SameLocation
from ordermesh.inventory.domain.errors.reservation import ReservationClosed, ReservationExpired
from ordermesh.inventory.domain.errors.stock import InsufficientStock
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.kit import kits_among
from ordermesh.inventory.domain.ledger import Ledger, MovementKind
from ordermesh.inventory.domain.movement import summed
from ordermesh.inventory.domain.reservation import (
    Draft,
    Line,
    LineState,
    Reservation,
    Selection,
    take,
)
from ordermesh.inventory.domain.selling import Terms, refuse_short
from ordermesh.inventory.domain.verbs import cause_of, hold, let_go, settle

Move = tuple[Selection, str]
"""Which lines of a reservation, and to which location."""

MOVES_MAX = 1_000
"""Moves of one request, over all its reservations."""


@dataclass(frozen=True)
class Reassignment:
    """Which lines of one reservation go where; the fence 0 is none."""

    reservation_id: UUID
    moves: Sequence[Move]
    fence: int = 0


@dataclass
class _Moving:
    """A reservation whose lines are under way: what was taken, and where each part goes."""

    draft: Draft
    targets: list[tuple[int, int, str]]
    parts: list[tuple[Line, StockKey]] = field(default_factory=list)

    @property
    def channel(self) -> str:
        """Through which it is sold."""
        return self.draft.reservation.channel


def reassign(
    ledger: Ledger,
    wanted: Sequence[tuple[Reservation, Sequence[Move]]],
    terms: Terms,
    now: datetime,
) -> list[Reservation]:
    """Move promises of one or many reservations to other locations, all or none.

    What the moves give back counts as free for all of them. What is said of a kit counts where its
    components go, too. Raises ``LineNotFound``,
    ``SameLocation``, ``ReservationExpired``, ``ReservationClosed``, ``KeyQuarantined``,
    ``InsufficientStock`` with every short key.
    """
    under_way = [_chosen(settle(ledger, one, now), moves) for one, moves in wanted]
    for moving in under_way:
        _lift(ledger, moving)
    _refuse_unrecordable(ledger, under_way)
    # One channel after the other: each may sell what is available to it when the others have had
    # theirs.
    for channel in dict.fromkeys(moving.channel for moving in under_way):
        _land(ledger, [one for one in under_way if one.channel == channel], terms, channel, now)
    return [moving.draft.done() for moving in under_way]


def _land(
    ledger: Ledger, under_way: Sequence[_Moving], terms: Terms, channel: str, now: datetime
) -> None:
    """Promise what was lifted where it is to go."""
    held = [
        replace(part, key=key)
        for moving in under_way
        for part, key in moving.parts
        if part.is_on_hand
    ]
    demand = summed((part.key, part.quantity) for part in held)
    kits = kits_among(held)
    refuse_short(ledger, demand, terms, now, channel=channel, kits=kits, without_record=False)
    for moving in under_way:
        cause = cause_of(moving.draft.reservation, MovementKind.REASSIGNED)
        for part, key in moving.parts:
            pool = terms.pool_of(key, channel, now) if part.is_on_hand else None
            moved = replace(part, key=key, pool=pool)
            hold(ledger, cause, moved)
            moving.draft.put(moved)


def _chosen(settled: Reservation, moves: Sequence[Move]) -> _Moving:
    """The parts of lines that are to move, and where to."""
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
        raise ReservationClosed(settled.reservation_id, *closed)
    return _Moving(draft, targets)


def _lift(ledger: Ledger, moving: _Moving) -> None:
    """Make free what is to move."""
    cause = cause_of(moving.draft.reservation, MovementKind.REASSIGNED)
    for number, quantity, to_location_id in moving.targets:
        part = moving.draft.split(number, quantity)
        let_go(ledger, cause, part)
        # Where it goes it is on hand, whatever it waited for.
        moving.parts.append((part.on_hand(), StockKey(part.key.sku, to_location_id)))


def _refuse_unrecordable(ledger: Ledger, under_way: Sequence[_Moving]) -> None:
    """What is only tracked needs no units where it goes, but a record that says so."""
    unknown = {
        key: (part.quantity, 0)
        for moving in under_way
        for part, key in moving.parts
        if not part.is_on_hand and not ledger.has_record(key)
    }
    if unknown:
        raise InsufficientStock(unknown)


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

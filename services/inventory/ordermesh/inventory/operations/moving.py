"""Moving promises of one or many reservations to other locations, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ordermesh.inventory.domain.errors.requests import DuplicateEntry, TooMuchAsked
from ordermesh.inventory.domain.errors.reservation import ReservationNotFound
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.ledger import Ledger
from ordermesh.inventory.domain.movement import Document, documented
from ordermesh.inventory.domain.moving import MOVES_MAX, Move, Reassignment, reassign
from ordermesh.inventory.domain.reservation import Reservation
from ordermesh.inventory.operations.deciding import decide, refuse_unlocked
from ordermesh.inventory.operations.kits import with_kits
from ordermesh.inventory.operations.reservations import Kept
from ordermesh.inventory.operations.writing import write
from ordermesh.inventory.ports.ledger import Books
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.reservations import StoredReservation
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.engines import TransactionConflict
from ordermesh.runtime.telemetry import Attributes


async def reassign_reservations(
    stores: Stores, tx: Transaction, actor: Actor, wanted: Sequence[Reassignment]
) -> list[Kept]:
    """Move promises to other locations, all or none; gives the reservations in their order.

    Raises ``DuplicateEntry``, ``TooMuchAsked``, ``UnknownLocation``, ``ReservationNotFound`` and
    as the domain's ``reassign``.
    """
    _refuse_malformed(wanted)
    locked = await _lock(stores, tx, actor, wanted)
    terms = await with_kits(stores, tx, locked.books.terms, _kits(locked.before, wanted))

    def decision(ledger: Ledger) -> list[Reservation]:
        entered = [
            (locked.before[one.reservation_id].entered(actor, one.fence), one.moves)
            for one in wanted
        ]
        return reassign(ledger, entered, terms, locked.now)

    decided = await decide(
        stores,
        tx,
        locked.names,
        locked.books,
        locked.now,
        decision,
        {
            Attributes.RESERVATION_ID: str(wanted[0].reservation_id),
            Attributes.LINE_COUNT: sum(len(one.moves) for one in wanted),
        },
        locked.before.keys(),
    )
    moved = [StoredReservation(locked.before[one.reservation_id], one) for one in decided.outcome]
    await write(
        stores,
        tx,
        locked.names,
        decided.ledger,
        locked.books.terms,
        documented(decided.ledger, Document(actor)),
        [*moved, *decided.expired],
        locked.now,
    )
    return [Kept(one, locked.now) for one in decided.outcome]


def _refuse_malformed(wanted: Sequence[Reassignment]) -> None:
    seen: set[UUID] = set()
    for number, one in enumerate(wanted):
        if one.reservation_id in seen:
            raise DuplicateEntry(f"reassignments[{number}].reservation_id", one.reservation_id)
        seen.add(one.reservation_id)
    if sum(len(one.moves) for one in wanted) > MOVES_MAX:
        raise TooMuchAsked("The request has too many moves.", MOVES_MAX)


@dataclass(frozen=True)
class _Locked:
    """Reservations whose balances, and those of the places they would go to, are locked."""

    names: Names
    books: Books
    before: Mapping[UUID, Reservation]
    now: datetime


async def _lock(
    stores: Stores, tx: Transaction, actor: Actor, wanted: Sequence[Reassignment]
) -> _Locked:
    names = Names()
    ids = [one.reservation_id for one in wanted]
    seen = await stores.reservations.look_at(tx, ids, names)
    for one in wanted:
        if one.reservation_id not in seen:
            raise ReservationNotFound(one.reservation_id)
        seen[one.reservation_id].refuse_strangers(actor)
    targets = {to_location_id for one in wanted for _, to_location_id in one.moves}
    await stores.locations.resolve(tx, targets, names)
    keys = {key for one in wanted for key in _keys(seen[one.reservation_id], one.moves)}
    books = await stores.ledger.lock(tx, names.pairs(keys), names)
    before = await stores.reservations.load(tx, ids, names)
    refuse_unlocked(before.values(), books)
    for reservation_id, reservation in before.items():
        there = {(line.line_id, line.key) for line in seen[reservation_id].open_lines}
        if any((line.line_id, line.key) not in there for line in reservation.open_lines):
            raise TransactionConflict("A line was moved while its balance was being locked.")
    return _Locked(names, books, before, await tx.now())


def _keys(reservation: Reservation, moves: Sequence[Move]) -> set[StockKey]:
    """Where its open lines are, and where the moves would take them."""
    return {line.key for line in reservation.open_lines} | {
        StockKey(line.key.sku, to_location_id)
        for selection, to_location_id in moves
        for line in reservation.open_lines
        if selection.covers(line)
    }


def _kits(before: Mapping[UUID, Reservation], wanted: Sequence[Reassignment]) -> set[StockKey]:
    """The kits of which components would go somewhere, and where."""
    return {
        StockKey(line.kit_sku, to_location_id)
        for one in wanted
        for selection, to_location_id in one.moves
        for line in before[one.reservation_id].open_lines
        if line.kit_sku and selection.covers(line)
    }

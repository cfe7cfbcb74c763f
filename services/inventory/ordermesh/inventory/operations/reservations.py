"""Promising stock, and what becomes of the promise."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from ordermesh.inventory.domain.errors.reservation import ReservationNotFound
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.ledger import Cause, Ledger, MovementKind
from ordermesh.inventory.domain.movement import Document, documented
from ordermesh.inventory.domain.picking import ShortOutcome, ship, short
from ordermesh.inventory.domain.reservation import Reservation, Selection, Taking
from ordermesh.inventory.domain.verbs import confirm, extend, reassign, release
from ordermesh.inventory.operations.deciding import (
    Decided,
    decide,
    refuse_unlocked,
    save,
)
from ordermesh.inventory.ports.ledger import Books
from ordermesh.inventory.ports.names import Names, Pair
from ordermesh.inventory.ports.reservations import StoredReservation
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.engines import TransactionConflict
from ordermesh.runtime.telemetry import Attributes

T = TypeVar("T")


@dataclass(frozen=True)
class Kept:
    """A reservation as it is now, at the instant of the database's clock that decided."""

    reservation: Reservation
    now: datetime


@dataclass(frozen=True)
class Released:
    """What a release did; the reservation is None when it did not exist and is now remembered."""

    reservation: Reservation | None
    takings: Sequence[Taking]
    now: datetime


@dataclass(frozen=True)
class Shipped:
    """The movement of a shipment or of a short pick, and the reservation after it."""

    movement_id: UUID
    reservation: Reservation
    now: datetime


@dataclass(frozen=True)
class Verb:
    """Who wants something of which reservation, with which fence; 0 is none."""

    actor: Actor
    reservation_id: UUID
    fence: int = 0


async def confirm_reservation(stores: Stores, tx: Transaction, verb: Verb) -> Kept:
    """Make a hold last. Raises ``ReservationNotFound`` and as the domain's ``confirm``."""
    entered = await _enter(stores, tx, verb)
    decided = await entered.decide(lambda ledger: confirm(ledger, entered.after, entered.now))
    await entered.write(decided, decided.outcome)
    return Kept(decided.outcome, entered.now)


async def extend_reservation(
    stores: Stores, tx: Transaction, verb: Verb, hold_duration: timedelta
) -> Kept:
    """Give a hold more time. Raises ``ReservationNotFound`` and as the domain's ``extend``."""
    entered = await _enter(stores, tx, verb)
    decided = await entered.decide(
        lambda ledger: extend(ledger, entered.after, hold_duration, entered.now)
    )
    await entered.write(decided, decided.outcome)
    return Kept(decided.outcome, entered.now)


async def release_reservation(
    stores: Stores, tx: Transaction, verb: Verb, selections: Sequence[Selection]
) -> Released:
    """Take promises back; what does not exist is remembered, so that it cannot be made later.

    Raises as the domain's ``release``.
    """
    entered = await _find(stores, tx, verb)
    if entered is None or entered.before.is_tombstone:
        now = entered.now if entered else await tx.now()
        if entered is None:
            await stores.reservations.save(
                tx, [StoredReservation(None, _tombstone(verb, now))], Names()
            )
        nothing = [Taking(selection.quantity, 0, {}) for selection in selections]
        return Released(None, nothing, now)
    decided = await entered.decide(
        lambda ledger: release(ledger, entered.after, selections, entered.now)
    )
    outcome, takings = decided.outcome
    await entered.write(decided, outcome)
    return Released(outcome, takings, entered.now)


async def reassign_reservation(
    stores: Stores, tx: Transaction, verb: Verb, moves: Sequence[tuple[Selection, str]]
) -> Kept:
    """Move promises to other locations.

    Raises ``UnknownLocation``, ``ReservationNotFound`` and as the domain's ``reassign``.
    """
    entered = await _enter_moving(stores, tx, verb, moves)
    decided = await entered.decide(
        lambda ledger: reassign(ledger, entered.after, moves, entered.books.terms, entered.now)
    )
    await entered.write(decided, decided.outcome)
    return Kept(decided.outcome, entered.now)


async def ship_reservation(
    stores: Stores, tx: Transaction, verb: Verb, selections: Sequence[Selection], document: str
) -> Shipped:
    """Promised goods left. Raises ``ReservationNotFound`` and as the domain's ``ship``."""
    entered = await _enter(stores, tx, verb)
    decided = await entered.decide(
        lambda ledger: ship(ledger, entered.after, selections, entered.now)
    )
    movements = await entered.write(decided, decided.outcome, document)
    shipped = _movement_of(movements, MovementKind.SHIPPED)
    return Shipped(shipped, decided.outcome, entered.now)


async def short_reservation(
    stores: Stores,
    tx: Transaction,
    verb: Verb,
    selections: Sequence[Selection],
    outcome: ShortOutcome,
    document: str,
) -> Shipped:
    """Promised goods were not found.

    Raises ``ReservationNotFound`` and as the domain's ``short``.
    """
    entered = await _enter(stores, tx, verb)
    decided = await entered.decide(
        lambda ledger: short(ledger, entered.after, selections, outcome, entered.now)
    )
    movements = await entered.write(decided, decided.outcome, document)
    made = _movement_of(movements, MovementKind.SHORTED)
    return Shipped(made, decided.outcome, entered.now)


def _movement_of(movements: Mapping[Cause, UUID], kind: MovementKind) -> UUID:
    return next(movement_id for cause, movement_id in movements.items() if cause.kind is kind)


@dataclass
class _Entered:
    """A reservation whose balances are locked and whose lines were read after that."""

    stores: Stores
    tx: Transaction
    names: Names
    books: Books
    before: Reservation
    now: datetime
    verb: Verb

    @property
    def after(self) -> Reservation:
        """The reservation as this verb may work on it; raises as ``Reservation.entered``."""
        return self.before.entered(self.verb.actor, self.verb.fence)

    async def decide(self, decision: Callable[[Ledger], T]) -> Decided[T]:
        """Decide on it, and on nothing else but overdue holds that are in the way."""
        return await decide(
            self.stores,
            self.tx,
            self.names,
            self.books,
            self.now,
            decision,
            {
                Attributes.RESERVATION_ID: str(self.verb.reservation_id),
                Attributes.ORDER_ID: self.before.order_id,
                Attributes.LINE_COUNT: len(self.before.open_lines),
            },
            {self.verb.reservation_id},
        )

    async def write(
        self, decided: Decided[T], outcome: Reservation, document: str = ""
    ) -> dict[Cause, UUID]:
        """Write what was decided; gives the movement of each cause."""
        movements = await self.stores.ledger.record(
            self.tx,
            self.names,
            decided.ledger,
            self.books.terms,
            documented(decided.ledger, Document(self.verb.actor, document)),
            self.now,
        )
        changes = [StoredReservation(self.before, outcome), *decided.expired]
        await save(self.stores, self.tx, changes, self.names)
        return movements


async def _enter(stores: Stores, tx: Transaction, verb: Verb) -> _Entered:
    entered = await _find(stores, tx, verb)
    if entered is None:
        raise ReservationNotFound(verb.reservation_id)
    return entered


async def _find(stores: Stores, tx: Transaction, verb: Verb) -> _Entered | None:
    names = Names()
    pairs = await stores.reservations.open_pairs(tx, [verb.reservation_id])
    return await _locked(stores, tx, verb, pairs, names)


async def _locked(
    stores: Stores, tx: Transaction, verb: Verb, pairs: Collection[Pair], names: Names
) -> _Entered | None:
    books = await stores.ledger.lock(tx, pairs, names)
    known = await stores.reservations.load(tx, [verb.reservation_id], names)
    before = known.get(verb.reservation_id)
    if before is None:
        return None
    before.refuse_strangers(verb.actor)
    refuse_unlocked([before], books)
    return _Entered(stores, tx, names, books, before, await tx.now(), verb)


async def _enter_moving(
    stores: Stores, tx: Transaction, verb: Verb, moves: Sequence[tuple[Selection, str]]
) -> _Entered:
    """As ``_enter``, with the balances of the places locked to which lines would go."""
    names = Names()
    seen = await stores.reservations.get(tx, verb.reservation_id, names)
    if seen is None:
        raise ReservationNotFound(verb.reservation_id)
    await stores.locations.resolve(tx, {location_id for _, location_id in moves}, names)
    keys = {line.key for line in seen.open_lines}
    keys |= {
        StockKey(line.key.sku, location_id)
        for selection, location_id in moves
        for line in seen.open_lines
        if selection.covers(line)
    }
    entered = await _locked(stores, tx, verb, names.pairs(keys), names)
    if entered is None:
        raise ReservationNotFound(verb.reservation_id)
    there = {(line.line_id, line.key) for line in seen.open_lines}
    if any((line.line_id, line.key) not in there for line in entered.before.open_lines):
        raise TransactionConflict("A line was moved while its balance was being locked.")
    return entered


def _tombstone(verb: Verb, now: datetime) -> Reservation:
    return Reservation(
        reservation_id=verb.reservation_id,
        owner=verb.actor.owner,
        order_id="",
        create_time=now,
        fence=verb.fence,
        is_tombstone=True,
    )

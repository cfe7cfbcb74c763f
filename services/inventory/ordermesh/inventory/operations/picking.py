"""Promised goods that leave the building or are not found, of one or many reservations at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from ordermesh.inventory.domain.errors.requests import DuplicateEntry, TooMuchAsked
from ordermesh.inventory.domain.errors.reservation import ReservationNotFound
from ordermesh.inventory.domain.facts import Extra
from ordermesh.inventory.domain.key import Actor
from ordermesh.inventory.domain.ledger import Cause, Ledger, MovementKind
from ordermesh.inventory.domain.movement import Document, documented
from ordermesh.inventory.domain.picking import LINES_MAX, Shipment, ShortOutcome, ship, short
from ordermesh.inventory.domain.reservation import Reservation, Selection
from ordermesh.inventory.domain.verbs import cause_of
from ordermesh.inventory.operations.deciding import (
    Decided,
    decide,
    make_room,
    owed,
    refuse_unlocked,
)
from ordermesh.inventory.operations.reservations import Verb
from ordermesh.inventory.operations.writing import write
from ordermesh.inventory.ports.ledger import Books
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.reservations import StoredReservation
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.telemetry import Attributes

T = TypeVar("T")


@dataclass(frozen=True)
class Picked:
    """The movements of a shipment and of a short pick, where units moved, and what is after them.

    ``extras`` left beyond what was promised.
    """

    movement_id: UUID | None
    short_movement_id: UUID | None
    reservation: Reservation
    now: datetime
    extras: Sequence[Extra] = ()


async def ship_reservations(
    stores: Stores, tx: Transaction, wanted: Sequence[tuple[Verb, Shipment]], document: str
) -> list[Picked]:
    """Promised goods left, all or none; gives what became of the reservations in their order.

    Raises ``DuplicateEntry``, ``TooMuchAsked``, ``ReservationNotFound`` and as the domain's
    ``ship``.
    """
    _refuse_malformed(wanted)
    entered = await _enter(stores, tx, [verb for verb, _ in wanted])
    if any(shipment.rest is not None for _, shipment in wanted):
        await entered.make_room()

    def decision(ledger: Ledger) -> list[tuple[Reservation, list[Extra]]]:
        asked = [(entered.after(verb), shipment) for verb, shipment in wanted]
        return ship(ledger, asked, entered.now)

    decided = await entered.decide(decision)
    movements = await entered.write(decided, [after for after, _ in decided.outcome], document)
    return [_picked(movements, after, entered.now, extras) for after, extras in decided.outcome]


async def short_reservation(
    stores: Stores,
    tx: Transaction,
    verb: Verb,
    selections: Sequence[Selection],
    outcome: ShortOutcome,
    document: str,
) -> Picked:
    """Promised goods were not found.

    Raises ``ReservationNotFound`` and as the domain's ``short``.
    """
    entered = await _enter(stores, tx, [verb])
    await entered.make_room()
    decided = await entered.decide(
        lambda ledger: short(ledger, entered.after(verb), selections, outcome, entered.now)
    )
    movements = await entered.write(decided, [decided.outcome], document)
    return _picked(movements, decided.outcome, entered.now)


def _refuse_malformed(wanted: Sequence[tuple[Verb, Shipment]]) -> None:
    seen: set[UUID] = set()
    for number, (verb, _) in enumerate(wanted):
        if verb.reservation_id in seen:
            raise DuplicateEntry(f"shipments[{number}].reservation_id", verb.reservation_id)
        seen.add(verb.reservation_id)
    if sum(len(shipment.selections) for _, shipment in wanted) > LINES_MAX:
        raise TooMuchAsked("The request has too many lines.", LINES_MAX)


def _picked(
    movements: Mapping[Cause, UUID], after: Reservation, now: datetime, extras: Sequence[Extra] = ()
) -> Picked:
    return Picked(
        movements.get(cause_of(after, MovementKind.SHIPPED)),
        movements.get(cause_of(after, MovementKind.SHORTED)),
        after,
        now,
        extras,
    )


@dataclass
class _Entered:
    """Reservations whose balances are locked and whose lines were read after that."""

    stores: Stores
    tx: Transaction
    names: Names
    books: Books
    before: Mapping[UUID, Reservation]
    now: datetime
    actor: Actor

    def after(self, verb: Verb) -> Reservation:
        """A reservation as its verb may work on it; raises as ``Reservation.entered``."""
        return self.before[verb.reservation_id].entered(verb.actor, verb.fence)

    async def make_room(self) -> None:
        """Expire overdue holds of others that a deficit is of: what is missing is not theirs."""
        self.books = await make_room(
            self.stores,
            self.tx,
            self.names,
            self.books,
            self.now,
            lambda ledger: owed(ledger, self.books.balances),
            Document(self.actor),
            self.before.keys(),
        )

    async def decide(self, decision: Callable[[Ledger], T]) -> Decided[T]:
        """Decide on them, and on nothing else but overdue holds that are in the way."""
        first = next(iter(self.before.values()))
        return await decide(
            self.stores,
            self.tx,
            self.names,
            self.books,
            self.now,
            decision,
            {
                Attributes.RESERVATION_ID: str(first.reservation_id),
                Attributes.ORDER_ID: first.order_id,
                Attributes.LINE_COUNT: sum(len(one.open_lines) for one in self.before.values()),
            },
            self.before.keys(),
        )

    async def write(
        self, decided: Decided[T], outcomes: Sequence[Reservation], document: str
    ) -> dict[Cause, UUID]:
        """Write what was decided; gives the movement of each cause."""
        changes = [StoredReservation(self.before[one.reservation_id], one) for one in outcomes]
        return await write(
            self.stores,
            self.tx,
            self.names,
            decided.ledger,
            self.books.terms,
            documented(decided.ledger, Document(self.actor, document)),
            [*changes, *decided.expired],
            self.now,
        )


async def _enter(stores: Stores, tx: Transaction, verbs: Sequence[Verb]) -> _Entered:
    """Lock the balances of all of them in one statement, and then the reservations."""
    names = Names()
    ids = [verb.reservation_id for verb in verbs]
    pairs = await stores.reservations.open_pairs(tx, ids)
    books = await stores.ledger.lock(tx, pairs, names)
    known = await stores.reservations.load(tx, ids, names)
    for verb in verbs:
        if verb.reservation_id not in known:
            raise ReservationNotFound(verb.reservation_id)
        known[verb.reservation_id].refuse_strangers(verb.actor)
    refuse_unlocked(known.values(), books)
    before = {one: known[one] for one in ids}
    return _Entered(stores, tx, names, books, before, await tx.now(), verbs[0].actor)

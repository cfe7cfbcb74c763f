"""Announcing supplies, sending, receiving, writing off and cancelling them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from ordermesh.inventory.domain import receiving
from ordermesh.inventory.domain.belonging import Side, refuse_foreign_supplies
from ordermesh.inventory.domain.errors.catalog import KitHasNoStock
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Cause, Ledger
from ordermesh.inventory.domain.movement import Document, documented
from ordermesh.inventory.domain.receiving import Receipt, Received, Situation, origin
from ordermesh.inventory.domain.reservation import Reservation
from ordermesh.inventory.domain.supply import Put, Supply, put, refuse_impossible
from ordermesh.inventory.domain.verbs import settle
from ordermesh.inventory.domain.waiting import Broken, Waiters
from ordermesh.inventory.operations.deciding import decide, make_room, owed
from ordermesh.inventory.operations.writing import known_movement, write
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.reservations import StoredReservation
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.engines import TransactionConflict
from ordermesh.runtime.telemetry import Attributes

T = TypeVar("T")

Again = Callable[[Mapping[str, Supply]], T]
"""What is told of a request that moved its goods before: by what became of the supplies since."""

Lacking = Callable[[Ledger, Collection[StockKey]], Mapping[StockKey, int]]
"""How many units more would be needed of keys, so that overdue holds are expired for them."""


@dataclass(frozen=True)
class Changed(Generic[T]):
    """What was done: the outcome, the supplies after it by id, and the promises that broke.

    ``movement_id`` is None when no units moved.
    """

    outcome: T
    supplies: Mapping[str, Supply]
    broken: Sequence[Broken]
    movement_id: UUID | None


@dataclass(frozen=True)
class _Decision(Generic[T]):
    outcome: T
    after: Sequence[Supply]
    broken: Sequence[Broken]


async def put_supplies(
    stores: Stores, tx: Transaction, announced: Sequence[Supply], document: Document
) -> Changed[list[Put]]:
    """Take announcements over, all or none.

    Raises ``UnknownSku``, ``UnknownLocation``, ``KitHasNoStock`` and as the domain's ``put``.
    """
    refuse_impossible(announced)

    def decision(ledger: Ledger, situation: Situation) -> _Decision[list[Put]]:
        puts = put(announced, situation.stored)
        broken = receiving.change(ledger, puts, situation)
        return _Decision(puts, [one.after for one in puts if one.is_change], broken)

    refuse_foreign_supplies(document.actor, announced, Side.EITHER)
    desk = await _open(stores, tx, announced)
    return await desk.decide([one.supply_id for one in announced], document, decision, Side.EITHER)


async def cancel_supply(
    stores: Stores, tx: Transaction, supply_id: str, document: Document
) -> Changed[Supply]:
    """What is still to come will not. Raises as the domain's ``cancel``."""

    def decision(ledger: Ledger, situation: Situation) -> _Decision[Supply]:
        after, broken = receiving.cancel(ledger, supply_id, situation)
        return _Decision(after, [after], broken)

    desk = await _open(stores, tx, ())
    return await desk.decide([supply_id], document, decision, Side.EITHER)


async def receive_supply(
    stores: Stores, tx: Transaction, receipts: Sequence[Receipt], document: Document
) -> Changed[list[Received]]:
    """Bring in what has come. Raises ``KitHasNoStock`` and as the domain's ``receive``."""
    receiving.refuse_repeated(receipts)

    def decision(ledger: Ledger, situation: Situation) -> _Decision[list[Received]]:
        received, broken = receiving.receive(ledger, receipts, situation)
        return _Decision(received, [one.supply for one in received], broken)

    def again(stored: Mapping[str, Supply]) -> list[Received]:
        return [Received(stored[one.supply_id], one.quantity, 0, 0, 0) for one in receipts]

    desk = await _open(stores, tx, ())
    ids = [one.supply_id for one in receipts]
    return await desk.decide(ids, document, decision, Side.TO, owed, again)


async def send_transfer(
    stores: Stores, tx: Transaction, transfers: Sequence[Supply], document: Document
) -> Changed[list[Supply]]:
    """Goods leave for another location. Raises as ``put_supplies`` and the domain's ``send``."""
    refuse_impossible(transfers)

    def decision(ledger: Ledger, situation: Situation) -> _Decision[list[Supply]]:
        sent, broken = receiving.send(ledger, transfers, situation)
        return _Decision(sent, sent, broken)

    refuse_foreign_supplies(document.actor, transfers, Side.FROM)

    def lacking(ledger: Ledger, _keys: Collection[StockKey]) -> Mapping[StockKey, int]:
        return receiving.lacking(ledger, transfers)

    desk = await _open(stores, tx, transfers)
    ids = [one.supply_id for one in transfers]
    return await desk.decide(
        ids, document, decision, Side.FROM, lacking, lambda stored: [stored[one] for one in ids]
    )


async def write_off_transfer(
    stores: Stores, tx: Transaction, supply_id: str, quantity: int, document: Document
) -> Changed[Supply]:
    """Units were lost on their way. Raises as the domain's ``write_off``."""

    def decision(ledger: Ledger, situation: Situation) -> _Decision[Supply]:
        after, broken = receiving.write_off(ledger, supply_id, quantity, situation)
        return _Decision(after, [after], broken)

    desk = await _open(stores, tx, ())
    return await desk.decide(
        [supply_id], document, decision, Side.EITHER, again=lambda stored: stored[supply_id]
    )


@dataclass(frozen=True)
class _Desk:
    """One transaction about supplies. ``keys`` are those that are told of, ``growing`` theirs that
    need a balance, so that there is a lock for what is expected there."""

    stores: Stores
    tx: Transaction
    names: Names
    keys: Collection[StockKey]
    growing: Collection[StockKey]

    async def decide(
        self,
        supply_ids: Sequence[str],
        document: Document,
        decision: Callable[[Ledger, Situation], _Decision[T]],
        side: Side,
        lacking: Lacking = lambda _ledger, _keys: {},
        again: Again[T] | None = None,
    ) -> Changed[T]:
        """Lock the balances, read the supplies and who waits for them, decide, and write.

        What is ``lacking`` is taken from overdue holds before anybody who waits is read: theirs may
        be among them. A request that moved goods before moves none ``again``. Raises
        ``NotYourLocation`` when this side of a supply is not the actor's own, ``RequestIdReused``
        where the request's id was once used for another.
        """
        stores, tx, names = self.stores, self.tx, self.names
        seen = await stores.supplies.get(tx, supply_ids, names)
        refuse_foreign_supplies(document.actor, seen.values(), side)
        keys = {*self.keys, *(one.key for one in seen.values())}
        if self.growing:
            await stores.ledger.open(tx, names.pairs(self.growing))
        books = await stores.ledger.lock(tx, names.pairs(keys), names)
        if again is not None:
            known_id = await known_movement(stores, tx, document)
            if known_id is not None:
                stored = await stores.supplies.get(tx, supply_ids, names)
                return Changed(again(stored), stored, (), known_id)
        books.opened().refuse_quarantined(keys)
        await _refuse_kits(stores, tx, {key.sku for key in keys})
        now = await tx.now()
        books = await make_room(
            stores, tx, names, books, now, lambda ledger: lacking(ledger, keys), document
        )
        # Read again under the locks: somebody may have changed one while we waited for them.
        stored = await stores.supplies.get(tx, supply_ids, names)
        if any(one.key not in books.balances for one in stored.values()):
            raise TransactionConflict("A supply was announced while its balance was being locked.")
        promised = [one.supply_id for one in stored.values() if one.promised]
        waiting = await stores.reservations.waiting(tx, promised, names)

        def deciding(ledger: Ledger) -> tuple[_Decision[T], dict[UUID, Reservation]]:
            waiters = Waiters(settle(ledger, one, now) for one in waiting)
            made = decision(ledger, Situation(stored, waiters, now))
            return made, waiters.done()

        about = {Attributes.LINE_COUNT: len(supply_ids)}
        involved = {one.reservation_id for one in waiting}
        decided = await decide(stores, tx, names, books, now, deciding, about, involved)
        made, after = decided.outcome
        changes = [StoredReservation(one, after[one.reservation_id]) for one in waiting]
        movements = await write(
            stores,
            tx,
            names,
            decided.ledger,
            books.terms,
            documented(decided.ledger, document),
            [*changes, *decided.expired],
            now,
        )
        pairs = [(stored.get(one.supply_id), one) for one in made.after]
        await stores.supplies.save(tx, pairs, names, now)
        supplies = await stores.supplies.get(tx, supply_ids, names)
        return Changed(made.outcome, supplies, made.broken, _own(movements))


def _own(movements: Mapping[Cause, UUID]) -> UUID | None:
    own = [movements[cause] for cause in movements if cause.reservation_id is None]
    return own[0] if own else None


async def _open(stores: Stores, tx: Transaction, told: Sequence[Supply]) -> _Desk:
    """Resolve what is told of."""
    names = Names()
    keys = [one.key for one in told]
    origins = [origin(one) for one in told if one.from_location_id]
    await stores.items.resolve(tx, {key.sku for key in keys}, names)
    places = {key.location_id for key in (*keys, *origins)}
    await stores.locations.resolve(tx, places, names)
    await _refuse_kits(stores, tx, {key.sku for key in keys})
    return _Desk(stores, tx, names, [*keys, *origins], keys)


async def _refuse_kits(stores: Stores, tx: Transaction, skus: Collection[str]) -> None:
    kits = await stores.items.kits_among(tx, skus) if skus else set()
    if kits:
        raise KitHasNoStock(kits)

"""Receiving, adjusting and transferring stock, taking it back, and deciding what becomes of it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ordermesh.inventory.domain.belonging import refuse_foreign
from ordermesh.inventory.domain.blocking import BlockedUnits, block, unblock, undercut
from ordermesh.inventory.domain.errors.catalog import KitHasNoStock
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import AdjustmentReason, Ledger
from ordermesh.inventory.domain.movement import (
    Adjustment,
    Document,
    StockLine,
    Transfer,
    adjust,
    documented,
    receive,
    refuse_repeated,
    rises,
    transfer,
)
from ordermesh.inventory.domain.returned import DisposedUnits, dispose, take_back
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.operations.deciding import decide, make_room
from ordermesh.inventory.operations.writing import known_movement, write
from ordermesh.inventory.ports.ledger import BalanceRow
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.telemetry import Attributes


@dataclass(frozen=True)
class Moved:
    """The movement that was made, None when nothing changed, and the balances after it."""

    movement_id: UUID | None
    balances: Sequence[BalanceRow]


async def receive_stock(
    stores: Stores, tx: Transaction, lines: Sequence[StockLine], document: Document
) -> Moved:
    """Bring goods in.

    Raises ``NotYourLocation``, ``UnknownSku``, ``UnknownLocation``, ``KitHasNoStock``,
    ``RequestIdReused`` where the request's id was once used for another, and as the domain does.
    """
    keys = [line.key for line in lines]
    return await _moved(stores, tx, keys, keys, document, lambda ledger: receive(ledger, lines))


async def adjust_stock(
    stores: Stores,
    tx: Transaction,
    adjustments: Sequence[Adjustment],
    reason: AdjustmentReason,
    document: Document,
) -> Moved:
    """Correct what is on hand. Raises as ``receive_stock`` and the domain."""
    refuse_repeated(adjustments)
    return await _moved(
        stores,
        tx,
        [adjustment.key for adjustment in adjustments],
        [adjustment.key for adjustment in adjustments if rises(adjustment)],
        document,
        lambda ledger: adjust(ledger, adjustments, reason),
    )


async def transfer_stock(
    stores: Stores, tx: Transaction, transfers: Sequence[Transfer], document: Document
) -> Moved:
    """Move free units between locations. Raises as ``receive_stock`` and the domain."""
    keys = [key for one in transfers for key in (one.key, one.target)]
    targets = [one.target for one in transfers]
    return await _moved(
        stores, tx, keys, targets, document, lambda ledger: transfer(ledger, transfers)
    )


async def return_stock(
    stores: Stores,
    tx: Transaction,
    units: Sequence[DisposedUnits],
    order_id: str,
    document: Document,
) -> Moved:
    """Take goods back from a customer. Raises as ``receive_stock`` and the domain."""
    keys = [one.key for one in units]
    return await _moved(
        stores, tx, keys, keys, document, lambda ledger: take_back(ledger, units, order_id)
    )


async def dispose_stock(
    stores: Stores, tx: Transaction, units: Sequence[DisposedUnits], document: Document
) -> Moved:
    """Decide what becomes of blocked units. Raises as ``receive_stock`` and the domain."""
    keys = [one.key for one in units]
    return await _moved(stores, tx, keys, (), document, lambda ledger: dispose(ledger, units))


async def block_stock(
    stores: Stores, tx: Transaction, units: Sequence[BlockedUnits], document: Document
) -> Moved:
    """Take units off sale. Raises as ``receive_stock`` and the domain."""
    keys = [one.key for one in units]
    return await _moved(
        stores,
        tx,
        keys,
        (),
        document,
        lambda ledger: block(ledger, units),
        lambda ledger: undercut(ledger, units),
    )


async def unblock_stock(
    stores: Stores, tx: Transaction, units: Sequence[BlockedUnits], document: Document
) -> Moved:
    """Put blocked units on sale again. Raises as ``receive_stock`` and the domain."""
    keys = [one.key for one in units]
    return await _moved(stores, tx, keys, (), document, lambda ledger: unblock(ledger, units))


def _no_undercut(_ledger: Ledger) -> Mapping[StockKey, int]:
    return {}


async def _moved(
    stores: Stores,
    tx: Transaction,
    keys: Collection[StockKey],
    growing: Collection[StockKey],
    document: Document,
    decision: Callable[[Ledger], None],
    breaking: Callable[[Ledger], Mapping[StockKey, int]] = _no_undercut,
) -> Moved:
    """Lock the keys, making records of those that may grow; decide; write.

    ``breaking`` says by how many units the decision goes beyond what is free: overdue holds are
    expired for it, so that a promise is broken only where nothing else is left.
    """
    refuse_foreign(document.actor, (key.location_id for key in keys))
    names = Names()
    skus = {key.sku for key in keys}
    _refuse_kits(await stores.items.resolve(tx, skus, names), skus)
    await stores.locations.resolve(tx, {key.location_id for key in keys}, names)
    if growing:
        await stores.ledger.open(tx, names.pairs(growing))
    books = await stores.ledger.lock(tx, names.pairs(keys), names)
    # Read again under the locks: an item may have become a kit while we waited for them.
    _refuse_kits(await stores.items.kits_among(tx, skus), skus)
    now = await tx.now()
    known_id = await known_movement(stores, tx, document)
    if known_id is not None:
        rows = await _rows(stores, tx, names, books.opened(), books.terms, keys, now)
        return Moved(known_id, rows)
    about = {Attributes.LINE_COUNT: len(keys)}
    books = await make_room(stores, tx, names, books, now, breaking, document)
    decided = await decide(stores, tx, names, books, now, decision, about)
    ledger = decided.ledger
    documents = documented(ledger, document)
    movements = await write(stores, tx, names, ledger, books.terms, documents, decided.expired, now)

    own = [movements[cause] for cause in movements if cause.reservation_id is None]
    rows = await _rows(stores, tx, names, ledger, books.terms, keys, now)
    return Moved(own[0] if own else None, rows)


async def _rows(
    stores: Stores,
    tx: Transaction,
    names: Names,
    ledger: Ledger,
    terms: Terms,
    keys: Iterable[StockKey],
    now: datetime,
) -> list[BalanceRow]:
    """The balances of keys, each once, as they are in a ledger."""
    listed = list(dict.fromkeys(keys))
    returning = await stores.reservations.returning(tx, now, wanted=names.pairs(listed))

    def row(key: StockKey) -> BalanceRow:
        available = terms.shown(
            key,
            ledger.balance(key),
            now,
            returning=returning.get(names.pair(key), 0),
            taken=lambda number: ledger.taken(number, key),
        )
        return BalanceRow(key, ledger.balance(key), available)

    return [row(key) for key in listed]


def _refuse_kits(kits: Iterable[str], skus: Collection[str]) -> None:
    named = {sku for sku in kits if sku in skus}
    if named:
        raise KitHasNoStock(named)

"""Balances, entries and movements in the database."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import (
    FromClause,
    bindparam,
    exists,
    or_,
    select,
)

from ordermesh.inventory.domain.control import ControlKind
from ordermesh.inventory.domain.control_table import ControlTable
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Balance, Cause, Ledger
from ordermesh.inventory.domain.movement import Document, Movement
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.ports.ledger import (
    BalanceRow,
    Books,
    MovementFilter,
    StockRow,
    ToldBalance,
)
from ordermesh.inventory.ports.names import Names, Pair
from ordermesh.inventory.ports.recollection import Recollection
from ordermesh.inventory.store import controls as controls_store
from ordermesh.inventory.store.controls import SqlControlStore
from ordermesh.inventory.store.digests import memos
from ordermesh.inventory.store.keys import (
    is_among,
    pair_values,
    pairs,
    texts,
)
from ordermesh.inventory.store.locking import FIGURES, GLANCING, LOCKING, LOCKING_FREE
from ordermesh.inventory.store.movements import read_movements
from ordermesh.inventory.store.naming import features, names_of
from ordermesh.inventory.store.returning import returning
from ordermesh.inventory.store.rows import (
    balance_row,
    entry_rows,
    movement_row,
    opening_sequences,
)
from ordermesh.inventory.store.sale import (
    TOPIC,
    change_in,
    listed,
    recollect,
    terms_of,
    told,
    unmoved,
)
from ordermesh.inventory.store.stock import stock_of
from ordermesh.inventory.store.supplies import coming, promise
from ordermesh.inventory.store.tables.items import item
from ordermesh.inventory.store.tables.ledger import balance, entry, movement
from ordermesh.inventory.store.tables.locations import location
from ordermesh.kernel.ids import Ids
from ordermesh.runtime import feed
from ordermesh.runtime.at_once import AtOnce
from ordermesh.runtime.bulk import insert_rows, update_rows, update_unchanged_rows
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.tables import insert_new

_NAMED: FromClause = balance.join(item, item.c.item_id == balance.c.item_id).join(
    location, location.c.location_id == balance.c.location_id
)
_COLUMNS = (
    balance,
    item.c.sku,
    item.c.is_unsellable,
    item.c.reservation_mode,
    location.c.code,
    location.c.is_disabled,
)


class SqlLedgerStore:
    """The ledger in tables."""

    def __init__(self, ids: Ids, controls: SqlControlStore, recollection: Recollection) -> None:
        self._ids = ids
        self._controls = controls
        self._recollection = recollection

    async def open(self, tx: Transaction, wanted: Collection[Pair]) -> None:
        """Make the balances that do not exist. To be called before anything is locked.

        Rows are made in the order of their keys, so that two transactions that make the same ones
        wait for each other in one order.
        """
        rows = pairs(tx.dialect, wanted).subquery()
        nothing_there = ~exists().where(
            balance.c.item_id == rows.c.item_id, balance.c.location_id == rows.c.location_id
        )
        zeros = dict.fromkeys(FIGURES, 0)
        await tx.execute(
            insert_new(balance, tx.dialect).from_select(
                ["item_id", "location_id", *zeros],
                select(
                    rows.c.item_id,
                    rows.c.location_id,
                    *(
                        bindparam(name, zero, type_=balance.c[name].type)
                        for name, zero in zeros.items()
                    ),
                )
                .where(nothing_there)
                .order_by(rows.c.item_id, rows.c.location_id),
            )
        )

    async def lock(self, tx: Transaction, wanted: Collection[Pair], names: Names) -> Books:
        """Lock the balances in the order of their keys, in one statement, and read them."""
        if not wanted:
            return await self._nothing(tx)
        locked = await tx.rows(LOCKING, pair_values(tx.dialect, wanted))
        figures = {(row[0], row[1]): Balance(*row[2:-1]) for row in locked}
        suspects = {(row[0], row[1]) for row in locked if row[-1]}
        if not figures:
            return await self._nothing(tx)
        # Names, switches and the version of the controls by a statement of its own: it sees what
        # was committed while we waited.
        rows, table = await self._named(tx, figures)
        terms = terms_of(rows, table)
        keys: dict[Pair, StockKey] = {}
        # By their places: a name costs several times as much, and there are many rows.
        for row in rows:
            key, pair = StockKey(row[3], row[4]), (row[1], row[2])
            names.item_ids[key.sku], names.location_ids[key.location_id] = pair
            keys[pair] = key
        balances = {key: figures[pair] for pair, key in keys.items()}
        if tx.dialect == "postgresql":
            sound = {key: one for key, one in balances.items() if names.pair(key) not in suspects}
            # After the commit: what this transaction itself has written may be rolled back.
            tx.after_commit(partial(recollect, self._recollection, rows, table, sound))
        taken = {}
        if ControlKind.POOL in table.kinds:
            taken = await controls_store.taken_at(tx, figures, keys)
        if not suspects:
            return Books(balances, terms, taken)
        quarantined = frozenset(keys[pair] for pair in suspects)
        return Books(balances, replace(terms, off=terms.off | quarantined), taken, quarantined)

    async def _nothing(self, tx: Transaction) -> Books:
        """No balances, and the controls: purchases are limited wherever what is bought is."""
        return Books({}, Terms(controls=await self._controls.table(tx)))

    async def lock_free(
        self, tx: Transaction, wanted: Collection[Pair]
    ) -> tuple[set[Pair], set[Pair]]:
        """Which have a balance, and which are locked now: others' locks are not waited for."""
        values = pair_values(tx.dialect, wanted)
        free, there = await tx.rows(LOCKING_FREE, values), await tx.rows(GLANCING, values)
        return {(row[0], row[1]) for row in there}, {(row[0], row[1]) for row in free}

    async def glance(self, tx: Transaction, wanted: Collection[Pair]) -> None:
        """Read balances without a lock, only to remember those that can be decided on so."""
        found = await tx.rows(GLANCING, pair_values(tx.dialect, wanted))
        sound = {(row[0], row[1]): Balance(*row[2:-1]) for row in found if not row[-1]}
        if not sound:
            return
        rows, table = await self._named(tx, sound)
        balances = {StockKey(row[3], row[4]): sound[row[1], row[2]] for row in rows}
        recollect(self._recollection, rows, table, balances)

    async def _named(
        self, tx: Transaction, wanted: Collection[Pair]
    ) -> tuple[Sequence[Any], ControlTable]:
        """What there is to know of pairs besides their figures, and the controls as they are."""
        last = self._controls.last_table
        rows = await names_of(tx, wanted, last)
        table = await self._controls.table_of(tx, rows[0].control_stamp)
        if table.needs_features and not last.needs_features:
            rows = await names_of(tx, wanted, table)
            # Others may have changed them meanwhile: what is remembered under these stamps must not
            # be older than they are.
            table = await self._controls.table_of(tx, rows[0].control_stamp)
        return rows, table

    async def record(
        self,
        tx: Transaction,
        names: Names,
        ledger: Ledger,
        terms: Terms,
        documents: Mapping[Cause, Document],
        now: datetime,
    ) -> dict[Cause, UUID]:
        """Write what was decided, and tell the watchers; gives the movement of each cause."""
        await promise(tx, ledger.promised())
        await controls_store.take(tx, names, ledger.taken_here())
        causes = list(dict.fromkeys(made.cause for made in ledger.entries))
        if not causes:
            await feed.append_all(tx, topic=TOPIC, changes=unmoved(ledger, terms, now), now=now)
            return {}
        # Sorted, because those of one instant are listed in the order of their ids.
        ids = sorted((self._ids.new() for _ in causes), key=attrgetter("int"))
        movements = dict(zip(causes, ids, strict=True))
        movement_rows = [
            movement_row(id_, cause, documents[cause], now, terms.controls.version)
            for cause, id_ in movements.items()
        ]
        new_entries = entry_rows(ledger.entries, names, movements)
        await insert_rows(tx, movement, movement_rows)
        await insert_rows(tx, entry, new_entries)
        changed = ledger.changed()
        figures = [balance_row(key, after, names) for key, after in changed.items()]
        if isinstance(tx, AtOnce):
            opening = opening_sequences(ledger.entries)
            seen: dict[str, list[Any]] = {
                "sequence": [opening[key] for key in changed],
                "is_quarantined": [False] * len(changed),
            }
            await update_unchanged_rows(tx, balance, ("item_id", "location_id"), figures, seen)
        else:
            await update_rows(tx, balance, ("item_id", "location_id"), figures)
            tx.after_commit(partial(self._recollection.see, changed))
        notes = memos(movement_rows, new_entries)
        changes = [
            change_in(ledger, key, after, terms, now, notes.get(names.pair(key), b""))
            for key, after in changed.items()
        ]
        changes += unmoved(ledger, terms, now)
        await feed.append_all(tx, topic=TOPIC, changes=changes, now=now)
        return movements

    async def asked_for(self, tx: Transaction, request_id: UUID) -> tuple[UUID, bytes] | None:
        """The movement that a request made, and the digest of that; None where it made none."""
        found = await tx.execute(
            select(movement.c.movement_id, movement.c.request_digest).where(
                movement.c.request_id == request_id
            )
        )
        row = found.one_or_none()
        return None if row is None else (row.movement_id, row.request_digest)

    async def tell(
        self, tx: Transaction, skus: Collection[str], location_ids: Collection[str]
    ) -> None:
        """Tell the watchers of all balances of items and locations that were switched on or off."""
        if not skus and not location_ids:
            return
        found = await tx.execute(
            select(balance.c.item_id, balance.c.location_id)
            .select_from(_NAMED)
            .where(
                or_(
                    item.c.sku.in_(texts(tx.dialect, skus)),
                    location.c.code.in_(texts(tx.dialect, location_ids)),
                )
            )
        )
        await self.tell_at(tx, {(row.item_id, row.location_id) for row in found})

    async def tell_at(self, tx: Transaction, wanted: Collection[Pair]) -> None:
        """Tell the watchers of balances that are locked, or are locked now in one statement."""
        # Locked, so that no change decided under the old switch can follow with an older truth.
        books = await self.lock(tx, wanted, Names())
        ledger, now = books.opened(), await tx.now()
        changes = [
            change_in(ledger, key, after, books.terms, now) for key, after in books.balances.items()
        ]
        await feed.append_all(tx, topic=TOPIC, changes=changes, now=now)

    async def balances(
        self,
        tx: Transaction,
        skus: Collection[str],
        location_ids: Collection[str],
        after: StockKey | None,
        size: int,
        now: datetime,
    ) -> list[BalanceRow]:
        """The next balances in the order of SKU and location; empty collections mean all."""
        table = await self._controls.table(tx)
        statement = select(*_COLUMNS, *features(table)).select_from(_NAMED)
        if skus:
            statement = statement.where(item.c.sku.in_(texts(tx.dialect, skus)))
        if location_ids:
            statement = statement.where(location.c.code.in_(texts(tx.dialect, location_ids)))
        if after is not None:
            statement = statement.where(
                # The first condition lets the index on SKUs skip what was listed before.
                item.c.sku >= after.sku,
                or_(item.c.sku > after.sku, location.c.code > after.location_id),
            )
        found = await tx.execute(statement.order_by(item.c.sku, location.c.code).limit(size))
        rows = found.all()
        pairs_listed = {(row.item_id, row.location_id) for row in rows}
        back = await returning(tx, now, (), pairs_listed)
        items = {row.item_id for row in rows}
        taken = (
            await self._controls.taken(tx, now, items) if ControlKind.POOL in table.kinds else {}
        )
        terms = terms_of(rows, table)
        expected = await coming(tx, pairs_listed)
        return [listed(row, terms, now, back, taken, expected) for row in rows]

    async def stock_of(
        self, tx: Transaction, item_ids: Collection[int], location_ids: Collection[int] | None
    ) -> Sequence[StockRow]:
        """All balances of items by their surrogates; None means at all locations."""
        return await stock_of(tx, item_ids, location_ids)

    async def told(
        self,
        tx: Transaction,
        skus: Collection[str],
        location_ids: Collection[str],
        after: Pair | None,
        size: int,
        channel: str = "",
    ) -> Sequence[ToldBalance]:
        """The next balances in the order of surrogates; empty collections mean all."""
        table = await self._controls.table(tx)
        statement = select(*_COLUMNS, *features(table)).select_from(_NAMED)
        if skus:
            statement = statement.where(item.c.sku.in_(texts(tx.dialect, skus)))
        if location_ids:
            statement = statement.where(location.c.code.in_(texts(tx.dialect, location_ids)))
        if after is not None:
            item_id, location_id = after
            statement = statement.where(
                balance.c.item_id >= item_id,
                or_(balance.c.item_id > item_id, balance.c.location_id > location_id),
            )
        found = await tx.execute(
            statement.order_by(balance.c.item_id, balance.c.location_id).limit(size)
        )
        return await _told(tx, found.all(), table, channel)

    async def told_at(
        self, tx: Transaction, wanted: Collection[Pair], channel: str
    ) -> Sequence[ToldBalance]:
        """These balances, as far as they exist."""
        if not wanted:
            return []
        table = await self._controls.table(tx)
        statement = select(*_COLUMNS, *features(table)).select_from(_NAMED)
        found = await tx.execute(statement.where(is_among(balance, pairs(tx.dialect, wanted))))
        return await _told(tx, found.all(), table, channel)

    async def movements(
        self,
        tx: Transaction,
        wanted: MovementFilter,
        after: tuple[datetime, UUID] | None,
        size: int,
    ) -> tuple[list[Movement], bool]:
        """The next movements, the oldest first, and whether more follow.

        Fewer than ``size`` when their entries would not fit in a message.
        """
        return await read_movements(tx, wanted, after, size)


async def _told(
    tx: Transaction, rows: Sequence[Any], table: ControlTable, channel: str
) -> list[ToldBalance]:
    now, taken = await tx.now(), {}
    if ControlKind.POOL in table.kinds:
        there = {(row.item_id, row.location_id): row for row in rows}
        taken = await controls_store.taken_at(tx, there, {pair: pair for pair in there})
    terms = terms_of(rows, table)
    return [told(row, terms, now, taken, channel) for row in rows]

"""Balances, entries and movements in the database."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    FromClause,
    Row,
    Select,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    tuple_,
)

from ordermesh.inventory.domain.availability import as_shown
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.ledger import (
    AdjustmentReason,
    Balance,
    Cause,
    Entry,
    Ledger,
)
from ordermesh.inventory.domain.mode import ReservationMode
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
from ordermesh.inventory.store.keys import integers, pairs, texts, uuids
from ordermesh.inventory.store.reservations import returning
from ordermesh.inventory.store.rows import (
    balance_of,
    balance_row,
    cause_of,
    entry_of,
    entry_rows,
    fitting_count,
    movement_row,
)
from ordermesh.inventory.store.tables.feeds import stock_source
from ordermesh.inventory.store.tables.items import item
from ordermesh.inventory.store.tables.ledger import balance, entry, movement
from ordermesh.inventory.store.tables.locations import location
from ordermesh.inventory.wire.feeds import balance_payload
from ordermesh.kernel.ids import Ids
from ordermesh.runtime import feed
from ordermesh.runtime.bulk import insert_rows, update_rows
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.tables import insert_new

TOPIC = "availability"
"""The topic of the feed that holds balances; the sequence of a change is the balance's."""

KEY_SEPARATOR = "\x1f"
"""Between SKU and location in a key of the feed; it cannot occur in either."""

FIGURES = ("on_hand", "reserved", "short", "damaged", "inspection", "missing", "sequence")
"""The figures of a balance, as its columns are called."""

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

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

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
            return Books({}, Terms())
        locked = await tx.execute(_locking(tx, wanted))
        figures = {(row.item_id, row.location_id): balance_of(row) for row in locked}
        # Names and switches by a statement of its own: it sees what was committed while we waited.
        balances: dict[StockKey, Balance] = {}
        off: set[StockKey] = set()
        uncounted: set[StockKey] = set()
        for row in await tx.execute(_naming(tx, figures)):
            key = StockKey(row.sku, row.code)
            names.item_ids[row.sku] = row.item_id
            names.location_ids[row.code] = row.location_id
            balances[key] = figures[row.item_id, row.location_id]
            if row.is_unsellable or row.is_disabled:
                off.add(key)
            if row.reservation_mode == ReservationMode.NONE:
                uncounted.add(key)
        return Books(balances, Terms(frozenset(off), frozenset(uncounted)))

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
        causes = list(dict.fromkeys(made.cause for made in ledger.entries))
        if not causes:
            return {}
        # Sorted, because those of one instant are listed in the order of their ids.
        ids = sorted(self._ids.new() for _ in causes)
        movements = dict(zip(causes, ids, strict=True))
        await insert_rows(
            tx,
            movement,
            [movement_row(id_, cause, documents[cause], now) for cause, id_ in movements.items()],
        )
        await insert_rows(tx, entry, entry_rows(ledger.entries, names, movements))
        changed = ledger.changed()
        await update_rows(
            tx,
            balance,
            ("item_id", "location_id"),
            [balance_row(key, after, names) for key, after in changed.items()],
        )
        changes = [_change(key, after, terms) for key, after in changed.items()]
        await feed.append_all(tx, topic=TOPIC, changes=changes, now=now)
        return movements

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
        wanted = {(row.item_id, row.location_id) for row in found}
        # Locked, so that no change decided under the old switch can follow with an older truth.
        books = await self.lock(tx, wanted, Names())
        await feed.append_all(
            tx,
            topic=TOPIC,
            changes=[_change(key, after, books.terms) for key, after in books.balances.items()],
            now=await tx.now(),
        )

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
        statement = select(*_COLUMNS).select_from(_NAMED)
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
        back = await returning(tx, now, (), {(row.item_id, row.location_id) for row in rows})
        return [_listed(row, back) for row in rows]

    async def stock_of(
        self, tx: Transaction, item_ids: Collection[int], location_ids: Collection[int] | None
    ) -> Sequence[StockRow]:
        """All balances of items by their surrogates; None means at all locations."""
        statement = select(
            balance.c.item_id,
            balance.c.location_id,
            balance.c.on_hand,
            balance.c.reserved,
            balance.c.short,
        ).where(balance.c.item_id.in_(integers(tx.dialect, item_ids)))
        if location_ids is not None:
            places = integers(tx.dialect, location_ids)
            statement = statement.where(balance.c.location_id.in_(places))
        return [StockRow._make(row) for row in await tx.execute(statement)]

    async def told(
        self,
        tx: Transaction,
        skus: Collection[str],
        location_ids: Collection[str],
        after: Pair | None,
        size: int,
    ) -> Sequence[ToldBalance]:
        """The next balances in the order of surrogates; empty collections mean all."""
        statement = select(*_COLUMNS).select_from(_NAMED)
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
        return [_told(row) for row in found]

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
        found = await tx.execute(_chosen(wanted, after).limit(size + 1))
        chosen = found.all()
        counts = await _entry_counts(tx, [row.movement_id for row in chosen[:size]])
        fitting = fitting_count([counts[row.movement_id] for row in chosen[:size]])
        rows = chosen[:fitting]
        entries: dict[UUID, list[Entry]] = defaultdict(list)
        causes = {row.movement_id: cause_of(row) for row in rows}
        for row in await tx.execute(
            select(entry, item.c.sku, location.c.code, stock_source.c.code.label("source_code"))
            .select_from(
                entry.join(item, item.c.item_id == entry.c.item_id)
                .join(location, location.c.location_id == entry.c.location_id)
                .outerjoin(stock_source, stock_source.c.source_id == entry.c.source_id)
            )
            .where(entry.c.movement_id.in_(uuids(tx.dialect, causes)))
            .order_by(item.c.sku, location.c.code, entry.c.sequence)
        ):
            entries[row.movement_id].append(entry_of(row, causes[row.movement_id]))
        read = [
            Movement(
                row.movement_id,
                causes[row.movement_id],
                tuple(entries[row.movement_id]),
                Document(
                    Actor(row.caller, row.on_behalf_of),
                    row.document,
                    row.note,
                    AdjustmentReason(row.reason),
                ),
                row.create_time,
            )
            for row in rows
        ]
        return read, len(chosen) > fitting


async def _entry_counts(tx: Transaction, movement_ids: Collection[UUID]) -> dict[UUID, int]:
    found = await tx.execute(
        select(entry.c.movement_id, func.count().label("entries"))
        .where(entry.c.movement_id.in_(uuids(tx.dialect, movement_ids)))
        .group_by(entry.c.movement_id)
    )
    return {row.movement_id: int(row.entries) for row in found}


def _locking(tx: Transaction, wanted: Collection[Pair]) -> Select[Any]:
    """The one statement that locks: in the order of keys, so that no two can cross."""
    return (
        select(balance)
        .where(tuple_(balance.c.item_id, balance.c.location_id).in_(pairs(tx.dialect, wanted)))
        .order_by(balance.c.item_id, balance.c.location_id)
        .with_for_update(key_share=True)
    )


def _naming(tx: Transaction, wanted: Collection[Pair]) -> Select[Any]:
    rows = pairs(tx.dialect, wanted).subquery()
    return (
        select(
            rows.c.item_id,
            rows.c.location_id,
            item.c.sku,
            item.c.is_unsellable,
            item.c.reservation_mode,
            location.c.code,
            location.c.is_disabled,
        )
        .join(item, item.c.item_id == rows.c.item_id)
        .join(location, location.c.location_id == rows.c.location_id)
    )


def _chosen(wanted: MovementFilter, after: tuple[datetime, UUID] | None) -> Select[Any]:
    statement = select(movement)
    if wanted.reservation_id is not None:
        statement = statement.where(movement.c.reservation_id == wanted.reservation_id)
    if wanted.order_id:
        statement = statement.where(movement.c.order_id == wanted.order_id)
    if wanted.sku or wanted.location_id:
        conditions = [entry.c.movement_id == movement.c.movement_id]
        if wanted.sku:
            id_of = select(item.c.item_id).where(item.c.sku == wanted.sku).scalar_subquery()
            conditions.append(entry.c.item_id == id_of)
        if wanted.location_id:
            place_of = (
                select(location.c.location_id)
                .where(location.c.code == wanted.location_id)
                .scalar_subquery()
            )
            conditions.append(entry.c.location_id == place_of)
        statement = statement.where(exists().where(and_(*conditions)))
    if after is not None:
        instant, movement_id = after
        statement = statement.where(
            movement.c.create_time >= instant,
            or_(movement.c.create_time > instant, movement.c.movement_id > movement_id),
        )
    return statement.order_by(movement.c.create_time, movement.c.movement_id)


def _listed(row: Row[Any], back: Mapping[Pair, int] | None = None) -> BalanceRow:
    return BalanceRow(
        StockKey(row.sku, row.code),
        balance_of(row),
        (back or {}).get((row.item_id, row.location_id), 0),
        row.is_unsellable or row.is_disabled,
        row.reservation_mode == ReservationMode.NONE,
    )


def _told(row: Row[Any]) -> ToldBalance:
    key, figures = StockKey(row.sku, row.code), balance_of(row)
    terms = Terms(frozenset({key}) if row.is_unsellable or row.is_disabled else frozenset())
    shown = as_shown(figures, is_uncounted=row.reservation_mode == ReservationMode.NONE)
    return ToldBalance((row.item_id, row.location_id), key, figures, terms.available(key, shown))


def _change(key: StockKey, after: Balance, terms: Terms) -> feed.NewChange:
    shown = as_shown(after, is_uncounted=key in terms.uncounted)
    return feed.NewChange(
        KEY_SEPARATOR.join(key),
        balance_payload(key, after, terms.available(key, shown)),
        after.sequence,
    )

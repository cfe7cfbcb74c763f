"""Imports in the database, and what a full picture has named so far."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, insert, select, tuple_, update

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.snapshot_import import Absent, ImportState, SnapshotImport
from ordermesh.inventory.domain.stock_feed import Picture, Tally
from ordermesh.inventory.ports.names import Names, Pair
from ordermesh.inventory.store.keys import is_among, pairs, texts
from ordermesh.inventory.store.tables.feeds import (
    snapshot_frame,
    snapshot_import,
    snapshot_key,
    stock_source,
)
from ordermesh.inventory.store.tables.items import item
from ordermesh.inventory.store.tables.ledger import balance
from ordermesh.inventory.store.tables.locations import location
from ordermesh.inventory.store.told import read_tally, written_tally
from ordermesh.runtime.bulk import insert_rows
from ordermesh.runtime.database import Transaction


class SqlImportStore:
    """Imports in tables."""

    async def get(self, tx: Transaction, import_id: UUID) -> SnapshotImport | None:
        """An import, not locked."""
        found = await tx.execute(
            select(snapshot_import, stock_source.c.code)
            .join(stock_source, stock_source.c.source_id == snapshot_import.c.source_id)
            .where(snapshot_import.c.import_id == import_id)
        )
        row = found.one_or_none()
        if row is None:
            return None
        return SnapshotImport(
            import_id=row.import_id,
            source_id=row.code,
            location_ids=tuple(row.location_codes),
            picture=Picture(row.watermark, row.taken),
            absent=Absent(row.absent),
            document=row.document,
            next_frame=row.next_frame,
            tally=read_tally(row.outcomes, row.troubles),
            state=ImportState(row.state),
            create_time=row.create_time,
            update_time=row.update_time,
        )

    async def add(
        self, tx: Transaction, announced: SnapshotImport, names: Names, now: datetime
    ) -> None:
        """Store a new import."""
        await tx.execute(
            insert(snapshot_import).values(
                import_id=announced.import_id,
                source_id=names.source_ids[announced.source_id],
                location_codes=list(announced.location_ids),
                watermark=announced.picture.watermark,
                taken=announced.picture.taken,
                absent=int(announced.absent),
                document=announced.document,
                create_time=now,
                **_progress(announced, now),
            )
        )

    async def save(self, tx: Transaction, one: SnapshotImport, now: datetime) -> None:
        """Note how far it has come."""
        await tx.execute(
            update(snapshot_import)
            .where(snapshot_import.c.import_id == one.import_id)
            .values(**_progress(one, now))
        )

    async def frame(
        self, tx: Transaction, import_id: UUID, frame: int
    ) -> tuple[bytes, Tally] | None:
        """The digest of an applied frame, and what became of its rows."""
        found = await tx.execute(
            select(snapshot_frame).where(
                snapshot_frame.c.import_id == import_id, snapshot_frame.c.frame == frame
            )
        )
        row = found.one_or_none()
        return None if row is None else (row.digest, read_tally(row.outcomes, row.troubles))

    async def add_frame(
        self, tx: Transaction, import_id: UUID, frame: int, digest: bytes, tally: Tally
    ) -> None:
        """Note an applied frame."""
        await tx.execute(
            insert(snapshot_frame).values(
                import_id=import_id, frame=frame, digest=digest, **written_tally(tally)
            )
        )

    async def name_keys(
        self, tx: Transaction, import_id: UUID, pairs: Collection[Pair]
    ) -> set[Pair]:
        """Note that the picture names these keys; gives those that it had named before."""
        known = await _named(tx, import_id, pairs)
        rows = [
            {"import_id": import_id, "item_id": item_id, "location_id": place}
            for item_id, place in sorted(set(pairs) - known)
        ]
        await insert_rows(tx, snapshot_key, rows)
        return known

    async def absent(self, tx: Transaction, one: SnapshotImport, size: int) -> list[StockKey]:
        """Keys with stock at the import's locations that it does not name, so many."""
        is_named = exists().where(
            snapshot_key.c.import_id == one.import_id,
            snapshot_key.c.item_id == balance.c.item_id,
            snapshot_key.c.location_id == balance.c.location_id,
        )
        found = await tx.execute(
            select(item.c.sku, location.c.code)
            .select_from(
                balance.join(item, item.c.item_id == balance.c.item_id).join(
                    location, location.c.location_id == balance.c.location_id
                )
            )
            .where(
                location.c.code.in_(texts(tx.dialect, one.location_ids)),
                balance.c.on_hand > 0,
                ~is_named,
            )
            .limit(size)
        )
        return [StockKey(row.sku, row.code) for row in found]

    async def forget_keys(self, tx: Transaction, import_id: UUID, size: int) -> int:
        """Forget named keys, at most so many; gives how many."""
        columns = (snapshot_key.c.item_id, snapshot_key.c.location_id)
        some = select(*columns).where(snapshot_key.c.import_id == import_id).limit(size)
        result = await tx.execute(
            delete(snapshot_key).where(
                snapshot_key.c.import_id == import_id, tuple_(*columns).in_(some)
            )
        )
        return result.rowcount

    async def forget(self, tx: Transaction, older_than: datetime, size: int) -> int:
        """Forget an import that went on before, at most so many rows of it; gives how many."""
        import_id = await _closed(tx, older_than)
        if import_id is None:
            return 0
        count = await self.forget_keys(tx, import_id, size)
        if count < size:
            some = (
                select(snapshot_frame.c.frame)
                .where(snapshot_frame.c.import_id == import_id)
                .limit(size - count)
            )
            result = await tx.execute(
                delete(snapshot_frame).where(
                    snapshot_frame.c.import_id == import_id, snapshot_frame.c.frame.in_(some)
                )
            )
            count += result.rowcount
        if count < size:
            await tx.execute(
                delete(snapshot_import).where(snapshot_import.c.import_id == import_id)
            )
            count += 1
        return count


async def _closed(tx: Transaction, older_than: datetime) -> UUID | None:
    """An import that went on before, closed under the lock of its source.

    Whoever completes it later would take for absent what is forgotten of it.
    """
    is_old = snapshot_import.c.update_time < older_than
    found = await tx.execute(
        select(snapshot_import.c.import_id, snapshot_import.c.source_id)
        .where(is_old)
        .order_by(snapshot_import.c.update_time)
        .limit(1)
    )
    row = found.one_or_none()
    if row is None:
        return None
    await tx.execute(
        select(stock_source.c.source_id)
        .where(stock_source.c.source_id == row.source_id)
        .with_for_update(key_share=True)
    )
    # It may have gone on while we waited for the lock.
    closed = await tx.execute(
        update(snapshot_import)
        .where(snapshot_import.c.import_id == row.import_id, is_old)
        .values(state=ImportState.CLOSED.value)
    )
    import_id: UUID = row.import_id
    return import_id if closed.rowcount else None


async def _named(tx: Transaction, import_id: UUID, wanted: Collection[Pair]) -> set[Pair]:
    found = await tx.execute(
        select(snapshot_key.c.item_id, snapshot_key.c.location_id).where(
            snapshot_key.c.import_id == import_id,
            is_among(snapshot_key, pairs(tx.dialect, wanted)),
        )
    )
    return {(row.item_id, row.location_id) for row in found}


def _progress(one: SnapshotImport, now: datetime) -> dict[str, Any]:
    return {
        "next_frame": one.next_frame,
        "state": one.state.value,
        "update_time": now,
        **written_tally(one.tally),
    }

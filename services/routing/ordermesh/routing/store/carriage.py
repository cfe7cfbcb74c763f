"""Carriage in SQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, func, insert, select

from ordermesh.routing.ports.carriage import StoredEntry
from ordermesh.routing.store import versions
from ordermesh.routing.store.tables.carriage import carriage
from ordermesh.runtime.database import Transaction

_CHUNK = 500
"""How many rows one statement writes."""


class SqlCarriageStore:
    """Keeps all versions of carriage."""

    async def take_turns(self, tx: Transaction) -> int:
        """Count a change: whoever changes carriage goes one after the other. Gives the count."""
        await versions.changed(tx, versions.CARRIAGE)
        return dict(await versions.versions(tx))[versions.CARRIAGE]

    async def in_force(self, tx: Transaction, revision: int = 0) -> tuple[StoredEntry, ...]:
        """The version of every entry that is, or was at a revision, in force; by kind and id."""
        rows = await tx.execute(_newest(revision).order_by(carriage.c.kind, carriage.c.id))
        return tuple(_entry(row) for row in rows)

    async def get(self, tx: Transaction, kind: str, id_: str, version: int) -> StoredEntry | None:
        """A version of an entry; 0 is the newest."""
        statement = select(carriage).where(carriage.c.kind == kind, carriage.c.id == id_)
        if version:
            statement = statement.where(carriage.c.version == version)
        rows = await tx.execute(statement.order_by(carriage.c.version.desc()).limit(1))
        row = rows.one_or_none()
        return None if row is None else _entry(row)

    async def page(
        self, tx: Transaction, kind: str, after: str, size: int, revision: int = 0
    ) -> list[StoredEntry]:
        """The versions in force of the next entries of a kind after an id."""
        rows = await tx.execute(
            _newest(revision)
            .where(carriage.c.kind == kind, carriage.c.id > after)
            .order_by(carriage.c.id)
            .limit(size)
        )
        return [_entry(row) for row in rows]

    async def add(self, tx: Transaction, entries: Sequence[StoredEntry]) -> None:
        """Keep versions. A twin's number is a key conflict."""
        for start in range(0, len(entries), _CHUNK):
            await tx.execute(
                insert(carriage),
                [
                    {
                        "kind": one.kind,
                        "id": one.id,
                        "version": one.version,
                        "revision": one.revision,
                        "payload": one.payload,
                        "create_time": one.create_time,
                    }
                    for one in entries[start : start + _CHUNK]
                ],
            )


def _newest(revision: int) -> Select[Any]:
    """The newest versions, or those that were it at a revision."""
    names = select(
        carriage.c.kind, carriage.c.id, func.max(carriage.c.version).label("version")
    ).group_by(carriage.c.kind, carriage.c.id)
    if revision:
        names = names.where(carriage.c.revision <= revision)
    highest = names.subquery()
    return select(carriage).join(
        highest,
        (carriage.c.kind == highest.c.kind)
        & (carriage.c.id == highest.c.id)
        & (carriage.c.version == highest.c.version),
    )


def _entry(row: Row[Any]) -> StoredEntry:
    return StoredEntry(row.kind, row.id, row.version, row.payload, row.create_time, row.revision)

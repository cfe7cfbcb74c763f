"""Levels of availability in the database."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select, text, update

from ordermesh.inventory.domain.levels import Level, Standing, Subject
from ordermesh.inventory.ports.levels import Watched
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.store.keys import texts
from ordermesh.inventory.store.tables.items import item
from ordermesh.inventory.store.tables.levels import availability_level, level_watch
from ordermesh.runtime.bulk import update_rows
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.tables import insert_new

_KEY = ("item_id", "channel", "location_code")


class SqlLevelStore:
    """Levels in tables."""

    async def watched(self, tx: Transaction) -> Watched:
        """How far was looked."""
        return await _read(tx, select(level_watch))

    async def lock(self, tx: Transaction) -> Watched:
        """How far was looked; nobody else looks until the commit.

        It begins its transaction, all of which sees one moment: else what came back to a pool
        between two reads would seem to have gone. Locking a table takes no snapshot yet, and what
        others commit before we have the lock is seen.
        """
        if tx.dialect == "postgresql":
            await tx.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            await tx.execute(text("LOCK TABLE level_watch IN SHARE ROW EXCLUSIVE MODE"))
        return await _read(tx, select(level_watch).with_for_update())

    async def note(
        self,
        tx: Transaction,
        *,
        revision: int | None = None,
        control_version: int | None = None,
        look_time: datetime | None = None,
    ) -> None:
        """Remember how far was looked."""
        values = {
            "revision": revision,
            "control_version": control_version,
            "look_time": look_time,
        }
        said = {name: value for name, value in values.items() if value is not None}
        await tx.execute(update(level_watch).values(said))

    async def known(
        self, tx: Transaction, skus: Collection[str], names: Names
    ) -> dict[Subject, Standing]:
        """What was told last of items; their surrogates are noted."""
        found = await tx.execute(
            select(
                item.c.sku,
                item.c.item_id,
                availability_level.c.channel,
                availability_level.c.location_code,
                availability_level.c.level,
                availability_level.c.sequence,
            )
            .select_from(
                item.outerjoin(availability_level, availability_level.c.item_id == item.c.item_id)
            )
            .where(item.c.sku.in_(texts(tx.dialect, skus)))
        )
        known: dict[Subject, Standing] = {}
        for row in found:
            names.item_ids[row.sku] = row.item_id
            if row.channel is not None:
                level = None if row.level is None else Level(row.level)
                subject = Subject(row.sku, row.channel, row.location_code)
                known[subject] = Standing(level, row.sequence)
        return known

    async def save(
        self, tx: Transaction, changed: Mapping[Subject, Standing], names: Names
    ) -> None:
        """Write standings of items whose surrogates are known."""
        rows = [
            {
                "item_id": names.item_ids[subject.sku],
                "channel": subject.channel,
                "location_code": subject.location_id,
                "level": None if standing.level is None else int(standing.level),
                "sequence": standing.sequence,
            }
            for subject, standing in changed.items()
        ]
        if not rows:
            return
        blank = [{**row, "level": None, "sequence": 0} for row in rows]
        await tx.execute(insert_new(availability_level, tx.dialect), blank)
        await update_rows(tx, availability_level, _KEY, rows)


async def _read(tx: Transaction, statement: Select[Any]) -> Watched:
    row: Row[Any] = (await tx.execute(statement)).one()
    return Watched(row.revision, row.control_version, row.look_time)

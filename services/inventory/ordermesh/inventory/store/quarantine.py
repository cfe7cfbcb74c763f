"""Rows in quarantine, in the database."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, or_, select, update

from ordermesh.inventory.domain.key import Actor
from ordermesh.inventory.domain.quarantine import Decision, Quarantined, QuarantineState
from ordermesh.inventory.domain.stock_feed import Delta, Misfit, Picture, Told, Trouble
from ordermesh.inventory.ports.feeds import QuarantineFilter
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.store.keys import uuids
from ordermesh.inventory.store.tables.feeds import quarantined_row, stock_source
from ordermesh.inventory.store.told import read_row, written_row
from ordermesh.kernel.ids import Ids
from ordermesh.runtime.bulk import insert_rows
from ordermesh.runtime.database import Transaction


class SqlQuarantineStore:
    """Rows in a table."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    async def add(
        self, tx: Transaction, rows: Sequence[tuple[Told, Misfit]], names: Names, now: datetime
    ) -> list[UUID]:
        """Keep rows; gives their ids."""
        # Sorted, because those of one instant are listed in the order of their ids.
        ids = sorted(self._ids.new() for _ in rows)
        await insert_rows(
            tx,
            quarantined_row,
            [
                _columns(id_, told, misfit, names, now)
                for id_, (told, misfit) in zip(ids, rows, strict=True)
            ],
        )
        return ids

    async def load(
        self, tx: Transaction, quarantine_ids: Collection[UUID]
    ) -> dict[UUID, Quarantined]:
        """Lock and read rows."""
        found = await tx.execute(
            _reading()
            .where(quarantined_row.c.quarantine_id.in_(uuids(tx.dialect, quarantine_ids)))
            .order_by(quarantined_row.c.quarantine_id)
            .with_for_update(of=quarantined_row)
        )
        return {row.quarantine_id: _quarantined(row) for row in found}

    async def decide(
        self,
        tx: Transaction,
        decisions: Mapping[UUID, Decision],
        actor: Actor,
        note: str,
        now: datetime,
    ) -> None:
        """Note what was decided."""
        for quarantine_id, decision in decisions.items():
            values: dict[str, Any] = {"state": int(decision.state), "note": note}
            values |= {"caller": actor.caller, "on_behalf_of": actor.on_behalf_of}
            if decision.misfit is not None:
                values["reason"] = int(decision.misfit.trouble)
                values["facts"] = dict(decision.misfit.facts)
            else:
                values["decide_time"] = now
            await tx.execute(
                update(quarantined_row)
                .where(quarantined_row.c.quarantine_id == quarantine_id)
                .values(**values)
            )

    async def first_open(self, tx: Transaction, source: int) -> int | None:
        """The lowest number of a change of the source that nobody has decided on."""
        found = await tx.execute(
            select(func.min(quarantined_row.c.source_sequence)).where(
                quarantined_row.c.source_id == source, quarantined_row.c.state == 1
            )
        )
        lowest: int | None = found.scalar_one()
        return lowest

    async def page(
        self,
        tx: Transaction,
        wanted: QuarantineFilter,
        after: tuple[datetime, UUID] | None,
        size: int,
    ) -> list[Quarantined]:
        """The next rows, the oldest first."""
        statement = _reading()
        if wanted.source_id:
            statement = statement.where(stock_source.c.code == wanted.source_id)
        if wanted.import_id is not None:
            statement = statement.where(quarantined_row.c.import_id == wanted.import_id)
        if wanted.reason is not None:
            statement = statement.where(quarantined_row.c.reason == int(wanted.reason))
        if wanted.state is not None:
            statement = statement.where(quarantined_row.c.state == int(wanted.state))
        if after is not None:
            instant, last = after
            statement = statement.where(
                quarantined_row.c.create_time >= instant,
                or_(
                    quarantined_row.c.create_time > instant, quarantined_row.c.quarantine_id > last
                ),
            )
        found = await tx.execute(
            statement.order_by(
                quarantined_row.c.create_time, quarantined_row.c.quarantine_id
            ).limit(size)
        )
        return [_quarantined(row) for row in found]


def _reading() -> Select[Any]:
    return select(quarantined_row, stock_source.c.code).join(
        stock_source, stock_source.c.source_id == quarantined_row.c.source_id
    )


def _columns(
    quarantine_id: UUID, told: Told, misfit: Misfit, names: Names, now: datetime
) -> dict[str, Any]:
    picture = told.picture or Picture(None, None)
    return {
        "quarantine_id": quarantine_id,
        "source_id": names.source_ids[told.source_id],
        "import_id": told.import_id,
        "reason": int(misfit.trouble),
        "facts": dict(misfit.facts),
        "content": written_row(told.row),
        "source_sequence": told.row.source_sequence if isinstance(told.row, Delta) else None,
        "watermark": picture.watermark,
        "taken": picture.taken,
        "is_full": told.is_full,
        "document": told.document,
        "state": int(QuarantineState.OPEN),
        "create_time": now,
        "decide_time": None,
        "caller": "",
        "on_behalf_of": "",
        "note": "",
    }


def _quarantined(row: Row[Any]) -> Quarantined:
    content = read_row(row.content)
    is_delta = isinstance(content, Delta)
    told = Told(
        row.code,
        content,
        None if is_delta else Picture(row.watermark, row.taken),
        row.is_full,
        row.import_id,
        row.document,
    )
    return Quarantined(
        quarantine_id=row.quarantine_id,
        told=told,
        misfit=Misfit(Trouble(row.reason), row.facts),
        state=QuarantineState(row.state),
        create_time=row.create_time,
        decide_time=row.decide_time,
        decided_by=Actor(row.caller, row.on_behalf_of) if row.caller else None,
        note=row.note,
    )

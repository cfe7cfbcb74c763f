"""Runs over open orders in SQL."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, select, update

from ordermesh.routing.ports.runs import RunRecord, Seen
from ordermesh.routing.store.tables.reassignments import reoptimization_run as run
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.tables import insert_new

PRUNE_ROWS = 1_000
"""How many runs one transaction forgets at most."""


class SqlRunStore:
    """Keeps who makes a run, and what it has seen."""

    async def take(
        self, tx: Transaction, run_id: UUID, maker: UUID, *, is_scheduled: bool
    ) -> RunRecord:
        """Make the run from now on, whoever made it before, unless it is begun."""
        new = insert_new(run, tx.dialect).values(
            run_id=run_id,
            maker=maker,
            is_scheduled=is_scheduled,
            is_begun=False,
            seen=None,
            create_time=await tx.now(),
        )
        await tx.execute(new)
        wanted = select(run).where(run.c.run_id == run_id).with_for_update()
        found = (await tx.execute(wanted)).one()
        if not found.is_begun:
            await tx.execute(update(run).where(run.c.run_id == run_id).values(maker=maker))
        return _record(found)

    async def is_made_by(self, tx: Transaction, run_id: UUID, maker: UUID) -> bool:
        """Whether nobody has taken it, until the commit."""
        wanted = select(run.c.maker, run.c.is_begun).where(run.c.run_id == run_id)
        found = (await tx.execute(wanted.with_for_update())).one_or_none()
        return found is not None and found.maker == maker and not found.is_begun

    async def begun(self, tx: Transaction, run_id: UUID, seen: Seen | None) -> None:
        """Nothing is added to what it moves."""
        told = None if seen is None else asdict(seen)
        await tx.execute(update(run).where(run.c.run_id == run_id).values(is_begun=True, seen=told))

    async def get(self, tx: Transaction, run_id: UUID) -> RunRecord | None:
        """How far one has come."""
        found = (await tx.execute(select(run).where(run.c.run_id == run_id))).one_or_none()
        return None if found is None else _record(found)

    async def position(self, tx: Transaction) -> int:
        """Where the next run on schedule begins."""
        last = (
            select(run.c.seen)
            .where(run.c.is_scheduled, run.c.is_begun)
            .order_by(run.c.create_time.desc())
            .limit(1)
        )
        seen = (await tx.execute(last)).scalar_one_or_none()
        return 0 if seen is None else int(seen["next_after"])

    async def prune(self, tx: Transaction, older_than: datetime) -> int:
        """Forget what was made before, at most ``PRUNE_ROWS``; gives how many."""
        old = select(run.c.run_id).where(run.c.create_time < older_than).limit(PRUNE_ROWS)
        return (await tx.execute(delete(run).where(run.c.run_id.in_(old)))).rowcount


def _record(row: Row[Any]) -> RunRecord:
    return RunRecord(row.run_id, row.is_begun, None if row.seen is None else Seen(**row.seen))

"""Decisions and refusals in SQL."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, select

from ordermesh.routing.domain.refusal import Refusal
from ordermesh.routing.ports.stores import ASKED_ONLY, NewDecision, StoredDecision
from ordermesh.routing.store.tables.decisions import decision, decision_record, refusal
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.tables import reply

PRUNE_ROWS = 1_000
"""How many refusals, records or answers one transaction forgets at most."""


class SqlDecisionStore:
    """Keeps decisions, which never change."""

    async def put(self, tx: Transaction, new: NewDecision) -> None:
        """Store a decision."""
        await tx.execute(
            insert(decision).values(
                decision_id=new.decision_id,
                order_id=new.order_id,
                request_id=new.request_id,
                method=new.method,
                outcome=new.outcome,
                create_time=new.create_time,
                payload=new.payload,
            )
        )
        if new.record is not None:
            values = {
                "decision_id": new.decision_id,
                "payload": new.record,
                "create_time": new.create_time,
            }
            await tx.execute(insert(decision_record).values(values))

    async def record(self, tx: Transaction, decision_id: UUID) -> bytes | None:
        """What a decision can be made again from, as it was stored."""
        wanted = decision_record.c.decision_id == decision_id
        rows = await tx.execute(select(decision_record.c.payload).where(wanted))
        return rows.scalar_one_or_none()

    async def get(self, tx: Transaction, decision_id: UUID) -> StoredDecision | None:
        """One decision."""
        rows = await tx.execute(select(decision).where(decision.c.decision_id == decision_id))
        return _stored(rows.one_or_none())

    async def all_of(self, tx: Transaction, order_id: str) -> tuple[StoredDecision, ...]:
        """The decisions of an order, the oldest first."""
        rows = await tx.execute(
            select(decision).where(decision.c.order_id == order_id).order_by(decision.c.number)
        )
        return tuple(StoredDecision(row.number, row.decision_id, row.payload) for row in rows)

    async def asked_by(self, tx: Transaction, request_id: UUID) -> StoredDecision | None:
        """The last decision that a request asked for."""
        rows = await tx.execute(
            select(decision)
            .where(decision.c.request_id == request_id)
            .order_by(decision.c.number.desc())
            .limit(1)
        )
        return _stored(rows.one_or_none())

    async def ids_of(self, tx: Transaction, order_id: str) -> tuple[UUID, ...]:
        """The decisions of an order, the oldest first."""
        rows = await tx.execute(
            select(decision.c.decision_id)
            .where(decision.c.order_id == order_id)
            .order_by(decision.c.number)
        )
        return tuple(rows.scalars())

    async def page(
        self, tx: Transaction, order_id: str, after: int, size: int
    ) -> list[StoredDecision]:
        """The next decisions of an order after a number, the oldest first."""
        rows = await tx.execute(
            select(decision)
            .where(decision.c.order_id == order_id, decision.c.number > after)
            .order_by(decision.c.number)
            .limit(size)
        )
        return [StoredDecision(row.number, row.decision_id, row.payload) for row in rows]

    async def forget(self, tx: Transaction, order_id: str) -> None:
        """Remove the decisions of an order that was never made."""
        ids = select(decision.c.decision_id).where(decision.c.order_id == order_id)
        await tx.execute(delete(decision_record).where(decision_record.c.decision_id.in_(ids)))
        await tx.execute(delete(decision).where(decision.c.order_id == order_id))

    async def withdraw(self, tx: Transaction, decision_ids: Collection[UUID]) -> None:
        """Remove decisions that came to nothing."""
        ids = list(decision_ids)
        await tx.execute(delete(decision_record).where(decision_record.c.decision_id.in_(ids)))
        await tx.execute(delete(decision).where(decision.c.decision_id.in_(ids)))

    async def prune_records(self, tx: Transaction, older_than: datetime) -> int:
        """Forget what decisions of before were made from; gives how many records went.

        The decisions stay.
        """
        old = (
            select(decision_record.c.decision_id)
            .where(decision_record.c.create_time < older_than)
            .limit(PRUNE_ROWS)
        )
        result = await tx.execute(
            delete(decision_record).where(decision_record.c.decision_id.in_(old))
        )
        return result.rowcount

    async def prune_asked(self, tx: Transaction, older_than: datetime) -> int:
        """Forget what was only asked before, with its records; gives how many answers went."""
        old = (
            select(decision.c.decision_id)
            .where(decision.c.order_id == ASKED_ONLY, decision.c.create_time < older_than)
            .order_by(decision.c.number)
            .limit(PRUNE_ROWS)
        )
        found = list((await tx.execute(old)).scalars())
        records = delete(decision_record).where(decision_record.c.decision_id.in_(found))
        await tx.execute(records)
        result = await tx.execute(delete(decision).where(decision.c.decision_id.in_(found)))
        return result.rowcount


class SqlRefusalStore:
    """Keeps refusals that were decided after a request had been stored."""

    async def put(self, tx: Transaction, request_id: UUID, new: Refusal) -> None:
        """Remember why a request was refused."""
        await tx.execute(delete(refusal).where(refusal.c.request_id == request_id))
        await tx.execute(
            insert(refusal).values(
                request_id=request_id,
                kind=new.kind,
                reason=new.reason,
                sentence=new.sentence,
                rows=[dict(row) for row in new.rows],
                create_time=await tx.now(),
            )
        )

    async def get(self, tx: Transaction, request_id: UUID) -> Refusal | None:
        """Why a request was refused; None when it was not."""
        rows = await tx.execute(select(refusal).where(refusal.c.request_id == request_id))
        row = rows.one_or_none()
        if row is None:
            return None
        return Refusal(row.kind, row.reason, row.sentence, tuple(row._mapping["rows"]))

    async def prune(self, tx: Transaction, older_than: datetime) -> int:
        """Forget refusals decided before, at most ``PRUNE_ROWS``; gives how many."""
        old = (
            select(refusal.c.request_id).where(refusal.c.create_time < older_than).limit(PRUNE_ROWS)
        )
        result = await tx.execute(delete(refusal).where(refusal.c.request_id.in_(old)))
        return result.rowcount

    async def forget_reply(self, tx: Transaction, request_id: UUID) -> None:
        """Forget that a request was ever made, so that a retry drives it again."""
        await tx.execute(delete(reply).where(reply.c.request_id == request_id))


def _stored(row: Row[Any] | None) -> StoredDecision | None:
    return None if row is None else StoredDecision(row.number, row.decision_id, row.payload)

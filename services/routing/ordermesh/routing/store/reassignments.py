"""Reassignments in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, delete, insert, select, update

from ordermesh.routing.domain.reoptimizing.moving import LedgerMove
from ordermesh.routing.ports.reassignments import (
    ReassignedOrder,
    Reassignment,
    ReassignmentState,
)
from ordermesh.routing.store.tables.reassignments import reassigned_order, reassignment
from ordermesh.runtime.database import Transaction

PRUNE_ROWS = 1_000
"""How many reassignments one transaction forgets at most."""


class SqlReassignmentStore:
    """Keeps which orders move together."""

    async def put(self, tx: Transaction, new: Reassignment) -> None:
        """Store one that is under way."""
        await tx.execute(
            insert(reassignment).values(
                reassignment_id=new.reassignment_id,
                run_id=new.run_id,
                state=new.state,
                why=new.why,
                currency_code=new.currency_code,
                cost_before=new.cost_before,
                cost_after=new.cost_after,
                charge=new.charge,
                create_time=await tx.now(),
                settle_time=None,
            )
        )
        await tx.execute(
            insert(reassigned_order),
            [
                {
                    "reassignment_id": new.reassignment_id,
                    "order_id": one.order_id,
                    "epoch": one.epoch,
                    "decision_id": one.decision_id,
                    "closing": list(one.closing),
                    "moves": [
                        [
                            str(move.reservation_id),
                            move.line_id,
                            move.sku,
                            move.from_location_id,
                            move.to_location_id,
                            move.quantity,
                        ]
                        for move in one.moves
                    ],
                }
                for one in new.orders
            ],
        )

    async def get(self, tx: Transaction, reassignment_id: UUID) -> Reassignment | None:
        """One with its orders."""
        found = await _found(tx, reassignment.c.reassignment_id == reassignment_id)
        return found[0] if found else None

    async def lock(self, tx: Transaction, reassignment_id: UUID) -> ReassignmentState | None:
        """Keep others from it until the commit; how far it has come."""
        wanted = reassignment.c.reassignment_id == reassignment_id
        rows = await tx.execute(select(reassignment.c.state).where(wanted).with_for_update())
        state = rows.scalar_one_or_none()
        return None if state is None else ReassignmentState(state)

    async def end(
        self, tx: Transaction, reassignment_id: UUID, state: ReassignmentState, why: str
    ) -> None:
        """Say what came of it."""
        await tx.execute(
            update(reassignment)
            .where(reassignment.c.reassignment_id == reassignment_id)
            .values(state=state, why=why, settle_time=await tx.now())
        )

    async def of_run(self, tx: Transaction, run_id: UUID) -> tuple[Reassignment, ...]:
        """All of a run."""
        return await _found(tx, reassignment.c.run_id == run_id)

    async def prune(self, tx: Transaction, older_than: datetime) -> int:
        """Forget what ended before, at most ``PRUNE_ROWS``; gives how many."""
        old = (
            select(reassignment.c.reassignment_id)
            .where(reassignment.c.settle_time < older_than)
            .limit(PRUNE_ROWS)
        )
        found = list((await tx.execute(old)).scalars())
        if not found:
            return 0
        orders = delete(reassigned_order).where(reassigned_order.c.reassignment_id.in_(found))
        await tx.execute(orders)
        gone = delete(reassignment).where(reassignment.c.reassignment_id.in_(found))
        return (await tx.execute(gone)).rowcount


async def _found(tx: Transaction, wanted: ColumnElement[bool]) -> tuple[Reassignment, ...]:
    rows = await tx.execute(
        select(
            reassignment,
            reassigned_order.c.order_id,
            reassigned_order.c.epoch,
            reassigned_order.c.decision_id,
            reassigned_order.c.closing,
            reassigned_order.c.moves,
        )
        .join_from(reassignment, reassigned_order)
        .where(wanted)
        .order_by(reassignment.c.reassignment_id, reassigned_order.c.order_id)
    )
    by_id: dict[UUID, list[Row[Any]]] = {}
    for row in rows:
        by_id.setdefault(row.reassignment_id, []).append(row)
    return tuple(_reassignment(own) for own in by_id.values())


def _reassignment(rows: Sequence[Row[Any]]) -> Reassignment:
    first = rows[0]
    return Reassignment(
        reassignment_id=first.reassignment_id,
        run_id=first.run_id,
        currency_code=first.currency_code,
        cost_before=first.cost_before,
        cost_after=first.cost_after,
        charge=first.charge,
        orders=tuple(
            ReassignedOrder(
                row.order_id,
                row.epoch,
                row.decision_id,
                tuple(row.closing),
                tuple(LedgerMove(UUID(name), *rest) for name, *rest in row.moves),
            )
            for row in rows
        ),
        state=ReassignmentState(first.state),
        why=first.why,
    )

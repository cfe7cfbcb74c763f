"""Locations that are left out for lines of an order, in SQL."""

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.dialects import postgresql, sqlite

from ordermesh.routing.domain.fulfillment import RejectReason
from ordermesh.routing.ports.stores import Exclusion
from ordermesh.routing.store.tables.work import exclusion
from ordermesh.runtime.database import Transaction


async def exclusions_of(tx: Transaction, order_id: str) -> tuple[Exclusion, ...]:
    """The locations that rejected lines of an order and are still left out."""
    found = await tx.execute(
        select(exclusion)
        .where(
            exclusion.c.order_id == order_id,
            or_(exclusion.c.end_time.is_(None), exclusion.c.end_time > await tx.now()),
        )
        .order_by(exclusion.c.location_id, exclusion.c.line_id)
    )
    return tuple(
        Exclusion(row.line_id, row.location_id, RejectReason(row.reason), row.end_time)
        for row in found
    )


async def exclude(
    tx: Transaction, order_id: str, exclusions: Sequence[Exclusion], note: str
) -> None:
    """Leave locations out for lines from now on, as the last one to say so says."""
    now = await tx.now()
    insert = sqlite.insert if tx.dialect == "sqlite" else postgresql.insert
    statement = insert(exclusion)
    told = ("reason", "note", "create_time", "end_time")
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=["order_id", "line_id", "location_id"],
            set_={name: statement.excluded[name] for name in told},
        ),
        [
            {
                "order_id": order_id,
                "line_id": one.line_id,
                "location_id": one.location_id,
                "reason": one.reason,
                "note": note,
                "create_time": now,
                "end_time": one.end_time,
            }
            for one in exclusions
        ],
    )

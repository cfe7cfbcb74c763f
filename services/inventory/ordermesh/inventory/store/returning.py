"""Units that reservations will not keep: of overdue lines, and of those that are left out."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, not_, select, tuple_, union_all

from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.reservation import OPEN, LineState
from ordermesh.inventory.ports.names import Pair
from ordermesh.inventory.store.keys import pairs, uuids
from ordermesh.inventory.store.tables.reservations import line
from ordermesh.runtime.database import Transaction

_OPEN = [int(state) for state in sorted(OPEN)]


async def returning(
    tx: Transaction,
    now: datetime,
    excluding: Collection[UUID],
    wanted: Collection[Pair] | None,
) -> dict[Pair, int]:
    """Units of overdue lines, and of open lines of ``excluding``, by key."""
    found = await tx.execute(_returning(tx, now, excluding, wanted))
    return {(row.item_id, row.location_id): int(row.units) for row in found}


def _returning(
    tx: Transaction,
    now: datetime,
    excluding: Collection[UUID],
    wanted: Collection[Pair] | None,
) -> Select[Any]:
    """Units by surrogates. Two questions, because each has an index of its own.

    Lines that wait for supply hold no units.
    """
    columns = (line.c.item_id, line.c.location_id, line.c.quantity)
    overdue = and_(line.c.state == int(LineState.HELD), line.c.expire_time <= now)
    held = and_(line.c.mode == int(ReservationMode.RESERVE), line.c.supply_id.is_(None))
    statements = [select(*columns).where(overdue, held)]
    if excluding:
        named = select(*columns).where(
            line.c.reservation_id.in_(uuids(tx.dialect, excluding)),
            line.c.state.in_(_OPEN),
            held,
            not_(and_(line.c.expire_time.is_not(None), overdue)),
        )
        statements.append(named)
    rows = union_all(*statements).subquery()
    summed = select(
        rows.c.item_id, rows.c.location_id, func.sum(rows.c.quantity).label("units")
    ).group_by(rows.c.item_id, rows.c.location_id)
    if wanted is not None:
        key = tuple_(rows.c.item_id, rows.c.location_id)
        summed = summed.where(key.in_(pairs(tx.dialect, wanted)))
    return summed

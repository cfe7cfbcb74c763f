"""Open holds of shoppers and callers, counted by the database."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select

from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.quotas import Hold
from ordermesh.inventory.domain.reservation import LineState
from ordermesh.inventory.store.keys import texts
from ordermesh.inventory.store.tables.items import item
from ordermesh.inventory.store.tables.reservations import line, reservation
from ordermesh.runtime.database import Transaction

_LINES = line.join(reservation, reservation.c.reservation_id == line.c.reservation_id)


class SqlHoldStore:
    """Lines that are held and not overdue, with the headers of their reservations."""

    async def of_customers(
        self, tx: Transaction, customers: Collection[str], now: datetime
    ) -> list[Hold]:
        """What shoppers hold. They are locked before, so that nobody else adds to it."""
        if not customers:
            return []
        found = await tx.execute(
            select(
                line.c.reservation_id,
                reservation.c.customer,
                item.c.sku,
                func.sum(line.c.quantity).label("units"),
            )
            .select_from(_LINES.join(item, item.c.item_id == line.c.item_id))
            .where(
                reservation.c.customer != "",
                reservation.c.customer.in_(texts(tx.dialect, customers)),
                _is_held(now),
            )
            .group_by(line.c.reservation_id, reservation.c.customer, item.c.sku)
        )
        return [Hold(row.reservation_id, row.customer, row.sku, int(row.units)) for row in found]

    async def of_callers(
        self, tx: Transaction, callers: Collection[str], now: datetime
    ) -> dict[str, int]:
        """How many reservations callers hold. It may be exceeded by what is decided meanwhile."""
        if not callers:
            return {}
        found = await tx.execute(
            select(reservation.c.owner, func.count(line.c.reservation_id.distinct()).label("holds"))
            .select_from(_LINES)
            .where(_is_held(now), reservation.c.owner.in_(texts(tx.dialect, callers)))
            .group_by(reservation.c.owner)
        )
        return {row.owner: int(row.holds) for row in found}


def _is_held(now: datetime) -> ColumnElement[bool]:
    return and_(
        line.c.state == int(LineState.HELD),
        line.c.expire_time > now,
        line.c.mode == int(ReservationMode.RESERVE),
    )

"""What the orders of before asked for, in SQL."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from ordermesh.routing.domain.foresight.demand import Asked
from ordermesh.routing.store.tables.orders import customer_order, order_component, order_line
from ordermesh.runtime.database import Transaction

ORDERS_BACK = 500_000
"""Older orders than so many are not looked at: the numbers of orders find the newest at once."""


class SqlDemandStore:
    """Reads orders and their lines."""

    async def asked(self, tx: Transaction, since: datetime, size: int) -> tuple[Asked, ...]:
        """What the newest orders since then asked for, so many lines at most.

        A kit asks for its components.
        """
        floor = await _floor(tx)
        order, line, part = customer_order.c, order_line.c, order_component.c
        parts = (
            select(part.order_id, part.line_number, part.sku, part.quantity)
            .join(customer_order, order.order_id == part.order_id)
            .where(order.number > floor, order.order_time >= since)
        )
        components: dict[tuple[str, int], list[tuple[str, int]]] = {}
        for row in await tx.execute(parts):
            key = (row.order_id, row.line_number)
            components.setdefault(key, []).append((row.sku, row.quantity))
        lines = (
            select(
                order.number.label("order_number"),
                order.order_time,
                order.order_id,
                line.number.label("line_number"),
                line.sku,
                line.quantity,
            )
            .join(order_line, order.order_id == line.order_id)
            .where(order.number > floor, order.order_time >= since)
            .order_by(order.number.desc(), line.number)
            .limit(size)
        )
        found: list[Asked] = []
        for row in await tx.execute(lines):
            key = (row.order_id, row.line_number)
            own = components.get(key, [(row.sku, 1)])
            found.extend(
                Asked(row.order_number, sku, row.quantity * units, row.order_time)
                for sku, units in own
            )
        return tuple(found)

    async def newest(self, tx: Transaction, since: datetime, size: int) -> Sequence[str]:
        """The newest orders since then, the newest first."""
        of = customer_order.c
        rows = await tx.execute(
            select(of.order_id)
            .where(of.number > await _floor(tx), of.order_time >= since)
            .order_by(of.number.desc())
            .limit(size)
        )
        return tuple(rows.scalars())


async def _floor(tx: Transaction) -> int:
    highest = await tx.execute(select(func.coalesce(func.max(customer_order.c.number), 0)))
    return int(highest.scalar_one()) - ORDERS_BACK

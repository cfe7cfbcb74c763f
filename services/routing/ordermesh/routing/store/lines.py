"""Lines of orders in SQL."""

from collections.abc import Sequence

from sqlalchemy import and_, bindparam, select, update

from ordermesh.routing.domain.order import Order, OrderLine
from ordermesh.routing.store import rows
from ordermesh.routing.store.tables.orders import order_component, order_line
from ordermesh.runtime.database import Transaction

_COUNT_LINES = (
    update(order_line)
    .where(order_line.c.order_id == bindparam("of_order"), order_line.c.number == bindparam("at"))
    .values(
        {
            name: bindparam(name)
            for name in (
                "sourced",
                "shipped",
                "cancelled",
                "unfilled",
                "unfilled_reason",
                "unfilled_facts",
            )
        }
    )
)

# Asked with every order, so built once.
_LINES = (
    select(
        order_line,
        order_component.c.sku.label("component_sku"),
        order_component.c.quantity.label("component_quantity"),
        order_component.c.share_amount,
    )
    .select_from(
        order_line.outerjoin(
            order_component,
            and_(
                order_component.c.order_id == order_line.c.order_id,
                order_component.c.line_number == order_line.c.number,
            ),
        )
    )
    .where(order_line.c.order_id.in_(bindparam("of_orders", expanding=True)))
    .order_by(order_line.c.order_id, order_line.c.number, order_component.c.number)
)


async def lines_of(tx: Transaction, order_ids: Sequence[str]) -> dict[str, tuple[OrderLine, ...]]:
    """The lines of each order with their components, in their order."""
    return rows.lines(await tx.execute(_LINES, {"of_orders": list(order_ids)}))


async def save_lines(tx: Transaction, before: Order, after: Order) -> None:
    """Write the counts of the lines where they are different."""
    pairs = zip(before.lines, after.lines, strict=True)
    different = [
        {"of_order": after.order_id, "at": number, **rows.counts(new)}
        for number, (old, new) in enumerate(pairs)
        if rows.counts(old) != rows.counts(new)
    ]
    if different:
        await tx.execute(_COUNT_LINES, different)

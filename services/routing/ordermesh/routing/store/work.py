"""The work of locations in SQL."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, bindparam, delete, insert, select, update

from ordermesh.routing.domain.fulfillment import FulfillmentOrder, FulfillmentState
from ordermesh.routing.ports.stores import WorkRow
from ordermesh.routing.store import rows
from ordermesh.routing.store.capacity import SqlCapacityStore
from ordermesh.routing.store.tables.work import fulfillment_line, fulfillment_order
from ordermesh.runtime.database import Transaction

_HOLD_LINES = (
    update(fulfillment_line)
    .where(
        fulfillment_line.c.fulfillment_order_id == bindparam("of_work"),
        fulfillment_line.c.number == bindparam("at"),
    )
    .values(reservation_id=bindparam("by_reservation"), held=bindparam("units"))
)


WITH_LINES = (
    select(
        fulfillment_order,
        fulfillment_line.c.line_id,
        fulfillment_line.c.sku,
        fulfillment_line.c.quantity,
        fulfillment_line.c.reservation_id,
        fulfillment_line.c.held,
        fulfillment_line.c.instead_of,
        fulfillment_line.c.units_each,
        fulfillment_line.c.brought_by,
        fulfillment_line.c.ordered_price_currency,
        fulfillment_line.c.ordered_price_amount,
    )
    .select_from(fulfillment_order.join(fulfillment_line))
    .order_by(fulfillment_order.c.number, fulfillment_line.c.number)
)
"""All work with its lines beside it, the oldest first."""


async def listed_work(
    tx: Transaction, statement: Select[Any], values: Mapping[str, Any]
) -> list[WorkRow]:
    """The work that a statement made from ``WITH_LINES`` finds."""
    found = rows.works(await tx.execute(statement, values))
    return [WorkRow(number, work) for number, work in found.items()]


async def save_work(
    tx: Transaction, before: Sequence[FulfillmentOrder], after: Sequence[FulfillmentOrder]
) -> None:
    """Write the work that is new, gone or different."""
    known = {one.fulfillment_order_id: one for one in before}
    left = {one.fulfillment_order_id for one in after}
    gone = [name for name in known if name not in left]
    if gone:
        await tx.execute(
            delete(fulfillment_order).where(fulfillment_order.c.fulfillment_order_id.in_(gone))
        )
    new = [one for one in after if one.fulfillment_order_id not in known]
    if new:
        await tx.execute(insert(fulfillment_order), [rows.work_values(one) for one in new])
        await tx.execute(
            insert(fulfillment_line), [row for one in new for row in rows.work_line_values(one)]
        )
    for one in after:
        old = known.get(one.fulfillment_order_id)
        if old is None or old == one:
            continue
        values = rows.changed(rows.work_values(old), rows.work_values(one))
        if values:
            await tx.execute(
                update(fulfillment_order)
                .where(fulfillment_order.c.fulfillment_order_id == one.fulfillment_order_id)
                .values(values)
            )
        lines = [
            {
                "of_work": line["fulfillment_order_id"],
                "at": line["number"],
                "by_reservation": line["reservation_id"],
                "units": line["held"],
            }
            for old_line, line in zip(
                rows.work_line_values(old), rows.work_line_values(one), strict=True
            )
            if line != old_line
        ]
        if lines:
            await tx.execute(_HOLD_LINES, lines)


async def settle_capacity(
    tx: Transaction, before: Sequence[FulfillmentOrder], after: Sequence[FulfillmentOrder]
) -> None:
    """Confirm the capacity of work that locations have now; release that of work that is gone."""
    known = {one.fulfillment_order_id: one for one in before}
    still = {one.capacity_hold_id for one in after}
    released = [one.capacity_hold_id for one in before if one.capacity_hold_id not in still]
    begun = [
        one.capacity_hold_id
        for one in after
        if one.state is not FulfillmentState.PLANNED
        and (old := known.get(one.fulfillment_order_id)) is not None
        and old.state is FulfillmentState.PLANNED
    ]
    capacity = SqlCapacityStore()
    await capacity.confirm_own(tx, [one for one in begun if one is not None])
    await capacity.release(tx, [one for one in released if one is not None])

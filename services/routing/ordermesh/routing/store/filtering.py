"""Which orders a filter lets pass, in SQL."""

from sqlalchemy import ColumnElement, literal_column

from ordermesh.routing.ports.stores import OrderFilter
from ordermesh.routing.store.tables.orders import customer_order

_IS_QUEUED = customer_order.c.queue != literal_column("''")
_IS_HELD: ColumnElement[bool] = literal_column("customer_order.is_held")
"""Said as the indexes of queues and of holds say it, so that databases see that they serve."""


def conditions_of(wanted: OrderFilter) -> list[ColumnElement[bool]]:
    """All that must hold of an order."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.state is not None:
        conditions.append(customer_order.c.state == wanted.state)
    if wanted.channel:
        conditions.append(customer_order.c.channel == wanted.channel)
    if wanted.queue:
        conditions += [customer_order.c.queue == wanted.queue, _IS_QUEUED]
    if wanted.is_held:
        conditions.append(_IS_HELD)
    return conditions

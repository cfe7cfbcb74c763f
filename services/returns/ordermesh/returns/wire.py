"""Events of routing to what has left, and what has left to replies."""

from collections.abc import Iterable

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.api.returns.v1 import GetReturnableResponse, ReturnableLine
from ordermesh.api.routing.v1 import FulfillmentOrderShipped
from ordermesh.returns.domain.returnable import Returnable, ShippedLine, shipped_lines
from ordermesh.runtime.payload import payload_of

SHIPPED = "ordermesh.fulfillment_order.shipped.v1"
"""The type of the events that say that goods left a location."""


def what_left(event: EventEnvelope) -> list[ShippedLine]:
    """What left, of an event of type ``SHIPPED``.

    Raises ``InvalidFields`` when its payload is no ``FulfillmentOrderShipped``.
    """
    work = payload_of(event, FulfillmentOrderShipped).fulfillment_order
    return shipped_lines(
        work.order_id,
        work.fulfillment_order_id,
        ((line.line_id, line.sku, line.quantity) for line in work.lines),
    )


def returnable_message(lines: Iterable[Returnable]) -> GetReturnableResponse:
    """What of an order can come back."""
    return GetReturnableResponse(
        lines=[
            ReturnableLine(
                line_id=line.line_id, sku=line.sku, shipped_quantity=line.shipped_quantity
            )
            for line in lines
        ]
    )

"""Shipments, as routing tells them."""

from typing import Any

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.api.routing.v1 import FulfillmentLine, FulfillmentOrder, FulfillmentOrderShipped
from tests.events import event


def instead(line_id: str, sku: str, quantity: int, **fields: Any) -> FulfillmentLine:
    """Units that leave instead of what was ordered: two for one of it."""
    return FulfillmentLine(
        **{
            "line_id": line_id,
            "sku": sku,
            "quantity": quantity,
            "instead_of_sku": "JUG-1",
            "units_each": 2,
            **fields,
        }
    )


def shipped(
    number: int, *lines: tuple[str, str, int] | FulfillmentLine, order_id: str = "A-1001"
) -> EventEnvelope:
    """The shipment with this number of an order: order line, item and units."""
    work = FulfillmentOrder(
        fulfillment_order_id=f"{order_id}-F{number}",
        order_id=order_id,
        location_id="DC-CHI",
        lines=[
            one
            if isinstance(one, FulfillmentLine)
            else FulfillmentLine(line_id=one[0], sku=one[1], quantity=one[2])
            for one in lines
        ],
    )
    return event(
        "ordermesh.fulfillment_order.shipped.v1",
        FulfillmentOrderShipped(fulfillment_order=work),
        order_id=order_id,
        sequence=number,
    )

"""Shipments, as routing tells them."""

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.api.routing.v1 import FulfillmentLine, FulfillmentOrder, FulfillmentOrderShipped
from tests.events import event


def shipped(number: int, *lines: tuple[str, str, int], order_id: str = "A-1001") -> EventEnvelope:
    """The shipment with this number of an order: order line, item and units."""
    work = FulfillmentOrder(
        fulfillment_order_id=f"{order_id}-F{number}",
        order_id=order_id,
        location_id="DC-CHI",
        lines=[
            FulfillmentLine(line_id=line_id, sku=sku, quantity=quantity)
            for line_id, sku, quantity in lines
        ],
    )
    return event(
        "ordermesh.fulfillment_order.shipped.v1",
        FulfillmentOrderShipped(fulfillment_order=work),
        order_id=order_id,
        sequence=number,
    )

"""The story of one order, as routing tells it."""

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.api.routing import v1
from tests.events import event


def order(order_id: str = "A-1001", **line: int | str) -> v1.Order:
    """An order of three mugs; the fields of its line are as given."""
    return v1.Order(order_id=order_id, lines=[_line(line)])


def _line(fields: dict[str, int | str]) -> v1.OrderLine:
    line = v1.OrderLine(line_id="1", sku="MUG-7", quantity=3)
    for name, value in fields.items():
        setattr(line, name, value)
    return line


def work(
    location_id: str, units: int, *carriers: str, order_id: str = "A-1001"
) -> v1.FulfillmentOrder:
    """The work of a location; each carrier took one parcel."""
    return v1.FulfillmentOrder(
        fulfillment_order_id=f"F-{location_id}",
        order_id=order_id,
        location_id=location_id,
        lines=[v1.FulfillmentLine(line_id="1", sku="MUG-7", quantity=units)],
        parcels=[v1.Parcel(carrier=carrier, tracking_number="1Z999") for carrier in carriers],
    )


def received(order_id: str = "A-1001", sequence: int = 1) -> EventEnvelope:
    """The first thing that is told of an order."""
    payload = v1.OrderReceived(order=order(order_id))
    return event("ordermesh.order.received.v1", payload, order_id=order_id, sequence=sequence)


def story() -> list[EventEnvelope]:
    """An order of three mugs that is sent from two places."""
    chicago, store = work("DC-CHI", 2, "UPS"), work("STORE-12", 1, "UPS")
    sourced = v1.OrderSourced(order=order(), fulfillment_orders=[chicago, store])
    told = [
        ("order.received", v1.OrderReceived(order=order())),
        ("order.sourced", sourced),
        ("fulfillment_order.accepted", v1.FulfillmentOrderAccepted(fulfillment_order=chicago)),
        ("fulfillment_order.shipped", v1.FulfillmentOrderShipped(fulfillment_order=chicago)),
        ("fulfillment_order.shipped", v1.FulfillmentOrderShipped(fulfillment_order=store)),
        ("order.fulfilled", v1.OrderFulfilled(order=order(shipped_quantity=3))),
    ]
    return [
        event(f"ordermesh.{kind}.v1", payload, sequence=number)
        for number, (kind, payload) in enumerate(told, start=1)
    ]


SENTENCES = [
    "The order was received: 3 units.",
    "The order comes in 2 shipments from DC-CHI and STORE-12.",
    "DC-CHI prepares 2 units.",
    "2 units left DC-CHI in 1 parcel with UPS.",
    "1 unit left STORE-12 in 1 parcel with UPS.",
    "The order is complete: 3 units shipped.",
]
"""What a customer reads of the story."""

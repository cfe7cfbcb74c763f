"""Events: those of routing that are heard, and those of returns that are told."""

from collections import Counter
from collections.abc import Iterable

from google.protobuf.message import Message

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.api.returns import v1
from ordermesh.api.routing.v1 import FulfillmentLine, FulfillmentOrderShipped
from ordermesh.kernel.money import from_units_and_nanos
from ordermesh.returns.domain import event as events
from ordermesh.returns.domain.order_return import DisposedUnits, Disposition, Price, Return
from ordermesh.returns.domain.returnable import ShippedLine, shipped_lines
from ordermesh.returns.wire.fitting import told_part
from ordermesh.returns.wire.messages import (
    disposition_value,
    receipt_message,
    refund_message,
    return_message,
)
from ordermesh.runtime.outbox import Event
from ordermesh.runtime.payload import payload_of

SHIPPED = "ordermesh.fulfillment_order.shipped.v1"
"""The type of the events that say that goods left a location."""

AGGREGATE = "return"
"""The kind of thing that all of the service's events are about."""


def what_left(event: EventEnvelope) -> list[ShippedLine]:
    """What left, of an event of type ``SHIPPED``.

    Raises ``InvalidFields`` when its payload is no ``FulfillmentOrderShipped``.
    """
    work = payload_of(event, FulfillmentOrderShipped).fulfillment_order
    if work.hub_location_id:
        # It leaves for the customer with what is brought together there.
        return []
    return shipped_lines(
        work.order_id,
        work.fulfillment_order_id,
        ((line.line_id, line.sku, line.quantity, _paid(line)) for line in work.lines),
        event.sequence,
    )


def _paid(line: FulfillmentLine) -> Price | None:
    """What was paid for a substitute; None also where the work does not tell it."""
    if not line.HasField("ordered_unit_price"):
        return None
    price = line.ordered_unit_price
    amount = from_units_and_nanos(price.units, price.nanos)
    return Price(price.currency_code, amount, line.units_each or 1)


def return_event(event: events.Event, one: Return, sequence: int) -> Event:
    """The event as it is published, number ``sequence`` of its return."""
    kind, payload = _payload(event, one)
    return Event(
        type=kind,
        aggregate_type=AGGREGATE,
        aggregate_id=one.return_id,
        sequence=sequence,
        payload=payload,
        order_id=one.order_id,
    )


def _payload(event: events.Event, one: Return) -> tuple[str, Message]:
    told = return_message(told_part(one))
    match event:
        case events.Authorized():
            return "ordermesh.return.authorized.v1", v1.ReturnAuthorized(order_return=told)
        case events.Received(receipt):
            received = v1.ReturnReceived(order_return=told, receipt=receipt_message(receipt))
            return "ordermesh.return.received.v1", received
        case events.Completed():
            return "ordermesh.return.completed.v1", v1.ReturnCompleted(order_return=told)
        case events.Cancelled():
            return "ordermesh.return.cancelled.v1", v1.ReturnCancelled(order_return=told)
        case events.RefundDue(refund):
            due = v1.RefundDue(order_return=told, refund=refund_message(refund))
            return "ordermesh.refund.due.v1", due
        case events.Disposed(units):
            disposed = v1.StockDisposed(order_return=told, units=_disposed(units))
            return "ordermesh.return.disposed.v1", disposed


def _disposed(units: Iterable[DisposedUnits]) -> list[v1.DisposedUnits]:
    """The units as they were decided about, wherever they lay."""
    total: Counter[tuple[str, str, Disposition]] = Counter()
    for part in units:
        total[part.line_id, part.sku, part.disposition] += part.quantity
    return [
        v1.DisposedUnits(
            line_id=line_id, sku=sku, quantity=quantity, disposition=disposition_value(disposition)
        )
        for (line_id, sku, disposition), quantity in total.items()
    ]

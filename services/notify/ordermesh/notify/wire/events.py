"""Events that are heard, as entries, notices and recipients; and those that notify tells."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.message import Message

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.api.notify import v1
from ordermesh.api.returns import v1 as returns
from ordermesh.api.routing import v1 as routing
from ordermesh.kernel.money import from_units_and_nanos
from ordermesh.notify.domain.happening import sentence
from ordermesh.notify.domain.notice import Amount, Facts, Notice, NoticeKind, Parcel, Units
from ordermesh.notify.domain.notification import Notification, NotificationState
from ordermesh.notify.domain.recipient import Recipient
from ordermesh.notify.domain.timeline import Entry, Place
from ordermesh.notify.wire.happenings import EVENT_TYPES, told
from ordermesh.notify.wire.notifications import notification_message
from ordermesh.runtime.outbox import Event
from ordermesh.runtime.payload import payload_of
from ordermesh.runtime.validation import FieldViolation, InvalidFields

__all__ = ["EVENT_TYPES", "SOURCE", "entry", "notice_of", "notification_event", "recipient_of"]

SOURCE = "notify"
"""Who tells the service's own events."""

AGGREGATE = "notification"


def entry(event: EventEnvelope) -> Entry:
    """The entry that an event becomes.

    Raises ``InvalidFields`` when its payload or its time is none that can be, ``KeyError`` when
    its type is none of ``EVENT_TYPES``.
    """
    order_id, happening = told(event)
    return Entry(
        order_id=order_id,
        place=Place(
            event_time=_instant(event),
            sequence=event.sequence,
            event_id=UUID(event.event_id),
        ),
        event_type=event.type,
        source=event.source,
        sentence=sentence(happening),
    )


def recipient_of(event: EventEnvelope) -> Recipient | None:
    """Whom the order is for, as far as the event says; None when it says nothing."""
    name = ""
    if event.type == "ordermesh.order.received.v1":
        name = payload_of(event, routing.OrderReceived).order.channel_order_id
    elif event.type == "ordermesh.order.sourced.v1":
        name = payload_of(event, routing.OrderSourced).order.channel_order_id
    if not event.order_id or not (name or event.HasField("contact")):
        return None
    whom = event.contact
    return Recipient(event.order_id, name, whom.name, whom.email, whom.language)


def notice_of(event: EventEnvelope) -> Notice | None:
    """The notice that an event asks for; None when customers are not told of such events."""
    read = _NOTICES.get(event.type)
    if read is None:
        return None
    found = read(event)
    if found is None:
        return None
    kind, subject_id, facts = found
    return Notice(
        order_id=event.order_id,
        kind=kind,
        subject_id=subject_id,
        facts=facts,
        event_id=UUID(event.event_id),
        event_time=_instant(event),
    )


def notification_event(one: Notification) -> Event:
    """What is told of a notification in a final state."""
    message = notification_message(one)
    payload: Message
    if one.state is NotificationState.SENT:
        kind, payload = "sent", v1.NotificationSent(notification=message)
    elif one.state is NotificationState.DEAD:
        kind, payload = "dead", v1.NotificationDead(notification=message)
    else:
        kind, payload = "dropped", v1.NotificationDropped(notification=message)
    types = {
        "sent": "ordermesh.notification.sent.v1",
        "dead": "ordermesh.notification.dead.v1",
        "dropped": "ordermesh.notification.dropped.v1",
    }
    return Event(
        type=types[kind],
        aggregate_type=AGGREGATE,
        aggregate_id=str(one.notification_id),
        sequence=one.event_sequence,
        payload=payload,
        order_id=one.order_id,
    )


Found = tuple[NoticeKind, str, Facts]
"""What is told, what it is about, and the facts."""


def _confirmed(event: EventEnvelope) -> Found | None:
    payload = payload_of(event, routing.OrderSourced)
    lines = payload.order.lines
    sent = [(line.sku, line.sourced_quantity) for line in lines]
    if not any(quantity for _, quantity in sent):
        return None
    facts = Facts(
        units=_units(sent),
        missing=_units((line.sku, line.unfilled_quantity) for line in lines),
        shipments=sum(not work.hub_location_id for work in payload.fulfillment_orders),
    )
    # Once for an order, however often it is sourced again.
    return NoticeKind.ORDER_CONFIRMED, payload.order.order_id, facts


def _unfillable(event: EventEnvelope) -> Found:
    order = payload_of(event, routing.OrderUnfillable).order
    facts = Facts(missing=_units((line.sku, line.quantity) for line in order.lines))
    return NoticeKind.CANNOT_BE_FILLED, order.order_id, facts


def _shipped(event: EventEnvelope) -> Found | None:
    work = payload_of(event, routing.FulfillmentOrderShipped).fulfillment_order
    if work.hub_location_id:
        # It leaves for the customer with what is brought together there.
        return None
    return NoticeKind.SHIPPED, work.fulfillment_order_id, _of_work(work)


def _delivered(event: EventEnvelope) -> Found | None:
    work = payload_of(event, routing.FulfillmentOrderDelivered).fulfillment_order
    if work.hub_location_id:
        return None
    return NoticeKind.DELIVERED, work.fulfillment_order_id, _of_work(work)


def _of_work(work: routing.FulfillmentOrder) -> Facts:
    return Facts(
        units=_units((line.sku, line.quantity) for line in work.lines),
        parcels=tuple(Parcel(one.carrier, one.tracking_number) for one in work.parcels),
    )


def _returned(event: EventEnvelope) -> Found:
    payload = payload_of(event, returns.ReturnReceived)
    facts = Facts(
        units=_units((part.sku, part.quantity) for part in payload.receipt.units),
        return_id=payload.order_return.return_id,
    )
    subject = f"{payload.order_return.return_id}/{payload.receipt.number}"
    return NoticeKind.RETURN_RECEIVED, subject, facts


def _refund(event: EventEnvelope) -> Found:
    payload = payload_of(event, returns.RefundDue)
    refund = payload.refund
    amount = None
    if refund.HasField("amount"):
        due = refund.amount
        amount = Amount(due.currency_code, from_units_and_nanos(due.units, due.nanos))
    facts = Facts(
        units=_units((part.sku, part.quantity) for part in refund.units),
        return_id=payload.order_return.return_id,
        refund=amount,
    )
    return NoticeKind.REFUND_DUE, refund.refund_id, facts


def _units(pairs: Iterable[tuple[str, int]]) -> tuple[Units, ...]:
    """The units by item, those of none left out."""
    total: dict[str, int] = {}
    for sku, quantity in pairs:
        total[sku] = total.get(sku, 0) + quantity
    return tuple(Units(sku, quantity) for sku, quantity in total.items() if quantity)


def _instant(event: EventEnvelope) -> datetime:
    try:
        return event.event_time.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        words = "no instant of the years 1 to 9999"
        violation = FieldViolation(field="event_time", description=words, rule="timestamp")
        raise InvalidFields(f"event_time: {words}.", violation) from error


_NOTICES: Mapping[str, Callable[[EventEnvelope], Found | None]] = {
    "ordermesh.order.sourced.v1": _confirmed,
    "ordermesh.order.unfillable.v1": _unfillable,
    "ordermesh.fulfillment_order.shipped.v1": _shipped,
    "ordermesh.fulfillment_order.delivered.v1": _delivered,
    "ordermesh.return.received.v1": _returned,
    "ordermesh.refund.due.v1": _refund,
}

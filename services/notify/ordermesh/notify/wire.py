"""Events of the mesh to entries of a timeline, and timelines to replies."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from google.protobuf.message import Message

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.api.notify.v1 import GetTimelineRequest, GetTimelineResponse, TimelineEntry
from ordermesh.api.routing import v1 as routing
from ordermesh.notify.domain import happening as happenings
from ordermesh.notify.domain.happening import Happening, sentence
from ordermesh.notify.domain.timeline import Entry, Place
from ordermesh.runtime.pages import InvalidPageToken, page_token, place
from ordermesh.runtime.payload import payload_of

M = TypeVar("M", bound=Message)

Told = tuple[str, Happening]
"""An order's id, and what happened to it."""


def entry(event: EventEnvelope) -> Entry:
    """The entry that an event becomes.

    Raises ``InvalidFields`` when its payload is not what its type says, ``KeyError`` when its type
    is none of ``EVENT_TYPES``.
    """
    order_id, happening = _READERS[event.type](event)
    return Entry(
        order_id=order_id,
        place=Place(
            event_time=event.event_time.ToDatetime(tzinfo=UTC),
            sequence=event.sequence,
            event_id=UUID(event.event_id),
        ),
        event_type=event.type,
        source=event.source,
        sentence=sentence(happening),
    )


def timeline_message(
    request: GetTimelineRequest, entries: Sequence[Entry], *, has_more: bool
) -> GetTimelineResponse:
    """A page of a timeline."""
    return GetTimelineResponse(
        entries=[_entry_message(one) for one in entries],
        next_page_token=_token(request, entries[-1].place) if has_more else "",
    )


def page_place(request: GetTimelineRequest) -> Place | None:
    """The place after which the page begins; None at the beginning.

    Raises ``InvalidPageToken``.
    """
    parts = place(request, request.page_token, str, int, str)
    if parts is None:
        return None
    event_time, sequence, event_id = parts
    try:
        return Place(datetime.fromisoformat(str(event_time)), int(sequence), UUID(str(event_id)))
    except ValueError as error:
        raise InvalidPageToken(request.page_token) from error


def _token(request: GetTimelineRequest, last: Place) -> str:
    return page_token(request, last.event_time.isoformat(), last.sequence, str(last.event_id))


def _entry_message(one: Entry) -> TimelineEntry:
    message = TimelineEntry(
        event_id=str(one.place.event_id),
        event_type=one.event_type,
        source=one.source,
        sentence=one.sentence,
    )
    message.event_time.FromDatetime(one.place.event_time)
    return message


def _order_received(event: routing.OrderReceived) -> Told:
    units = sum(line.quantity for line in event.order.lines)
    return event.order.order_id, happenings.OrderReceived(units)


def _order_sourced(event: routing.OrderSourced) -> Told:
    return event.order.order_id, happenings.OrderSourced(
        location_ids=tuple(work.location_id for work in event.fulfillment_orders),
        unfilled_units=sum(line.unfilled_quantity for line in event.order.lines),
    )


def _order_unfillable(event: routing.OrderUnfillable) -> Told:
    reasons = tuple(line.unfilled_reason for line in event.order.lines)
    return event.order.order_id, happenings.OrderUnfillable(reasons)


def _order_cancelled(event: routing.OrderCancelled) -> Told:
    return event.order.order_id, happenings.OrderCancelled(
        cancelled_units=sum(line.cancelled_quantity for line in event.order.lines),
        shipped_units=_shipped(event.order.lines),
    )


def _order_fulfilled(event: routing.OrderFulfilled) -> Told:
    return event.order.order_id, happenings.OrderFulfilled(_shipped(event.order.lines))


def _work_accepted(event: routing.FulfillmentOrderAccepted) -> Told:
    work = event.fulfillment_order
    return work.order_id, happenings.WorkAccepted(work.location_id, _units(work))


def _work_rejected(event: routing.FulfillmentOrderRejected) -> Told:
    work = event.fulfillment_order
    return work.order_id, happenings.WorkRejected(work.location_id, _units(work))


def _work_shipped(event: routing.FulfillmentOrderShipped) -> Told:
    work = event.fulfillment_order
    carriers = dict.fromkeys(parcel.carrier for parcel in work.parcels if parcel.carrier)
    return work.order_id, happenings.WorkShipped(
        location_id=work.location_id,
        units=_units(work),
        parcels=len(work.parcels),
        carriers=tuple(carriers),
    )


def _shipped(lines: Iterable[routing.OrderLine]) -> int:
    return sum(line.shipped_quantity for line in lines)


def _units(work: routing.FulfillmentOrder) -> int:
    return sum(line.quantity for line in work.lines)


def _reader(message_type: type[M], read: Callable[[M], Told]) -> Callable[[EventEnvelope], Told]:
    return lambda event: read(payload_of(event, message_type))


_READERS: Mapping[str, Callable[[EventEnvelope], Told]] = {
    "ordermesh.order.received.v1": _reader(routing.OrderReceived, _order_received),
    "ordermesh.order.sourced.v1": _reader(routing.OrderSourced, _order_sourced),
    "ordermesh.order.unfillable.v1": _reader(routing.OrderUnfillable, _order_unfillable),
    "ordermesh.order.cancelled.v1": _reader(routing.OrderCancelled, _order_cancelled),
    "ordermesh.order.fulfilled.v1": _reader(routing.OrderFulfilled, _order_fulfilled),
    "ordermesh.fulfillment_order.accepted.v1": _reader(
        routing.FulfillmentOrderAccepted, _work_accepted
    ),
    "ordermesh.fulfillment_order.rejected.v1": _reader(
        routing.FulfillmentOrderRejected, _work_rejected
    ),
    "ordermesh.fulfillment_order.shipped.v1": _reader(
        routing.FulfillmentOrderShipped, _work_shipped
    ),
}

EVENT_TYPES = frozenset(_READERS)
"""The events that a timeline tells."""

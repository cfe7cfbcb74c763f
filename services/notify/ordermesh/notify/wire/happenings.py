"""Events of the mesh as happenings: what they tell of an order."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from google.protobuf.message import Message

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.api.returns import v1 as returns
from ordermesh.api.routing import v1 as routing
from ordermesh.notify.domain import happening as happenings
from ordermesh.notify.domain.happening import Happening
from ordermesh.runtime.payload import payload_of

M = TypeVar("M", bound=Message)

Told = tuple[str, Happening]
"""An order's id, and what happened to it."""


def told(event: EventEnvelope) -> Told:
    """What an event tells.

    Raises ``InvalidFields`` when its payload is not what its type says, ``KeyError`` when its type
    is none of ``EVENT_TYPES``.
    """
    return _READERS[event.type](event)


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


def _order_moved_to_queue(event: routing.OrderMovedToQueue) -> Told:
    return event.order.order_id, happenings.OrderMovedToQueue()


def _order_sent_to_care(event: routing.OrderSentToCare) -> Told:
    return event.order.order_id, happenings.OrderSentToCare()


def _order_auto_cancel_set(event: routing.OrderAutoCancelSet) -> Told:
    return event.order.order_id, happenings.OrderAutoCancelSet()


def _order_auto_cancel_cleared(event: routing.OrderAutoCancelCleared) -> Told:
    return event.order.order_id, happenings.OrderAutoCancelCleared()


def _order_held(event: routing.OrderHeld) -> Told:
    return event.order.order_id, happenings.OrderHeld()


def _order_hold_released(event: routing.OrderHoldReleased) -> Told:
    return event.order.order_id, happenings.OrderHoldReleased(len(event.fulfillment_orders))


def _work_accepted(event: routing.FulfillmentOrderAccepted) -> Told:
    work = event.fulfillment_order
    return work.order_id, happenings.WorkAccepted(work.location_id, _units(work))


def _work_rejected(event: routing.FulfillmentOrderRejected) -> Told:
    work = event.fulfillment_order
    return work.order_id, happenings.WorkRejected(work.location_id, _units(work))


def _work_shipped(event: routing.FulfillmentOrderShipped) -> Told:
    work = event.fulfillment_order
    if work.hub_location_id:
        return work.order_id, happenings.WorkForwarded(work.location_id, _units(work))
    carriers = dict.fromkeys(parcel.carrier for parcel in work.parcels if parcel.carrier)
    return work.order_id, happenings.WorkShipped(
        location_id=work.location_id,
        units=_units(work),
        parcels=len(work.parcels),
        carriers=tuple(carriers),
    )


def _work_delivered(event: routing.FulfillmentOrderDelivered) -> Told:
    work = event.fulfillment_order
    if work.hub_location_id:
        return work.order_id, happenings.WorkForwarded("", _units(work))
    return work.order_id, happenings.WorkDelivered(_units(work))


def _return_authorized(event: returns.ReturnAuthorized) -> Told:
    one = event.order_return
    units = sum(line.quantity for line in one.lines)
    return one.order_id, happenings.ReturnAuthorized(units, one.location_id)


def _return_received(event: returns.ReturnReceived) -> Told:
    units = sum(part.quantity for part in event.receipt.units)
    return event.order_return.order_id, happenings.ReturnReceived(units, event.receipt.location_id)


def _return_completed(event: returns.ReturnCompleted) -> Told:
    return event.order_return.order_id, happenings.ReturnCompleted()


def _return_cancelled(event: returns.ReturnCancelled) -> Told:
    return event.order_return.order_id, happenings.ReturnCancelled()


def _stock_disposed(event: returns.StockDisposed) -> Told:
    units = sum(part.quantity for part in event.units)
    return event.order_return.order_id, happenings.UnitsDisposed(units)


def _refund_due(event: returns.RefundDue) -> Told:
    units = sum(part.quantity for part in event.refund.units)
    return event.order_return.order_id, happenings.RefundDue(units)


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
    "ordermesh.order.moved_to_queue.v1": _reader(routing.OrderMovedToQueue, _order_moved_to_queue),
    "ordermesh.order.sent_to_care.v1": _reader(routing.OrderSentToCare, _order_sent_to_care),
    "ordermesh.order.auto_cancel_set.v1": _reader(
        routing.OrderAutoCancelSet, _order_auto_cancel_set
    ),
    "ordermesh.order.auto_cancel_cleared.v1": _reader(
        routing.OrderAutoCancelCleared, _order_auto_cancel_cleared
    ),
    "ordermesh.order.held.v1": _reader(routing.OrderHeld, _order_held),
    "ordermesh.order.hold_released.v1": _reader(routing.OrderHoldReleased, _order_hold_released),
    "ordermesh.fulfillment_order.accepted.v1": _reader(
        routing.FulfillmentOrderAccepted, _work_accepted
    ),
    "ordermesh.fulfillment_order.rejected.v1": _reader(
        routing.FulfillmentOrderRejected, _work_rejected
    ),
    "ordermesh.fulfillment_order.shipped.v1": _reader(
        routing.FulfillmentOrderShipped, _work_shipped
    ),
    "ordermesh.fulfillment_order.delivered.v1": _reader(
        routing.FulfillmentOrderDelivered, _work_delivered
    ),
    "ordermesh.return.authorized.v1": _reader(returns.ReturnAuthorized, _return_authorized),
    "ordermesh.return.received.v1": _reader(returns.ReturnReceived, _return_received),
    "ordermesh.return.completed.v1": _reader(returns.ReturnCompleted, _return_completed),
    "ordermesh.return.cancelled.v1": _reader(returns.ReturnCancelled, _return_cancelled),
    "ordermesh.return.disposed.v1": _reader(returns.StockDisposed, _stock_disposed),
    "ordermesh.refund.due.v1": _reader(returns.RefundDue, _refund_due),
}

EVENT_TYPES = frozenset(_READERS)
"""The events that a timeline tells."""

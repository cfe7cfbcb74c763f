"""Events: what happened to an order, as its consumers get it."""

from collections.abc import Sequence
from uuid import UUID

from google.protobuf.message import Message

from ordermesh.api.routing import v1
from ordermesh.routing.domain import event as events
from ordermesh.routing.domain.story import Story
from ordermesh.routing.wire.fulfillment import fulfillment_order_message
from ordermesh.routing.wire.order import order_message
from ordermesh.runtime.outbox import Event

AGGREGATE = "order"
"""The kind of thing that all of routing's events are about."""


def story_message(story: Story, decision_ids: Sequence[UUID]) -> v1.Order:
    """The order of a story."""
    work = [one.fulfillment_order_id for one in story.work]
    return order_message(story.order, decision_ids, work)


def order_event(
    event: events.Event, story: Story, decision_ids: Sequence[UUID], sequence: int
) -> Event:
    """The event as it is published, number ``sequence`` of its order."""
    kind, payload = _payload(event, story, decision_ids)
    return Event(
        type=kind,
        aggregate_type=AGGREGATE,
        aggregate_id=story.order.order_id,
        sequence=sequence,
        payload=payload,
        order_id=story.order.order_id,
    )


def _payload(
    event: events.Event, story: Story, decision_ids: Sequence[UUID]
) -> tuple[str, Message]:
    match event:
        case events.FulfillmentOrderAccepted(work_id):
            work = fulfillment_order_message(story.find(work_id))
            accepted = v1.FulfillmentOrderAccepted(fulfillment_order=work)
            return "ordermesh.fulfillment_order.accepted.v1", accepted
        case events.FulfillmentOrderRejected(work_id):
            work = fulfillment_order_message(story.find(work_id))
            rejected = v1.FulfillmentOrderRejected(fulfillment_order=work)
            return "ordermesh.fulfillment_order.rejected.v1", rejected
        case events.FulfillmentOrderShipped(work_id):
            work = fulfillment_order_message(story.find(work_id))
            shipped = v1.FulfillmentOrderShipped(fulfillment_order=work)
            return "ordermesh.fulfillment_order.shipped.v1", shipped
        case events.FulfillmentOrderDelivered(work_id):
            work = fulfillment_order_message(story.find(work_id))
            delivered = v1.FulfillmentOrderDelivered(fulfillment_order=work)
            return "ordermesh.fulfillment_order.delivered.v1", delivered
    order = story_message(story, decision_ids)
    match event:
        case events.OrderReceived():
            return "ordermesh.order.received.v1", v1.OrderReceived(order=order)
        case events.OrderSourced(work_ids):
            work_messages = [fulfillment_order_message(story.find(one)) for one in work_ids]
            sourced = v1.OrderSourced(order=order, fulfillment_orders=work_messages)
            return "ordermesh.order.sourced.v1", sourced
        case events.OrderUnfillable():
            return "ordermesh.order.unfillable.v1", v1.OrderUnfillable(order=order)
        case events.OrderCancelled(rule_id):
            cancelled = v1.OrderCancelled(order=order, rule_id=rule_id)
            return "ordermesh.order.cancelled.v1", cancelled
        case events.OrderFulfilled():
            return "ordermesh.order.fulfilled.v1", v1.OrderFulfilled(order=order)
        case events.OrderHoldReleased(hold_type, work_ids):
            begins = [fulfillment_order_message(story.find(one)) for one in work_ids]
            released = v1.OrderHoldReleased(
                order=order, hold_type=hold_type, fulfillment_orders=begins
            )
            return "ordermesh.order.hold_released.v1", released
    return _of_rule(event, order)


def _of_rule(
    event: events.OrderMovedToQueue
    | events.OrderSentToCare
    | events.OrderHeld
    | events.OrderAutoCancelSet
    | events.OrderAutoCancelCleared,
    order: v1.Order,
) -> tuple[str, Message]:
    match event:
        case events.OrderMovedToQueue(rule_id, queue):
            moved = v1.OrderMovedToQueue(order=order, rule_id=rule_id, previous_queue=queue)
            return "ordermesh.order.moved_to_queue.v1", moved
        case events.OrderSentToCare(rule_id, queue, reason):
            sent = v1.OrderSentToCare(
                order=order, rule_id=rule_id, previous_queue=queue, reason=reason
            )
            return "ordermesh.order.sent_to_care.v1", sent
        case events.OrderHeld(rule_id, hold_type):
            held = v1.OrderHeld(order=order, rule_id=rule_id, hold_type=hold_type)
            return "ordermesh.order.held.v1", held
        case events.OrderAutoCancelSet(rule_id):
            is_set = v1.OrderAutoCancelSet(order=order, rule_id=rule_id)
            return "ordermesh.order.auto_cancel_set.v1", is_set
        case events.OrderAutoCancelCleared(rule_id):
            cleared = v1.OrderAutoCancelCleared(order=order, rule_id=rule_id)
            return "ordermesh.order.auto_cancel_cleared.v1", cleared

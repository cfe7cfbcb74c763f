"""What rules make of an order when the outcome of its decision is known."""

from dataclasses import replace
from datetime import datetime, timedelta

from ordermesh.routing.domain.event import (
    Event,
    OrderAutoCancelCleared,
    OrderAutoCancelSet,
    OrderCancelled,
    OrderHeld,
    OrderMovedToQueue,
    OrderSentToCare,
)
from ordermesh.routing.domain.order import AutoCancel, Order, OrderHold
from ordermesh.routing.domain.rules.action import (
    CARE,
    CancelUnfilled,
    ClearAutoCancel,
    Filling,
    HoldOrder,
    Intended,
    MoveToQueue,
    OfferAndWait,
    RuleAction,
    SendToCare,
    SetAutoCancel,
    acting,
)

Acted = tuple[Order, tuple[Event, ...]]
"""The order as it is to be, and what is told of it."""


def act(order: Order, intended: Intended | None, filling: Filling) -> Acted:
    """The order after all that rules wanted to become of it."""
    events: tuple[Event, ...] = ()
    if intended is not None:
        for one in acting(intended.actions, filling):
            order, told = _act(order, one, intended.time)
            events = (*events, *told)
    return order, events


def answer_within(intended: Intended | None, filling: Filling) -> timedelta | None:
    """How long locations have to answer for new work; None: as long as they take."""
    if intended is not None:
        for one in acting(intended.actions, filling):
            if isinstance(one.action.deed, OfferAndWait):
                return one.action.deed.answer_within
    return None


def _act(order: Order, one: RuleAction, time: datetime) -> Acted:
    match one.action.deed:
        case MoveToQueue(queue):
            if queue == order.traits.queue:
                return order, ()
            moved = OrderMovedToQueue(one.rule_id, order.traits.queue)
            return _in_queue(order, queue), (moved,)
        case SendToCare(reason):
            sent = OrderSentToCare(one.rule_id, order.traits.queue, reason or one.title)
            return _in_queue(order, CARE), (sent,)
        case SetAutoCancel(after):
            wanted = AutoCancel(time + after, one.rule_id)
            if order.auto_cancel is not None and order.auto_cancel.time <= wanted.time:
                return order, ()
            return replace(order, auto_cancel=wanted), (OrderAutoCancelSet(one.rule_id),)
        case ClearAutoCancel():
            if order.auto_cancel is None:
                return order, ()
            return replace(order, auto_cancel=None), (OrderAutoCancelCleared(one.rule_id),)
        case CancelUnfilled():
            return cancel_unfilled(order, one.rule_id)
        case HoldOrder(hold_type, after):
            if any(hold.hold_type == hold_type for hold in order.holds):
                return order, ()
            ends = None if after is None else time + after
            hold = OrderHold(hold_type, one.rule_id, time, expire_time=ends)
            return replace(order, holds=(*order.holds, hold)), (OrderHeld(one.rule_id, hold_type),)
        case OfferAndWait():
            # It is about the work, not the order.
            return order, ()


def _in_queue(order: Order, queue: str) -> Order:
    return replace(order, traits=replace(order.traits, queue=queue))


def cancel_unfilled(order: Order, rule_id: str) -> Acted:
    """What is unfilled is cancelled; its lines keep the reason why it was unfilled."""
    lines = tuple(
        replace(line, cancelled=line.cancelled + line.unfilled, unfilled=0) for line in order.lines
    )
    if lines == order.lines:
        return order, ()
    return replace(order, lines=lines), (OrderCancelled(rule_id),)

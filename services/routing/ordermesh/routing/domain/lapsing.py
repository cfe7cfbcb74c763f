"""What becomes of an order by time alone: offers that nobody answered, and holds that end."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from ordermesh.routing.domain import fulfillment, verbs
from ordermesh.routing.domain.event import Event
from ordermesh.routing.domain.fulfillment import FulfillmentOrder, FulfillmentState, RejectReason
from ordermesh.routing.domain.story import Story, Told


def times(story: Story) -> Iterator[datetime]:
    """When somebody is to look at the order."""
    if story.order.auto_cancel is not None:
        yield story.order.auto_cancel.time
    for hold in story.order.holds:
        if hold.release_time is None and hold.expire_time is not None:
            yield hold.expire_time
    for one in story.work:
        if one.is_unanswered and one.answer_time is not None:
            yield one.answer_time


def asked(story: Story, now: datetime) -> Story:
    """The time to answer begins for what has been offered and has a location that may begin."""
    work = tuple(
        fulfillment.offered(one, one.answer_within, now)
        if one.state is FulfillmentState.RELEASED and one.answer_within and not one.answer_time
        else one
        for one in story.work
    )
    return replace(story, work=work)


def overdue(story: Story, now: datetime) -> tuple[FulfillmentOrder, ...]:
    """Work whose time to answer is over."""
    return tuple(one for one in story.work if one.is_overdue(now))


def lapse(story: Story, now: datetime) -> Told:
    """Offers are taken back and holds released whose time is over.

    Raises ``BeingMoved`` while it is not known where the stock of the order is held.
    """
    after = story
    events: tuple[Event, ...] = ()
    for hold in story.order.holds:
        if hold.is_over(now):
            after, told = verbs.release_hold(after, hold.hold_type, "", now)
            events = (*events, *told)
    for one in overdue(story, now):
        if not after.find(one.fulfillment_order_id).is_overdue(now):
            # It was to be brought to a hub with what has just been taken back.
            continue
        after, told = verbs.reject(after, one.fulfillment_order_id, RejectReason.NOT_ANSWERED)
        events = (*events, *told)
    return after, events

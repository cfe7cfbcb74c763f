"""An order with its saga and the work of its locations: what every step takes, and makes anew."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from ordermesh.routing.domain import saga
from ordermesh.routing.domain.event import Event
from ordermesh.routing.domain.fulfillment import (
    HOLDING,
    LEFT,
    FulfillmentOrder,
    FulfillmentState,
    timed,
)
from ordermesh.routing.domain.order import Order
from ordermesh.routing.domain.saga import Action, Saga, Step


@dataclass(frozen=True)
class Story:
    """An order with everything that is going on about it; the work is in the order it was made."""

    order: Order
    saga: Saga
    work: tuple[FulfillmentOrder, ...] = ()

    @property
    def planned(self) -> tuple[FulfillmentOrder, ...]:
        """The work of a plan that is not held yet."""
        return tuple(one for one in self.work if one.state is FulfillmentState.PLANNED)

    @property
    def reservation_id(self) -> UUID:
        """The reservation of the present plan."""
        return saga.reservation_id(self.order, self.saga)

    def due(self, now: datetime) -> Action:
        """What is to be done next; ``now`` is the database's clock."""
        return saga.due(self.order, self.saga, self.work, now)

    @property
    def is_at_rest(self) -> bool:
        """Whether whoever waits for it can be told what became of it."""
        is_moving = self.saga.is_conditional or self.order.cancel_requested
        return self.saga.step is Step.PLAN and not is_moving and not self.order.is_undecided

    def has(self, fulfillment_order_id: str) -> bool:
        """Whether there is such work."""
        return any(one.fulfillment_order_id == fulfillment_order_id for one in self.work)

    def find(self, fulfillment_order_id: str) -> FulfillmentOrder:
        """One piece of work; raises ``KeyError``."""
        for one in self.work:
            if one.fulfillment_order_id == fulfillment_order_id:
                return one
        raise KeyError(fulfillment_order_id)


Told = tuple[Story, tuple[Event, ...]]
"""The rows as they are to be, and what is told of it."""


def touched(before: Story | None, after: Story, now: datetime, events: int) -> Story:
    """``after`` with versions and times of what has changed, and so many events counted."""
    order = after.order
    known = {} if before is None else {one.fulfillment_order_id: one for one in before.work}
    work = tuple(
        one
        if known.get(one.fulfillment_order_id) == one
        else timed(one, now)
        if one.fulfillment_order_id not in known
        else replace(timed(one, now), version=one.version + 1, update_time=now)
        for one in after.work
    )
    order = replace(order, event_sequence=order.event_sequence + events)
    if before is not None and (
        order != before.order
        or _told(work) != _told(before.work)
        # What is decided at this moment was not asked for so.
        or after.saga.source_request_id != before.saga.source_request_id
    ):
        order = replace(order, version=order.version + 1, update_time=now)
    return replace(after, order=order, work=work)


def _told(work: Iterable[FulfillmentOrder]) -> list[FulfillmentOrder]:
    """The work that anybody has been told of: a plan that is not held yet is no change."""
    return [one for one in work if one.state is not FulfillmentState.PLANNED]


def is_named(fulfillment_order_id: str) -> Callable[[FulfillmentOrder], bool]:
    """Whether work has this id."""
    return lambda one: one.fulfillment_order_id == fulfillment_order_id


def with_work(
    story: Story,
    is_meant: Callable[[FulfillmentOrder], bool],
    change: Callable[[FulfillmentOrder], FulfillmentOrder],
) -> Story:
    """The story after a change of the work that is meant."""
    return replace(story, work=tuple(change(one) if is_meant(one) else one for one in story.work))


def given_back(work: Iterable[FulfillmentOrder]) -> tuple[FulfillmentOrder, ...]:
    """Closed work takes no capacity any more; what has left has used it up."""
    used = HOLDING | LEFT | {FulfillmentState.PLANNED}
    return tuple(one if one.state in used else replace(one, capacity_hold_id=None) for one in work)

"""What people and locations say about an order: each verb makes a new story, or refuses."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from ordermesh.routing.domain import fulfillment, hub_work, saga
from ordermesh.routing.domain.errors.fulfillment import WrongState
from ordermesh.routing.domain.errors.order import (
    AlreadyShipped,
    BeingMoved,
    OrderHoldNotFound,
    WorkInProgress,
)
from ordermesh.routing.domain.event import (
    Event,
    FulfillmentOrderAccepted,
    FulfillmentOrderDelivered,
    FulfillmentOrderRejected,
    OrderHoldReleased,
)
from ordermesh.routing.domain.fulfillment import (
    CANCELLABLE,
    FulfillmentOrder,
    FulfillmentState,
    Parcel,
    RejectReason,
)
from ordermesh.routing.domain.hub_work import may_begin
from ordermesh.routing.domain.order import Order, cleared, counted
from ordermesh.routing.domain.saga import Step
from ordermesh.routing.domain.story import Story, Told, given_back, is_named, with_work
from ordermesh.routing.domain.wanted import decidable


def request_cancel(story: Story) -> Story:
    """Somebody wants what has not been shipped to be cancelled. Raises ``AlreadyShipped``.

    Where nothing is left to cancel, the story stays as it is.
    """
    order = story.order
    if all(line.shipped == line.quantity for line in order.lines):
        raise AlreadyShipped(order.order_id)
    if all(line.shipped + line.cancelled == line.quantity for line in order.lines):
        return story
    return replace(story, order=replace(order, cancel_requested=True))


def refuse_moving(story: Story) -> None:
    """Raise ``BeingMoved`` while it is not known where the stock of the order is held."""
    if story.saga.step is Step.MOVE:
        raise BeingMoved(story.order.order_id)


def release_hold(story: Story, hold_type: str, released_by: str, now: datetime) -> Told:
    """Somebody releases a hold, "" for itself; after the last one the locations may begin.

    What was released before stays as it is. Raises ``OrderHoldNotFound`` and ``BeingMoved``.
    """
    refuse_moving(story)
    order = story.order
    found = [one for one in order.holds if one.hold_type == hold_type]
    if not found:
        raise OrderHoldNotFound(order.order_id, hold_type)
    if found[0].release_time is not None:
        return story, ()
    holds = tuple(
        replace(one, release_time=now, released_by=released_by) if one is found[0] else one
        for one in order.holds
    )
    order = replace(order, holds=holds)
    waiting = tuple(one for one in story.work if _waits(one))
    begins = tuple(one for one in waiting if not order.is_held and may_begin(one, story.work))
    work = tuple(fulfillment.let_begin(one, now) if one in begins else one for one in story.work)
    names = tuple(one.fulfillment_order_id for one in begins)
    after = replace(story, order=counted(order, work), work=work)
    return after, (OrderHoldReleased(hold_type, names),)


def _waits(work: FulfillmentOrder) -> bool:
    return work.state is FulfillmentState.ON_HOLD


def accept(story: Story, fulfillment_order_id: str) -> Told:
    """A location does its work. Raises ``WrongState`` and ``BeingMoved``."""
    refuse_moving(story)
    after = with_work(story, is_named(fulfillment_order_id), fulfillment.accept)
    return after, (FulfillmentOrderAccepted(fulfillment_order_id),)


def reject(story: Story, fulfillment_order_id: str, reason: RejectReason) -> Told:
    """A location does not do its work: it is to be decided again, with the rest of its kits.

    Raises ``WrongState`` and ``BeingMoved``.
    """
    refuse_moving(story)
    work = story.find(fulfillment_order_id)
    if hub_work.is_on_the_way(work, story.work):
        raise WrongState(fulfillment_order_id, work.state, FulfillmentState.ON_HOLD)
    after = with_work(
        story, is_named(fulfillment_order_id), lambda one: fulfillment.reject(one, reason)
    )
    rest = _without_parts_of(_kits_in(work, story.order), after.work)
    after = replace(after, work=given_back(hub_work.resettled(rest, after.order)))
    order = counted(after.order, after.work)
    events = (FulfillmentOrderRejected(fulfillment_order_id),)
    return replace(after, order=order, saga=saga.again(after.saga)), events


def _kits_in(work: FulfillmentOrder, order: Order) -> frozenset[str]:
    """The order lines of kits of which the work has parts."""
    parts = {line.line_id for line in work.lines}
    return frozenset(one.line_id for one in order.lines if one.components and one.line_id in parts)


def _without_parts_of(
    kits: frozenset[str], work: Iterable[FulfillmentOrder]
) -> tuple[FulfillmentOrder, ...]:
    """The work without what would send parts of kits that may not become whole any more."""
    return tuple(
        fulfillment.cancel(one)
        if one.state in CANCELLABLE and any(line.line_id in kits for line in one.lines)
        else one
        for one in work
    )


def run_short(
    story: Story, reservation_id: UUID, location_id: str, sku: str
) -> tuple[Told, tuple[str, ...]] | None:
    """Units that the ledger promised are not there: work that counts on them is decided again.

    Gives what becomes of the story, and the order lines that are not to be sourced there any more.
    Goods that have left were there. None while it is not known whether they have, or whether a plan
    will hold or keep them: then it is to be asked again.
    """
    if story.saga.step is Step.MOVE:
        return None
    hit = [one for one in story.work if _counts_on(one, reservation_id, location_id, sku)]
    if any(_is_undecided(one) for one in hit) or (
        story.reservation_id == reservation_id
        and any(_is_for(one, location_id, sku) for one in story.planned)
    ):
        return None
    after: Story = story
    events: tuple[Event, ...] = ()
    lines: dict[str, None] = {}
    for one in hit:
        if after.find(one.fulfillment_order_id).state in CANCELLABLE:
            after, told = reject(after, one.fulfillment_order_id, RejectReason.NOT_FOUND)
            events = (*events, *told)
            lines |= dict.fromkeys(line.line_id for line in one.lines if line.sku == sku)
    return (after, events), tuple(lines)


def _is_undecided(work: FulfillmentOrder) -> bool:
    """Whether it is not known yet if the goods of the work have left, or new work keeps them."""
    return work.is_freed or work.state in (FulfillmentState.SHIPPING, FulfillmentState.PLANNED)


def lose_supply(story: Story, reservation_id: UUID, location_id: str, sku: str) -> Told | None:
    """Goods will not come as they were promised: work that waits for them is decided again.

    None while a plan that waits for them is being held: then it is to be asked again.
    """
    if story.saga.step is Step.MOVE:
        return None
    if story.reservation_id == reservation_id and any(
        _is_for(one, location_id, sku) for one in story.planned
    ):
        return None
    after: Story = story
    events: tuple[Event, ...] = ()
    for one in story.work:
        is_open = after.find(one.fulfillment_order_id).state in CANCELLABLE
        waits = one.available_time is not None and is_open
        if waits and _counts_on(one, reservation_id, location_id, sku):
            after, told = reject(after, one.fulfillment_order_id, RejectReason.OTHER)
            events = (*events, *told)
    return after, events


def _is_for(work: FulfillmentOrder, location_id: str, sku: str) -> bool:
    return work.location_id == location_id and any(line.sku == sku for line in work.lines)


def _counts_on(work: FulfillmentOrder, reservation_id: UUID, location_id: str, sku: str) -> bool:
    return work.location_id == location_id and any(
        line.sku == sku and line.reservation_id == reservation_id for line in work.lines
    )


def begin_shipping(
    story: Story,
    fulfillment_order_id: str,
    parcels: tuple[Parcel, ...],
    request_id: UUID,
    ready_time: datetime | None = None,
) -> Story:
    """Goods have left, ready since then; the ledger is to be told.

    Raises ``WrongState`` and ``BeingMoved``.
    """
    refuse_moving(story)
    return with_work(
        story,
        is_named(fulfillment_order_id),
        lambda one: fulfillment.begin_shipping(one, parcels, request_id, ready_time),
    )


def deliver(story: Story, fulfillment_order_id: str, deliver_time: datetime, now: datetime) -> Told:
    """Goods have reached the customer, or a hub, which may begin then. Raises ``WrongState``."""
    after = with_work(
        story, is_named(fulfillment_order_id), lambda one: fulfillment.deliver(one, deliver_time)
    )
    events: tuple[Event, ...] = (FulfillmentOrderDelivered(fulfillment_order_id),)
    work, names = hub_work.begun(after.work, after.order, now)
    if names:
        after = replace(after, work=work, order=counted(after.order, work))
        events = (*events, OrderHoldReleased(hub_work.BROUGHT, names))
    return after, events


def decide_again(
    story: Story, *, request_id: UUID, policy_id: str = "", policy_version: int = 0
) -> Story:
    """Take back the work that nobody has begun, and whatever is unfilled, to decide it again.

    Raises ``WorkInProgress`` when there is nothing of the kind, and ``BeingMoved``.
    """
    refuse_moving(story)
    if story.order.cancel_requested or not decidable(story):
        raise WorkInProgress(story.order.order_id, story.order.state)
    work = hub_work.resettled(hub_work.taken_back(story.work), story.order)
    lines = tuple(cleared(line) for line in story.order.lines)
    order = counted(replace(story.order, lines=lines), work)
    return replace(
        story,
        order=order,
        work=given_back(work),
        saga=saga.decide_again(
            story.saga,
            request_id=request_id,
            policy_id=policy_id,
            policy_version=policy_version,
        ),
    )

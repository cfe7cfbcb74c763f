"""Work whose goods are brought together at a hub: who waits for whom, and what becomes of the rest.

Each location that brings something has work that goes to the hub (``hub_location_id``); the hub has
work that names it (``brought_by``), and waits on hold until everything has been brought.

::

    source ──> RELEASED ... SHIPPED ──> DELIVERED at the hub ┐
    source ──> RELEASED ... SHIPPED ──> DELIVERED at the hub ┴─> hub: ON_HOLD ──> RELEASED ...

Where one of them does not come, the others that have not left are taken back too, and all of it is
decided again. What has left cannot be: the hub sends that by itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from ordermesh.kernel.ids import derived_id
from ordermesh.routing.domain import fulfillment
from ordermesh.routing.domain.fulfillment import (
    CANCELLABLE,
    LEFT,
    OPEN_TO_CHANGE,
    FulfillmentOrder,
    FulfillmentState,
    Hold,
)
from ordermesh.routing.domain.order import Order

CLOSED = frozenset({FulfillmentState.REJECTED, FulfillmentState.CANCELLED})
ON_THE_WAY = LEFT | {FulfillmentState.SHIPPING}

BROUGHT = "goods are brought"
"""The type of the hold that ends when everything has been brought to a hub."""


def may_begin(work: FulfillmentOrder, others: Iterable[FulfillmentOrder]) -> bool:
    """Whether everything that it sends lies there."""
    states = {one.fulfillment_order_id: one.state for one in others}
    return all(states.get(name) is FulfillmentState.DELIVERED for name in work.brought_by)


def unbegun(work: Sequence[FulfillmentOrder]) -> frozenset[str]:
    """The ids of work that nobody has begun, nor any of what is brought together with it."""
    states = {one.fulfillment_order_id: one.state for one in work}
    open_to_change = {name for name, state in states.items() if state in OPEN_TO_CHANGE}
    for hub in work:
        together = {hub.fulfillment_order_id, *hub.brought_by} & states.keys()
        is_open = {name for name in together if states[name] not in CLOSED} <= open_to_change
        if hub.brought_by and hub.state not in CLOSED and not is_open:
            open_to_change -= together
    return frozenset(open_to_change)


def taken_back(work: Sequence[FulfillmentOrder]) -> tuple[FulfillmentOrder, ...]:
    """The work without what nobody has begun, which is to be decided again."""
    names = unbegun(work)
    return tuple(
        fulfillment.cancel(one) if one.fulfillment_order_id in names else one for one in work
    )


def begun(
    work: Sequence[FulfillmentOrder], order: Order, now: datetime
) -> tuple[tuple[FulfillmentOrder, ...], tuple[str, ...]]:
    """The work after goods have come to a hub, and the ids of what may begin now."""
    begins = {
        one.fulfillment_order_id
        for one in work
        if one.state is FulfillmentState.ON_HOLD
        and one.brought_by
        and not order.is_held
        and may_begin(one, work)
    }
    after = tuple(
        fulfillment.let_begin(one, now) if one.fulfillment_order_id in begins else one
        for one in work
    )
    names = tuple(one.fulfillment_order_id for one in work)
    return after, tuple(name for name in names if name in begins)


def is_on_the_way(work: FulfillmentOrder, others: Iterable[FulfillmentOrder]) -> bool:
    """Whether all that it is to send has left for it, and cannot be decided again."""
    left = {one.fulfillment_order_id for one in others if one.state in ON_THE_WAY}
    return all(line.brought_by in left for line in work.lines)


def resettled(work: Sequence[FulfillmentOrder], order: Order) -> tuple[FulfillmentOrder, ...]:
    """The work after some of it was rejected or cancelled: what hangs together with it too."""
    found = {one.fulfillment_order_id: one for one in work}
    hubs = [one for one in work if one.brought_by]
    for hub in hubs:
        brings = [found[name] for name in sorted(hub.brought_by) if name in found]
        is_whole = hub.state not in CLOSED and all(one.state not in CLOSED for one in brings)
        if is_whole or hub.state in ON_THE_WAY:
            continue
        if hub.state in CANCELLABLE:
            found[hub.fulfillment_order_id] = fulfillment.cancel(hub)
        for one in brings:
            if one.state in CANCELLABLE:
                found[one.fulfillment_order_id] = fulfillment.cancel(one)
        # What an earlier rest waits for is sent by that one.
        awaited = {
            name for one in found.values() if one.state not in CLOSED for name in one.brought_by
        }
        left = [
            one
            for one in brings
            if one.state in ON_THE_WAY and one.fulfillment_order_id not in awaited
        ]
        rest = _rest(hub, left, order)
        if rest is not None and rest.fulfillment_order_id not in found:
            found[rest.fulfillment_order_id] = rest
    return tuple(found.values())


def _rest(
    hub: FulfillmentOrder, brings: Sequence[FulfillmentOrder], order: Order
) -> FulfillmentOrder | None:
    """The hub's work for what has left for it all the same."""
    if not brings:
        return None
    names = {one.fulfillment_order_id for one in brings}
    has_come = all(one.state is FulfillmentState.DELIVERED for one in brings) and not order.is_held
    rest_id = derived_id("fulfillment", hub.fulfillment_order_id, *sorted(names))
    return replace(
        hub,
        fulfillment_order_id=str(rest_id),
        lines=tuple(line for line in hub.lines if line.brought_by in names),
        state=FulfillmentState.RELEASED if has_come else FulfillmentState.ON_HOLD,
        hold=Hold.NONE,
        capacity_hold_id=None,
        reject_reason=None,
        answer_time=None,
        release_time=None,
        version=1,
    )

"""What every outcome of a worker's step makes of an order's story.

Each function takes the rows as they are and gives the rows as they are to be, with the events that
tell of it. Nothing here asks anybody anything.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from ordermesh.routing.domain import acting, fulfillment, hold, hub_work, saga
from ordermesh.routing.domain.event import (
    Event,
    FulfillmentOrderShipped,
    OrderCancelled,
    OrderFulfilled,
    OrderReceived,
    OrderSourced,
    OrderUnfillable,
)
from ordermesh.routing.domain.fulfillment import (
    CANCELLABLE,
    FulfillmentOrder,
    FulfillmentState,
    Hold,
)
from ordermesh.routing.domain.order import (
    Order,
    OrderLine,
    OrderState,
    cleared,
    counted,
    with_quantities,
)
from ordermesh.routing.domain.rules.action import Filling, Intended
from ordermesh.routing.domain.saga import Cap, Unfilled
from ordermesh.routing.domain.story import Story, Told, given_back, is_named, with_work


def plan(
    story: Story,
    decision_id: UUID,
    shipments: Sequence[FulfillmentOrder],
    reasons: Mapping[str, str],
    intended: Intended | None = None,
) -> Story:
    """A plan was made for what is undecided: it is stored before the ledger is asked to hold it.

    ``reasons`` say, by line id, why something of the line is unfilled; ``intended`` is what rules
    want to become of the order then.
    """
    replaced = hold.replaceable(story.work)
    left = _unfilled(story, shipments, reasons)
    kept = hold.keep(shipments, story.work, replaced)
    if not _reserves(kept):
        # Only a new reservation takes an old one's place.
        replaced = ()
    new_saga = saga.planned(story.saga, decision_id, replaced, left, intended)
    return replace(story, saga=new_saga, work=(*story.work, *kept))


def nothing_fits(
    story: Story,
    decision_id: UUID,
    reasons: Mapping[str, str],
    intended: Intended | None = None,
) -> Told:
    """The plan sends nothing: what is undecided stays unfilled, and there is nothing to hold."""
    new_saga = replace(
        story.saga,
        epoch=story.saga.epoch + 1,
        decision_id=decision_id,
        unfilled=_unfilled(story, (), reasons),
        intended=intended,
    )
    work = hold.hand_over(story.work, (), ())
    return _sourced(replace(story, saga=new_saga, work=work))


def _unfilled(
    story: Story, shipments: Sequence[FulfillmentOrder], reasons: Mapping[str, str]
) -> tuple[Unfilled, ...]:
    """What of the undecided lines these shipments leave."""
    sent = [replace(one, state=FulfillmentState.RELEASED) for one in shipments]
    lines = with_quantities(story.order, (*story.work, *sent)).lines
    return tuple(
        Unfilled(line.line_id, line.undecided, reasons.get(line.line_id, "INSUFFICIENT_STOCK"))
        for line in lines
        if line.undecided > 0
    )


def source(story: Story) -> Told:
    """The plan is held for good: the order is sourced, and the locations may begin."""
    planned = story.planned
    work = hold.hand_over(story.work, planned, story.saga.replaced_ids)
    filling = _filling(story.order.lines, has_left=bool(story.saga.unfilled), has_sent=True)
    acted, _ = acting.act(story.order, story.saga.intended, filling)
    released = tuple(
        _released(one, story, acted, filling) if one.state is FulfillmentState.PLANNED else one
        for one in work
    )
    order = story.order
    if _reserves(planned):
        order = replace(order, reservation_ids=(*order.reservation_ids, story.reservation_id))
    new = tuple(one.fulfillment_order_id for one in planned)
    return _sourced(replace(story, order=order, work=released), new)


def _released(
    work: FulfillmentOrder, story: Story, acted: Order, filling: Filling
) -> FulfillmentOrder:
    """New work whose stock is held: on hold, or with its location, which may have to answer."""
    waits = acted.is_held or bool(work.brought_by)
    released = fulfillment.release(work, story.reservation_id, on_hold=waits)
    intended = story.saga.intended
    if intended is None:
        return released
    return replace(released, answer_within=acting.answer_within(intended, filling))


def _reserves(planned: Iterable[FulfillmentOrder]) -> bool:
    """Whether the work needs stock that the order does not hold yet."""
    lines = (line for one in planned for line in one.lines if not line.brought_by)
    return any(line.reservation_id is None for line in lines)


def _sourced(story: Story, new_work: tuple[str, ...] = ()) -> Told:
    """Settle what the plan left: unfilled with its reason; then rules have their say."""
    left = {one.line_id: one for one in story.saga.unfilled}
    order = with_quantities(story.order, story.work)
    lines = tuple(
        replace(
            line,
            unfilled=line.unfilled + min(left[line.line_id].quantity, line.undecided),
            unfilled_reason=left[line.line_id].reason,
        )
        if line.line_id in left
        else line
        for line in order.lines
    )
    filling = _filling(lines, has_left=bool(left), has_sent=bool(new_work))
    order, acts = acting.act(replace(order, lines=lines), story.saga.intended, filling)
    order = counted(order, story.work)
    events: tuple[Event, ...] = (OrderReceived(),) if story.saga.is_conditional else ()
    if order.state in (OrderState.UNFILLABLE, OrderState.CANCELLED):
        events = (*events, OrderUnfillable())
    else:
        events = (*events, OrderSourced(new_work))
        if order.state is OrderState.FULFILLED:
            events = (*events, OrderFulfilled())
    new_saga = saga.sourced(story.saga, is_done=not order.is_undecided)
    return replace(story, order=order, saga=new_saga), (*events, *acts)


def _filling(lines: Iterable[OrderLine], *, has_left: bool, has_sent: bool) -> Filling:
    """What became of a plan; what a limit refused is left too."""
    if not has_sent:
        return Filling.UNFILLED
    is_refused = any(line.unfilled and line.unfilled_facts for line in lines)
    return Filling.PARTLY_FILLED if has_left or is_refused else Filling.FILLED


def give_up(story: Story) -> Told:
    """The time has come at which what is still unfilled is cancelled by itself."""
    said = story.order.auto_cancel
    rule_id = "" if said is None else said.rule_id
    order, events = acting.cancel_unfilled(replace(story.order, auto_cancel=None), rule_id)
    return replace(story, order=counted(order, story.work)), events


def held(story: Story) -> Story:
    """The plan is held for a while: it is to be confirmed."""
    return replace(story, saga=saga.held(story.saga))


def short(story: Story, caps: Iterable[Cap]) -> Story:
    """The ledger has less than the plan wants: the plan is dropped."""
    return _dropped(replace(story, saga=saga.short(story.saga, caps)))


@dataclass(frozen=True)
class Limit:
    """A limit or quota of the ledger's that is in the way; the rows of its facts may name SKUs."""

    reason: str
    rows: tuple[Mapping[str, str], ...]

    def facts_of(self, line: OrderLine, story: Story) -> Mapping[str, str] | None:
        """The facts that concern a line, None when none do; facts without a SKU concern all.

        What the plan sends instead concerns the line too.
        """
        sent = {
            part.sku for one in story.planned for part in one.lines if part.line_id == line.line_id
        }
        for row in self.rows:
            if row.get("sku", line.sku) in {line.sku, *line.per_kit, *sent}:
                return row
        return None


def limited(story: Story, limit: Limit) -> Told:
    """A limit refuses lines of the plan: they stay unfilled, and the others are planned anew.

    A limit that concerns no undecided line concerns all of them, so that nothing is tried for ever.
    """
    over = {
        line.line_id: facts
        for line in story.order.lines
        if line.undecided > 0 and (facts := limit.facts_of(line, story)) is not None
    }
    lines = tuple(
        replace(
            line,
            unfilled=line.unfilled + line.undecided,
            unfilled_reason=limit.reason,
            unfilled_facts=dict(over.get(line.line_id, limit.rows[0] if limit.rows else {})),
        )
        if line.line_id in over or (not over and line.undecided > 0)
        else line
        for line in story.order.lines
    )
    order = replace(story.order, lines=lines)
    left = _dropped(replace(story, order=order, saga=saga.limited(story.saga)))
    if order.is_undecided:
        return left, ()
    return _sourced(replace(left, work=hold.hand_over(left.work, (), ())))


def gave_back(story: Story, fulfillment_order_ids: Iterable[str]) -> Story:
    """What closed work held was released before the plan is made anew."""
    return surplus_released(
        _dropped(replace(story, saga=saga.limited(story.saga))), fulfillment_order_ids
    )


def rest(story: Story) -> Story:
    """Enough plans for now."""
    return replace(story, saga=saga.rested(story.saga))


def expired(story: Story) -> Story:
    """The hold was lost before it was confirmed: the plan is dropped."""
    return _dropped(replace(story, saga=saga.expired(story.saga)))


def without_checkout(story: Story, checkout_ids: Iterable[UUID]) -> Story:
    """Carts could not be taken over: the plan is dropped, and made again without them."""
    return _dropped(replace(story, saga=saga.without_checkout(story.saga, checkout_ids)))


def without_reservation(story: Story, reservation_id: UUID) -> Story:
    """A reservation of the order holds nothing: the plan that was to replace it is dropped."""
    dropped = _dropped(replace(story, saga=saga.expired(story.saga)))
    work = []
    for one in dropped.work:
        lines = tuple(
            replace(line, held=0) if line.reservation_id == reservation_id else line
            for line in one.lines
        )
        left = replace(one, lines=lines)
        work.append(left if any(line.held for line in lines) else fulfillment.let_go(left))
    return replace(dropped, work=tuple(work))


def _dropped(story: Story) -> Story:
    work = tuple(one for one in story.work if one.state is not FulfillmentState.PLANNED)
    return replace(story, work=work)


def turn_back(story: Story) -> Story:
    """Everything that has not left is to be undone; the locations need not begin any more."""
    work = tuple(
        fulfillment.cancel(one) if one.state in CANCELLABLE else one
        for one in story.work
        if one.state is not FulfillmentState.PLANNED
    )
    work = hub_work.resettled(work, story.order)
    order = counted(story.order, work)
    return replace(story, order=order, saga=saga.turned_back(story.saga), work=given_back(work))


def to_release(story: Story) -> tuple[UUID, ...]:
    """The reservations of which nothing may be held after undoing, each once."""
    held_by = [
        line.reservation_id
        for one in story.work
        if one.hold is not Hold.NONE
        for line in one.lines
        if line.held and line.reservation_id
    ]
    present = [story.reservation_id] if story.saga.epoch else []
    return tuple(dict.fromkeys([*held_by, *present]))


def undo(story: Story) -> Told:
    """Nothing that has not left is held any more: it is cancelled."""
    work = tuple(one if one.hold is Hold.NONE else fulfillment.let_go(one) for one in story.work)
    order = counted(story.order, work)
    lines = tuple(
        replace(cleared(line), cancelled=line.quantity - line.shipped) for line in order.lines
    )
    order = counted(replace(order, lines=lines, auto_cancel=None), work)
    order = replace(order, cancel_requested=False)
    events: tuple[Event, ...] = (OrderReceived(),) if story.saga.is_conditional else ()
    if _cancelled_units(order) > _cancelled_units(story.order):
        # All of it may have left before anything could be taken back.
        events = (*events, OrderCancelled())
    if order.state is OrderState.FULFILLED and story.order.state is not OrderState.FULFILLED:
        events = (*events, OrderFulfilled())
    return replace(story, order=order, saga=saga.undone(story.saga), work=work), events


def _cancelled_units(order: Order) -> int:
    return sum(line.cancelled for line in order.lines)


def surplus(story: Story) -> tuple[FulfillmentOrder, ...]:
    """Closed work whose stock nobody needs."""
    return tuple(one for one in story.work if one.is_freed or one.hold is Hold.SURPLUS)


def surplus_released(story: Story, fulfillment_order_ids: Iterable[str]) -> Story:
    """The ledger has taken back what nobody needs."""
    gone = frozenset(fulfillment_order_ids)
    return with_work(story, lambda one: one.fulfillment_order_id in gone, fulfillment.let_go)


def end_shipping(story: Story, fulfillment_order_id: str) -> Told:
    """The ledger knows that goods have left."""
    after = with_work(story, is_named(fulfillment_order_id), fulfillment.end_shipping)
    order = counted(after.order, after.work)
    events: tuple[Event, ...] = (FulfillmentOrderShipped(fulfillment_order_id),)
    if order.state is OrderState.FULFILLED and story.order.state is not OrderState.FULFILLED:
        events = (*events, OrderFulfilled())
    return replace(after, order=order), events


def take_back_shipping(story: Story, fulfillment_order_id: str) -> Story:
    """The ledger knows of no such goods."""
    return with_work(story, is_named(fulfillment_order_id), fulfillment.take_back_shipping)

"""What moving an order makes of its story: intended, done, or left as it was."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from ordermesh.kernel.ids import derived_id
from ordermesh.routing.domain import fulfillment, saga
from ordermesh.routing.domain.event import OrderSourced
from ordermesh.routing.domain.expecting import Expecting
from ordermesh.routing.domain.fulfillment import (
    FulfillmentLine,
    FulfillmentOrder,
    FulfillmentState,
)
from ordermesh.routing.domain.order import counted
from ordermesh.routing.domain.plan import Plan
from ordermesh.routing.domain.story import Story, Told, given_back


@dataclass(frozen=True, slots=True)
class LedgerMove:
    """Units that a reservation holds for a line, and where they are to be held instead."""

    reservation_id: UUID
    line_id: str
    sku: str
    from_location_id: str
    to_location_id: str
    quantity: int


@dataclass(frozen=True)
class Rearranged:
    """The new work of an order, the ids of the work it takes the place of, and what moves."""

    work: tuple[FulfillmentOrder, ...]
    closing: tuple[str, ...]
    moves: tuple[LedgerMove, ...]


def rearranged(
    story: Story,
    work: Sequence[FulfillmentOrder],
    plan: Plan,
    decision_id: UUID,
    expecting: Expecting,
    now: datetime,
) -> Rearranged:
    """How the ``work`` of an order becomes what a plan says, with the reservations that it has.

    A location that has just what it is to have keeps its work. Locations that are limited get
    holds of capacity.
    """
    there: dict[str, list[FulfillmentOrder]] = {}
    for one in work:
        there.setdefault(one.location_id, []).append(one)
    shipments = {one.location_id: one for one in plan.shipments}
    wanted = {
        place: {(line.line_id, line.sku): line.quantity for line in shipment.lines}
        for place, shipment in shipments.items()
    }
    kept = {
        place
        for place, lines in wanted.items()
        if len(there.get(place, ())) == 1 and _units(there[place][0]) == lines
    }
    closing = [one for one in work if one.location_id not in kept]
    new = {place: lines for place, lines in wanted.items() if place not in kept}
    parts = _matched(closing, new)
    epoch = story.saga.epoch + 1
    limited = {entry.location_id for entry in expecting.known.network if entry.capacities}
    return Rearranged(
        work=tuple(
            FulfillmentOrder(
                fulfillment_order_id=str(
                    derived_id("fulfillment", story.order.origin, epoch, place)
                ),
                order_id=story.order.order_id,
                location_id=place,
                decision_id=decision_id,
                lines=_lines(parts, place),
                promise_days=story.order.promise_days,
                create_time=now,
                update_time=now,
                capacity_hold_id=derived_id("capacity", story.order.origin, epoch, place)
                if place in limited
                else None,
                method=closing[0].method,
                expected=expecting.of(shipments[place]),
            )
            for place in new
        ),
        closing=tuple(one.fulfillment_order_id for one in closing),
        moves=tuple(move for move in parts if move.from_location_id != move.to_location_id),
    )


def intend(story: Story, new: Rearranged) -> Story:
    """It is stored that the stock is to be held elsewhere, before the ledger is asked."""
    return replace(story, saga=saga.moving(story.saga), work=(*story.work, *new.work))


def settle(story: Story, closing: Collection[str], decision_id: UUID) -> Told:
    """The ledger holds the stock where the new work is: that of before ends."""
    new = tuple(one.fulfillment_order_id for one in story.planned)
    work = tuple(
        fulfillment.release(one, story.reservation_id, on_hold=story.order.is_held)
        if one.state is FulfillmentState.PLANNED
        else fulfillment.let_go(fulfillment.cancel(one))
        if one.fulfillment_order_id in closing
        else one
        for one in story.work
    )
    work = given_back(work)
    after = replace(
        story,
        order=counted(story.order, work),
        saga=saga.moved(story.saga, decision_id),
        work=work,
    )
    return after, (OrderSourced(new),)


def drop(story: Story) -> Story:
    """The ledger refused: everything is as it was."""
    work = tuple(one for one in story.work if one.state is not FulfillmentState.PLANNED)
    return replace(story, saga=saga.moved(story.saga, None), work=work)


def _units(work: FulfillmentOrder) -> dict[tuple[str, str], int]:
    units: dict[tuple[str, str], int] = {}
    for line in work.lines:
        key = (line.line_id, line.sku)
        units[key] = units.get(key, 0) + line.quantity
    return units


@dataclass
class _Held:
    """Units of a line that closing work holds, and how many of them no new work has yet."""

    key: tuple[str, str]
    place: str
    reservation_id: UUID | None
    left: int


def _matched(
    closing: Sequence[FulfillmentOrder], new: dict[str, dict[tuple[str, str], int]]
) -> list[LedgerMove]:
    """Which held units serve which new work: first those that are there already."""
    held = [
        _Held((line.line_id, line.sku), one.location_id, line.reservation_id, line.quantity)
        for one in closing
        for line in one.lines
    ]
    wanted = {(place, key): units for place, lines in new.items() for key, units in lines.items()}
    parts: list[LedgerMove] = []
    for is_there in (True, False):
        for (place, key), units in wanted.items():
            needed = units
            for one in held:
                taken = min(one.left, needed)
                if one.key != key or not taken or (one.place == place) != is_there:
                    continue
                if one.reservation_id is None:
                    raise ArithmeticError("work is to be moved that is not held")
                parts.append(LedgerMove(one.reservation_id, *key, one.place, place, taken))
                one.left -= taken
                needed -= taken
            wanted[place, key] = needed
    if any(wanted.values()):
        raise ArithmeticError("work is to be moved for which nothing is held")
    return parts


def _lines(parts: Sequence[LedgerMove], place: str) -> tuple[FulfillmentLine, ...]:
    """The lines of new work, each with the reservation that holds it."""
    units: dict[tuple[str, str, UUID], int] = {}
    for part in parts:
        if part.to_location_id == place:
            key = (part.line_id, part.sku, part.reservation_id)
            units[key] = units.get(key, 0) + part.quantity
    return tuple(
        FulfillmentLine(line_id, sku, quantity, reservation_id)
        for (line_id, sku, reservation_id), quantity in sorted(
            units.items(), key=lambda item: (item[0][0], item[0][1], str(item[0][2]))
        )
    )

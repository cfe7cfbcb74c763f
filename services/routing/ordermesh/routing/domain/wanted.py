"""What of an order is to be sourced, and what the order holds that could serve it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from ordermesh.routing.domain import hold, hub_work
from ordermesh.routing.domain.fulfillment import FulfillmentOrder
from ordermesh.routing.domain.hold import HeldUnits
from ordermesh.routing.domain.order import Order, OrderLine, sourced_units
from ordermesh.routing.domain.story import Story


@dataclass(frozen=True)
class Wanted:
    """Units by SKU of the parts of a line that are to be sourced.

    Those of a kit that may not be split make up whole kits.
    """

    line: OrderLine
    units: Mapping[str, int]


def undecided(story: Story) -> tuple[Wanted, ...]:
    """What of the order waits for a decision."""
    return _wanted(story.order, story.work)


def decidable(story: Story) -> tuple[Wanted, ...]:
    """What of the order may be decided again: what nobody has begun, and what is unfilled."""
    lines = tuple(replace(line, unfilled=0) for line in story.order.lines)
    unbegun = hub_work.unbegun(story.work)
    work = tuple(one for one in story.work if one.fulfillment_order_id not in unbegun)
    return _wanted(replace(story.order, lines=lines), work)


def whole(order: Order) -> tuple[Wanted, ...]:
    """All of the order that was not cancelled, as if nothing had been decided."""
    lines = tuple(replace(line, unfilled=0) for line in order.lines)
    return _wanted(replace(order, lines=lines), ())


def _wanted(order: Order, work: Sequence[FulfillmentOrder]) -> tuple[Wanted, ...]:
    """Units that nobody holds and that are neither cancelled nor unfilled, by line."""
    result = []
    for line in order.lines:
        there = sourced_units(line, work)
        rest = line.quantity - line.cancelled - line.unfilled
        units = {
            sku: left
            for sku, quantity in line.per_kit.items()
            if (left := rest * quantity - there.get(sku, 0)) > 0
        }
        if units:
            result.append(Wanted(line, units))
    return tuple(result)


@dataclass(frozen=True)
class Own:
    """What an order holds that its next decision could use.

    ``excluding_ids`` are whole reservations that count as free, ``kept`` are units in others.
    """

    excluding_ids: tuple[UUID, ...]
    kept: tuple[HeldUnits, ...]


def own_stock(story: Story) -> Own:
    """What the order holds and does not need where it is."""
    replaced = hold.replaceable(story.work)
    return Own((*replaced, *story.saga.checkout_ids), hold.keepable(story.work, replaced))


def own_stock_if_taken_back(story: Story) -> Own:
    """What it would hold so, were the work that nobody has begun taken back."""
    return own_stock(replace(story, work=hub_work.taken_back(story.work)))

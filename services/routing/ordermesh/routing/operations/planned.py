"""What a decision for an order makes of it: the work of locations, or a refusal."""

from dataclasses import dataclass, replace
from uuid import UUID

from ordermesh.kernel.errors import DomainError
from ordermesh.kernel.ids import derived_id
from ordermesh.routing.domain.decision import DecidedShipment, Decision
from ordermesh.routing.domain.errors.sourcing import CannotBeSourced, InsufficientStock, ShortLine
from ordermesh.routing.domain.fulfillment import FulfillmentLine, FulfillmentOrder
from ordermesh.routing.domain.known import Known
from ordermesh.routing.domain.network import SHIP
from ordermesh.routing.domain.order import Order
from ordermesh.routing.domain.question import Question
from ordermesh.routing.domain.rules.action import Intended
from ordermesh.routing.domain.story import Story


@dataclass(frozen=True)
class Planned:
    """A decision for an order, with what it was made for and from."""

    question: Question
    known: Known
    decision: Decision

    @property
    def decision_id(self) -> UUID:
        """Its id; a decision for an order has one."""
        if self.decision.decision_id is None:
            raise ValueError("A decision for an order has an id.")
        return self.decision.decision_id

    @property
    def intended(self) -> Intended | None:
        """What rules want to become of the order, by what comes of the decision."""
        actions = self.decision.actions
        return Intended(self.decision.create_time, actions) if actions else None


def work_of(story: Story, planned: Planned) -> list[FulfillmentOrder]:
    """The work that the decision's shipments make."""
    known, decision = planned.known, planned.decision
    limited = {entry.location_id for entry in known.network if entry.capacities}
    return [
        FulfillmentOrder(
            fulfillment_order_id=str(
                derived_id(
                    "fulfillment", story.order.origin, story.saga.epoch + 1, *_path(shipment)
                )
            ),
            order_id=story.order.order_id,
            location_id=shipment.location_id,
            decision_id=planned.decision_id,
            lines=_lines(shipment, decision),
            promise_days=story.order.promise_days,
            create_time=known.now,
            update_time=known.now,
            capacity_hold_id=derived_id(
                "capacity", story.order.origin, story.saga.epoch + 1, shipment.location_id
            )
            if shipment.location_id in limited and shipment.available_time is None
            else None,
            available_time=shipment.available_time,
            method=method_at(story.order, shipment.location_id),
            pickup_location_id=story.order.pickup_location_id,
        )
        for shipment in decision.shipments
    ]


def _lines(shipment: DecidedShipment, decision: Decision) -> tuple[FulfillmentLine, ...]:
    replaced = {(one.line_id, one.sku): one for one in decision.substitutions}
    lines = []
    for line in shipment.lines:
        made = FulfillmentLine(line.line_id, line.sku, line.quantity)
        one = replaced.get((line.line_id, line.sku))
        if one is not None:
            made = replace(made, instead_of=one.ordered_sku, units_each=one.units_each)
        lines.append(made)
    return tuple(lines)


def _path(shipment: DecidedShipment) -> tuple[str, ...]:
    """What tells a shipment from others of the order."""
    if shipment.available_time is None:
        return (shipment.location_id,)
    return (shipment.location_id, shipment.available_time.isoformat())


def method_at(order: Order, location_id: str) -> str:
    """How goods of an order leave a location: by hand only where the customer comes."""
    return order.method if order.pickup_location_id in ("", location_id) else SHIP


def refusal_of(decision: Decision) -> DomainError:
    """Why an order that must be sourced whole cannot be."""
    short = [line for line in decision.unfilled_lines if line.reason == "INSUFFICIENT_STOCK"]
    if not short:
        return CannotBeSourced(
            (line.line_id, line.sku, line.reason) for line in decision.unfilled_lines
        )
    return InsufficientStock(
        ShortLine(line.line_id, line.sku, line.location_id, line.wanted, line.available)
        for line in short
    )

"""What a decision for an order makes of it: the work of locations, or a refusal."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from ordermesh.kernel.errors import DomainError
from ordermesh.kernel.ids import derived_id
from ordermesh.routing.domain.decision import DecidedShipment, Decision
from ordermesh.routing.domain.errors.sourcing import CannotBeSourced, InsufficientStock, ShortLine
from ordermesh.routing.domain.expected import Expected
from ordermesh.routing.domain.expecting import Expecting
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
    """The work that the decision's shipments make: that of hubs after that of who brings goods."""
    making = _Making(story, planned)
    return [one for shipment in planned.decision.shipments for one in making.work(shipment)]


class _Making:
    """Makes work of a decision."""

    def __init__(self, story: Story, planned: Planned) -> None:
        self._story = story
        self._planned = planned
        network = planned.known.network
        self._limited = {entry.location_id for entry in network if entry.capacities}
        record = planned.decision.record
        problem = None if record is None else record.problem
        self._expecting = Expecting(story.order, planned.known, problem)

    def work(self, shipment: DecidedShipment) -> Iterator[FulfillmentOrder]:
        """The work of one shipment, and of those who bring what is in it."""
        hub, decision = shipment.location_id, self._planned.decision
        if not shipment.legs:
            expected = self._expecting.of(shipment, shipment.available_time)
            yield self._one(shipment, _path(shipment), _lines(shipment, decision), expected)
            return
        lines: tuple[FulfillmentLine, ...] = ()
        for leg in shipment.legs:
            own = _lines(leg, decision)
            if leg.location_id == hub:
                lines = (*lines, *own)
                continue
            path = (leg.location_id, "to", hub, str(shipment.days))
            # The customer waits for the work of the hub.
            brings = replace(self._one(leg, path, own, expected=None), hub_location_id=hub)
            yield brings
            name = brings.fulfillment_order_id
            lines = (*lines, *(replace(line, brought_by=name) for line in own))
        expected = self._expecting.of(shipment)
        yield self._one(shipment, (hub, "together", str(shipment.days)), lines, expected)

    def _one(
        self,
        shipment: DecidedShipment,
        path: tuple[str, ...],
        lines: tuple[FulfillmentLine, ...],
        expected: Expected | None,
    ) -> FulfillmentOrder:
        order, now, place = self._story.order, self._planned.known.now, shipment.location_id
        root = (order.origin, self._story.saga.epoch + 1)
        takes_capacity = place in self._limited and shipment.available_time is None
        return FulfillmentOrder(
            fulfillment_order_id=str(derived_id("fulfillment", *root, *path)),
            order_id=order.order_id,
            location_id=place,
            decision_id=self._planned.decision_id,
            lines=lines,
            promise_days=order.promise_days,
            create_time=now,
            update_time=now,
            capacity_hold_id=derived_id("capacity", *root, *path) if takes_capacity else None,
            available_time=shipment.available_time,
            method=method_at(order, place),
            pickup_location_id=order.pickup_location_id,
            expected=expected,
        )


def _lines(shipment: DecidedShipment, decision: Decision) -> tuple[FulfillmentLine, ...]:
    replaced = {(one.line_id, one.sku): one for one in decision.substitutions}
    lines = []
    for line in shipment.lines:
        made = FulfillmentLine(line.line_id, line.sku, line.quantity)
        one = replaced.get((line.line_id, line.sku))
        if one is not None:
            made = replace(
                made,
                instead_of=one.ordered_sku,
                units_each=one.units_each,
                ordered_price=one.unit_price,
            )
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

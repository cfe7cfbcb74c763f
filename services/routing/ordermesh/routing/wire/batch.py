"""Batches: pieces of a request in, pieces of an answer out."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from google.type.latlng_pb2 import LatLng

from ordermesh.api.routing import v1
from ordermesh.routing.domain.batch.instance import Integers
from ordermesh.routing.domain.batch.intake import (
    BatchLine,
    BatchLocation,
    BatchOrder,
    Intake,
    Refusal,
    Taken,
)
from ordermesh.routing.domain.batch.plan import LEFT
from ordermesh.routing.domain.errors.policy import ZonesNotAscending
from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.rates import CostModel
from ordermesh.routing.wire.money import amount, money_message
from ordermesh.routing.wire.policy import policy

ORDERS_A_MESSAGE = 500
MOVES = 30
SECONDS = 60.0


@dataclass
class Reading:
    """Reads the pieces of a batch, one after the other."""

    terms: v1.BatchTerms | None = None
    _intake: Intake | None = field(default=None, init=False)

    @property
    def intake(self) -> Intake:
        """What was read; raises ``FieldViolation`` while nothing was."""
        if self._intake is None:
            raise FieldViolation("terms", "terms.first", "The first message carries the terms.")
        return self._intake

    def add(self, piece: v1.PlanBatchRequest) -> None:
        """Read one; raises what ``PlanBatch`` lists."""
        if piece.HasField("terms"):
            if self._intake is not None:
                raise FieldViolation("terms", "terms.once", "The terms come once, and first.")
            self.terms = piece.terms
            self._intake = Intake(costs(piece.terms), piece.terms.scarce_follows_promise)
        intake, currency = self.intake, self.intake.costs.currency
        intake.add_locations(_location(one, currency) for one in piece.locations)
        intake.add_items((one.sku, one.weight_grams) for one in piece.items)
        intake.add_stock((one.sku, one.location_id, one.units) for one in piece.stock)
        intake.add_orders(map(_order, piece.orders))


def costs(terms: v1.BatchTerms) -> CostModel:
    """The prices of a batch; raises ``CurrencyMismatch`` and ``ZonesNotAscending``."""
    edges = [zone.distance_km_max for zone in terms.zones]
    for number, (before, after) in enumerate(itertools.pairwise(edges), start=2):
        if after <= before:
            raise ZonesNotAscending(number)
    message = v1.Policy(
        policy_id="batch",
        currency_code=terms.currency_code,
        zones=terms.zones,
        split_charge=terms.split_charge,
        transit_day_cost=terms.transit_day_cost,
        late_day_cost=terms.late_day_cost,
        carbon_price_per_kilogram=terms.carbon_price_per_kilogram,
        unfilled_penalty=terms.unfilled_penalty,
    )
    try:
        return policy(message).costs
    except ValueError as wrong:
        raise FieldViolation("terms", "terms.costs", f"{wrong}.") from wrong


def moves_of(terms: v1.BatchTerms) -> int:
    """How many moves are made for each order."""
    return terms.moves_per_order or MOVES


def seconds_of(terms: v1.BatchTerms) -> float:
    """When the best so far is the answer."""
    if not terms.HasField("time_limit"):
        return SECONDS
    return terms.time_limit.ToTimedelta().total_seconds()


def progress_message(stage: str, objective: int, bound: int, currency: str) -> v1.PlanBatchResponse:
    """What is known so far."""
    return v1.PlanBatchResponse(
        progress=v1.BatchProgress(
            stage=stage,
            objective=money_message(objective, currency),
            bound=money_message(bound, currency),
        )
    )


@dataclass(frozen=True)
class Answer:
    """Tells a plan of a batch."""

    intake: Intake
    taken: Taken | None
    reached: Sequence[bool] = ()
    """Of each atom, whether any location could have sent it."""

    def messages(self, location: Integers) -> Iterator[v1.PlanBatchResponse]:
        """Every order, in the order in which they were named, so many to a message."""
        places = {} if self.taken is None else self._places(location)
        told = [self._told(order, places) for order in self.intake.orders.values()]
        for start in range(0, len(told), ORDERS_A_MESSAGE):
            yield v1.PlanBatchResponse(
                plans=v1.BatchOrderPlans(orders=told[start : start + ORDERS_A_MESSAGE])
            )

    def _places(self, location: Integers) -> dict[str, list[tuple[int, bool]]]:
        """By order the place of each atom, and whether it could have been sent."""
        if self.taken is None:
            return {}
        first, found = self.taken.batch.orders.first_atom.tolist(), location.tolist()
        return {
            order.order_id: list(
                zip(
                    found[first[row] : first[row + 1]],
                    self.reached[first[row] : first[row + 1]],
                    strict=True,
                )
            )
            for row, order in enumerate(self.taken.orders)
        }

    def _told(
        self, order: BatchOrder, places: dict[str, list[tuple[int, bool]]]
    ) -> v1.BatchOrderPlan:
        refusal = self.intake.refusal_of(order)
        if refusal is not None:
            return v1.BatchOrderPlan(order_id=order.order_id, refusal=_REFUSALS[refusal])
        names = list(self.intake.locations)
        parcels: dict[int, dict[int, int]] = {}
        left: dict[tuple[int, bool], int] = {}
        atoms = iter(places[order.order_id])
        for row, line in enumerate(order.lines):
            units = line.quantity if line.keep_together else 1
            for _ in range(line.atoms):
                place, is_reached = next(atoms)
                if place == LEFT:
                    left[row, is_reached] = left.get((row, is_reached), 0) + units
                else:
                    parcel = parcels.setdefault(place, {})
                    parcel[row] = parcel.get(row, 0) + units
        return v1.BatchOrderPlan(
            order_id=order.order_id,
            shipments=[
                v1.BatchShipment(
                    location_id=names[place],
                    lines=[_line_message(order.lines[row], units) for row, units in rows.items()],
                )
                for place, rows in sorted(parcels.items())
            ],
            unfilled=[
                v1.BatchShortfall(
                    line_id=order.lines[row].line_id,
                    sku=order.lines[row].sku,
                    quantity=units,
                    shortage=_OTHERS if is_reached else _NOWHERE,
                )
                for (row, is_reached), units in left.items()
            ],
        )


_OTHERS = v1.BatchShortage.BATCH_SHORTAGE_GIVEN_TO_OTHERS
_NOWHERE = v1.BatchShortage.BATCH_SHORTAGE_NOWHERE
_REFUSALS = {
    refusal: v1.BatchRefusal.Value(f"BATCH_REFUSAL_{refusal.value}") for refusal in Refusal
}


def _line_message(line: BatchLine, units: int) -> v1.BatchLine:
    return v1.BatchLine(line_id=line.line_id, sku=line.sku, quantity=units)


def _location(message: v1.BatchLocation, currency: str) -> BatchLocation:
    return BatchLocation(
        location_id=message.location_id,
        place=_place(message.position, "locations.position"),
        pick_fee=amount(message.pick_fee, currency),
        labor_per_unit=amount(message.labor_cost_per_unit, currency),
        handling_days=message.handling_days,
        capacity=message.capacity_units if message.HasField("capacity_units") else None,
    )


def _order(message: v1.BatchOrder) -> BatchOrder:
    return BatchOrder(
        order_id=message.order_id,
        place=_place(message.position, "orders.position"),
        promise_days=message.promise_days or None,
        ship_by=message.ship_by_time.ToSeconds() if message.HasField("ship_by_time") else None,
        priority=message.priority,
        lines=tuple(
            BatchLine(line.line_id, line.sku, line.quantity, line.keep_together)
            for line in message.lines
        ),
    )


def _place(position: LatLng, field_name: str) -> Place:
    try:
        return Place.from_degrees(position.latitude, position.longitude)
    except (ValueError, OverflowError) as wrong:
        raise FieldViolation(field_name, "position", f"{wrong}.") from wrong

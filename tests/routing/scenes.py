"""What decisions are made from, drawn at random: rules, stock and limits in each other's way."""

import random
from dataclasses import replace

from ordermesh.kernel.money import Money, from_decimal
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.inputs import SourcingInputs
from ordermesh.routing.domain.problem import Rule
from ordermesh.routing.domain.rates import declared_costs
from ordermesh.routing.domain.sourcing import (
    Rejection,
    SourcingLine,
    SourcingLocation,
    SourcingOrder,
    SourcingPolicy,
)
from tests.routing.sourcing import HOME

COSTS = replace(declared_costs(), unfilled_per_atom=from_decimal("500"))


def place_at(degrees: float) -> Place:
    """A place so many degrees west of home."""
    return Place.from_degrees(40.0, -75.0 - degrees)


def site(location_id: str, degrees: float, **more: object) -> SourcingLocation:
    """A location so many degrees west of home."""
    known: dict[str, object] = {
        "rank": ord(location_id[0]),
        "pick_fee_per_parcel": from_decimal("1.40"),
        "labor_per_unit": from_decimal("0.45"),
        "handling_days": 1,
        **more,
    }
    return SourcingLocation(location_id, place_at(degrees), **known)  # type: ignore[arg-type]


def random_inputs(seed: int) -> SourcingInputs:
    """A small scene in which the order can often not be filled, the same for the same seed."""
    draw = random.Random(seed)
    skus = [f"SKU-{number}" for number in range(draw.randint(1, 3))]
    lines = tuple(
        SourcingLine(
            f"line-{number}",
            draw.choice(skus),
            draw.randint(1, 3),
            draw.choice([200, 1_500]),
            divisible=draw.random() < 0.6,
        )
        for number in range(draw.randint(1, 3))
    )
    names = "ABCDE"[: draw.randint(1, 5)]
    locations = tuple(
        site(
            name,
            draw.choice([0.5, 4, 12, 35]),
            handling_days=draw.randint(0, 2),
            capacity_units=draw.choice([None, None, 0, 1, 4]),
            active=draw.random() > 0.1,
            ships=draw.random() > 0.15,
        )
        for name in names
    )
    stock = {
        name: {sku: units for sku in skus if (units := draw.choice([0, 0, 1, 2, 4]))}
        for name in names
    }
    rejections = [
        Rejection(name, frozenset(), "is fenced off", Rule.FENCED, draw.choice(["near", "cold"]))
        for name in names
        if draw.random() < 0.25
    ]
    policy = SourcingPolicy(
        costs=COSTS,
        promise_days=draw.choice([None, 2, 3]),
        promise_is_hard=draw.random() < 0.6,
        shipments_max=draw.choice([None, None, 1, 2]),
        parcels_max=draw.choice([None, None, None, 1, 2]),
    )
    return SourcingInputs(
        SourcingOrder("order-1", lines, HOME), locations, policy, stock, tuple(rejections)
    )


FREE = Money(0)

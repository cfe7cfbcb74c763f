"""Orders of a given width against networks of a given size, drawn from a seed."""

import random

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.problem import Candidate, Group, Option, Part, Problem
from ordermesh.routing.domain.rates import declared_costs
from ordermesh.routing.domain.sourcing import ZONE_SERVICE
from ordermesh.routing.domain.tariffs import zone_tariff

DESTINATION = Place.from_degrees(40.0, -75.0)


def draw_order(draw: random.Random, atoms: int, locations: int, stocked: float) -> Problem:
    """An order of so many single units; each location has each of them with this probability."""
    costs = declared_costs()
    tariffs = tuple(zone_tariff(costs, zone) for zone in costs.zones)
    groups = tuple(
        Group(f"{number:02}", (Part(f"S{number:02}", 1, draw.randint(50, 6_000)),), 1)
        for number in range(atoms)
    )
    candidates = []
    for rank in range(locations):
        km = draw.randint(10, 4_400)
        zone = costs.zone_at(km)
        held = tuple(
            (f"S{n:02}", draw.randint(1, 4)) for n in range(atoms) if draw.random() < stocked
        )
        if zone is None or not held:
            continue
        days = zone.transit_days + 1
        tariff = costs.zones.index(zone)
        option = Option(ZONE_SERVICE, zone.zone, tariff, zone.transit_days, days)
        is_centre = rank < 10
        candidates.append(
            Candidate(
                location_id=f"L{rank:04}",
                rank=rank,
                distance_km=km,
                options=(option,),
                pick_fee_per_parcel=Money(14_000 if is_centre else 26_000),
                labor_per_unit=Money(4_500 if is_centre else 11_000),
                capacity_units=None,
                available=held,
            )
        )
    return Problem(
        order_id="bench",
        destination=DESTINATION,
        groups=groups,
        candidates=tuple(candidates),
        costs=costs,
        tariffs=tariffs,
        promise_days=3,
    )

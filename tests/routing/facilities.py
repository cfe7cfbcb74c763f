"""Facility-location instances of OR-Library, each as one wide order.

A customer is a line of as many units as its demand, which may be divided; a warehouse is a
location, its fixed cost the fee of its parcel, its capacity its labor; serving a unit costs the
customer's cost from there, divided by its demand. Instances are read by path: none is part of the
project. J. E. Beasley, *OR-Library: distributing test problems by electronic mail*, Journal of the
Operational Research Society 41 (1990) 1069-1072.
"""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.problem import (
    Adjustment,
    AdjustmentKind,
    Candidate,
    Group,
    Option,
    Part,
    Problem,
)
from ordermesh.routing.domain.rates import CarbonRates, ZoneRates, declared_costs
from ordermesh.routing.domain.tariffs import zone_tariff

MONEY = 10_000

OPTIMA = {"cap41": "1040444.375", "cap72": "977799.400"}
"""What OR-Library publishes, with the demand of a customer divisible."""


def published(path: Path) -> Decimal | None:
    """The optimum of an instance: known here, or in ``capopt.txt`` beside it."""
    known = dict(OPTIMA)
    listed = path.with_name("capopt.txt")
    if listed.exists():
        rows = (line.split() for line in listed.read_text().splitlines())
        known |= {row[0]: row[1] for row in rows if len(row) == 2}
    return Decimal(known[path.stem]) if path.stem in known else None


def read_facilities(path: Path) -> Problem:
    """The instance as one order."""
    numbers = iter(map(Fraction, path.read_text().split()))
    warehouses, customers = int(next(numbers)), int(next(numbers))
    places = [(int(next(numbers)), next(numbers)) for _ in range(warehouses)]
    demand, cost = [], []
    for _ in range(customers):
        demand.append(int(next(numbers)))
        cost.append([next(numbers) for _ in range(warehouses)])
    names = [f"C{number:04}" for number in range(customers)]
    dearest = max(one / units for row, units in zip(cost, demand, strict=True) for one in row)
    zone = ZoneRates(1, None, Money(0), Money(0), 0)
    costs = replace(
        declared_costs(),
        version="or-library",
        zones=(zone,),
        split_charge=Money(0),
        transit_day=Money(0),
        late_day=Money(0),
        unfilled_per_atom=Money(0),
        unfilled_per_unit=Money(int(1_000 * dearest * MONEY)),
        unfilled_per_kg=Money(0),
        carbon=CarbonRates(0, 0, 0, Money(0), "none"),
    )
    return Problem(
        order_id=path.stem,
        destination=Place(0, 0),
        groups=tuple(
            Group(name, (Part(name, 1, 1),), units)
            for name, units in zip(names, demand, strict=True)
        ),
        candidates=tuple(
            Candidate(
                location_id=f"W{place:03}",
                rank=place,
                distance_km=1,
                options=(Option("zone", 1, 0, 0, 0),),
                pick_fee_per_parcel=_money(fixed),
                labor_per_unit=Money(0),
                capacity_units=capacity,
                available=tuple(zip(names, demand, strict=True)),
                adjustments=tuple(
                    Adjustment(AdjustmentKind.PREFERENCE, name, _money(row[place] / units))
                    for name, row, units in zip(names, cost, demand, strict=True)
                ),
            )
            for place, (capacity, fixed) in enumerate(places)
        ),
        costs=costs,
        tariffs=(zone_tariff(costs, zone),),
        all_or_nothing=True,
    )


def _money(amount: Fraction) -> Money:
    """Exactly; raises ``ValueError`` for what is no whole number of 1e-4."""
    if (amount * MONEY).denominator != 1:
        raise ValueError(f"{amount} is no whole number of 1e-4")
    return Money(int(amount * MONEY))

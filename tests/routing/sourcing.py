"""Words for sourcing tests: short orders and networks, and an oracle that tries everything."""

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ordermesh.kernel.money import Money, from_decimal
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.plan import Plan, assemble
from ordermesh.routing.domain.problem import Candidate, Group, Option, Part, Problem
from ordermesh.routing.domain.rates import CarbonRates, CostModel, ZoneRates, declared_costs
from ordermesh.routing.domain.sourcing import ZONE_SERVICE
from ordermesh.routing.domain.tariffs import Tariff, zone_tariff
from ordermesh.routing.domain.terms import PLAIN, Tier

HOME = Place.from_degrees(40.0, -75.0)

FREE = CostModel(
    version="free",
    currency="USD",
    zones=(ZoneRates(1, None, Money(0), Money(0), 1),),
    split_charge=Money(0),
    transit_day=Money(0),
    late_day=Money(0),
    unfilled_per_atom=Money(0),
    unfilled_per_unit=from_decimal("1000000"),
    unfilled_per_kg=Money(0),
    carbon=CarbonRates(0, 0, 0, Money(0), "none"),
)
"""Nothing costs anything but what stays unfilled: a case adds only the prices it is about."""

FEWEST = replace(FREE, split_charge=from_decimal("1000"))
"""Unfilled units first, then shipments: the tiers as prices that lie far apart."""


def ranked(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """As many units as possible from the first, then the next: each place costs a hundredfold."""
    return tuple(
        replace(candidate, labor_per_unit=Money(0 if place == 0 else 100 ** (place - 1)))
        for place, candidate in enumerate(candidates)
    )


def location(
    location_id: str,
    stock: Mapping[str, int] | None = None,
    *,
    capacity: int | None = None,
    km: int = 100,
    zone: int = 1,
    transit_days: int = 1,
    pick_fee: str = "0",
    excluded: Sequence[str] = (),
    **available: int,
) -> Candidate:
    """A candidate named by a letter, ranked by the alphabet, with so many units of each SKU."""
    return Candidate(
        location_id=location_id,
        rank=ord(location_id[0]),
        distance_km=km,
        options=(by_zone(zone, transit_days=transit_days, days=1 + transit_days),),
        pick_fee_per_parcel=from_decimal(pick_fee),
        labor_per_unit=Money(0),
        capacity_units=capacity,
        available=tuple(sorted({**(stock or {}), **available}.items())),
        excluded_line_ids=tuple(excluded),
    )


def by_zone(zone: int, *, transit_days: int, days: int) -> Option:
    """The service of a zone; ``problem`` finds its tariff."""
    return Option(ZONE_SERVICE, zone, 0, transit_days, days)


def line(
    line_id: str, sku: str, units: int = 1, *, grams: int = 1_000, whole: bool = False
) -> Group:
    """A line whose units may leave from different locations, unless it is whole."""
    if whole:
        return Group(line_id, (Part(sku, units, grams),), 1)
    return Group(line_id, (Part(sku, 1, grams),), units)


def problem(
    groups: Sequence[Group],
    candidates: Sequence[Candidate],
    costs: CostModel = FREE,
    *,
    promise_days: int | None = None,
    shipments_max: int | None = None,
    all_or_nothing: bool = False,
    parcels_max: int | None = None,
    tariffs: Sequence[Tariff] = (),
    apart: Sequence[tuple[str, str]] = (),
    tiers: tuple[Tier, ...] = PLAIN,
) -> Problem:
    """A problem in canonical order; without tariffs they are those of the zones."""
    if not tariffs:
        tariffs = [zone_tariff(costs, zone) for zone in costs.zones]
        places = {zone.zone: place for place, zone in enumerate(costs.zones)}
        candidates = [
            replace(one, options=tuple(replace(o, tariff=places[o.zone]) for o in one.options))
            for one in candidates
        ]
    return Problem(
        order_id="order-1",
        destination=HOME,
        groups=tuple(sorted(groups, key=lambda group: group.name)),
        candidates=tuple(sorted(candidates, key=lambda c: (c.rank, c.location_id))),
        costs=costs,
        promise_days=promise_days,
        shipments_max=shipments_max,
        all_or_nothing=all_or_nothing,
        parcels_max=parcels_max,
        tariffs=tuple(tariffs),
        apart=tuple(apart),
        tiers=tiers,
    )


def units_by_location(plan: Plan) -> dict[str, dict[str, int]]:
    """Units of each SKU that each location ships."""
    shipped: dict[str, dict[str, int]] = {}
    for shipment in plan.shipments:
        units = shipped.setdefault(shipment.location_id, {})
        for each in shipment.lines:
            units[each.sku] = units.get(each.sku, 0) + each.quantity
    return shipped


def every_plan(wanted: Problem) -> Iterator[Plan]:
    """Every permitted plan, by trying every place for every atom: the oracle of small cases."""
    for assignment in assignments(wanted):
        yield assemble(wanted, assignment)


def assignments(wanted: Problem) -> Iterator[dict[str, dict[int, int]]]:
    """Every permitted way to give atoms to places."""
    places: list[str | None] = [None, *(c.location_id for c in wanted.candidates)]
    choices = [
        list(itertools.combinations_with_replacement(places, group.atoms))
        for group in wanted.groups
    ]
    for chosen in itertools.product(*choices):
        assignment: dict[str, dict[int, int]] = {}
        for index, targets in enumerate(chosen):
            for target in targets:
                if target is not None:
                    atoms = assignment.setdefault(target, {})
                    atoms[index] = atoms.get(index, 0) + 1
        if _is_permitted(wanted, assignment):
            yield assignment


def cheapest(wanted: Problem) -> Plan | None:
    """The cheapest permitted plan, of these the one with the fewest shipments, or None."""
    plans = every_plan(wanted)
    if wanted.all_or_nothing:
        plans = (plan for plan in plans if plan.is_complete)
    return min(plans, key=lambda plan: (plan.costs.total, len(plan.shipments)), default=None)


def _is_permitted(wanted: Problem, assignment: Mapping[str, Mapping[int, int]]) -> bool:
    if wanted.shipments_max is not None and len(assignment) > wanted.shipments_max:
        return False
    for candidate in wanted.candidates:
        used: dict[str, int] = {}
        for index, number in assignment.get(candidate.location_id, {}).items():
            if wanted.groups[index].line_id in candidate.excluded_line_ids:
                return False
            for part in wanted.groups[index].parts:
                used[part.sku] = used.get(part.sku, 0) + part.units * number
        available = dict(candidate.available)
        if any(units > available.get(sku, 0) for sku, units in used.items()):
            return False
        room = candidate.capacity_units
        if room is not None and sum(used.values()) > room:
            return False
    return True


def random_problem(
    seed: int, *, lines: int = 4, locations: int = 5, units: int = 2, tame: bool = True
) -> Problem:
    """A small problem with shared SKUs, kits, scarce stock, and limits that often bind.

    A ``tame`` one has penalties that dominate, so that leaving units never pays.
    """
    draw = random.Random(seed)
    skus = [f"SKU-{number}" for number in range(1, draw.randint(1, lines) + 1)]
    costs = replace(
        declared_costs(parcel_limit_grams=draw.choice([None, None, 3_000, 6_000])),
        unfilled_per_atom=from_decimal("200") if tame else from_decimal(str(draw.randint(0, 30))),
        split_charge=from_decimal(draw.choice(["0", "2.00", "9.50"])),
    )
    groups = []
    for number in range(1, draw.randint(1, lines) + 1):
        kit = draw.random() < 0.2 and len(skus) > 1
        picked = sorted(draw.sample(skus, 2 if kit else 1))
        size = draw.randint(1, units)
        whole = draw.random() < 0.4
        parts = tuple(
            Part(sku, size if whole else 1, draw.choice([0, 333, 1_250, 4_000])) for sku in picked
        )
        groups.append(Group(f"line-{number}", parts, 1 if whole else size))
    candidates = []
    for place in range(draw.randint(1, locations)):
        km = draw.randint(0, 4_500)
        zone = costs.zone_at(km)
        assert zone is not None
        held = {sku: draw.randint(0, 3) for sku in skus}
        candidates.append(
            Candidate(
                location_id=f"place-{place}",
                rank=draw.randint(0, 2),
                distance_km=km,
                options=(
                    by_zone(
                        zone.zone,
                        transit_days=zone.transit_days,
                        days=zone.transit_days + draw.randint(0, 2),
                    ),
                ),
                pick_fee_per_parcel=from_decimal(draw.choice(["1.40", "2.60"])),
                labor_per_unit=from_decimal(draw.choice(["0.45", "1.10"])),
                capacity_units=draw.choice([None, None, 1, 3]),
                available=tuple((sku, units) for sku, units in sorted(held.items()) if units),
                excluded_line_ids=("line-1",) if draw.random() < 0.1 else (),
            )
        )
    return problem(
        groups,
        candidates,
        costs,
        promise_days=draw.choice([None, 2, 3, 5]),
        shipments_max=draw.choice([None, None, 1, 2]),
        all_or_nothing=draw.random() < 0.3,
    )

"""Problems with everything at once, and what is best of them by trying all there is to try.

Services with tariffs of every form, goods that share no parcel, handling, credits and charges,
several tiers. The oracle tries every place for every atom, every way to part a shipment into
parcels, and every service for each, and compares tiers as tuples.
"""

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ordermesh.kernel.money import Money, from_decimal
from ordermesh.routing.domain.judging import tier_values
from ordermesh.routing.domain.parcelling import Load, is_counted, is_torn, load_of, loads_of
from ordermesh.routing.domain.plan import Parcelling, Plan, assemble
from ordermesh.routing.domain.problem import (
    Adjustment,
    AdjustmentKind,
    Candidate,
    Group,
    Option,
    Part,
    Problem,
)
from ordermesh.routing.domain.rates import CarbonRates, declared_costs
from ordermesh.routing.domain.scale import scale_of
from ordermesh.routing.domain.tariffs import Bracket, Tariff
from ordermesh.routing.domain.terms import PLAIN, Term, Tier, Weighted, in_hand_first
from tests.routing.sourcing import assignments, problem

TIERS = (
    PLAIN,
    PLAIN,
    PLAIN,
    (
        Tier(
            "weighted",
            (Weighted(Term.FREIGHT, 1_500), Weighted(Term.UNFILLED), Weighted(Term.LATE)),
        ),
    ),
    (
        Tier("filled", (Weighted(Term.UNFILLED_UNITS),)),
        Tier("on time", (Weighted(Term.LATE_ATOMS),)),
        Tier("parcels", (Weighted(Term.PARCELS), Weighted(Term.SHIPMENTS, 500))),
        Tier("cost", (Weighted(Term.COST),)),
    ),
    (
        Tier("filled", (Weighted(Term.UNFILLED_UNITS),)),
        Tier("green", (Weighted(Term.CARBON_MICROGRAMS),)),
        Tier("cost", (Weighted(Term.COST),)),
    ),
    (
        Tier("filled", (Weighted(Term.UNFILLED_UNITS),)),
        Tier("soon", (Weighted(Term.ATOM_DAYS),)),
        Tier("cost", (Weighted(Term.COST),)),
    ),
    (
        Tier("filled", (Weighted(Term.UNFILLED_UNITS),)),
        Tier("by rank", (Weighted(Term.UNITS_BY_RANK),)),
        Tier("cost", (Weighted(Term.COST),)),
    ),
    in_hand_first(PLAIN),
)


def rich_problem(seed: int) -> Problem:
    """A small problem, the same for the same seed."""
    draw = random.Random(seed)
    tariffs = tuple(_tariff(draw, number) for number in range(4))
    skus = [f"SKU-{number}" for number in range(1, draw.randint(1, 3) + 1)]
    groups = [_group(draw, number, skus) for number in range(1, draw.randint(1, 3) + 1)]
    candidates = [_candidate(draw, place, skus) for place in range(draw.randint(1, 3))]
    costs = replace(
        declared_costs(parcel_limit_grams=draw.choice([None, None, None, 5_000])),
        split_charge=from_decimal(draw.choice(["0", "2.00", "9.50"])),
    )
    return problem(
        groups,
        candidates,
        costs,
        promise_days=draw.choice([None, 1, 2, 3]),
        shipments_max=draw.choice([None, None, None, 1, 2]),
        all_or_nothing=draw.random() < 0.2,
        parcels_max=draw.choice([None, None, None, 1, 2, 3]),
        tariffs=tariffs,
        apart=draw.choice([(), (), (("cold", "warm"),)]),
        tiers=draw.choice(TIERS),
    )


def _tariff(draw: random.Random, number: int) -> Tariff:
    if draw.random() < 0.3:
        per_unit = draw.choice([Money(0), Money(0), _money(draw, 0, 3)])
        return Tariff(f"t{number}", _money(draw, 3, 9), _money(draw, 0, 2), per_unit=per_unit)
    prices = sorted(_money(draw, 2, 14) for _ in range(3))
    edges = sorted(draw.sample([500, 1_000, 2_000, 3_000, 5_000], 2))
    return Tariff(
        f"t{number}",
        prices[2],
        _money(draw, 0, 3),
        brackets=tuple(Bracket(edge, price) for edge, price in zip(edges, prices[:2], strict=True)),
        grams_max=draw.choice([None, None, 2_500, 4_000]),
        cubic_mm_per_gram=draw.choice([0, 5_000]),
        grams_step=draw.choice([1, 1, 500]),
        carbon=draw.choice([None, CarbonRates(10_000_000, 900, 40, Money(0), "air")]),
        per_unit=draw.choice([Money(0), Money(0), _money(draw, 0, 3)]),
    )


def _group(draw: random.Random, number: int, skus: list[str]) -> Group:
    size = draw.randint(1, 2)
    whole = draw.random() < 0.4
    picked = sorted(draw.sample(skus, 2 if draw.random() < 0.2 and len(skus) > 1 else 1))
    parts = tuple(
        Part(
            sku,
            size if whole else 1,
            draw.choice([100, 600, 1_250, 2_600, 4_400]),
            draw.choice([0, 2_000_000, 9_000_000]),
        )
        for sku in picked
    )
    category = draw.choice(["", "cold", "warm"])
    return Group(f"line-{number}", parts, 1 if whole else size, category)


def _candidate(draw: random.Random, place: int, skus: list[str]) -> Candidate:
    options = tuple(
        Option(
            f"service-{number}",
            draw.randint(1, 8),
            draw.randint(0, 3),
            transit := draw.randint(0, 4),
            transit + draw.randint(0, 1),
            ("line-2",) if number and draw.random() < 0.2 else (),
        )
        for number in range(draw.randint(1, 3))
    )
    adjustments = tuple(
        Adjustment(
            draw.choice(list(AdjustmentKind)),
            draw.choice(["", "line-1", "line-2"]),
            Money(draw.randint(-30_000, 30_000)),
        )
        for _ in range(draw.choice([0, 0, 1, 2]))
    )
    held = {sku: draw.randint(0, 4) for sku in skus}
    return Candidate(
        location_id=f"place-{place}",
        rank=draw.randint(0, 2),
        distance_km=draw.randint(0, 3_000),
        options=options,
        pick_fee_per_parcel=from_decimal(draw.choice(["0", "1.40", "2.60"])),
        labor_per_unit=from_decimal(draw.choice(["0.45", "1.10"])),
        capacity_units=draw.choice([None, None, 2]),
        available=tuple((sku, units) for sku, units in sorted(held.items()) if units),
        excluded_line_ids=("line-1",) if draw.random() < 0.1 else (),
        handling_per_shipment=from_decimal(draw.choice(["0", "0", "3"])),
        adjustments=adjustments,
        available_from=draw.choice(["", "", "2026-12-01"]),
        labor_per_line=from_decimal(draw.choice(["0", "0", "1.10", "4"])),
    )


def _money(draw: random.Random, low: int, high: int) -> Money:
    return Money(draw.randint(low * 10_000, high * 10_000))


def best_tiers(wanted: Problem) -> tuple[int, ...] | None:
    """What the best of all permitted plans comes to in each tier; None where there is none."""
    found = [
        tier_values(wanted, plan)
        for assignment in assignments(wanted)
        for plan in _parcelled(wanted, assignment)
        if plan.is_complete or not wanted.all_or_nothing
        if wanted.parcels_max is None or plan.parcels <= wanted.parcels_max
    ]
    return min(found, default=None)


def _parcelled(wanted: Problem, assignment: Mapping[str, Mapping[int, int]]) -> Iterator[Plan]:
    """The plans that send these atoms in any parcels by any services."""
    scale = scale_of(wanted)
    by_id = {one.location_id: one for one in wanted.candidates}
    names = list(assignment)
    ways = [list(_loads(wanted, by_id[name], assignment[name])) for name in names]
    for chosen in itertools.product(*ways):
        known = dict(zip(names, chosen, strict=True))
        yield assemble(wanted, assignment, parcelling=Parcelling(scale, known))


def _loads(
    wanted: Problem, candidate: Candidate, taken: Mapping[int, int]
) -> Iterator[tuple[Load, ...]]:
    groups = [wanted.groups[index] for index in taken]
    if is_counted(wanted, candidate) or any(is_torn(wanted, candidate, one) for one in groups):
        # Here the rule says which parcels, and there is nothing to choose but one service.
        try:
            yield loads_of(wanted, candidate, taken, scale_of(wanted))
        except ValueError:
            return
        return
    atoms = [index for index, number in taken.items() for _ in range(number)]
    for parts in _partitions(atoms):
        for options in itertools.product(range(len(candidate.options)), repeat=len(parts)):
            pairs = list(zip(options, parts, strict=True))
            if all(_may(wanted, candidate.options[o], part) for o, part in pairs):
                yield tuple(load_of(wanted, o, _counted(part)) for o, part in pairs)


def _may(wanted: Problem, option: Option, part: list[int]) -> bool:
    groups = [wanted.groups[index] for index in part]
    limits = [wanted.tariffs[option.tariff].grams_max, wanted.costs.parcel_limit_grams]
    grams = sum(group.grams for group in groups)
    categories = {group.category for group in groups}
    return (
        all(limit is None or grams <= limit for limit in limits)
        and not any(group.line_id in option.excluded_line_ids for group in groups)
        and not any(set(pair) <= categories for pair in wanted.apart)
    )


def _counted(part: list[int]) -> list[tuple[int, int]]:
    return [(index, part.count(index)) for index in sorted(set(part))]


def _partitions(atoms: list[int]) -> Iterator[list[list[int]]]:
    """Every way to part a list into heaps."""
    if not atoms:
        yield []
        return
    first, rest = atoms[0], atoms[1:]
    for smaller in _partitions(rest):
        yield [[first], *smaller]
        for place, heap in enumerate(smaller):
            yield [*smaller[:place], [first, *heap], *smaller[place + 1 :]]

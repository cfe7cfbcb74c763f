"""Orders are brought together at hubs where that is the best plan, proven by trying everything."""

import itertools
import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.judging import tier_values
from ordermesh.routing.domain.plan import Method, Parcelling, Plan, Status, assemble
from ordermesh.routing.domain.problem import Candidate, Option, Problem
from ordermesh.routing.domain.scale import scale_of
from ordermesh.routing.domain.tariffs import Tariff
from ordermesh.routing.domain.verification import verify
from ordermesh.routing.solver.solve import solve
from tests.routing.rich import _loads, rich_problem

Takers = tuple[str, str]
"""A candidate, and for a hub who brings it; both empty: nobody."""


def hub_problem(seed: int) -> Problem:
    """A small problem with hubs, the same for the same seed."""
    plain = rich_problem(seed)
    draw = random.Random(f"hubs {seed}")
    groups = plain.groups[:2]
    runs = [
        Tariff(
            f"run-{number}",
            Money(draw.randint(0, 60_000)),
            Money(0),
            per_unit=Money(draw.randint(0, 9_000)),
        )
        for number in range(2)
    ]
    tariffs = (*plain.tariffs, *runs)
    direct = plain.candidates
    hubs = []
    for number in range(draw.choice([1, 1, 2])):
        place = draw.choice([f"hub-{number}", direct[0].location_id])
        legs = tuple(
            replace(
                one,
                distance_km=draw.randint(0, 900),
                options=tuple(
                    Option(f"/lane-{lane}", 0, len(plain.tariffs) + draw.randint(0, 1), 0, 0)
                    for lane in range(draw.randint(1, 2))
                ),
                adjustments=(),
                available_from="",
            )
            for one in direct
            if draw.random() < 0.9
        )
        if not legs:
            continue
        held: dict[str, int] = {}
        for leg in legs:
            for sku, units in leg.available:
                held[sku] = held.get(sku, 0) + units
        hubs.append(
            replace(
                direct[0],
                location_id=f"{place}+{number}",
                source_id=place,
                rank=draw.randint(0, 2),
                distance_km=draw.randint(0, 900),
                available=tuple(sorted(held.items())),
                capacity_units=draw.choice([None, None, 3]),
                excluded_line_ids=(),
                available_from="",
                legs=legs,
            )
        )
    direct = tuple(replace(one, available_from="") for one in direct)
    candidates = sorted((*direct, *hubs), key=lambda one: (one.rank, one.location_id))
    return replace(plain, groups=groups, candidates=tuple(candidates), tariffs=tariffs)


WAYS_MAX = 150
"""So many ways to give atoms to places are tried for one problem at most."""


def ways_of(wanted: Problem) -> int:
    takers = 1 + sum(len(one.legs) or 1 for one in wanted.candidates)
    return math.prod(math.comb(takers + one.atoms - 1, one.atoms) for one in wanted.groups)


def every_way(
    wanted: Problem,
) -> Iterator[tuple[dict[str, dict[int, int]], dict[str, dict[str, dict[int, int]]]]]:
    """Every permitted way to give atoms to places, and of hubs to those who bring them."""
    places: list[Takers] = [("", "")]
    for one in wanted.candidates:
        places += [(one.location_id, leg.location_id) for leg in one.legs] or [
            (one.location_id, "")
        ]
    choices = [
        list(itertools.combinations_with_replacement(places, group.atoms))
        for group in wanted.groups
    ]
    by_id = {one.location_id: one for one in wanted.candidates}
    for chosen in itertools.product(*choices):
        sent: dict[str, dict[int, int]] = {}
        brought: dict[str, dict[str, dict[int, int]]] = {}
        for index, takers in enumerate(chosen):
            for name, leg in takers:
                if name:
                    atoms = sent.setdefault(name, {})
                    atoms[index] = atoms.get(index, 0) + 1
                if leg:
                    atoms = brought.setdefault(name, {}).setdefault(leg, {})
                    atoms[index] = atoms.get(index, 0) + 1
        if is_permitted(wanted, by_id, sent, brought):
            yield sent, brought


def is_permitted(  # noqa: C901 - one rule after the other
    wanted: Problem,
    by_id: Mapping[str, Candidate],
    sent: Mapping[str, Mapping[int, int]],
    brought: Mapping[str, Mapping[str, Mapping[int, int]]],
) -> bool:
    if wanted.shipments_max is not None and len(sent) > wanted.shipments_max:
        return False
    used: dict[tuple[str, str], int] = {}
    there: dict[tuple[str, str], int] = {}

    def take(one: Candidate, name: str, atoms: Mapping[int, int], *, work: bool) -> bool:
        for sku, units in one.available:
            there[name, sku] = units
        for index, number in atoms.items():
            if wanted.groups[index].line_id in one.excluded_line_ids:
                return False
            for part in wanted.groups[index].parts:
                units = part.units * number
                used[name, part.sku] = used.get((name, part.sku), 0) + units
                used[name, ""] = used.get((name, ""), 0) + (units if work else 0)
        return True

    for name, atoms in sent.items():
        one = by_id[name]
        if not one.legs:
            if not take(one, name, atoms, work=True):
                return False
            continue
        units = sum(wanted.groups[index].units * number for index, number in atoms.items())
        used[one.place_id, ""] = used.get((one.place_id, ""), 0) + units
        for leg in one.legs:
            own = leg.location_id == one.place_id
            if not take(leg, leg.location_id, brought[name].get(leg.location_id, {}), work=not own):
                return False
    for one in wanted.candidates:
        place = one.place_id if one.legs else one.location_id
        for leg in one.legs:
            if (
                leg.capacity_units is not None
                and used.get((leg.location_id, ""), 0) > leg.capacity_units
            ):
                return False
        if one.capacity_units is not None and used.get((place, ""), 0) > one.capacity_units:
            return False
    return all(units <= there.get(row, 0) for row, units in used.items() if row[1])


def plans(wanted: Problem) -> Iterator[Plan]:
    """Every permitted plan, in every way to part its shipments into parcels."""
    scale = scale_of(wanted)
    by_id = {one.location_id: one for one in wanted.candidates}
    for sent, brought in every_way(wanted):
        names = list(sent)
        ways = [list(_loads(wanted, by_id[name], sent[name])) for name in names]
        for chosen in itertools.product(*ways):
            known = dict(zip(names, chosen, strict=True))
            yield assemble(wanted, sent, parcelling=Parcelling(scale, known, brought))


@pytest.mark.parametrize("start", range(0, 180, 30))
def test_the_plan_is_the_best_of_all_there_are(start: int) -> None:
    used = tried = 0
    for seed in range(start, start + 30):
        wanted = hub_problem(seed)
        if ways_of(wanted) > WAYS_MAX:
            continue
        solution = solve(wanted)
        verify(wanted, solution.plan)
        certificate = solution.certificate
        if certificate.method is not Method.EXACT_DP:
            assert certificate.status is not Status.OPTIMAL, seed
            continue
        found = [
            tier_values(wanted, plan)
            for plan in plans(wanted)
            if plan.is_complete or not wanted.all_or_nothing
            if wanted.parcels_max is None or plan.parcels <= wanted.parcels_max
        ]
        best = min(found, default=None)
        if certificate.status is Status.INFEASIBLE:
            assert best is None or not wanted.all_or_nothing, seed
            continue
        assert best is not None, seed
        ours = tier_values(wanted, solution.plan)
        if certificate.status is Status.OPTIMAL:
            assert ours == best, (seed, ours, best)
        else:
            assert ours >= best, (seed, ours, best)
        used += any(one.legs for one in solution.plan.shipments)
        tried += 1
    assert used >= 1
    assert tried > 5

"""A problem as integer arrays: what each candidate charges and holds, what staying costs.

The arithmetic is that of ``ordermesh.routing.domain.costs``, for all candidates at once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ordermesh.routing.domain.costs import GRAMS_PER_KG, MICROGRAMS_PER_KG, unfilled_penalty
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.solver.lattice import Integers


@dataclass(frozen=True, slots=True)
class Tables:
    """The problem in arrays over I candidates, G groups and K SKUs, in the problem's order.

    ``parcel`` (I): cost of a parcel, split charge included. ``atom`` (I, G): cost of an atom.
    ``penalty`` (G): cost of an atom that stays. ``atoms`` (G): how many. ``units`` (G): units of an
    atom. ``needs`` (G, K): units of each SKU in an atom. ``available`` (I, K) and ``capacity`` (I):
    units, cut to what the order wants of each and of all. ``holds`` (I, G): atoms that could leave
    if nothing else did.
    """

    parcel: Integers
    atom: Integers
    penalty: Integers
    atoms: Integers
    units: Integers
    needs: Integers
    available: Integers
    capacity: Integers
    holds: Integers

    def restricted(self, candidates: NDArray[np.intp], groups: NDArray[np.intp]) -> "Tables":
        """The tables of some candidates and groups."""
        return Tables(
            parcel=self.parcel[candidates],
            atom=self.atom[np.ix_(candidates, groups)],
            penalty=self.penalty[groups],
            atoms=self.atoms[groups],
            units=self.units[groups],
            needs=self.needs[groups],
            available=self.available[candidates],
            capacity=self.capacity[candidates],
            holds=self.holds[np.ix_(candidates, groups)],
        )


def tables_of(problem: Problem) -> Tables:
    """The arrays of this problem."""
    costs, candidates, groups = problem.costs, problem.candidates, problem.groups
    rates = {zone.zone: zone for zone in costs.zones}
    zones = [rates[candidate.zone] for candidate in candidates]
    distance = _vector([candidate.distance_km for candidate in candidates])
    carbon = costs.carbon
    emitted = carbon.parcel_micrograms + carbon.parcel_micrograms_per_km * distance
    parcel = (
        _vector([zone.freight_per_parcel for zone in zones])
        + _vector([candidate.pick_fee_per_parcel for candidate in candidates])
        + costs.split_charge
        + _half_even(emitted * carbon.price_per_kg, MICROGRAMS_PER_KG)
    )

    grams = _vector([group.grams for group in groups])
    units = _vector([group.units for group in groups])
    per_kg = _vector([zone.freight_per_kg for zone in zones])
    labor = _vector([candidate.labor_per_unit for candidate in candidates])
    per_gram = carbon.micrograms_per_gram_km * distance * carbon.price_per_kg
    atom = _half_even(np.outer(per_kg, grams), GRAMS_PER_KG)
    atom += _half_even(np.outer(per_gram, grams), MICROGRAMS_PER_KG)
    atom += np.outer(labor, units)
    atom += _days(problem)[:, None]

    skus = {sku: index for index, sku in enumerate(problem.wanted)}
    needs = np.zeros((len(groups), len(skus)), np.int64)
    for index, group in enumerate(groups):
        for part in group.parts:
            needs[index, skus[part.sku]] = part.units
    available = np.zeros((len(candidates), len(skus)), np.int64)
    for index, candidate in enumerate(candidates):
        for sku, number in candidate.available:
            if sku in skus:
                available[index, skus[sku]] = min(number, problem.wanted[sku])
    capacity = _vector(
        [
            problem.units if c.capacity_units is None else min(c.capacity_units, problem.units)
            for c in candidates
        ]
    )
    atoms = _vector([group.atoms for group in groups])
    return Tables(
        parcel=parcel,
        atom=atom,
        penalty=_vector([unfilled_penalty(costs, group) for group in groups]),
        atoms=atoms,
        units=units,
        needs=needs,
        available=available,
        capacity=capacity,
        holds=_holds(problem, atoms, units, needs, available, capacity),
    )


def _holds(
    problem: Problem,
    atoms: Integers,
    units: Integers,
    needs: Integers,
    available: Integers,
    capacity: Integers,
) -> Integers:
    """Atoms of each group that each candidate could ship if asked for nothing else."""
    holds = np.minimum(atoms[None, :], capacity[:, None] // units[None, :])
    for index, row in enumerate(needs):
        skus = np.flatnonzero(row)
        holds[:, index] = np.minimum(holds[:, index], (available[:, skus] // row[skus]).min(axis=1))
    for index, candidate in enumerate(problem.candidates):
        for position, group in enumerate(problem.groups):
            if group.line_id in candidate.excluded_line_ids:
                holds[index, position] = 0
    positive: Integers = np.maximum(holds, 0)
    return positive


def _days(problem: Problem) -> Integers:
    """What the days of each candidate cost for one atom."""
    costs, promise = problem.costs, problem.promise_days
    transit = _vector([candidate.transit_days for candidate in problem.candidates])
    days = _vector([candidate.days for candidate in problem.candidates])
    late = np.zeros_like(days) if promise is None else np.maximum(0, days - promise)
    charged: Integers = costs.transit_day * transit + costs.late_day * late
    return charged


def _vector(numbers: list[int]) -> Integers:
    return np.array(numbers, np.int64)


def _half_even(numerators: Integers, denominator: int) -> Integers:
    quotients, rests = np.divmod(numerators, denominator)
    double = 2 * rests
    up = (double > denominator) | ((double == denominator) & (quotients % 2 == 1))
    rounded: Integers = quotients + up
    return rounded

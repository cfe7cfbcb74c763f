"""A problem as integer arrays: what each candidate charges and holds, what staying costs.

The arithmetic is that of ``ordermesh.routing.domain.costs``, for all candidates at once, counted on
the scale of the problem's tiers.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ordermesh.routing.domain.costs import (
    MICROGRAMS_PER_KG,
    carbon_of,
    days_late,
    parcel_limit,
    shipment_terms,
    unfilled_penalty,
)
from ordermesh.routing.domain.parcelling import is_counted
from ordermesh.routing.domain.problem import AdjustmentKind, Problem
from ordermesh.routing.domain.rates import GRAMS_PER_KG
from ordermesh.routing.domain.scale import Scale
from ordermesh.routing.domain.tariffs import Tariff
from ordermesh.routing.domain.terms import Term
from ordermesh.routing.solver.lattice import Integers

NO_LIMIT = 2**60
"""Grams that no parcel weighs."""

EXACT_MAX = 2**58
"""Beyond this, numbers of the scale are Python's own integers in arrays of objects."""


@dataclass(frozen=True, slots=True)
class Ways:
    """The options of all candidates, W of them, one after the other.

    ``owner`` (W): the candidate. ``constant`` (W) is what a parcel counts, without the price of a
    tariff that is no line; ``atom`` (W, G) what an atom counts; ``carries`` (W, G) whether it may.
    ``limit`` (W) in grams; ``tariff`` (W) is the place in the problem's tariffs. ``least`` (W) is
    the least price of a parcel, counted, of a tariff that is no line.
    """

    owner: Integers
    place: Integers
    constant: Integers
    atom: Integers
    carries: NDArray[np.bool_]
    limit: Integers
    tariff: Integers
    least: Integers


@dataclass(frozen=True)
class Tables:
    """The problem in arrays over I candidates, G groups and K SKUs, in the problem's order.

    ``shipment`` (I): what a shipment counts once. ``parcel`` (I): what a parcel counts, split
    charge included. ``atom`` (I, G): an atom. These two are lower bounds where a candidate is not
    ``counted`` (I). ``penalty`` (G): an atom that stays. ``atoms`` (G): how many. ``units`` (G):
    units of an atom. ``needs`` (G, K): units of each SKU in an atom. ``available`` (I, K) and
    ``capacity`` (I): units, cut to what the order wants of each and of all. ``holds`` (I, G): atoms
    that could leave if nothing else did. ``rows`` (I) and ``columns`` (G) are places in the
    problem. ``per_line`` (I): what each order line counts of which anything leaves, which is in
    none of the others; ``lines`` (G): the order line of each group, by number.
    """

    shipment: Integers
    parcel: Integers
    atom: Integers
    penalty: Integers
    atoms: Integers
    units: Integers
    needs: Integers
    available: Integers
    capacity: Integers
    holds: Integers
    counted: NDArray[np.bool_]
    ways: Ways
    rows: Integers
    columns: Integers
    per_line: Integers
    lines: Integers

    @property
    def is_exact(self) -> bool:
        """Whether numbers of the scale are Python's own."""
        return self.atom.dtype == object

    @cached_property
    def shared(self) -> Integers:
        """The SKUs that several groups need, by place."""
        return np.flatnonzero((self.needs > 0).sum(axis=0) > 1)

    def restricted(self, candidates: NDArray[np.intp], groups: NDArray[np.intp]) -> "Tables":
        """The tables of some candidates and groups; the ways stay those of all."""
        return Tables(
            shipment=self.shipment[candidates],
            parcel=self.parcel[candidates],
            atom=self.atom[np.ix_(candidates, groups)],
            penalty=self.penalty[groups],
            atoms=self.atoms[groups],
            units=self.units[groups],
            needs=self.needs[groups],
            available=self.available[candidates],
            capacity=self.capacity[candidates],
            holds=self.holds[np.ix_(candidates, groups)],
            counted=self.counted[candidates],
            ways=self.ways,
            rows=self.rows[candidates],
            columns=self.columns[groups],
            per_line=self.per_line[candidates],
            lines=self.lines[groups],
        )


def tables_of(problem: Problem, scale: Scale) -> Tables:
    """The arrays of this problem."""
    candidates, groups = problem.candidates, problem.groups
    atoms = _vector([group.atoms for group in groups])
    units = _vector([group.units for group in groups])
    # What decides between equals is counted below the scale.
    ties = (int(atoms.sum()) + 1) * (problem.units * len(candidates) + 1)
    kind = object if scale.greatest * ties >= EXACT_MAX else np.int64
    ways = _ways(problem, scale, units, kind)
    starts = np.searchsorted(ways.owner, np.arange(len(candidates)))
    least = ways.constant + ways.least
    dear = np.where(ways.carries, ways.atom, 2**61)
    if len(candidates) == len(ways.owner):
        parcel, atom = least, dear
    else:
        parcel = np.minimum.reduceat(least, starts)
        atom = np.minimum.reduceat(dear, starts, axis=0)
    skus = {sku: index for index, sku in enumerate(problem.wanted)}
    needs = np.zeros((len(groups), len(skus)), np.int64)
    for index, group in enumerate(groups):
        for part in group.parts:
            needs[index, skus[part.sku]] = part.units
    available = _available(problem, skus)
    capacity = _vector(
        [
            problem.units if c.capacity_units is None else min(c.capacity_units, problem.units)
            for c in candidates
        ]
    )
    return Tables(
        shipment=_shipments(problem, scale, kind),
        parcel=parcel,
        atom=atom,
        penalty=_penalties(problem, scale, kind),
        atoms=atoms,
        units=units,
        needs=needs,
        available=available,
        capacity=capacity,
        holds=_holds(problem, atoms, units, needs, available, capacity),
        counted=np.array([is_counted(problem, candidate) for candidate in candidates], np.bool_),
        ways=ways,
        rows=np.arange(len(candidates)),
        columns=np.arange(len(groups)),
        per_line=_per_line(problem, scale, kind),
        lines=_lines(problem),
    )


def _available(problem: Problem, skus: dict[str, int]) -> Integers:
    wanted = problem.wanted
    available = np.zeros((len(problem.candidates), len(skus)), np.int64)
    for index, candidate in enumerate(problem.candidates):
        for sku, number in candidate.available:
            if sku in skus:
                available[index, skus[sku]] = min(number, wanted[sku])
    return available


def _ways(problem: Problem, scale: Scale, units: Integers, kind: type) -> Ways:
    """All options: money first, rounded as the domain does, then counted."""
    costs = problem.costs
    pairs = [
        (owner, place, candidate, option)
        for owner, candidate in enumerate(problem.candidates)
        for place, option in enumerate(candidate.options)
    ]
    owner = _vector([pair[0] for pair in pairs])
    options = [pair[3] for pair in pairs]
    tariff = _vector([option.tariff for option in options])
    km = _vector([candidate.distance_km for candidate in problem.candidates])[owner]
    tariffs = problem.tariffs
    carbons = [carbon_of(problem, one) for one in tariffs]
    fixed = _vector([one.parcel_micrograms for one in carbons])[tariff]
    fixed = fixed + _vector([one.parcel_micrograms_per_km for one in carbons])[tariff] * km
    per_gram = _vector([one.micrograms_per_gram_km for one in carbons])[tariff] * km
    price = costs.carbon.price_per_kg
    grams = _vector([group.grams for group in problem.groups])
    linear = np.array([one.is_linear for one in tariffs], np.bool_)
    base = _vector([one.per_parcel if one.is_linear else 0 for one in tariffs])[tariff]
    per_kg = _vector([one.per_kg if one.is_linear else 0 for one in tariffs])[tariff]
    cheapest = _vector([0 if one.is_linear else _cheapest(one) for one in tariffs])[tariff]
    pick = _vector([candidate.pick_fee_per_parcel for candidate in problem.candidates])[owner]
    labor = _vector([candidate.labor_per_unit for candidate in problem.candidates])[owner]
    late = _vector([days_late(option, problem.promise_days) for option in options])
    transit = _vector([option.transit_days for option in options])
    money = _Money(scale, kind)
    parcel_carbon = _half_even(fixed * price, MICROGRAMS_PER_KG)
    constant = money(Term.FREIGHT, base) + money(Term.PICK, pick)
    constant = constant + money(Term.CARBON, parcel_carbon)
    constant = constant + money(Term.SPLIT, np.full_like(base, costs.split_charge))
    constant = constant + scale.count(Term.PARCELS, 1) + money(Term.CARBON_MICROGRAMS, fixed)
    atom = money(Term.FREIGHT, _half_even(np.outer(per_kg, grams), GRAMS_PER_KG))
    per_unit = _vector([one.per_unit for one in tariffs])
    if per_unit.any():
        atom = atom + money(Term.FREIGHT, np.outer(per_unit[tariff], units))
    emitted = np.outer(per_gram, grams)
    atom = atom + money(Term.CARBON, _half_even(emitted * price, MICROGRAMS_PER_KG))
    atom = atom + money(Term.LABOR, np.outer(labor, units))
    days = money(Term.TRANSIT, costs.transit_day * transit)
    days = days + money(Term.LATE, costs.late_day * late)
    if not scale.is_plain:
        arrival = _vector([option.days for option in options])
        days = days + money(Term.LATE_ATOMS, (late > 0).astype(np.int64))
        days = days + money(Term.ATOM_DAYS, arrival)
        atom = atom + money(Term.CARBON_MICROGRAMS, emitted)
        atom = atom + np.outer(np.array(scale.by_rank, kind)[owner], units)
        waits = _vector([int(bool(one.available_from)) for one in problem.candidates])
        if waits.any():
            atom = atom + money(Term.BACKORDERED_UNITS, np.outer(waits[owner], units))
    atom = atom + days[:, None] + _adjusted(problem, money, units)[owner]
    limits = [parcel_limit(problem, one) for one in tariffs]
    return Ways(
        owner=owner,
        place=_vector([pair[1] for pair in pairs]),
        constant=constant,
        atom=atom,
        carries=_carried(problem, [option.excluded_line_ids for option in options]),
        limit=_vector([NO_LIMIT if one is None else one for one in limits])[tariff],
        tariff=tariff,
        least=money(Term.FREIGHT, np.where(linear[tariff], 0, cheapest)),
    )


class _Money:
    """Amounts, or counts, as what they count on the scale."""

    def __init__(self, scale: Scale, kind: type) -> None:
        self._scale = scale
        self._kind = kind

    def __call__(self, term: Term, amounts: Integers) -> Integers:
        factor = self._scale.coefficients.get(term, 0)
        counted: Integers = amounts.astype(self._kind, copy=False) * factor
        return counted


def _carried(problem: Problem, excluded: list[tuple[str, ...]]) -> NDArray[np.bool_]:
    """Whether each option takes each group."""
    carries = np.ones((len(excluded), len(problem.groups)), np.bool_)
    for way, line_ids in enumerate(excluded):
        if line_ids:
            carries[way] = [group.line_id not in line_ids for group in problem.groups]
    return carries


def _cheapest(tariff: Tariff) -> int:
    """What a parcel costs at least."""
    return tariff.brackets[0].price if tariff.brackets else tariff.per_parcel


def _adjusted(problem: Problem, money: _Money, units: Integers) -> Integers:
    """What rules add for an atom (I, G)."""
    adjusted = money(Term.COST, np.zeros((len(problem.candidates), len(units)), np.int64))
    columns: dict[str, list[int]] = {}
    for column, group in enumerate(problem.groups):
        columns.setdefault(group.line_id, []).append(column)
    for row, candidate in enumerate(problem.candidates):
        for one in candidate.adjustments:
            for column in columns.get(one.line_id, ()):
                amount = money(_TERMS[one.kind], np.array(one.amount * int(units[column])))
                adjusted[row, column] += amount
    return adjusted


_TERMS = {kind: Term(kind.value) for kind in AdjustmentKind}


def _shipments(problem: Problem, scale: Scale, kind: type) -> Integers:
    once = scale.count(Term.SHIPMENTS, 1)
    found: Integers = np.zeros(len(problem.candidates), kind)
    for row, candidate in enumerate(problem.candidates):
        if candidate.adjustments or candidate.handling_per_shipment:
            found[row] = scale.money(shipment_terms(candidate))
    return found + once


def _per_line(problem: Problem, scale: Scale, kind: type) -> Integers:
    """What each candidate charges for an order line (I): nothing, nearly always."""
    if not any(one.labor_per_line for one in problem.candidates):
        return np.zeros(len(problem.candidates), kind)
    amounts = _vector([one.labor_per_line for one in problem.candidates])
    return _Money(scale, kind)(Term.LABOR, amounts)


def _lines(problem: Problem) -> Integers:
    """The order line of each group (G), by number."""
    numbers: dict[str, int] = {}
    return _vector([numbers.setdefault(one.line_id, len(numbers)) for one in problem.groups])


def _penalties(problem: Problem, scale: Scale, kind: type) -> Integers:
    per_unit = scale.count(Term.UNFILLED_UNITS, 1)
    factor = scale.coefficients.get(Term.UNFILLED, 0)
    return np.array(
        [
            factor * unfilled_penalty(problem.costs, group) + per_unit * group.units
            for group in problem.groups
        ],
        kind,
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
        if not candidate.excluded_line_ids:
            continue
        for position, group in enumerate(problem.groups):
            if group.line_id in candidate.excluded_line_ids:
                holds[index, position] = 0
    positive: Integers = np.maximum(holds, 0)
    return positive


def _vector(numbers: list[int]) -> Integers:
    return np.array(numbers, np.int64)


def _half_even(numerators: Integers, denominator: int) -> Integers:
    quotients, rests = np.divmod(numerators, denominator)
    double = 2 * rests
    up = (double > denominator) | ((double == denominator) & (quotients % 2 == 1))
    rounded: Integers = quotients + up
    return rounded

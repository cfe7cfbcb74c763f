"""Tiers on one scale: a single integer that orders plans as the tiers do, one after the other.

Integer vectors compared from the front are ordered like one number when every tier is multiplied
by more than all later ones can ever differ. Let ``R_j`` be at least what tier j can differ by over
the plans of a problem. ``W_last = 1`` and ``W_j = 1 + 2 sum over later tiers of W_l R_l``; then
``sum of W_j T_j`` orders plans by their tiers, and a difference of two such sums can be taken apart
into the differences of the tiers again, for which the factor of two is needed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ordermesh.routing.domain.costs import (
    MICROGRAMS_PER_KG,
    CostTerms,
    dearest,
    unfilled_penalty,
)
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.domain.rates import GRAMS_PER_KG
from ordermesh.routing.domain.terms import MONEY_TERMS, PLAIN, Term, Tier


@dataclass(frozen=True)
class Scale:
    """What one of each term counts on the common scale.

    ``tier_weights`` are the W of the tiers, ``by_rank`` is what one unit counts from each candidate
    beside all else, in the problem's order; ``is_plain`` says that the scale is money.
    """

    tiers: tuple[Tier, ...]
    tier_weights: tuple[int, ...]
    coefficients: Mapping[Term, int]
    by_rank: tuple[int, ...]
    ranges: tuple[int, ...]
    is_plain: bool = False

    @property
    def greatest(self) -> int:
        """No two plans differ by more than this."""
        return sum(w * r for w, r in zip(self.tier_weights, self.ranges, strict=True))

    def money(self, terms: CostTerms) -> int:
        """What costs count."""
        if self.is_plain:
            return terms.total
        return sum(
            self.coefficients[term] * getattr(terms, term.value.lower()) for term in MONEY_TERMS
        )

    def count(self, term: Term, number: int) -> int:
        """What so many of something count."""
        return self.coefficients.get(term, 0) * number

    def apart(self, difference: int) -> tuple[int, ...]:
        """A difference of two plans on the scale, as the differences of their tiers."""
        found = []
        for weight in self.tier_weights:
            # The nearest multiple: what follows differs by less than half of the weight.
            tier = (2 * difference + weight) // (2 * weight)
            found.append(tier)
            difference -= tier * weight
        return tuple(found)


_PLAIN_COEFFICIENTS = dict.fromkeys(MONEY_TERMS, 1)


def scale_of(problem: Problem) -> Scale:
    """The scale that orders the plans of this problem as its tiers do."""
    nowhere = (0,) * len(problem.candidates)
    if problem.tiers == PLAIN or not problem.candidates:
        return Scale(PLAIN, (1,), _PLAIN_COEFFICIENTS, nowhere, (0,), is_plain=True)
    reach = _ranges(problem)
    parts = [proportions(tier) for tier in problem.tiers]
    ranges = tuple(sum(weight * reach[term] for term, weight in part.items()) for part in parts)
    tier_weights = _tier_weights(ranges)
    coefficients: dict[Term, int] = dict.fromkeys(Term, 0)
    by_rank = nowhere
    for part, weight in zip(parts, tier_weights, strict=True):
        for term, factor in part.items():
            coefficients[term] += weight * factor
        if Term.UNITS_BY_RANK in part:
            last = len(problem.candidates) - 1
            by_rank = tuple(
                -weight * (problem.units + 1) ** (last - place) for place in range(last + 1)
            )
    return Scale(problem.tiers, tier_weights, coefficients, by_rank, ranges)


def proportions(tier: Tier) -> dict[Term, int]:
    """The tier's terms with the smallest whole weights of the same proportions."""
    weights: dict[Term, int] = {}
    for weighted in tier.terms:
        terms = MONEY_TERMS if weighted.term is Term.COST else (weighted.term,)
        weights.update(dict.fromkeys(terms, weighted.thousandths))
    common = math.gcd(*weights.values()) or 1
    return {term: weight // common for term, weight in weights.items() if weight}


def _tier_weights(ranges: Sequence[int]) -> tuple[int, ...]:
    weights: list[int] = []
    later = 0
    for reach in reversed(ranges):
        weight = 1 + 2 * later
        weights.append(weight)
        later += weight * reach
    return tuple(reversed(weights))


def _ranges(problem: Problem) -> dict[Term, int]:
    """What each term can differ by between two plans, at least."""
    costs, most = problem.costs, dearest(problem)
    units = problem.units
    atoms = sum(group.atoms for group in problem.groups)
    grams = sum(group.atoms * group.grams for group in problem.groups)
    shipments = min(atoms, len(problem.candidates))
    micrograms = units * most.parcel_micrograms + grams * most.micrograms_per_gram
    days = max(option.days for one in problem.candidates for option in one.options)
    adjusted = units * (most.charge_per_unit + most.credit_per_unit)
    adjusted += shipments * (most.charge_once + most.credit_once)
    carbon = micrograms * costs.carbon.price_per_kg // MICROGRAMS_PER_KG + units + atoms
    by_weight = grams * most.per_kg // GRAMS_PER_KG + atoms
    penalties = sum(unfilled_penalty(costs, group) * group.atoms for group in problem.groups)
    return {
        Term.FREIGHT: units * (most.parcel_freight + most.per_unit) + by_weight,
        Term.PICK: units * most.pick,
        Term.LABOR: units * (most.labor + most.labor_per_line),
        Term.HANDLING: shipments * most.handling,
        Term.SPLIT: units * costs.split_charge,
        Term.CARBON: carbon,
        Term.TRANSIT: atoms * most.transit_days * costs.transit_day,
        Term.LATE: atoms * most.late_days * costs.late_day,
        Term.PREFERENCE: adjusted,
        Term.MARKDOWN: adjusted,
        Term.REJECT_RISK: adjusted,
        Term.STOCK_OUT: adjusted,
        Term.STOCK_PRICE: adjusted,
        Term.LABOR_PRICE: adjusted,
        Term.UNFILLED: penalties,
        Term.UNFILLED_UNITS: units,
        Term.SHIPMENTS: shipments,
        Term.PARCELS: units,
        Term.LATE_ATOMS: atoms,
        Term.ATOM_DAYS: atoms * days,
        Term.CARBON_MICROGRAMS: micrograms,
        Term.UNITS_BY_RANK: (units + 1) ** len(problem.candidates),
        Term.BACKORDERED_UNITS: units,
    }

"""What a plan costs, term by term, in integers that are each rounded once where they are made.

Per parcel: freight by zone, the pick fee, and the carbon of the parcel over its distance. Per
parcel of the order beyond the first: the split charge. Per atom: freight by weight and zone, labor
for its units, carbon of its weight over the distance, its days in transit and its days after the
promise. Per atom that stays: the penalty. Rounding is half to even. Costs are sums of these, so
they never depend on the order of adding.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields

from ordermesh.kernel.errors import DomainError
from ordermesh.kernel.money import Money, to_decimal
from ordermesh.routing.domain.errors.policy import UnfilledMustDominate
from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.domain.parcels import pack, weights_of
from ordermesh.routing.domain.problem import Candidate, Group, Problem
from ordermesh.routing.domain.rates import CostModel

AMOUNT_MAX = 2**50
"""The dearest plan must stay below this: sums fit 64 bits and survive the solvers' scaling."""

NOTHING = Money(0)
GRAMS_PER_KG = 1_000
MICROGRAMS_PER_KG = 1_000_000_000


class PairMustDominate(UnfilledMustDominate):
    """Leaving one atom of this line unfilled costs no more than shipping it from this location."""

    def __init__(self, penalty: str, dearest: str, line_id: str, location_id: str) -> None:
        facts = {"penalty": penalty, "dearest": dearest, "locationId": location_id}
        DomainError.__init__(
            self,
            f"Leaving line {line_id} unfilled costs {penalty}, filling it from {location_id} "
            f"{dearest}.",
            {**facts, "lineId": line_id},
        )


@dataclass(frozen=True, slots=True)
class CostTerms:
    """Costs by their cause, in 1e-4 of the cost model's currency."""

    freight_parcel: Money = NOTHING
    freight_weight: Money = NOTHING
    pick_fee: Money = NOTHING
    labor: Money = NOTHING
    split_charge: Money = NOTHING
    carbon: Money = NOTHING
    transit_days: Money = NOTHING
    late_days: Money = NOTHING
    unfilled: Money = NOTHING

    @property
    def total(self) -> Money:
        """The sum of all terms."""
        return Money(sum(amount for _, amount in self.items()))

    def items(self) -> tuple[tuple[str, Money], ...]:
        """Every term with its name, in the order of declaration."""
        return tuple((field.name, getattr(self, field.name)) for field in fields(self))

    def __add__(self, other: "CostTerms") -> "CostTerms":
        pairs = zip(self.items(), other.items(), strict=True)
        return CostTerms(*(Money(mine + theirs) for (_, mine), (_, theirs) in pairs))

    def times(self, number: int) -> "CostTerms":
        """The terms of so many parcels or atoms alike."""
        return CostTerms(*(Money(amount * number) for _, amount in self.items()))


def sum_terms(terms: Iterable[CostTerms]) -> CostTerms:
    """All of them, added term by term."""
    total = CostTerms()
    for each in terms:
        total = total + each
    return total


def divide_half_even(numerator: int, denominator: int) -> int:
    """The quotient rounded to the nearest integer, halves to the even one."""
    quotient, rest = divmod(numerator, denominator)
    double = 2 * rest
    return quotient + (double > denominator or (double == denominator and quotient % 2 == 1))


def carriage_terms(
    costs: CostModel, zone: int, distance_km: int, parcels: int, grams: int
) -> CostTerms:
    """What a carrier takes, and the carbon costs, for so many parcels of so much weight in all."""
    carbon, rates = costs.carbon, costs.zone_rates(zone)
    each = carbon.parcel_micrograms + carbon.parcel_micrograms_per_km * distance_km
    micrograms = parcels * each + carbon.micrograms_per_gram_km * grams * distance_km
    return CostTerms(
        freight_parcel=Money(rates.freight_per_parcel * parcels),
        freight_weight=Money(divide_half_even(grams * rates.freight_per_kg, GRAMS_PER_KG)),
        carbon=_carbon_money(costs, micrograms),
    )


def parcel_terms(costs: CostModel, candidate: Candidate) -> CostTerms:
    """What each parcel from this location costs, whatever is in it and if it is the only one."""
    carbon = costs.carbon
    micrograms = carbon.parcel_micrograms + carbon.parcel_micrograms_per_km * candidate.distance_km
    return CostTerms(
        freight_parcel=costs.zone_rates(candidate.zone).freight_per_parcel,
        pick_fee=candidate.pick_fee_per_parcel,
        carbon=_carbon_money(costs, micrograms),
    )


def atom_terms(problem: Problem, candidate: Candidate, group: Group) -> CostTerms:
    """What one atom of the group costs from this location, beside its share of a parcel."""
    costs = problem.costs
    per_kg = costs.zone_rates(candidate.zone).freight_per_kg
    micrograms = costs.carbon.micrograms_per_gram_km * group.grams * candidate.distance_km
    return CostTerms(
        freight_weight=Money(divide_half_even(group.grams * per_kg, GRAMS_PER_KG)),
        labor=Money(candidate.labor_per_unit * group.units),
        carbon=_carbon_money(costs, micrograms),
        transit_days=Money(costs.transit_day * candidate.transit_days),
        late_days=Money(costs.late_day * days_late(candidate, problem.promise_days)),
    )


def days_late(candidate: Candidate, promise_days: int | None) -> int:
    """Days by which the arrival misses the promise; 0 where nothing was promised."""
    return 0 if promise_days is None else max(0, candidate.days - promise_days)


def unfilled_penalty(costs: CostModel, group: Group) -> Money:
    """What one atom of the group costs when it stays unfilled."""
    by_weight = divide_half_even(group.grams * costs.unfilled_per_kg, GRAMS_PER_KG)
    return Money(costs.unfilled_per_atom + costs.unfilled_per_unit * group.units + by_weight)


def require_amounts_fit(problem: Problem) -> None:
    """Raise ``FieldViolation`` unless every plan of this problem costs less than ``AMOUNT_MAX``.

    The bound combines the dearest of each rate, whichever candidates they belong to.
    """
    costs, candidates = problem.costs, problem.candidates
    if not candidates:
        return
    km = max(candidate.distance_km for candidate in candidates)
    labor = max(candidate.labor_per_unit for candidate in candidates)
    pick_fee = max(candidate.pick_fee_per_parcel for candidate in candidates)
    per_kg = max(zone.freight_per_kg for zone in costs.zones)
    days = max(candidate.days for candidate in candidates) * (costs.transit_day + costs.late_day)
    carbon, price = costs.carbon, costs.carbon.price_per_kg
    product = 0
    worst = 0
    for group in problem.groups:
        emitted = carbon.micrograms_per_gram_km * group.grams * km * price
        freight = group.grams * per_kg // GRAMS_PER_KG + emitted // MICROGRAMS_PER_KG + 2
        shipped = freight + labor * group.units + days
        worst += group.atoms * max(unfilled_penalty(costs, group), shipped)
        product = max(product, emitted, group.grams * per_kg, group.grams * costs.unfilled_per_kg)
    emitted = (carbon.parcel_micrograms + carbon.parcel_micrograms_per_km * km) * price
    freight = max(zone.freight_per_parcel for zone in costs.zones)
    parcel = freight + pick_fee + costs.split_charge + emitted // MICROGRAMS_PER_KG + 1
    worst += problem.units * parcel
    if worst >= AMOUNT_MAX or max(product, emitted) >= 2**61:
        sentence = "The amounts of this order are too large to add up."
        raise FieldViolation("lines", "amount_max", sentence)


def require_unfilled_dominates(problem: Problem) -> None:
    """Raise ``PairMustDominate`` for the first atom that is no dearer to leave than to ship.

    For every atom and every candidate, the penalty must exceed the parcels the atom needs by
    itself, a split charge for each, and the terms of the atom. Else the optimum could save money
    by not filling orders.
    """
    costs = problem.costs
    for group in problem.groups:
        units = weights_of([(part.weight_grams, part.units) for part in group.parts])
        parcels = len(pack(units, costs.parcel_limit_grams).parcels)
        penalty = unfilled_penalty(costs, group)
        for candidate in problem.candidates:
            if group.line_id in candidate.excluded_line_ids:
                continue
            parcel = parcel_terms(costs, candidate).total + costs.split_charge
            shipped = parcels * parcel + atom_terms(problem, candidate, group).total
            if penalty <= shipped:
                raise PairMustDominate(
                    str(to_decimal(penalty)),
                    str(to_decimal(shipped)),
                    group.line_id,
                    candidate.location_id,
                )


def _carbon_money(costs: CostModel, micrograms: int) -> Money:
    return Money(divide_half_even(micrograms * costs.carbon.price_per_kg, MICROGRAMS_PER_KG))

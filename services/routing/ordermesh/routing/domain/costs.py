"""What a plan costs, term by term, in integers that are each rounded once where they are made.

Per shipment: its handling, and what rules add once. Per order line of which a shipment has
anything: labor. Per parcel: its freight by the tariff of the
service that takes it, the pick fee, and the carbon of the parcel over its distance. Per parcel of
the order beyond the first: the split charge. Per atom: freight by its own weight where the tariff
is a line, and by its units where it names a price for them, labor for its units, carbon of its
weight over the distance, its days in transit and its days after the promise, and what rules add for
its units. Per atom that stays: the penalty. Rounding is half to even. Costs are sums of these, so
they never depend on the order of adding.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from ordermesh.kernel.errors import DomainError
from ordermesh.kernel.money import Money, to_decimal
from ordermesh.routing.domain.errors.policy import UnfilledMustDominate
from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.domain.parcels import pack, weights_of
from ordermesh.routing.domain.problem import (
    AdjustmentKind,
    Candidate,
    Group,
    Option,
    Problem,
)
from ordermesh.routing.domain.rates import GRAMS_PER_KG, CarbonRates, CostModel
from ordermesh.routing.domain.rounding import divide_half_even
from ordermesh.routing.domain.tariffs import Tariff

AMOUNT_MAX = 2**50
"""The dearest plan must stay below this: sums fit 64 bits and survive the solvers' scaling."""

NOTHING = Money(0)
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

    freight: Money = NOTHING
    pick: Money = NOTHING
    labor: Money = NOTHING
    handling: Money = NOTHING
    split: Money = NOTHING
    carbon: Money = NOTHING
    transit: Money = NOTHING
    late: Money = NOTHING
    preference: Money = NOTHING
    markdown: Money = NOTHING
    reject_risk: Money = NOTHING
    stock_out: Money = NOTHING
    stock_price: Money = NOTHING
    labor_price: Money = NOTHING
    unfilled: Money = NOTHING

    @property
    def total(self) -> Money:
        """The sum of all terms."""
        return Money(sum(amount for _, amount in self.items()))

    def items(self) -> tuple[tuple[str, Money], ...]:
        """Every term with its name, in the order of declaration."""
        return tuple((name, getattr(self, name)) for name in _NAMES)

    def __add__(self, other: "CostTerms") -> "CostTerms":
        return CostTerms(*(Money(getattr(self, name) + getattr(other, name)) for name in _NAMES))

    def times(self, number: int) -> "CostTerms":
        """The terms of so many parcels or atoms alike."""
        return CostTerms(*(Money(amount * number) for _, amount in self.items()))


_NAMES = tuple(field.name for field in fields(CostTerms))


def sum_terms(terms: Iterable[CostTerms]) -> CostTerms:
    """All of them, added term by term."""
    total = CostTerms()
    for each in terms:
        total = total + each
    return total


def carriage_terms(
    costs: CostModel, zone: int, distance_km: int, parcels: int, grams: int
) -> CostTerms:
    """What a carrier takes, and the carbon costs, for so many parcels of so much weight in all."""
    carbon, rates = costs.carbon, costs.zone_rates(zone)
    each = carbon.parcel_micrograms + carbon.parcel_micrograms_per_km * distance_km
    micrograms = parcels * each + carbon.micrograms_per_gram_km * grams * distance_km
    by_weight = divide_half_even(grams * rates.freight_per_kg, GRAMS_PER_KG)
    return CostTerms(
        freight=Money(rates.freight_per_parcel * parcels + by_weight),
        carbon=carbon_money(costs, micrograms),
    )


def carbon_of(problem: Problem, tariff: Tariff) -> CarbonRates:
    """The factors of emission that hold for parcels of this tariff."""
    return tariff.carbon or problem.costs.carbon


def parcel_micrograms(problem: Problem, candidate: Candidate, option: Option) -> int:
    """CO2e of a parcel, whatever is in it."""
    carbon = carbon_of(problem, problem.tariffs[option.tariff])
    return carbon.parcel_micrograms + carbon.parcel_micrograms_per_km * candidate.distance_km


def atom_micrograms(problem: Problem, candidate: Candidate, option: Option, group: Group) -> int:
    """CO2e of what one atom of the group weighs."""
    carbon = carbon_of(problem, problem.tariffs[option.tariff])
    return carbon.micrograms_per_gram_km * group.grams * candidate.distance_km


def parcel_terms(
    problem: Problem, candidate: Candidate, option: Option, billable_grams: int
) -> CostTerms:
    """What a parcel from here by this service costs, beside the split charge and its atoms.

    ``billable_grams`` matters only where the tariff charges parcels as a whole.
    """
    tariff = problem.tariffs[option.tariff]
    return CostTerms(
        freight=tariff.per_parcel if tariff.is_linear else tariff.price(billable_grams),
        pick=candidate.pick_fee_per_parcel,
        carbon=carbon_money(problem.costs, parcel_micrograms(problem, candidate, option)),
    )


def atom_terms(problem: Problem, candidate: Candidate, option: Option, group: Group) -> CostTerms:
    """What one atom of the group costs from this location, beside its share of a parcel."""
    costs, tariff = problem.costs, problem.tariffs[option.tariff]
    by_weight = divide_half_even(group.grams * tariff.per_kg, GRAMS_PER_KG)
    micrograms = atom_micrograms(problem, candidate, option, group)
    return CostTerms(
        freight=Money((by_weight if tariff.is_linear else 0) + tariff.per_unit * group.units),
        labor=Money(candidate.labor_per_unit * group.units),
        carbon=carbon_money(costs, micrograms),
        transit=Money(costs.transit_day * option.transit_days),
        late=Money(costs.late_day * days_late(option, problem.promise_days)),
        preference=_adjusted(candidate, AdjustmentKind.PREFERENCE, group),
        markdown=_adjusted(candidate, AdjustmentKind.MARKDOWN, group),
        reject_risk=_adjusted(candidate, AdjustmentKind.REJECT_RISK, group),
        stock_out=_adjusted(candidate, AdjustmentKind.STOCK_OUT, group),
        stock_price=_adjusted(candidate, AdjustmentKind.STOCK_PRICE, group),
        labor_price=_adjusted(candidate, AdjustmentKind.LABOR_PRICE, group),
    )


def shipment_terms(candidate: Candidate) -> CostTerms:
    """What a shipment from here costs once, whatever is in it."""
    once = dict.fromkeys(AdjustmentKind, 0)
    for adjustment in candidate.adjustments:
        if not adjustment.line_id:
            once[adjustment.kind] += adjustment.amount
    return CostTerms(
        handling=candidate.handling_per_shipment,
        preference=Money(once[AdjustmentKind.PREFERENCE]),
        markdown=Money(once[AdjustmentKind.MARKDOWN]),
        reject_risk=Money(once[AdjustmentKind.REJECT_RISK]),
        stock_out=Money(once[AdjustmentKind.STOCK_OUT]),
        stock_price=Money(once[AdjustmentKind.STOCK_PRICE]),
        labor_price=Money(once[AdjustmentKind.LABOR_PRICE]),
    )


def line_terms(candidate: Candidate, lines: int) -> CostTerms:
    """What a shipment from here costs for having something of so many order lines."""
    return CostTerms(labor=Money(candidate.labor_per_line * lines))


def leg_terms(
    problem: Problem, leg: Candidate, option: Option, taken: Mapping[int, int]
) -> CostTerms:
    """What bringing these atoms, by group index, to a hub costs by one run."""
    lines = {problem.groups[index].line_id for index, number in taken.items() if number}
    once = shipment_terms(leg) + line_terms(leg, len(lines)) + parcel_terms(problem, leg, option, 0)
    atoms = (
        atom_terms(problem, leg, option, problem.groups[index]).times(number)
        for index, number in taken.items()
    )
    return once + sum_terms(atoms)


def leg_micrograms(
    problem: Problem, leg: Candidate, option: Option, taken: Mapping[int, int]
) -> int:
    """CO2e of a run with these atoms, by group index."""
    return parcel_micrograms(problem, leg, option) + sum(
        number * atom_micrograms(problem, leg, option, problem.groups[index])
        for index, number in taken.items()
    )


def _adjusted(candidate: Candidate, kind: AdjustmentKind, group: Group) -> Money:
    """What rules add for the units of one atom."""
    if not candidate.adjustments:
        return NOTHING
    return Money(
        group.units
        * sum(
            one.amount
            for one in candidate.adjustments
            if one.kind is kind and one.line_id == group.line_id
        )
    )


def days_late(option: Option, promise_days: int | None) -> int:
    """Days by which the arrival misses the promise; 0 where nothing was promised."""
    return 0 if promise_days is None else max(0, option.days - promise_days)


def unfilled_penalty(costs: CostModel, group: Group) -> Money:
    """What one atom of the group costs when it stays unfilled."""
    return costs.unfilled(group.units, group.grams)


def carbon_money(costs: CostModel, micrograms: int) -> Money:
    """What emissions cost."""
    return Money(divide_half_even(micrograms * costs.carbon.price_per_kg, MICROGRAMS_PER_KG))


@dataclass(frozen=True, slots=True)
class Dearest:
    """The dearest of each rate over all candidates and options, whichever they belong to."""

    parcel_freight: int
    per_kg: int
    per_unit: int
    pick: int
    labor: int
    labor_per_line: int
    handling: int
    transit_days: int
    late_days: int
    parcel_micrograms: int
    micrograms_per_gram: int
    credit_per_unit: int
    charge_per_unit: int
    credit_once: int
    charge_once: int


def dearest(problem: Problem) -> Dearest:
    """The dearest of each rate; the problem has candidates. What is brought pays twice."""
    dear = _dearest(problem, problem.candidates)
    legs = [leg for candidate in problem.candidates for leg in candidate.legs]
    if not legs:
        return dear
    brought = _dearest(problem, legs)
    return Dearest(
        **{
            one.name: getattr(dear, one.name) + getattr(brought, one.name)
            for one in fields(Dearest)
        }
    )


def _dearest(problem: Problem, candidates: Sequence[Candidate]) -> Dearest:
    options = [option for candidate in candidates for option in candidate.options]
    km = max(candidate.distance_km for candidate in candidates)
    grams = sum(group.grams * group.atoms for group in problem.groups)
    volume = sum(group.cubic_mm * group.atoms for group in problem.groups)
    carbons = [carbon_of(problem, tariff) for tariff in problem.tariffs]
    adjustments = [one for candidate in candidates for one in candidate.adjustments]
    by_unit = [one.amount for one in adjustments if one.line_id]
    once = [one.amount for one in adjustments if not one.line_id]
    return Dearest(
        parcel_freight=max(_dearest_parcel(tariff, grams, volume) for tariff in problem.tariffs),
        per_kg=max((t.per_kg for t in problem.tariffs if t.is_linear), default=0),
        per_unit=max(tariff.per_unit for tariff in problem.tariffs),
        pick=max(candidate.pick_fee_per_parcel for candidate in candidates),
        labor=max(candidate.labor_per_unit for candidate in candidates),
        labor_per_line=max(candidate.labor_per_line for candidate in candidates),
        handling=max(candidate.handling_per_shipment for candidate in candidates),
        transit_days=max(option.transit_days for option in options),
        late_days=max(days_late(option, problem.promise_days) for option in options),
        parcel_micrograms=max(
            one.parcel_micrograms + one.parcel_micrograms_per_km * km for one in carbons
        ),
        micrograms_per_gram=max(one.micrograms_per_gram_km for one in carbons) * km,
        credit_per_unit=_sum_of(by_unit, -1),
        charge_per_unit=_sum_of(by_unit, 1),
        credit_once=_sum_of(once, -1),
        charge_once=_sum_of(once, 1),
    )


def _dearest_parcel(tariff: Tariff, grams: int, cubic_mm: int) -> int:
    if tariff.is_linear:
        return tariff.per_parcel
    return tariff.price(tariff.billable_grams(grams, cubic_mm))


def _sum_of(amounts: Sequence[int], sign: int) -> int:
    """What all amounts of one sign come to, as a positive number."""
    return sum(amount * sign for amount in amounts if amount * sign > 0)


def require_amounts_fit(problem: Problem) -> None:
    """Raise ``FieldViolation`` unless every plan of this problem costs less than ``AMOUNT_MAX``.

    The bound combines the dearest of each rate, whichever candidates they belong to.
    """
    costs = problem.costs
    if not problem.candidates:
        return
    most, price = dearest(problem), costs.carbon.price_per_kg
    days = most.transit_days * costs.transit_day + most.late_days * costs.late_day
    extra = max(most.charge_per_unit, most.credit_per_unit) + most.per_unit
    product = 0
    worst = 0
    for group in problem.groups:
        emitted = most.micrograms_per_gram * group.grams * price
        freight = group.grams * most.per_kg // GRAMS_PER_KG + emitted // MICROGRAMS_PER_KG + 2
        shipped = freight + (most.labor + extra) * group.units + days
        worst += group.atoms * max(unfilled_penalty(costs, group), shipped)
        product = max(
            product, emitted, group.grams * most.per_kg, group.grams * costs.unfilled_per_kg
        )
    emitted = most.parcel_micrograms * price
    parcel = most.parcel_freight + most.pick + costs.split_charge + emitted // MICROGRAMS_PER_KG + 1
    once = most.handling + max(most.charge_once, most.credit_once)
    worst += problem.units * (parcel + once + most.labor_per_line)
    if worst >= AMOUNT_MAX or max(product, emitted) >= 2**61:
        sentence = "The amounts of this order are too large to add up."
        raise FieldViolation("lines", "amount_max", sentence)


def require_unfilled_dominates(problem: Problem) -> None:
    """Raise ``PairMustDominate`` for the first atom that is no dearer to leave than to ship.

    For every atom, every candidate and every option that carries it, the penalty must exceed the
    parcels the atom needs by itself, a split charge for each, and the terms of the atom. Else the
    optimum could save money by not filling orders.
    """
    for group in problem.groups:
        penalty = unfilled_penalty(problem.costs, group)
        for candidate in problem.candidates:
            if group.line_id in candidate.excluded_line_ids:
                continue
            shipped = _dearest_alone(problem, candidate, group)
            if penalty <= shipped:
                raise PairMustDominate(
                    str(to_decimal(penalty)),
                    str(to_decimal(shipped)),
                    group.line_id,
                    candidate.location_id,
                )


def _dearest_alone(problem: Problem, candidate: Candidate, group: Group) -> int:
    """What one atom costs that is sent from here by itself, by the dearest option."""
    if candidate.legs:
        index = problem.groups.index(group)
        brought = max(
            leg_terms(problem, leg, option, {index: 1}).total
            for leg in candidate.legs
            for option in leg.options
        )
        return brought + _dearest_alone(problem, replace(candidate, legs=()), group)
    units = weights_of([(part.weight_grams, part.units) for part in group.parts])
    once = shipment_terms(candidate).total + line_terms(candidate, 1).total
    found = [0]
    for option in candidate.options:
        if group.line_id in option.excluded_line_ids:
            continue
        tariff = problem.tariffs[option.tariff]
        parcels = len(pack(units, parcel_limit(problem, tariff)).parcels)
        billable = tariff.billable_grams(group.grams, group.cubic_mm)
        parcel = parcel_terms(problem, candidate, option, billable).total
        atom = atom_terms(problem, candidate, option, group).total
        found.append(once + parcels * (parcel + problem.costs.split_charge) + atom)
    return max(found)


def parcel_limit(problem: Problem, tariff: Tariff) -> int | None:
    """What a parcel of this tariff weighs at most, None for no limit."""
    limits = (problem.costs.parcel_limit_grams, tariff.grams_max)
    return min((limit for limit in limits if limit is not None), default=None)

"""What the verifier counts: costs once more, from the problem alone, by arithmetic of its own."""

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction

from ordermesh.routing.domain.parcelling import PlanLine
from ordermesh.routing.domain.plan import Parcel, Shipment
from ordermesh.routing.domain.problem import Candidate, Group, Option, Problem
from ordermesh.routing.domain.tariffs import Tariff

KG = 1_000
KG_OF_CARBON = 1_000_000_000


def shipment_costs(problem: Problem, candidate: Candidate, shipment: Shipment) -> Counter[str]:
    """The terms of a shipment by name, from the rates of the problem alone."""
    costs, km = problem.costs, candidate.distance_km
    price = costs.carbon.price_per_kg
    terms: Counter[str] = Counter(handling=candidate.handling_per_shipment)
    terms["labor"] += candidate.labor_per_line * len({line.line_id for line in shipment.lines})
    for one in candidate.adjustments:
        if not one.line_id:
            terms[one.kind.value.lower()] += one.amount
    for parcel in shipment.parcels:
        option = option_of(candidate, parcel)
        if option is None:
            continue
        tariff = problem.tariffs[option.tariff]
        carbon = tariff.carbon or costs.carbon
        emitted = carbon.parcel_micrograms + carbon.parcel_micrograms_per_km * km
        terms["freight"] += parcel_price(tariff, parcel.billable_grams)
        terms["pick"] += candidate.pick_fee_per_parcel
        terms["carbon"] += rounded(emitted * price, KG_OF_CARBON)
    for option, group, atoms in atoms_by_option(problem, candidate, shipment):
        tariff = problem.tariffs[option.tariff]
        carbon = tariff.carbon or costs.carbon
        grams = sum(part.units * part.weight_grams for part in group.parts)
        units = sum(part.units for part in group.parts)
        emitted = carbon.micrograms_per_gram_km * grams * km
        late = 0 if problem.promise_days is None else max(0, option.days - problem.promise_days)
        if tariff.is_linear:
            terms["freight"] += atoms * rounded(grams * tariff.per_kg, KG)
        terms["freight"] += atoms * units * tariff.per_unit
        terms["carbon"] += atoms * rounded(emitted * price, KG_OF_CARBON)
        terms["labor"] += atoms * candidate.labor_per_unit * units
        terms["transit"] += atoms * costs.transit_day * option.transit_days
        terms["late"] += atoms * costs.late_day * late
        for one in candidate.adjustments:
            if one.line_id == group.line_id:
                terms[one.kind.value.lower()] += atoms * units * one.amount
    return terms


def atoms_by_option(
    problem: Problem, candidate: Candidate, shipment: Shipment
) -> Iterable[tuple[Option, Group, int]]:
    """Atoms by the option that takes them; by one option they may lie in several parcels."""
    used = {parcel.service_id for parcel in shipment.parcels}
    held: list[tuple[Option | None, Counter[tuple[str, str]]]]
    if len(used) == 1:
        held = [(option_of(candidate, shipment.parcels[0]), units_of(shipment.lines))]
    else:
        held = [(option_of(candidate, one), units_of(one.lines)) for one in shipment.parcels]
    for option, quantities in held:
        if option is not None:
            for group in problem.groups:
                yield option, group, whole_atoms(group, quantities)


def option_of(candidate: Candidate, parcel: Parcel) -> Option | None:
    """The option that takes a parcel, None where there is none of the name."""
    return next((one for one in candidate.options if one.service_id == parcel.service_id), None)


def charged_grams(tariff: Tariff, grams: int, cubic_mm: int) -> int:
    """The charged weight: the greater of weight and size, in whole steps."""
    density = tariff.cubic_mm_per_gram
    by_size = (cubic_mm + density - 1) // density if density else 0
    steps, rest = divmod(max(grams, by_size), tariff.grams_step)
    return (steps + (rest > 0)) * tariff.grams_step


def parcel_price(tariff: Tariff, billable: int) -> int:
    """What one parcel costs beside what its atoms pay for their own weight."""
    if tariff.is_linear:
        return tariff.per_parcel
    last = 0
    for bracket in tariff.brackets:
        last = bracket.grams_max
        if billable <= last:
            return bracket.price
    return tariff.per_parcel + rounded((billable - last) * tariff.per_kg, KG)


def rounded(numerator: int, denominator: int) -> int:
    """Rounded half to even, by way of an exact fraction."""
    return round(Fraction(numerator, denominator))


def units_of(lines: Iterable[PlanLine]) -> Counter[tuple[str, str]]:
    """Units by line and SKU."""
    units: Counter[tuple[str, str]] = Counter()
    for line in lines:
        units[line.line_id, line.sku] += line.quantity
    return units


def whole_atoms(group: Group, quantities: Counter[tuple[str, str]]) -> int:
    """Whole atoms of the group among these units, judged by its first part."""
    first = group.parts[0]
    return quantities[group.line_id, first.sku] // first.units


def name_of(line: PlanLine) -> str:
    """What a part of a plan is about, for people."""
    return f"{line.line_id}/{line.sku}"

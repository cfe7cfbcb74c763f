"""What a plan comes to by every term that it can be judged by, and by the tiers of its problem."""

from collections.abc import Mapping

from ordermesh.routing.domain.costs import days_late
from ordermesh.routing.domain.plan import Parcel, Plan, Shipment
from ordermesh.routing.domain.problem import Candidate, Group, Option, Problem
from ordermesh.routing.domain.scale import Scale, proportions
from ordermesh.routing.domain.terms import MONEY_TERMS, Term


def term_values(problem: Problem, plan: Plan) -> Mapping[Term, int]:
    """The value of every term, money terms in 1e-4 of the currency."""
    values = {term: int(getattr(plan.costs, term.value.lower())) for term in MONEY_TERMS}
    values[Term.COST] = plan.costs.total
    values[Term.UNFILLED_UNITS] = sum(line.quantity for line in plan.unfilled)
    values[Term.SHIPMENTS] = len(plan.shipments)
    values[Term.PARCELS] = plan.parcels
    values[Term.CARBON_MICROGRAMS] = sum(shipment.micrograms for shipment in plan.shipments)
    late = days = by_rank = backordered = 0
    places = {one.location_id: place for place, one in enumerate(problem.candidates)}
    last = len(problem.candidates) - 1
    for shipment in plan.shipments:
        place = places[shipment.location_id]
        for option, _, number in _travelling(problem, problem.candidates[place], shipment):
            late += number * int(days_late(option, problem.promise_days) > 0)
            days += number * option.days
        units = sum(line.quantity for line in shipment.lines)
        backordered += units if problem.candidates[place].available_from else 0
        by_rank -= units * (problem.units + 1) ** (last - place)
    return {
        **values,
        Term.LATE_ATOMS: late,
        Term.ATOM_DAYS: days,
        Term.UNITS_BY_RANK: by_rank,
        Term.BACKORDERED_UNITS: backordered,
    }


def on_scale(problem: Problem, plan: Plan, scale: Scale) -> int:
    """The plan as one number, by which a lesser one is better."""
    if scale.is_plain:
        return plan.costs.total
    values = term_values(problem, plan)
    return sum(scale.coefficients.get(term, 0) * value for term, value in values.items())


def tier_values(problem: Problem, plan: Plan) -> tuple[int, ...]:
    """What the plan comes to in each tier of its problem, in smallest whole proportions."""
    values = term_values(problem, plan)
    return tuple(
        sum(weight * values[term] for term, weight in proportions(tier).items())
        for tier in problem.tiers
    )


def _travelling(
    problem: Problem, candidate: Candidate, shipment: Shipment
) -> list[tuple[Option, Group, int]]:
    """Atoms by the option that takes them; where one takes all, they may lie in many parcels."""
    options = {option.service_id: option for option in candidate.options}
    used = {parcel.service_id for parcel in shipment.parcels}
    if len(used) == 1:
        return _atoms(problem, options[used.pop()], shipment)
    return [
        one
        for parcel in shipment.parcels
        for one in _atoms(problem, options[parcel.service_id], parcel)
    ]


def _atoms(
    problem: Problem, option: Option, held: Parcel | Shipment
) -> list[tuple[Option, Group, int]]:
    units = {(line.line_id, line.sku): line.quantity for line in held.lines}
    return [
        (option, group, units.get(group.name, 0) // group.parts[0].units)
        for group in problem.groups
    ]

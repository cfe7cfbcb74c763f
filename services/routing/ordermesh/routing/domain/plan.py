"""A plan: what leaves from where in which parcels, what stays, the costs, and how it was found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.bringing import Brought, best_run, brought
from ordermesh.routing.domain.costs import (
    CostTerms,
    atom_terms,
    leg_micrograms,
    leg_terms,
    line_terms,
    parcel_micrograms,
    parcel_terms,
    shipment_terms,
    sum_terms,
    unfilled_penalty,
)
from ordermesh.routing.domain.parcelling import Load, PlanLine, lines_of, loads_of
from ordermesh.routing.domain.problem import Candidate, Option, Problem
from ordermesh.routing.domain.scale import Scale, scale_of

Assignment = Mapping[str, Mapping[int, int]]
"""By location id: how many atoms of each group, by the group's index in the problem."""


class Method(StrEnum):
    """How a plan was found; ``TOGETHER``: with those of other orders, over shared stock."""

    EXACT_DP = "EXACT_DP"
    CP_SAT = "CP_SAT"
    TOGETHER = "TOGETHER"
    NEAREST_SINGLE = "NEAREST_SINGLE"
    FEWEST_SPLITS = "FEWEST_SPLITS"
    FIXED_PRIORITY_LIST = "FIXED_PRIORITY_LIST"


class Status(StrEnum):
    """What is known of a plan.

    ``OPTIMAL``: no permitted plan is cheaper. ``FEASIBLE``: the bound says how much one could be.
    ``INFEASIBLE``: it is proven that nothing can be filled, or not all where all was asked.
    ``TIME_LIMIT``: all was asked, and within the budget neither a plan nor its impossibility shown.
    """

    OPTIMAL = "OPTIMAL"
    FEASIBLE = "FEASIBLE"
    INFEASIBLE = "INFEASIBLE"
    TIME_LIMIT = "TIME_LIMIT"


class Shortage(StrEnum):
    """Why something stays unfilled.

    ``INSUFFICIENT_STOCK``: the locations that may ship it have too few together.
    ``NO_LOCATION``: the rules left no location that may ship it.
    ``NO_CAPACITY``: more would be filled if locations could ship more units today.
    ``NOT_TOGETHER``: there are enough, but not where what must leave together can.
    ``SHIPMENTS_MAX``: more would be filled in more shipments or parcels.
    ``CHEAPER_UNFILLED``: the penalty is below the cost of shipping it.
    ``SEARCH_LIMIT``: no plan that fills it was found within the budget.
    """

    INSUFFICIENT_STOCK = "INSUFFICIENT_STOCK"
    NO_LOCATION = "NO_LOCATION"
    NO_CAPACITY = "NO_CAPACITY"
    NOT_TOGETHER = "NOT_TOGETHER"
    SHIPMENTS_MAX = "SHIPMENTS_MAX"
    CHEAPER_UNFILLED = "CHEAPER_UNFILLED"
    SEARCH_LIMIT = "SEARCH_LIMIT"


@dataclass(frozen=True, slots=True)
class Parcel:
    """What lies in one box, and how it travels.

    ``service_id`` names one of the candidate's options, ``billable_grams`` is what it is charged
    for, ``micrograms`` are its CO2e, weight included.
    """

    lines: tuple[PlanLine, ...]
    weight_grams: int
    service_id: str
    billable_grams: int
    days: int
    micrograms: int


@dataclass(frozen=True, slots=True)
class Shipment:
    """What one location ships for the order; ``days`` from the order to the last arrival.

    What a hub ships is brought by ``legs``, whose costs are part of its own. A leg is a shipment
    to the hub, of one run that stands for a parcel.
    """

    location_id: str
    lines: tuple[PlanLine, ...]
    parcels: tuple[Parcel, ...]
    days: int
    costs: CostTerms
    legs: tuple["Shipment", ...] = ()

    @property
    def micrograms(self) -> int:
        """CO2e of all its parcels, and of the runs that brought what is in them."""
        own = sum(parcel.micrograms for parcel in self.parcels)
        return own + sum(leg.micrograms for leg in self.legs)


@dataclass(frozen=True, slots=True)
class Plan:
    """Shipments in the order of their locations, what stays unfilled, and the costs of all.

    ``remarks`` say what its method wants known of it, such as a search that was cut short.
    """

    shipments: tuple[Shipment, ...]
    unfilled: tuple[PlanLine, ...]
    costs: CostTerms
    remarks: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether nothing stays unfilled."""
        return not self.unfilled

    @property
    def parcels(self) -> int:
        """Parcels over all shipments."""
        return sum(len(shipment.parcels) for shipment in self.shipments)


@dataclass(frozen=True, slots=True)
class LosesBy:
    """What every plan that ships anything from this location costs more than the optimum, at least.

    ``amount`` is in the first of the problem's tiers in which they differ, whose place ``tier`` is;
    None where no permitted plan ships from it.
    """

    location_id: str
    amount: Money | None
    tier: int = 0


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Why units of a line stay unfilled.

    ``wanted`` counts the units of the SKU over the whole order, ``available`` those at the
    locations that may ship the line, ``unfilled`` those of this line that stay.
    """

    reason: Shortage
    line_id: str
    sku: str
    wanted: int
    available: int
    unfilled: int


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is claimed of a plan, and by whom.

    ``bound`` is a proven lower bound of the cost of every permitted plan, None where there is
    none; with several tiers it is proven for the plans that are equal in all tiers before cost.
    ``loses_by`` lists the candidates in order of rank where the method knows, else nothing.
    ``scale`` is what one of each tier counts against the last one.
    """

    method: Method
    status: Status
    objective: Money
    bound: Money | None
    loses_by: tuple[LosesBy, ...]
    problem_hash: str
    model_version: str
    solver_version: str
    scale: tuple[int, ...] = (1,)

    @property
    def gap(self) -> float | None:
        """(objective - bound) / bound: 0 when optimal, None without a positive bound."""
        if self.bound is None or (self.bound <= 0 and self.objective > self.bound):
            return None
        return 0.0 if self.objective == self.bound else (self.objective - self.bound) / self.bound


@dataclass(frozen=True, slots=True)
class Solution:
    """A plan, what is claimed of it, and why anything in it stays unfilled."""

    plan: Plan
    certificate: Certificate
    shortfalls: tuple[Shortfall, ...]


@dataclass(frozen=True)
class Parcelling:
    """How shipments are parcelled: the scale that parcels are compared on, and what is known.

    ``known`` holds the parcels of locations that somebody has found already, ``brought`` what is
    brought to hubs by which location.
    """

    scale: Scale
    known: Mapping[str, tuple[Load, ...]] = field(default_factory=dict)
    brought: Mapping[str, Brought] = field(default_factory=dict)


def assemble(
    problem: Problem,
    assignment: Assignment,
    remarks: tuple[str, ...] = (),
    parcelling: Parcelling | None = None,
) -> Plan:
    """The plan that ships these atoms, with its parcels and costs; what is not assigned stays.

    Raises ``KeyError`` for an unknown location and ``ValueError`` when more atoms are assigned
    than there are, or no service takes some of them.
    """
    parcelling = parcelling or Parcelling(scale_of(problem))
    by_id = {candidate.location_id: candidate for candidate in problem.candidates}
    left = [group.atoms for group in problem.groups]
    chosen: list[tuple[Candidate, dict[int, int]]] = []
    for location_id, atoms in assignment.items():
        taken = {index: number for index, number in sorted(atoms.items()) if number > 0}
        if taken:
            chosen.append((by_id[location_id], taken))
        for index, number in taken.items():
            left[index] -= number
    if min(left) < 0:
        raise ValueError("more atoms are assigned than the order has")
    chosen.sort(key=lambda pair: (pair[0].rank, pair[0].location_id))
    shipments = tuple(
        _shipment(problem, candidate, taken, parcelling, is_first=place == 0)
        for place, (candidate, taken) in enumerate(chosen)
    )
    penalties = sum(
        unfilled_penalty(problem.costs, group) * number
        for group, number in zip(problem.groups, left, strict=True)
    )
    costs = sum_terms(shipment.costs for shipment in shipments)
    return Plan(
        shipments=shipments,
        unfilled=lines_of(problem.groups, enumerate(left)),
        costs=costs + CostTerms(unfilled=Money(penalties)),
        remarks=remarks,
    )


def assignment_of(problem: Problem, plan: Plan) -> dict[str, dict[int, int]]:
    """The assignment that ``assemble`` made this plan from."""
    first = {group.name: index for index, group in enumerate(problem.groups)}
    return {
        shipment.location_id: {
            index: line.quantity // problem.groups[index].parts[0].units
            for line in shipment.lines
            if (index := first.get((line.line_id, line.sku))) is not None
        }
        for shipment in plan.shipments
    }


def _shipment(
    problem: Problem,
    candidate: Candidate,
    taken: Mapping[int, int],
    parcelling: Parcelling,
    *,
    is_first: bool,
) -> Shipment:
    loads = parcelling.known.get(candidate.location_id)
    if loads is None:
        loads = loads_of(problem, candidate, taken, parcelling.scale)
    # The order's first parcel, which is not charged for, is one of its first shipment.
    charged = len(loads) - 1 if is_first else len(loads)
    opened = {problem.groups[index].line_id for index in taken}
    terms = [shipment_terms(candidate), line_terms(candidate, len(opened))]
    terms.append(CostTerms(split=Money(problem.costs.split_charge * charged)))
    for load in loads:
        option = candidate.options[load.option]
        terms.append(parcel_terms(problem, candidate, option, _billable(problem, option, load)))
    for option, index, number in _carried(problem, candidate, taken, loads):
        group = problem.groups[index]
        terms.append(atom_terms(problem, candidate, option, group).times(number))
    legs = _legs(problem, candidate, taken, parcelling) if candidate.legs else ()
    return Shipment(
        location_id=candidate.location_id,
        lines=lines_of(problem.groups, taken.items()),
        parcels=tuple(_parcel(problem, candidate, load) for load in loads),
        days=max(candidate.options[load.option].days for load in loads),
        costs=sum_terms([*terms, *(leg.costs for leg in legs)]),
        legs=legs,
    )


def _legs(
    problem: Problem, hub: Candidate, taken: Mapping[int, int], parcelling: Parcelling
) -> tuple[Shipment, ...]:
    """The runs that bring these atoms to a hub."""
    found = parcelling.brought.get(hub.location_id)
    if found is None:
        found = brought(problem, hub, taken, parcelling.scale)
    legs = {leg.location_id: leg for leg in hub.legs}
    return tuple(
        _leg(problem, legs[name], atoms, parcelling.scale) for name, atoms in found.items()
    )


def _leg(problem: Problem, leg: Candidate, taken: Mapping[int, int], scale: Scale) -> Shipment:
    best = best_run(problem, leg, scale, taken)
    if best is None:
        raise ValueError(f"no run takes this from {leg.location_id}")
    option = best[1]
    held = [problem.groups[index] for index in taken]
    grams = sum(group.grams * taken[index] for index, group in zip(taken, held, strict=True))
    volume = sum(group.cubic_mm * taken[index] for index, group in zip(taken, held, strict=True))
    lines = lines_of(problem.groups, taken.items())
    run = Parcel(
        lines=lines,
        weight_grams=grams,
        service_id=option.service_id,
        billable_grams=problem.tariffs[option.tariff].billable_grams(grams, volume),
        days=option.days,
        micrograms=leg_micrograms(problem, leg, option, taken),
    )
    costs = leg_terms(problem, leg, option, taken)
    return Shipment(leg.location_id, lines, (run,), option.days, costs)


def _carried(
    problem: Problem, candidate: Candidate, taken: Mapping[int, int], loads: tuple[Load, ...]
) -> list[tuple[Option, int, int]]:
    """How many atoms of each group travel by each option.

    Where one option takes everything, atoms may lie in several parcels.
    """
    used = {load.option for load in loads}
    if len(used) == 1:
        option = candidate.options[used.pop()]
        return [(option, index, number) for index, number in taken.items()]
    carried = []
    for load in loads:
        units = {(line.line_id, line.sku): line.quantity for line in load.lines}
        for index in taken:
            group = problem.groups[index]
            number = units.get(group.name, 0) // group.parts[0].units
            if number:
                carried.append((candidate.options[load.option], index, number))
    return carried


def _billable(problem: Problem, option: Option, load: Load) -> int:
    return problem.tariffs[option.tariff].billable_grams(load.grams, load.cubic_mm)


def _parcel(problem: Problem, candidate: Candidate, load: Load) -> Parcel:
    option = candidate.options[load.option]
    tariff = problem.tariffs[option.tariff]
    per_gram = (tariff.carbon or problem.costs.carbon).micrograms_per_gram_km
    by_weight = per_gram * load.grams * candidate.distance_km
    return Parcel(
        lines=load.lines,
        weight_grams=load.grams,
        service_id=option.service_id,
        billable_grams=_billable(problem, option, load),
        days=option.days,
        micrograms=parcel_micrograms(problem, candidate, option) + by_weight,
    )

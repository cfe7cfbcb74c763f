"""A plan: what leaves from where in which parcels, what stays, the costs, and how it was found."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.costs import (
    CostTerms,
    atom_terms,
    parcel_terms,
    sum_terms,
    unfilled_penalty,
)
from ordermesh.routing.domain.parcels import pack, weights_of
from ordermesh.routing.domain.problem import Candidate, Group, Problem

Assignment = Mapping[str, Mapping[int, int]]
"""By location id: how many atoms of each group, by the group's index in the problem."""


class Method(StrEnum):
    """How a plan was found."""

    EXACT_DP = "EXACT_DP"
    CP_SAT = "CP_SAT"
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
    ``SHIPMENTS_MAX``: more would be filled in more shipments.
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
class PlanLine:
    """Units of one SKU for one line; a kit's line appears once for each component."""

    line_id: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """What lies in one box."""

    lines: tuple[PlanLine, ...]
    weight_grams: int


@dataclass(frozen=True, slots=True)
class Shipment:
    """What one location ships for the order; ``days`` from the order to the arrival."""

    location_id: str
    lines: tuple[PlanLine, ...]
    parcels: tuple[Parcel, ...]
    days: int
    costs: CostTerms


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

    None where no permitted plan ships from it.
    """

    location_id: str
    amount: Money | None


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
    none. ``loses_by`` lists the candidates in order of rank where the method knows, else nothing.
    """

    method: Method
    status: Status
    objective: Money
    bound: Money | None
    loses_by: tuple[LosesBy, ...]
    problem_hash: str
    model_version: str
    solver_version: str

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


def assemble(problem: Problem, assignment: Assignment, remarks: tuple[str, ...] = ()) -> Plan:
    """The plan that ships these atoms, with its parcels and costs; what is not assigned stays.

    Raises ``KeyError`` for an unknown location and ``ValueError`` when more atoms are assigned
    than there are.
    """
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
        _shipment(problem, candidate, taken, is_first=place == 0)
        for place, (candidate, taken) in enumerate(chosen)
    )
    penalties = sum(
        unfilled_penalty(problem.costs, group) * number
        for group, number in zip(problem.groups, left, strict=True)
    )
    costs = sum_terms(shipment.costs for shipment in shipments)
    return Plan(
        shipments=shipments,
        unfilled=_lines(problem.groups, dict(enumerate(left))),
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
    problem: Problem, candidate: Candidate, taken: Mapping[int, int], *, is_first: bool
) -> Shipment:
    parcels = _parcels(problem, taken)
    # The order's first parcel, which is not charged for, is one of its first shipment.
    charged = len(parcels) - 1 if is_first else len(parcels)
    terms = [
        parcel_terms(problem.costs, candidate).times(len(parcels)),
        CostTerms(split_charge=problem.costs.split_charge).times(charged),
    ]
    for index, number in taken.items():
        terms.append(atom_terms(problem, candidate, problem.groups[index]).times(number))
    return Shipment(
        location_id=candidate.location_id,
        lines=_lines(problem.groups, taken),
        parcels=parcels,
        days=candidate.days,
        costs=sum_terms(terms),
    )


def _lines(groups: tuple[Group, ...], atoms: Mapping[int, int]) -> tuple[PlanLine, ...]:
    return tuple(
        PlanLine(groups[index].line_id, part.sku, part.units * number)
        for index, number in sorted(atoms.items())
        if number > 0
        for part in groups[index].parts
    )


def _parcels(problem: Problem, taken: Mapping[int, int]) -> tuple[Parcel, ...]:
    """The units of the shipment in its parcels; equal weights are filled in order of lines."""
    waiting: dict[int, list[PlanLine]] = {}
    for index, number in taken.items():
        group = problem.groups[index]
        for part in group.parts:
            line = PlanLine(group.line_id, part.sku, part.units * number)
            waiting.setdefault(part.weight_grams, []).append(line)
    weights = weights_of(
        [(grams, line.quantity) for grams, lines in waiting.items() for line in lines]
    )
    packing = pack(weights, problem.costs.parcel_limit_grams)
    return tuple(
        Parcel(
            lines=tuple(
                sorted(
                    (
                        line
                        for (grams, _), number in zip(weights, numbers, strict=True)
                        for line in _draw(waiting[grams], number)
                    ),
                    key=lambda line: (line.line_id, line.sku),
                )
            ),
            weight_grams=sum(
                grams * number for (grams, _), number in zip(weights, numbers, strict=True)
            ),
        )
        for numbers in packing.parcels
    )


def _draw(waiting: list[PlanLine], number: int) -> list[PlanLine]:
    """Take so many units from the front of the list."""
    drawn: list[PlanLine] = []
    while number:
        line = waiting.pop(0)
        taken = min(number, line.quantity)
        drawn.append(PlanLine(line.line_id, line.sku, taken))
        if taken < line.quantity:
            waiting.insert(0, PlanLine(line.line_id, line.sku, line.quantity - taken))
        number -= taken
    return drawn

"""Promises: by when all of an order is there, with which confidence.

A promise is worked out from distributions of whole numbers: each way the work can go, with its
weight, through the calendars of the location and the carrier. Nothing is rounded on the way.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import accumulate, product
from math import prod

from ordermesh.routing.domain.calendars.distribution import PERMILLE
from ordermesh.routing.domain.calendars.schedule import Arrival, Dispatch, Transit
from ordermesh.routing.domain.plan import Solution
from ordermesh.routing.domain.problem import Candidate, Problem
from ordermesh.routing.domain.terms import Term, Tier
from ordermesh.routing.domain.terms import Weighted as WeightedTerm

QUARTER = timedelta(minutes=15)
"""To which an instant within a day is rounded up, so that a promise holds for a while."""

Weighted = tuple[tuple[Arrival, int], ...]
"""Arrivals, each with a whole weight."""


class Objective(StrEnum):
    """What the best promise is."""

    CHEAPEST = "CHEAPEST"
    FASTEST = "FASTEST"
    FEWEST_PARCELS = "FEWEST_PARCELS"
    GREENEST = "GREENEST"


_ALL_OF_IT = Tier("all of it", (WeightedTerm(Term.UNFILLED_UNITS),))
_COST = Tier("cost", (WeightedTerm(Term.COST),))

_TIERS = {
    Objective.FASTEST: (_ALL_OF_IT, _COST),
    Objective.FEWEST_PARCELS: (
        _ALL_OF_IT,
        Tier("parcels", (WeightedTerm(Term.PARCELS),)),
        _COST,
    ),
    Objective.GREENEST: (
        _ALL_OF_IT,
        Tier("CO2e", (WeightedTerm(Term.CARBON_MICROGRAMS),)),
        _COST,
    ),
}
"""What is minimised, the first before all others; the cheapest is what the policy says it is."""


@dataclass(frozen=True, slots=True)
class Window:
    """Between when and when something is there.

    ``latest`` is the promise: it is kept with the confidence that was asked for. ``day`` is its
    date where the goods arrive; with ``is_in_days`` only the day is meant.
    """

    earliest: datetime
    latest: datetime
    day: date
    is_in_days: bool


def shipment_arrivals(dispatch: Dispatch, transits: Sequence[Transit]) -> Weighted:
    """When all parcels of one shipment are there: they leave together, and travel independently.

    Raises ``NeverOpen``.
    """
    found = []
    for pickup, weight in dispatch.pickups:
        for chances in product(*(transit.chances for transit in transits)):
            last = max(
                transit.arrival(pickup, chance)
                for transit, chance in zip(transits, chances, strict=True)
            )
            found.append((last, weight * prod(chance.weight for chance in chances)))
    return tuple(found)


def all_there(parts: Sequence[Weighted], permille: int) -> Arrival:
    """By when all parts are there with at least this probability: they arrive independently.

    The probability that all have arrived is the product of the shares that have: of whole numbers,
    so that it is exact. Raises ``ValueError`` without parts.
    """
    rows = [sorted(part) for part in parts]
    totals = [sum(weight for _, weight in row) for row in rows]
    sums = [list(accumulate((weight for _, weight in row), initial=0)) for row in rows]
    places = [0] * len(rows)
    for arrival in sorted({arrival for row in rows for arrival, _ in row}):
        for number, row in enumerate(rows):
            while places[number] < len(row) and row[places[number]][0] <= arrival:
                places[number] += 1
        share = prod(sums[number][place] for number, place in enumerate(places))
        if share * PERMILLE >= prod(totals) * permille:
            return arrival
    raise ValueError("nothing arrives")


def window(parts: Sequence[Weighted], permille: int, *, is_in_days: bool) -> Window:
    """The window in which all parts arrive; in hours it ends at a full quarter.

    Raises ``ValueError`` without parts.
    """
    first = max(min(arrival for arrival, _ in part) for part in parts)
    last = all_there(parts, permille)
    latest = last.latest if is_in_days else rounded_up(last.latest)
    return Window(first.latest, latest, last.day, is_in_days)


def rounded_up(at: datetime) -> datetime:
    """The next full quarter of an hour, or the same instant when it is one."""
    beyond = timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)
    return at - beyond + QUARTER if beyond else at


def tiers_of(objective: Objective) -> tuple[Tier, ...] | None:
    """What an objective minimises, the first before all others; None: what the policy says."""
    return _TIERS.get(objective)


def best(problem: Problem, objective: Objective, solve: Callable[[Problem], Solution]) -> Solution:
    """The plan that an objective wants, of those that fill most."""
    tiers = tiers_of(objective)
    asked = problem if tiers is None else replace(problem, tiers=tiers)
    return solved_for(asked, objective, solve)


def solved_for(
    problem: Problem, objective: Objective, solve: Callable[[Problem], Solution]
) -> Solution:
    """The plan that an objective wants of a problem that minimises what it does."""
    return _fastest(problem, solve) if objective is Objective.FASTEST else solve(problem)


def _fastest(problem: Problem, solve: Callable[[Problem], Solution]) -> Solution:
    """The cheapest plan among those whose last parcel arrives on the earliest day.

    Each day on which anything could arrive is tried in turn, with the services that arrive by
    then. Where nothing fills all of it, the plan that fills most.
    """
    days = sorted({option.days for one in problem.candidates for option in one.options})
    for day in days[:-1]:
        soon = tuple(
            found for one in problem.candidates if (found := _by_day(one, day)) is not None
        )
        solution = solve(replace(problem, candidates=soon))
        if solution.plan.is_complete:
            return solution
    return solve(problem)


def _by_day(candidate: Candidate, day: int) -> Candidate | None:
    """The candidate with the services that arrive by a day; None without any."""
    options = tuple(option for option in candidate.options if option.days <= day)
    return replace(candidate, options=options) if options else None

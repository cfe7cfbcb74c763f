"""From a question to a promise: the plan that the solver finds, carried through the calendars."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.asking import asked
from ordermesh.routing.domain.calendars.distribution import Chance, certain
from ordermesh.routing.domain.calendars.schedule import Transit, dispatch
from ordermesh.routing.domain.carriage.carrier import TransitUnit
from ordermesh.routing.domain.carrier_calendars import CarrierCalendars
from ordermesh.routing.domain.coming import Coming, start_of
from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.domain.framing import frame
from ordermesh.routing.domain.known import Known
from ordermesh.routing.domain.network import SHIP
from ordermesh.routing.domain.plan import Shipment, Solution
from ordermesh.routing.domain.problem import Candidate, Option, Problem
from ordermesh.routing.domain.promise import (
    Objective,
    Weighted,
    Window,
    best,
    shipment_arrivals,
    window,
)
from ordermesh.routing.domain.question import Question, Units
from ordermesh.routing.domain.stages import Ruled, relaxations
from ordermesh.routing.domain.staging import openings
from ordermesh.routing.domain.verification import verify

HORIZON = timedelta(hours=24)
"""No answer is true for longer than this without being asked again."""

_MICROGRAMS = 1_000_000
_MINUTES = 60


@dataclass(frozen=True)
class Promised:
    """What one location would send, or hand over, and when; ``zone`` is 0 for pickup."""

    location_id: str
    ready_time: datetime
    window: Window
    parcels: int
    zone: int


@dataclass(frozen=True)
class Unpromised:
    """Units that nobody can promise, and why."""

    line_id: str
    sku: str
    quantity: int
    reason: str


@dataclass(frozen=True)
class Promise:
    """One way to keep a promise. ``window`` is None where nothing can be promised.

    ``expire_time`` is until when it is true while stock, network and policy stay as they are.
    """

    objective: Objective
    window: Window | None
    shipments: tuple[Promised, ...]
    cost: Money
    co2e_grams: int
    unpromised: tuple[Unpromised, ...]
    expire_time: datetime

    @property
    def parcels(self) -> int:
        """Parcels over all shipments."""
        return sum(one.parcels for one in self.shipments)

    @property
    def left(self) -> int:
        """Units that nobody can promise."""
        return sum(one.quantity for one in self.unpromised)


@dataclass(frozen=True)
class Situation:
    """All that a promise is made from. ``permille`` is how sure it is to be kept.

    ``coming`` is what is not in hand, where it may be counted on.
    """

    known: Known
    available: Units
    permille: int
    solve: Callable[[Problem], Solution]
    coming: tuple[Coming, ...] = ()
    problems: dict[object, Problem] = field(default_factory=dict, compare=False, repr=False)


def deliver(question: Question, situation: Situation, objective: Objective) -> Promise:
    """The promise of a delivery, by the plan that the objective wants.

    Raises ``CurrencyMismatch``, and ``PlanRefused`` when a plan is not what it claims to be.
    """
    known = situation.known
    try:
        problem, solution = staged(question, situation, objective)
    except FieldViolation:
        unpromised = all_of(question, "NO_LOCATION")
        return Promise(objective, None, (), Money(0), 0, unpromised, known.now + HORIZON)
    plan = solution.plan
    candidates = {one.location_id: one for one in problem.candidates}
    sent = [_sent(one, candidates[one.location_id], situation) for one in plan.shipments]
    parts = [arrivals for _, arrivals in sent]
    is_in_days = all(promised.window.is_in_days for promised, _ in sent)
    reasons = {(one.line_id, one.sku): one.reason for one in solution.shortfalls}
    return Promise(
        objective=objective,
        window=window(parts, situation.permille, is_in_days=is_in_days) if parts else None,
        shipments=tuple(promised for promised, _ in sent),
        cost=Money(plan.costs.total - plan.costs.unfilled),
        co2e_grams=-(-sum(one.micrograms for one in plan.shipments) // _MICROGRAMS),
        unpromised=tuple(
            Unpromised(
                line.line_id,
                line.sku,
                line.quantity,
                reasons.get((line.line_id, line.sku), "NO_LOCATION"),
            )
            for line in plan.unfilled
        ),
        expire_time=_true_until(problem, situation),
    )


def staged(
    question: Question, situation: Situation, objective: Objective
) -> tuple[Problem, Solution]:
    """The plan of the first stage that fills all, or of the last one, as an order would get it."""
    known, available = situation.known, situation.available
    seen = asked(question, known, available) if known.rulebook else None
    for relaxation in relaxations(known.policy.stages):
        ruled = Ruled(relaxation=relaxation)
        if seen is not None:
            evaluation = known.rulebook.evaluate(seen, known.now, relaxation.without)
            ruled = Ruled(evaluation, relaxation)
        for opened in openings(ruled, known, question.pickup):
            problem = _problem(question, situation, opened)
            solution = best(problem, objective, _verified(situation.solve))
            if solution.plan.is_complete:
                return problem, solution
    return problem, solution


def _problem(question: Question, situation: Situation, ruled: Ruled) -> Problem:
    """The problem of a stage, which is the same for every objective."""
    lines = tuple(one.line.line_id for one in question.wanted)
    name = (
        lines,
        ruled.relaxation.name,
        ruled.open_when_full,
        ruled.past_soft_limits,
        ruled.transfers,
    )
    if name not in situation.problems:
        inputs = frame(question, situation.known, situation.available, ruled, situation.coming)
        situation.problems[name] = inputs.problem
    return situation.problems[name]


def _verified(solve: Callable[[Problem], Solution]) -> Callable[[Problem], Solution]:
    def solved(problem: Problem) -> Solution:
        solution = solve(problem)
        verify(problem, solution.plan)
        return solution

    return solved


def transit_of(
    option: Option, time_zone: str, now: datetime, carriers: CarrierCalendars
) -> Transit:
    """How long a service takes: by the carrier's own outcomes, else for sure as planned."""
    calendar = carriers.of(option.service_id, time_zone, now)
    service = carriers.service(option.service_id)
    found = None if service is None else service.transit_into(option.zone)
    if found is None:
        return Transit(calendar, certain(days=option.transit_days))
    is_in_days = found.unit is TransitUnit.DAYS
    amounts = [(one.amount, one.per_mille) for one in found.outcomes] or [(found.amount, 1000)]
    return Transit(
        calendar,
        tuple(
            Chance(weight, amount if is_in_days else 0, 0 if is_in_days else amount * _MINUTES)
            for amount, weight in amounts
        ),
        is_in_days,
    )


def _sent(
    shipment: Shipment, candidate: Candidate, situation: Situation
) -> tuple[Promised, Weighted]:
    """What a location would send, with its arrivals."""
    known = situation.known
    place_id, since = candidate.place_id, candidate.available_from
    time_zone = known.locations[place_id].time_zone
    schedule = known.dispatches.schedule(known.entry(place_id), time_zone, SHIP, known.now)
    there = start_of(date.fromisoformat(since)) if since else known.now
    leaves = dispatch(schedule, max(there, known.now))
    used = {parcel.service_id for parcel in shipment.parcels}
    options = [option for option in candidate.options if option.service_id in used]
    transits = [transit_of(option, time_zone, known.now, known.carriers) for option in options]
    arrivals = shipment_arrivals(leaves, transits)
    is_in_days = any(transit.is_in_days for transit in transits)
    promised = Promised(
        location_id=place_id,
        ready_time=leaves.pickup(situation.permille),
        window=window([arrivals], situation.permille, is_in_days=is_in_days),
        parcels=len(shipment.parcels),
        zone=max(option.zone for option in options),
    )
    return promised, arrivals


def _true_until(problem: Problem, situation: Situation) -> datetime:
    """Until when no location that could have sent anything hands over at another time."""
    known = situation.known
    until = next_edge(known, known.now)
    for candidate in problem.candidates:
        location = known.entry(candidate.place_id)
        time_zone = known.locations[candidate.place_id].time_zone
        is_in_days = all(
            transit_of(option, time_zone, known.now, known.carriers).is_in_days
            for option in candidate.options
        )
        until = min(
            until,
            known.dispatches.steady_until(location, time_zone, known.now, is_in_days=is_in_days),
        )
    return until


def next_edge(known: Known, now: datetime) -> datetime:
    """When something is switched next, or a window of capacity ends."""
    edges = [known.switches.next_change(now), known.window_end, now + HORIZON]
    return min(edge for edge in edges if edge is not None)


def nothing(question: Question, reason: str, until: datetime) -> Promise:
    """Nothing of it can be promised, for a reason."""
    return Promise(Objective.FASTEST, None, (), Money(0), 0, all_of(question, reason), until)


def all_of(question: Question, reason: str) -> tuple[Unpromised, ...]:
    """All of it, for a reason."""
    return tuple(
        Unpromised(one.line.line_id, sku, quantity, reason)
        for one in question.wanted
        for sku, quantity in one.units.items()
    )


def alone(question: Question) -> Sequence[Question]:
    """A question for each line by itself."""
    return [replace(question, wanted=(one,)) for one in question.wanted]


def soonest(promises: Iterable[Promise]) -> datetime:
    """Until when all of these are true."""
    return min(promise.expire_time for promise in promises)

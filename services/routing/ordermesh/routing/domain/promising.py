"""From a question to a promise: the plan that the solver finds, carried through the calendars."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.calendars.distribution import Chance, certain
from ordermesh.routing.domain.calendars.schedule import Transit, dispatch
from ordermesh.routing.domain.carriage.carrier import TransitUnit
from ordermesh.routing.domain.carrier_calendars import CarrierCalendars
from ordermesh.routing.domain.coming import start_of
from ordermesh.routing.domain.consolidating import handed_over
from ordermesh.routing.domain.decision import Decision
from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.domain.known import Known
from ordermesh.routing.domain.network import SHIP
from ordermesh.routing.domain.plan import Shipment
from ordermesh.routing.domain.problem import Candidate, Option, Problem
from ordermesh.routing.domain.promise import (
    Objective,
    Weighted,
    Window,
    rounded_up,
    shipment_arrivals,
    window,
)
from ordermesh.routing.domain.question import Question, Units
from ordermesh.routing.domain.substituting import by_tiers

HORIZON = timedelta(hours=24)
"""No answer is true for longer than this without being asked again."""

_MICROGRAMS = 1_000_000
_MINUTES = 60
_MINUTE = timedelta(minutes=1)


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

    ``decide`` decides as an order would be, but for what is minimised. Policies, prices and rates
    are what they are until ``steady_until``; None: they do not change by themselves.
    """

    known: Known
    available: Units
    permille: int
    decide: Callable[[Question, Objective], Decision]
    steady_until: datetime | None = None


@dataclass(frozen=True)
class Planned:
    """What was decided: by which problem and shipments, at what cost, and what is left."""

    problem: Problem
    shipments: tuple[Shipment, ...]
    cost: Money
    unpromised: tuple[Unpromised, ...]

    @property
    def co2e_grams(self) -> int:
        """Grams of CO2e, rounded up."""
        return -(-sum(one.micrograms for one in self.shipments) // _MICROGRAMS)


def planned(question: Question, situation: Situation, objective: Objective) -> Planned:
    """What an order would get that asks this. Raises as deciding does."""
    decision = situation.decide(question, objective)
    if decision.record is None:
        raise ValueError("what is promised is decided exactly, which makes a record")
    unfilled = sum(amount for kind, amount in decision.cost_terms if kind == "UNFILLED")
    return Planned(
        decision.record.problem,
        decision.record.plan.shipments if decision.shipments else (),
        Money(decision.cost - unfilled),
        tuple(
            Unpromised(one.line_id, one.sku, one.unfilled, one.reason)
            for one in decision.unfilled_lines
        ),
    )


def worth(decision: Decision, objective: Objective) -> tuple[int, ...]:
    """What of two decisions an objective wants less of, where lines may be filled otherwise."""
    if objective is not Objective.FASTEST:
        return by_tiers(decision)
    days = max((one.days for one in decision.shipments), default=0)
    return (decision.unfilled_units, days, decision.cost)


def deliver(question: Question, situation: Situation, objective: Objective) -> Promise:
    """The promise of a delivery, by the plan that the objective wants.

    Raises ``CurrencyMismatch``, and ``PlanRefused`` when a plan is not what it claims to be.
    """
    known = situation.known
    try:
        found = planned(question, situation, objective)
    except FieldViolation:
        unpromised = all_of(question, "NO_LOCATION")
        return Promise(objective, None, (), Money(0), 0, unpromised, known.now + HORIZON)
    candidates = {one.location_id: one for one in found.problem.candidates}
    sent = [_sent(one, candidates[one.location_id], situation) for one in found.shipments]
    parts = [arrivals for _, arrivals in sent]
    is_in_days = all(promised.window.is_in_days for promised, _ in sent)
    return Promise(
        objective=objective,
        window=window(parts, situation.permille, is_in_days=is_in_days) if parts else None,
        shipments=tuple(promised for promised, _ in sent),
        cost=found.cost,
        co2e_grams=found.co2e_grams,
        unpromised=found.unpromised,
        expire_time=_true_until(found.problem, situation),
    )


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
    if candidate.legs:
        leaves = handed_over(known, known.entry(place_id), shipment.legs)
    else:
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
    until = next_edge(situation)
    if any(one.legs for one in problem.candidates):
        # The runs of lanes are later with every quarter that passes.
        until = min(until, rounded_up(known.now + timedelta(seconds=1)))
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


def next_edge(situation: Situation) -> datetime:
    """When something is decided otherwise, though nobody does anything.

    That is when something is switched, a window of capacity ends, a policy, a rule, a price or a
    rate begins or ends, or the minute does where a rule goes by the clock.
    """
    known = situation.known
    edges = [
        known.switches.next_change(known.now),
        known.window_end,
        situation.steady_until,
        known.prices.next_change(known.now),
        known.now + (_MINUTE if known.rulebook.goes_by_the_clock else HORIZON),
    ]
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

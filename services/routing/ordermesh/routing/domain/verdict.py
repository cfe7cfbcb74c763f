"""What the solver found, written down as a decision in the contract's words."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.coming import start_of
from ordermesh.routing.domain.costs import CostTerms
from ordermesh.routing.domain.decision import (
    CandidateFate,
    DecidedParcel,
    DecidedShipment,
    DecidedTier,
    Decision,
    Outcome,
    PlannedLine,
    UnfilledLine,
)
from ordermesh.routing.domain.judging import tier_values
from ordermesh.routing.domain.plan import (
    LosesBy,
    Parcel,
    Plan,
    Shipment,
    Shortage,
    Shortfall,
    Solution,
    Status,
)
from ordermesh.routing.domain.policy import Policy
from ordermesh.routing.domain.problem import (
    MODEL_VERSION,
    Candidate,
    Option,
    Problem,
    Removal,
    Rule,
)
from ordermesh.routing.domain.question import Question, Units
from ordermesh.routing.domain.rounding import divide_half_even

_KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("FREIGHT", ("freight",)),
    ("PICK", ("pick",)),
    ("LABOR", ("labor",)),
    ("HANDLING", ("handling",)),
    ("SPLIT", ("split",)),
    ("TRANSIT", ("transit",)),
    ("LATE", ("late",)),
    ("CARBON", ("carbon",)),
    ("PREFERENCE", ("preference",)),
    ("MARKDOWN", ("markdown",)),
    ("REJECT_RISK", ("reject_risk",)),
    ("STOCK_OUT", ("stock_out",)),
    ("STOCK_PRICE", ("stock_price",)),
    ("LABOR_PRICE", ("labor_price",)),
    ("UNFILLED", ("unfilled",)),
)
"""The published kinds of cost, and the terms that each sums up."""

_REASONS: Mapping[Shortage, str] = {
    Shortage.INSUFFICIENT_STOCK: "INSUFFICIENT_STOCK",
    Shortage.NO_LOCATION: "NO_LOCATION",
    Shortage.NO_CAPACITY: "NO_CAPACITY",
    Shortage.NOT_TOGETHER: "NOT_TOGETHER",
    # Enough is there, but not in so few shipments, or not in any plan that was looked at.
    Shortage.SHIPMENTS_MAX: "NOT_TOGETHER",
    Shortage.SEARCH_LIMIT: "NOT_TOGETHER",
    # No location is worth what it costs.
    Shortage.CHEAPER_UNFILLED: "NO_LOCATION",
}

_OUTCOMES: Mapping[Status, Outcome] = {
    Status.OPTIMAL: Outcome.OPTIMAL,
    Status.FEASIBLE: Outcome.FEASIBLE,
    Status.INFEASIBLE: Outcome.INFEASIBLE,
    Status.TIME_LIMIT: Outcome.FEASIBLE,
}


class Deciding(Protocol):
    """What a decision says of the policy that decided."""

    @property
    def policy_id(self) -> str:
        """Which policy."""
        ...

    @property
    def version(self) -> int:
        """Which version of it."""
        ...

    @property
    def currency_code(self) -> str:
        """The currency of all amounts."""
        ...


def solved(
    question: Question,
    policy: Deciding,
    problem: Problem,
    solution: Solution,
    stock: Units,
    *,
    decision_id: UUID | None,
    revision: int,
    now: datetime,
) -> Decision:
    """The decision that a solver's answer makes; ``stock`` is what it was found on."""
    certificate = solution.certificate
    outcome = _OUTCOMES[certificate.status]
    return _decision(
        question,
        policy,
        problem,
        solution.plan,
        outcome=outcome if solution.plan.shipments else Outcome.INFEASIBLE,
        bound=certificate.bound,
        loses_by={one.location_id: one for one in certificate.loses_by},
        scale=certificate.scale,
        unfilled=[_unfilled(problem, shortfall, stock) for shortfall in solution.shortfalls],
        model_version=f"{certificate.model_version} {certificate.solver_version}",
        decision_id=decision_id,
        revision=revision,
        now=now,
    )


def by_rule(
    question: Question,
    policy: Policy,
    problem: Problem,
    plan: Plan,
    *,
    revision: int,
    now: datetime,
) -> Decision:
    """What a baseline would do: an answer, never a decision of ours."""
    return _decision(
        question,
        policy,
        problem,
        plan,
        outcome=Outcome.FEASIBLE if plan.shipments else Outcome.INFEASIBLE,
        bound=None,
        loses_by={},
        scale=(),
        unfilled=[_left(problem, line.line_id, line.sku, line.quantity) for line in plan.unfilled],
        model_version=MODEL_VERSION,
        decision_id=None,
        revision=revision,
        now=now,
    )


def nowhere(
    question: Question, policy: Policy, *, decision_id: UUID | None, now: datetime
) -> Decision:
    """There is no location to consider, so there is no problem to solve: all of it is unfilled."""
    unfilled = tuple(
        UnfilledLine(one.line.line_id, sku, units, 0, units, "NO_LOCATION", "")
        for one in question.wanted
        for sku, units in one.units.items()
    )
    return Decision(
        decision_id=decision_id,
        order_id=question.order_id,
        create_time=now,
        method=question.method,
        outcome=Outcome.INFEASIBLE,
        shipments=(),
        currency_code=policy.currency_code,
        cost=Money(0),
        bound=Money(0),
        cost_terms=(),
        candidates=(),
        ledger_revision=0,
        policy_id=policy.policy_id,
        policy_version=policy.version,
        model_version=MODEL_VERSION,
        problem_hash="",
        unfilled_lines=unfilled,
    )


def _decision(
    question: Question,
    policy: Deciding,
    problem: Problem,
    plan: Plan,
    *,
    outcome: Outcome,
    bound: Money | None,
    loses_by: Mapping[str, LosesBy],
    scale: tuple[int, ...],
    unfilled: Iterable[UnfilledLine],
    model_version: str,
    decision_id: UUID | None,
    revision: int,
    now: datetime,
) -> Decision:
    return Decision(
        decision_id=decision_id,
        order_id=question.order_id,
        create_time=now,
        method=question.method,
        outcome=outcome,
        shipments=decided_shipments(problem, plan),
        currency_code=policy.currency_code,
        cost=plan.costs.total,
        bound=bound,
        cost_terms=kinds_of(plan.costs),
        candidates=_fates(problem, plan, loses_by),
        ledger_revision=revision,
        policy_id=policy.policy_id,
        policy_version=policy.version,
        model_version=model_version,
        problem_hash=problem.hash,
        unfilled_lines=tuple(unfilled),
        tiers=_tiers(problem, plan, scale),
    )


def decided_shipments(problem: Problem, plan: Plan) -> tuple[DecidedShipment, ...]:
    """What each location of a plan sends."""
    seen = {candidate.location_id: candidate for candidate in problem.candidates}
    return tuple(
        _shipment(problem, seen[shipment.location_id], shipment) for shipment in plan.shipments
    )


def _shipment(problem: Problem, candidate: Candidate, shipment: Shipment) -> DecidedShipment:
    day = candidate.available_from
    return DecidedShipment(
        location_id=candidate.place_id,
        lines=tuple(PlannedLine(line.line_id, line.sku, line.quantity) for line in shipment.lines),
        parcel_count=len(shipment.parcels),
        distance_km=candidate.distance_km,
        zone=_option(candidate, shipment.parcels[0]).zone,
        days=shipment.days,
        weight_grams=sum(parcel.weight_grams for parcel in shipment.parcels),
        cost=shipment.costs.total,
        parcels=tuple(_parcel(problem, candidate, parcel) for parcel in shipment.parcels),
        co2e_milligrams=_milligrams(shipment.micrograms),
        available_time=start_of(date.fromisoformat(day)) if day else None,
        legs=tuple(_leg(problem, candidate, leg) for leg in shipment.legs),
    )


def _leg(problem: Problem, hub: Candidate, leg: Shipment) -> DecidedShipment:
    return _shipment(problem, next(x for x in hub.legs if x.location_id == leg.location_id), leg)


def _option(candidate: Candidate, parcel: Parcel) -> Option:
    return next(one for one in candidate.options if one.service_id == parcel.service_id)


def _parcel(problem: Problem, candidate: Candidate, parcel: Parcel) -> DecidedParcel:
    tariff = problem.tariffs[_option(candidate, parcel).tariff]
    return DecidedParcel(
        service_id=parcel.service_id,
        lines=tuple(PlannedLine(one.line_id, one.sku, one.quantity) for one in parcel.lines),
        weight_grams=parcel.weight_grams,
        billable_grams=parcel.billable_grams,
        days=parcel.days,
        co2e_milligrams=_milligrams(parcel.micrograms),
        tariff_id=tariff.tariff_id,
        factor_version=(tariff.carbon or problem.costs.carbon).factor_version,
    )


def _milligrams(micrograms: int) -> int:
    return divide_half_even(micrograms, 1_000)


def _tiers(problem: Problem, plan: Plan, scale: tuple[int, ...]) -> tuple[DecidedTier, ...]:
    """What the plan comes to in each tier; nothing for a rule that minimises nothing.

    Where there was nothing to choose, nothing tells what the tiers are worth to each other.
    """
    if not scale:
        return ()
    weights = scale if len(scale) == len(problem.tiers) else (0,) * len(problem.tiers)
    values = tier_values(problem, plan)
    return tuple(
        DecidedTier(tier.name, value, weight)
        for tier, value, weight in zip(problem.tiers, values, weights, strict=True)
    )


def kinds_of(costs: CostTerms) -> tuple[tuple[str, Money], ...]:
    """Costs by the published kinds."""
    amounts = dict(costs.items())
    return tuple((kind, Money(sum(amounts[name] for name in names))) for kind, names in _KINDS)


def _fates(
    problem: Problem, plan: Plan, loses_by: Mapping[str, LosesBy]
) -> tuple[CandidateFate, ...]:
    """Candidates in the order of rank, then what the rules removed, each location once."""
    chosen = {shipment.location_id for shipment in plan.shipments}
    removed: dict[str, Removal] = {}
    for removal in problem.removals:
        removed.setdefault(removal.location_id, removal)
    fates = []
    for candidate in problem.candidates:
        name = candidate.location_id
        gone, loss = removed.pop(name, None), loses_by.get(name)
        fates.append(
            CandidateFate(
                name,
                name in chosen,
                "" if gone is None else str(gone.rule),
                "" if gone is None else gone.fact,
                None if loss is None else loss.amount,
                candidate.distance_km,
                "" if gone is None else gone.rule_id,
                0 if loss is None else loss.tier,
            )
        )
    for name, gone in removed.items():
        fates.append(CandidateFate(name, False, str(gone.rule), gone.fact, None, 0, gone.rule_id))
    return tuple(fates)


def _unfilled(problem: Problem, shortfall: Shortfall, stock: Units) -> UnfilledLine:
    reason = _REASONS[shortfall.reason]
    if shortfall.available < shortfall.wanted and _is_full(problem, shortfall, stock):
        reason = "NO_CAPACITY"
    return UnfilledLine(
        shortfall.line_id,
        shortfall.sku,
        shortfall.wanted,
        shortfall.available,
        shortfall.unfilled,
        reason,
        _could_have(problem, shortfall.sku),
    )


def _is_full(problem: Problem, shortfall: Shortfall, stock: Units) -> bool:
    """Whether a location that has the item was left out because its day is full."""
    return any(
        removal.rule is Rule.NO_CAPACITY
        and shortfall.line_id in removal.line_ids
        and stock.get(removal.location_id, {}).get(shortfall.sku, 0) > 0
        for removal in problem.removals
    )


def _left(problem: Problem, line_id: str, sku: str, unfilled: int) -> UnfilledLine:
    """What a baseline leaves: short of stock, or left by the rule itself."""
    available = sum(dict(candidate.available).get(sku, 0) for candidate in problem.candidates)
    wanted = problem.wanted[sku]
    reason = "INSUFFICIENT_STOCK" if available < wanted else "NOT_TOGETHER"
    return UnfilledLine(
        line_id, sku, wanted, available, unfilled, reason, _could_have(problem, sku)
    )


def _could_have(problem: Problem, sku: str) -> str:
    """The location that has most of an item, else the first that was asked for it; "" for none."""
    stocked = [
        (-units, candidate.rank, candidate.place_id)
        for candidate in problem.sources
        if (units := dict(candidate.available).get(sku, 0))
    ]
    if stocked:
        return min(stocked)[2]
    for removal in problem.removals:
        if removal.rule is Rule.NOT_STOCKED:
            return removal.location_id
    return problem.candidates[0].place_id if problem.candidates else ""

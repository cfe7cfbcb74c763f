"""Decisions, and the questions that lead to them."""

from collections.abc import Iterable
from uuid import UUID

from ordermesh.api.routing.v1 import (
    Alternative,
    Candidate,
    CostTerm,
    Plan,
    PlannedParcel,
    Shipment,
    SourcingQuestion,
    Substitution,
)
from ordermesh.api.routing.v1 import DecidedTier as DecidedTierMessage
from ordermesh.api.routing.v1 import Decision as DecisionMessage
from ordermesh.api.routing.v1 import Outcome as OutcomeEnum
from ordermesh.api.routing.v1 import PlannedLine as PlannedLineMessage
from ordermesh.api.routing.v1 import RuleOutcome as RuleOutcomeMessage
from ordermesh.api.routing.v1 import SourcingMethod as SourcingMethodEnum
from ordermesh.api.routing.v1 import StageResult as StageResultMessage
from ordermesh.api.routing.v1 import UnfilledLine as UnfilledLineMessage
from ordermesh.routing.domain.decision import (
    SEED,
    CandidateFate,
    DecidedShipment,
    DecidedSubstitution,
    DecidedTier,
    Decision,
    PlannedLine,
    RuleOutcome,
    StageResult,
    UnfilledLine,
)
from ordermesh.routing.domain.errors.requests import DuplicateEntry
from ordermesh.routing.domain.plan import Plan as PlanOf
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.domain.sourcing_method import SourcingMethod
from ordermesh.routing.domain.submission import NewLine
from ordermesh.routing.domain.verdict import decided_shipments
from ordermesh.routing.wire.actions import order_action_message
from ordermesh.routing.wire.money import money_message, price, price_message, timestamp


def decision_message(decision: Decision) -> DecisionMessage:
    """A decision as it is stored and told."""
    currency = decision.currency_code
    message = DecisionMessage(
        decision_id="" if decision.decision_id is None else str(decision.decision_id),
        order_id=decision.order_id,
        create_time=timestamp(decision.create_time),
        method=SourcingMethodEnum.Value(f"SOURCING_METHOD_{decision.method}"),
        outcome=OutcomeEnum.Value(f"OUTCOME_{decision.outcome}"),
        plan=Plan(shipments=[_shipment(one, currency) for one in decision.shipments]),
        cost=money_message(decision.cost, currency),
        cost_terms=[
            CostTerm(kind=CostTerm.Kind.Value(f"KIND_{kind}"), amount=money_message(part, currency))
            for kind, part in decision.cost_terms
        ],
        candidates=[_candidate(one, currency, decision.tiers) for one in decision.candidates],
        ledger_revision=decision.ledger_revision,
        policy_id=decision.policy_id,
        policy_version=decision.policy_version,
        model_version=decision.model_version,
        problem_hash=decision.problem_hash,
        carriage_revision=decision.carriage_revision,
        seed=SEED,
        unfilled_lines=[_unfilled(line) for line in decision.unfilled_lines],
        tiers=[
            DecidedTierMessage(name=tier.name, value=_bounded(tier.value), weight=str(tier.weight))
            for tier in decision.tiers
        ],
    )
    message.policy_reason = decision.policy_reason
    message.rules.extend(_rule_outcome(one) for one in decision.rules)
    last = len(decision.stages)
    message.stages.extend(
        _stage(one, currency, chosen=place == last)
        for place, one in enumerate(decision.stages, start=1)
    )
    message.substitutions.extend(_substitution(one) for one in decision.substitutions)
    if decision.bound is not None:
        message.bound.CopyFrom(money_message(decision.bound, currency))
        message.gap = decision.gap or 0.0
    _tell_second_best(message, decision)
    if decision.prices is not None:
        message.prices.version = decision.prices.version
        message.prices.strength_permille = decision.prices.permille
        message.prices.paid.CopyFrom(money_message(decision.prices_paid, currency))
    if decision.reoptimization is not None:
        why = decision.reoptimization
        message.reoptimization.run_id = str(why.run_id)
        message.reoptimization.reassignment_id = str(why.reassignment_id)
        message.reoptimization.cost_before.CopyFrom(money_message(why.cost_before, currency))
        message.reoptimization.saving.CopyFrom(money_message(why.saving, currency))
        message.reoptimization.charge.CopyFrom(money_message(why.charge, currency))
        message.reoptimization.order_ids.extend(why.order_ids)
        message.reoptimization.sentence = why.sentence
    return message


def _tell_second_best(message: DecisionMessage, decision: Decision) -> None:
    other = decision.second_best
    if other is None or other.loses_by is None:
        return
    message.second_best.location_id = other.location_id
    message.second_best.regret_in_tier = other.loses_in_tier
    message.second_best.regret_value = _bounded(other.loses_by)
    if len(decision.tiers) == 1:
        regret = money_message(other.loses_by, decision.currency_code)
        message.second_best.regret.CopyFrom(regret)


def alternative_message(problem: Problem, plan: PlanOf, currency: str) -> Alternative:
    """A plan that could be."""
    shipments = [_shipment(one, currency) for one in decided_shipments(problem, plan)]
    return Alternative(
        plan=Plan(shipments=shipments),
        cost=money_message(plan.costs.total, currency),
        unfilled_units=sum(line.quantity for line in plan.unfilled),
    )


def stored_decision(payload: bytes) -> DecisionMessage:
    """A decision as it was stored."""
    return DecisionMessage.FromString(payload)


def sourcing_method(value: "SourcingMethodEnum.ValueType") -> SourcingMethod:
    """The method that is meant; not said is exactly."""
    name = SourcingMethodEnum.Name(value).removeprefix("SOURCING_METHOD_")
    return SourcingMethod.EXACT if name == "UNSPECIFIED" else SourcingMethod(name)


def question_lines(question: SourcingQuestion) -> tuple[NewLine, ...]:
    """The lines of a question; raises ``DuplicateEntry``."""
    lines: dict[str, NewLine] = {}
    for line in question.lines:
        if line.line_id in lines:
            raise DuplicateEntry("question.lines", line.line_id)
        lines[line.line_id] = NewLine(
            line.line_id,
            line.sku,
            line.quantity,
            price(line.unit_price) if line.HasField("unit_price") else None,
            line.keep_together,
            line.accepts_substitutes,
        )
    return tuple(lines.values())


def uuids(values: Iterable[str]) -> tuple[UUID, ...]:
    """Ids as ids, each once however it is spelt."""
    return tuple(dict.fromkeys(UUID(value) for value in values))


def _shipment(shipment: DecidedShipment, currency: str) -> Shipment:
    available_time = shipment.available_time
    return Shipment(
        available_time=None if available_time is None else timestamp(available_time),
        location_id=shipment.location_id,
        lines=_lines(shipment.lines),
        parcel_count=shipment.parcel_count,
        distance_km=shipment.distance_km,
        zone=shipment.zone,
        days=shipment.days,
        weight_grams=shipment.weight_grams,
        cost=money_message(shipment.cost, currency),
        parcels=[
            PlannedParcel(
                service_id=parcel.service_id,
                lines=_lines(parcel.lines),
                weight_grams=parcel.weight_grams,
                billable_grams=parcel.billable_grams,
                days=parcel.days,
                co2e_milligrams=parcel.co2e_milligrams,
                carrier_id=parcel.carrier_id,
                tariff_id=parcel.tariff_id,
                factor_version=parcel.factor_version,
            )
            for parcel in shipment.parcels
        ],
        co2e_milligrams=shipment.co2e_milligrams,
        legs=[_shipment(leg, currency) for leg in shipment.legs],
    )


def _lines(lines: Iterable[PlannedLine]) -> list[PlannedLineMessage]:
    return [
        PlannedLineMessage(line_id=line.line_id, sku=line.sku, quantity=line.quantity)
        for line in lines
    ]


def _bounded(value: int) -> int:
    """Units by rank are counted in powers, which may not fit."""
    return max(-(2**63), min(value, 2**63 - 1))


def _rule_outcome(outcome: RuleOutcome) -> RuleOutcomeMessage:
    return RuleOutcomeMessage(
        rule_id=outcome.rule_id,
        effect=outcome.effect,
        applied=outcome.applied,
        location_count=outcome.at,
        abstained_count=outcome.abstained_at,
        missing_fact=outcome.missing,
        sentences=outcome.sentences,
        action=None if outcome.action is None else order_action_message(outcome.action),
    )


def _substitution(one: DecidedSubstitution) -> Substitution:
    return Substitution(
        line_id=one.line_id,
        ordered_sku=one.ordered_sku,
        sku=one.sku,
        units_each=one.units_each,
        ordered_quantity=one.ordered_quantity,
        rule_id=one.rule_id,
        unit_price=None if one.unit_price is None else price_message(one.unit_price),
        sentence=one.sentence,
    )


def _stage(stage: StageResult, currency: str, *, chosen: bool) -> StageResultMessage:
    return StageResultMessage(
        name=stage.name,
        filled=stage.filled,
        chosen=chosen,
        unfilled_units=stage.unfilled_units,
        cost=money_message(stage.cost, currency),
        shipment_count=stage.shipments,
        blocking_rules=stage.blocking_rules,
        sentences=stage.sentences,
    )


def _candidate(
    candidate: CandidateFate, currency: str, tiers: tuple[DecidedTier, ...]
) -> Candidate:
    message = Candidate(
        location_id=candidate.location_id,
        chosen=candidate.is_chosen,
        removed_by=candidate.removed_by,
        fact=candidate.fact,
        distance_km=candidate.distance_km,
        rule_id=candidate.rule_id,
    )
    if candidate.loses_by is not None:
        if len(tiers) == 1:
            message.loses_by.CopyFrom(money_message(candidate.loses_by, currency))
        message.loses_in_tier = candidate.loses_in_tier
        message.loses_by_value = _bounded(candidate.loses_by)
    return message


def _unfilled(line: UnfilledLine) -> UnfilledLineMessage:
    return UnfilledLineMessage(
        line_id=line.line_id,
        sku=line.sku,
        wanted=line.wanted,
        available=line.available,
        unfilled=line.unfilled,
        reason=line.reason,
    )

"""The decision that moves an order, in the words of all decisions, with its record."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from ordermesh.kernel.money import Money
from ordermesh.routing.domain import verdict
from ordermesh.routing.domain.decision import Decision, Reoptimization
from ordermesh.routing.domain.plan import Certificate, Method, Plan, Solution, Status
from ordermesh.routing.domain.problem import MODEL_VERSION
from ordermesh.routing.domain.record import Record
from ordermesh.routing.domain.sourcing_method import SourcingMethod

TOGETHER_VERSION = "together-1"
"""Changes whenever orders that are decided together could get other plans."""


def together(
    alone: Record,
    base: Decision,
    plan: Plan,
    stock: Mapping[str, Mapping[str, int]],
    decision_id: UUID,
    why: Reoptimization,
) -> Decision:
    """The plan as a decision, beside how the order would be decided ``alone`` on the same stock.

    What alone is proven of every plan is the bound.
    """
    problem, bound = alone.problem, alone.certificate.bound
    if bound is not None and bound > plan.costs.total:
        # With tiers, the best plan may cost more than another one.
        bound = None
    certificate = Certificate(
        method=Method.TOGETHER,
        status=Status.OPTIMAL if bound == plan.costs.total else Status.FEASIBLE,
        objective=plan.costs.total,
        bound=None if bound is None else Money(bound),
        loses_by=(),
        problem_hash=problem.hash,
        model_version=MODEL_VERSION,
        solver_version=TOGETHER_VERSION,
        scale=alone.certificate.scale,
    )
    decision = verdict.solved(
        alone.question,
        alone.under,
        problem,
        Solution(plan, certificate, ()),
        stock,
        decision_id=decision_id,
        revision=alone.ledger_revision,
        now=alone.create_time,
    )
    return replace(
        decision,
        method=SourcingMethod.TOGETHER,
        policy_reason=base.policy_reason,
        rules=base.rules,
        stages=base.stages,
        beyond_capacity=base.beyond_capacity,
        carriage_revision=base.carriage_revision,
        reoptimization=why,
        record=replace(alone, decision_id=str(decision_id), plan=plan, certificate=certificate),
    )

"""The door to the solvers: the exact recurrence where it fits its budget, CP-SAT where not."""

from dataclasses import replace

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.costs import require_amounts_fit
from ordermesh.routing.domain.judging import on_scale
from ordermesh.routing.domain.plan import (
    Certificate,
    LosesBy,
    Method,
    Parcelling,
    Plan,
    Solution,
    Status,
    assemble,
)
from ordermesh.routing.domain.problem import MODEL_VERSION, Problem
from ordermesh.routing.domain.scale import Scale, scale_of
from ordermesh.routing.solver.exact import Exact
from ordermesh.routing.solver.explain import explain_unfilled
from ordermesh.routing.solver.programme import VERSION
from ordermesh.routing.solver.reference import solve_exactly
from ordermesh.routing.solver.wide import DETERMINISTIC_TIME, solve_wide

EXACT_VERSION = "recurrence-3"
"""Changes whenever the exact solver could give another plan for the same problem."""


def solve(problem: Problem, *, deterministic_time: float = DETERMINISTIC_TIME) -> Solution:
    """The cheapest plan with its certificate; infeasible is a result with its reasons.

    ``deterministic_time`` limits CP-SAT, which is used beyond the budget of the recurrence only.
    Raises ``FieldViolation`` if the amounts of the problem are too large to add up.
    """
    require_amounts_fit(problem)
    plan, certificate = _decide(problem, deterministic_time)
    shortfalls = explain_unfilled(
        problem, plan, certificate.status, lambda p: _decide(p, deterministic_time)[0]
    )
    return Solution(plan, certificate, shortfalls)


def _decide(problem: Problem, deterministic_time: float) -> tuple[Plan, Certificate]:
    scale = scale_of(problem)
    exact = solve_exactly(problem, scale)
    if exact is not None:
        return _exact_plan(problem, scale, exact)
    plan, status, bound = _wide(problem, scale, deterministic_time)
    return plan, _certificate(problem, scale, Method.CP_SAT, status, plan, bound)


def _wide(
    problem: Problem, scale: Scale, deterministic_time: float
) -> tuple[Plan, Status, int | None]:
    """The plan by CP-SAT. Hubs are left out, so that nothing is proven where there are any."""
    direct = tuple(one for one in problem.candidates if not one.legs)
    if len(direct) == len(problem.candidates):
        return solve_wide(problem, scale, deterministic_time)
    alone = replace(problem, candidates=direct)
    plan, status, _ = solve_wide(alone, scale_of(alone), deterministic_time)
    if status is Status.OPTIMAL:
        return plan, Status.FEASIBLE, None
    return plan, Status.TIME_LIMIT if status is Status.INFEASIBLE else status, None


def _exact_plan(problem: Problem, scale: Scale, exact: Exact) -> tuple[Plan, Certificate]:
    method = Method.EXACT_DP
    if exact.assignment is None:
        plan = assemble(problem, {})
        return plan, _certificate(problem, scale, method, Status.INFEASIBLE, plan, None)
    names = [candidate.location_id for candidate in problem.candidates]
    loads = {names[row]: found for row, found in exact.loads.items()}
    plan = assemble(
        problem,
        {names[row]: atoms for row, atoms in exact.assignment.items()},
        parcelling=Parcelling(
            scale, loads, {names[row]: legs for row, legs in exact.brought.items()}
        ),
    )
    value = on_scale(problem, plan, scale)
    if value != exact.value:
        raise ArithmeticError(f"solved for {exact.value}, the plan comes to {value}")
    status = Status.OPTIMAL if exact.bound == exact.value else Status.FEASIBLE
    margins = zip(names, exact.margins, strict=True) if exact.margins else ()
    loses_by = tuple(_loses_by(scale, location_id, margin) for location_id, margin in margins)
    return plan, _certificate(problem, scale, method, status, plan, exact.bound, loses_by)


def _loses_by(scale: Scale, location_id: str, margin: int | None) -> LosesBy:
    """The margin in the first tier that it makes worse."""
    if margin is None:
        return LosesBy(location_id, None)
    if len(scale.tiers) == 1:
        return LosesBy(location_id, Money(margin))
    for tier, amount in enumerate(scale.apart(margin)):
        if amount:
            return LosesBy(location_id, Money(amount), tier)
    return LosesBy(location_id, Money(0), len(scale.tiers) - 1)


def _certificate(
    problem: Problem,
    scale: Scale,
    method: Method,
    status: Status,
    plan: Plan,
    bound: int | None,
    loses_by: tuple[LosesBy, ...] = (),
) -> Certificate:
    if not scale.is_plain:
        # What is proven is proven on the scale; of the cost it says something only at the optimum.
        bound = plan.costs.total if status is Status.OPTIMAL else None
    return Certificate(
        method=method,
        status=status,
        objective=plan.costs.total,
        bound=None if bound is None else Money(bound),
        loses_by=loses_by,
        problem_hash=problem.hash,
        model_version=MODEL_VERSION,
        solver_version=EXACT_VERSION if method is Method.EXACT_DP else VERSION,
        scale=scale.tier_weights,
    )

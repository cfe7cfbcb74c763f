"""The door to the solvers: the exact recurrence where it fits its budget, CP-SAT where not."""

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.costs import require_amounts_fit
from ordermesh.routing.domain.plan import (
    Certificate,
    LosesBy,
    Method,
    Plan,
    Solution,
    Status,
    assemble,
)
from ordermesh.routing.domain.problem import MODEL_VERSION, Problem
from ordermesh.routing.solver.explain import explain_unfilled
from ordermesh.routing.solver.programme import VERSION
from ordermesh.routing.solver.reference import Exact, solve_exactly
from ordermesh.routing.solver.wide import DETERMINISTIC_TIME, solve_wide

EXACT_VERSION = "recurrence-1"
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
    exact = solve_exactly(problem)
    if exact is not None:
        return _exact_plan(problem, exact)
    plan, status, bound = solve_wide(problem, deterministic_time)
    return plan, _certificate(problem, Method.CP_SAT, status, plan, bound)


def _exact_plan(problem: Problem, exact: Exact) -> tuple[Plan, Certificate]:
    method = Method.EXACT_DP
    if exact.assignment is None:
        plan = assemble(problem, {})
        return plan, _certificate(problem, method, Status.INFEASIBLE, plan, None)
    plan = assemble(
        problem,
        {problem.candidates[row].location_id: atoms for row, atoms in exact.assignment.items()},
    )
    if plan.costs.total != exact.value:
        raise ArithmeticError(f"solved for {exact.value}, the plan costs {plan.costs.total}")
    status = Status.OPTIMAL if exact.bound == exact.value else Status.FEASIBLE
    margins = zip(problem.candidates, exact.margins, strict=True)
    loses_by = tuple(
        LosesBy(candidate.location_id, None if margin is None else Money(margin))
        for candidate, margin in margins
    )
    return plan, _certificate(problem, method, status, plan, exact.bound, loses_by)


def _certificate(
    problem: Problem,
    method: Method,
    status: Status,
    plan: Plan,
    bound: int | None,
    loses_by: tuple[LosesBy, ...] = (),
) -> Certificate:
    return Certificate(
        method=method,
        status=status,
        objective=plan.costs.total,
        bound=None if bound is None else Money(bound),
        loses_by=loses_by,
        problem_hash=problem.hash,
        model_version=MODEL_VERSION,
        solver_version=EXACT_VERSION if method is Method.EXACT_DP else VERSION,
    )

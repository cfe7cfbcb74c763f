"""Why units stay unfilled: stock first, then each limit by solving again without it."""

from collections.abc import Callable
from dataclasses import replace

from ordermesh.routing.domain.costs import require_unfilled_dominates
from ordermesh.routing.domain.errors.policy import UnfilledMustDominate
from ordermesh.routing.domain.parcelling import PlanLine
from ordermesh.routing.domain.plan import Plan, Shortage, Shortfall, Status
from ordermesh.routing.domain.problem import Group, Problem, Rule

Replan = Callable[[Problem], Plan]
"""The plan of a problem that differs in a limit."""


def explain_unfilled(
    problem: Problem, plan: Plan, status: Status, replan: Replan
) -> tuple[Shortfall, ...]:
    """One shortfall for each line and SKU that stays unfilled; none for a complete plan.

    Where all or nothing was asked, they name what would stay if part were allowed.
    """
    if plan.is_complete:
        return ()
    if problem.all_or_nothing and status is Status.INFEASIBLE:
        problem = replace(problem, all_or_nothing=False)
        plan = replan(problem)
    relaxed = _Relaxed(problem, replan)
    return tuple(_shortfall(problem, line, status, relaxed) for line in plan.unfilled)


class _Relaxed:
    """Plans of the problem without one of its limits, made once and only when asked for."""

    def __init__(self, problem: Problem, replan: Replan) -> None:
        self._problem = problem
        self._replan = replan
        self._plans: dict[Shortage, Plan] = {}

    def fills_more(self, limit: Shortage, line: PlanLine) -> bool:
        """Whether fewer units of the line would stay without this limit."""
        if limit not in self._plans:
            self._plans[limit] = self._replan(self._without(limit))
        return _unfilled(self._plans[limit], line) < line.quantity

    def _without(self, limit: Shortage) -> Problem:
        if limit is Shortage.SHIPMENTS_MAX:
            return replace(self._problem, shipments_max=None, parcels_max=None)
        candidates = tuple(
            replace(
                c,
                capacity_units=None,
                legs=tuple(replace(leg, capacity_units=None) for leg in c.legs),
            )
            for c in self._problem.candidates
        )
        return replace(self._problem, candidates=candidates)


def _shortfall(problem: Problem, line: PlanLine, status: Status, relaxed: _Relaxed) -> Shortfall:
    permitted = [c for c in problem.sources if line.line_id not in c.excluded_line_ids]
    stock = [dict(candidate.available) for candidate in permitted]
    group = next(g for g in problem.groups if g.line_id == line.line_id and _needs(g, line.sku))
    available = sum(held.get(line.sku, 0) for held in stock)
    wanted = problem.wanted[line.sku]
    if not permitted and not _looked_for_stock(problem, line.line_id):
        reason = Shortage.NO_LOCATION
    elif available < wanted:
        reason = Shortage.INSUFFICIENT_STOCK
    elif not any(_fits(group, held) for held in stock):
        reason = Shortage.NOT_TOGETHER
    else:
        reason = _limit(problem, line, status, relaxed)
    return Shortfall(reason, line.line_id, line.sku, wanted, available, line.quantity)


def _limit(problem: Problem, line: PlanLine, status: Status, relaxed: _Relaxed) -> Shortage:
    """Which limit keeps units from leaving that are there."""
    if status is Status.TIME_LIMIT:
        return Shortage.SEARCH_LIMIT
    is_limited = problem.shipments_max is not None or problem.parcels_max is not None
    if is_limited and relaxed.fills_more(Shortage.SHIPMENTS_MAX, line):
        return Shortage.SHIPMENTS_MAX
    has_capacity = any(c.capacity_units is not None for c in problem.candidates)
    if has_capacity and relaxed.fills_more(Shortage.NO_CAPACITY, line):
        return Shortage.NO_CAPACITY
    try:
        require_unfilled_dominates(problem)
    except UnfilledMustDominate:
        return Shortage.CHEAPER_UNFILLED
    return Shortage.SEARCH_LIMIT if status is Status.FEASIBLE else Shortage.NOT_TOGETHER


def _looked_for_stock(problem: Problem, line_id: str) -> bool:
    """Whether any location came as far as being asked for its stock of the line."""
    return any(
        removal.rule is Rule.NOT_STOCKED and line_id in removal.line_ids
        for removal in problem.removals
    )


def _needs(group: Group, sku: str) -> int:
    """Units of the SKU in one atom."""
    return sum(part.units for part in group.parts if part.sku == sku)


def _fits(group: Group, stock: dict[str, int]) -> bool:
    """Whether there is all that one atom needs."""
    return all(stock.get(part.sku, 0) >= part.units for part in group.parts)


def _unfilled(plan: Plan, line: PlanLine) -> int:
    """Units of this SKU that the plan leaves of this line."""
    key = (line.line_id, line.sku)
    return sum(left.quantity for left in plan.unfilled if (left.line_id, left.sku) == key)

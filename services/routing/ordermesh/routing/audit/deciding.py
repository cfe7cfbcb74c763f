"""Decides the orders of a case anew, beginning with what really happened."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ordermesh.routing.audit.cases import Case, Kind
from ordermesh.routing.audit.swaps import Swap, swaps_of
from ordermesh.routing.background.mastering import MasterProcess
from ordermesh.routing.domain.batch.cells import cells_of
from ordermesh.routing.domain.batch.instance import Integers
from ordermesh.routing.domain.batch.plan import LEFT, BatchPlan
from ordermesh.routing.solver.batch.arrays import Spread
from ordermesh.routing.solver.batch.engine import Budget, plan_batch
from ordermesh.routing.solver.batch.master import Chosen, Master
from ordermesh.routing.solver.batch.searching import Search

BUDGET = Budget(passes=150, moves=30, final_passes=40, masters=2, rounds=6)
QUICK = Budget(passes=60, moves=8, final_passes=40, masters=0)
MASTER_SECONDS = 20.0


@dataclass(frozen=True)
class Decided:
    """A case, what it cost, a plan that costs no more with its bound, and the swaps between them.

    ``actual_costs`` and ``costs`` are those of the orders; ``is_cut`` if the clock ended it.
    """

    case: Case
    actual_cost: int
    plan: BatchPlan
    actual_costs: Integers
    costs: Integers
    swaps: tuple[Swap, ...]
    is_cut: bool

    @property
    def saved(self) -> int:
        """What the plan costs less."""
        return self.actual_cost - self.plan.cost

    @property
    def most(self) -> int:
        """More than this nobody could have saved."""
        return self.actual_cost - self.plan.bound


def decide(
    case: Case,
    seed: int,
    budget: Budget,
    *,
    left: Callable[[], float] = lambda: math.inf,
    spread: Spread = map,
) -> Decided:
    """The best plan that this much work finds in the seconds that are ``left``; never one that
    costs more than what happened."""
    batch, actual = case.batch, case.actual
    search = Search(batch, cells_of(batch), seed, map)
    happened = search.planned(actual)

    def choose(master: Master) -> Chosen | None:
        return MasterProcess(min(MASTER_SECONDS, max(0.0, left())))(master)

    result = plan_batch(
        batch,
        seed,
        budget,
        is_over=lambda: left() <= 0,
        spread=spread,
        choose=choose if budget.masters else None,
        start=actual,
    )
    plan = result.plan
    if (plan.location == LEFT).any():
        # What leaves something is no answer, however cheap.
        plan = replace(plan, location=actual, cost=happened.total)
    costs, swaps = search.planned(plan.location).cost, tuple[Swap, ...]()
    if case.kind is Kind.SAME_UNITS:
        plan, costs, swaps = _worth_it(case, search, plan, happened.cost, costs)
    return Decided(case, happened.total, plan, happened.cost, costs, swaps, result.is_cut)


def _worth_it(
    case: Case, search: Search, plan: BatchPlan, before: Integers, costs: Integers
) -> tuple[BatchPlan, Integers, tuple[Swap, ...]]:
    """Without those swaps that save nothing: each can be made, or not, for itself."""
    found = swaps_of(case, plan.location, before - costs)
    useless = {order for swap in found if swap.saved <= 0 for order in swap.orders}
    if useless:
        order = case.batch.order_of_atom
        back = np.isin(order, list(useless))
        location = np.where(back, case.actual, plan.location)
        again = search.planned(location)
        plan, costs = replace(plan, location=location, cost=again.total), again.cost
    return plan, costs, tuple(swap for swap in found if swap.saved > 0)

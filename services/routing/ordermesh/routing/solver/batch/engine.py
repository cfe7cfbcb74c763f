"""A batch in, a plan with a proven gap out; deterministic by seed and budget.

Stages: the myopic plan (every order exactly, in turn), prices and their bound, a sweep guided by
them, ruin and recreate, the bound again with the new plan as its target. Budgets count passes and
moves. Whoever asks may stop it at any time, and then gets the best plan so far.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from ordermesh.routing.domain.batch.cells import Cells, cells_of
from ordermesh.routing.domain.batch.instance import Batch, Integers
from ordermesh.routing.domain.batch.plan import LEFT, BatchPlan, BatchStatus
from ordermesh.routing.solver.batch.arrays import Spread
from ordermesh.routing.solver.batch.bounding import Pricing
from ordermesh.routing.solver.batch.searching import Planned, Search


class Stage(StrEnum):
    """What the solver was doing when it found what it tells."""

    MYOPIC = "MYOPIC"
    BOUND = "BOUND"
    GUIDED = "GUIDED"
    MOVES = "MOVES"
    FINAL = "FINAL"


@dataclass(frozen=True, slots=True)
class Budget:
    """How much work: passes for the first and the last bound, and moves for each order."""

    passes: int = 150
    moves: int = 30
    final_passes: int = 100


@dataclass(frozen=True)
class Progress:
    """The best plan and bound at the end of a stage, or in the course of it."""

    stage: Stage
    plan: BatchPlan


@dataclass(frozen=True)
class BatchResult:
    """The plan, that of the myopic rule, and what it took; ``is_cut`` if it was stopped early."""

    plan: BatchPlan
    myopic: BatchPlan
    passes: int
    moves: int
    is_cut: bool


@dataclass
class _Run:
    """One run: the best plan so far, and whom to tell."""

    batch: Batch
    cells: Cells
    pricing: Pricing
    search: Search
    tell: Callable[[Progress], None]
    is_over: Callable[[], bool]
    best: Planned = field(init=False)
    status: BatchStatus = BatchStatus.FEASIBLE

    def keep(self, stage: Stage, planned: Planned) -> None:
        """Keep a plan if it is better, and tell of it."""
        if planned.total < self.best.total:
            self.best = planned
        self.tell(Progress(stage, self.plan()))

    def plan(self) -> BatchPlan:
        """The best plan, with the best bound."""
        return _plan_of(self, self.best)


def plan_batch(
    batch: Batch,
    seed: int = 0,
    budget: Budget | None = None,
    *,
    tell: Callable[[Progress], None] = lambda _: None,
    is_over: Callable[[], bool] = lambda: False,
    spread: Spread = map,
) -> BatchResult:
    """The best plan that this much work finds, and a bound of every plan.

    ``is_over`` is asked between pieces of work; once it says so, the best so far is the result.
    ``spread`` runs pieces of work, and decides nothing but how long it takes.
    """
    budget = budget or Budget()
    cells = cells_of(batch)
    run = _Run(
        batch,
        cells,
        Pricing(cells, batch.capacities, spread),
        Search(batch, cells, seed, spread),
        tell,
        is_over,
    )
    run.best = run.search.myopic()
    myopic = run.plan()
    run.keep(Stage.MYOPIC, run.best)
    moves = _search(run, budget)
    is_cut = is_over()
    plan = run.plan()
    status = BatchStatus.TIME_LIMIT if is_cut else BatchStatus.FEASIBLE
    if plan.bound == plan.cost:
        status = BatchStatus.OPTIMAL
    plan = BatchPlan(plan.location, plan.cost, plan.bound, plan.prices, status)
    tell(Progress(Stage.FINAL, plan))
    return BatchResult(plan, myopic, run.pricing.passes, moves, is_cut)


def _search(run: _Run, budget: Budget) -> int:
    """All stages after the first; gives the moves that were granted."""
    orders = run.cells.orders
    first = run.best.total
    run.pricing.improve(first - 3 * abs(first) // 100, budget.passes, 1.0, run.is_over)
    run.keep(Stage.BOUND, run.best)
    if run.is_over():
        return 0
    prices = run.pricing.best.prices
    run.keep(Stage.GUIDED, run.search.guided(prices, run.is_over))
    moves = budget.moves * orders
    if run.is_over() or run.pricing.best.value == run.best.total:
        return 0
    money = max(1, abs(run.best.total) // (20 * orders))
    found = run.search.anneal(
        run.best, prices, moves, money, run.is_over, lambda better: run.keep(Stage.MOVES, better)
    )
    run.keep(Stage.MOVES, found)
    run.pricing.improve(run.best.total, budget.final_passes, 0.3, run.is_over)
    return moves


def _plan_of(run: _Run, planned: Planned) -> BatchPlan:
    bound = run.pricing.best
    return BatchPlan(
        location=_locations(run.cells, planned.picks),
        cost=planned.total,
        bound=min(bound.value, planned.total),
        prices=bound.prices,
        status=run.status,
    )


def _locations(cells: Cells, picks: Integers) -> Integers:
    """For each atom its location, from the row it is in."""
    found = np.full(len(picks), LEFT, np.int64)
    sent = picks >= 0
    found[sent] = cells.row_location[picks[sent]]
    return found

"""A batch in, a plan with a proven gap out; deterministic by seed and budget.

Stages: the myopic plan (every order exactly, in turn), prices and their bound, a sweep guided by
them, ruin and recreate, the bound again with the new plan as its target, and the restricted master
over all plans of each order that could be in an optimum. Budgets count passes, moves and rounds.
Whoever asks may stop it at any time, and then gets the best plan so far. Whoever says how much of
the time is used gets a better one: where the first bound or the moves take longer than their share,
they end early, because every stage is worth more than the last part of the one before it.

The plan is proven to be the optimum where the bound meets it; or where the master was one part,
solved to its end, and offered every plan whose reduced cost is within the gap: a plan beyond that
is in no better plan of the batch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from ordermesh.routing.domain.batch.cells import Cells, cells_of
from ordermesh.routing.domain.batch.instance import Batch, Integers
from ordermesh.routing.domain.batch.plan import LEFT, BatchPlan, BatchStatus
from ordermesh.routing.solver.batch.arrays import Spread
from ordermesh.routing.solver.batch.bounding import Pricing
from ordermesh.routing.solver.batch.choosing import Choose, Choosing, Cut
from ordermesh.routing.solver.batch.searching import Planned, Search

RADIUS = 3
"""In twentieths of what an order costs: plans that far above an order's least are chosen from."""

WIDEST = 10
"""How often that a gap may be for all plans within it to be chosen from."""

WORTH = 1_000
"""A round that saves less than a thousandth is the last."""


_CUTS = (Cut.NEIGHBOURS, Cut.SAME_ITEMS)


class Stage(StrEnum):
    """What the solver was doing when it found what it tells."""

    MYOPIC = "MYOPIC"
    BOUND = "BOUND"
    GUIDED = "GUIDED"
    MOVES = "MOVES"
    MASTER = "MASTER"
    FINAL = "FINAL"


@dataclass(frozen=True, slots=True)
class Budget:
    """How much work: passes for the first and the last bound, moves for each order, masters.

    ``rounds`` is how often the moves and the masters are made, one after the other, as long as they
    are worth it.
    """

    passes: int = 150
    moves: int = 30
    final_passes: int = 100
    masters: int = 1
    rounds: int = 1


BOUND_SHARE, MOVES_SHARE, AGAIN_SHARE = 0.4, 0.65, 0.75
"""By when, of all the time there is, the first bound, moves and bound after these have to end."""

THOROUGH = Budget(moves=40, masters=2, rounds=2)
"""Worth its time where stock is scarce: a second round closes a quarter of the gap there."""


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
    used: Callable[[], float]
    best: Planned = field(init=False)
    is_hurried: bool = False
    status: BatchStatus = BatchStatus.FEASIBLE
    is_proven: bool = False

    def keep(self, stage: Stage, planned: Planned) -> None:
        """Keep a plan if it is better, and tell of it."""
        if planned.total < self.best.total:
            self.best = planned
        self.tell(Progress(stage, self.plan()))

    def is_past(self, share: float) -> bool:
        """Whether it is over, or so much of the time is used that what is under way has to end."""
        is_late = self.used() >= share
        self.is_hurried = self.is_hurried or is_late
        return is_late or self.is_over()

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
    used: Callable[[], float] = lambda: 0.0,
    spread: Spread = map,
    choose: Choose | None = None,
    cells: Cells | None = None,
    start: Integers | None = None,
) -> BatchResult:
    """The best plan that this much work finds, and a bound of every plan.

    ``is_over`` is asked between pieces of work; once it says so, the best so far is the result.
    ``used`` is the share of the time until then that is gone; without it there is no hurry.
    ``spread`` runs pieces of work, and decides nothing but how long it takes. ``choose`` solves the
    restricted master; without it there is none. ``start`` is a plan to begin with, the location of
    each atom; raises ``ValueError`` if it cannot be. ``cells`` are in place of those that follow
    from the batch's costs.
    """
    budget = budget or Budget()
    cells = cells_of(batch) if cells is None else cells
    run = _Run(
        batch,
        cells,
        Pricing(cells, batch.capacities, spread),
        Search(batch, cells, seed, spread),
        tell,
        is_over,
        used,
    )
    run.best = run.search.myopic()
    myopic = run.plan()
    if start is not None:
        run.best = min(run.best, run.search.planned(start), key=lambda one: one.total)
    run.keep(Stage.MYOPIC, run.best)
    moves = _search(run, budget)
    choosing = Choosing(batch, cells, seed, spread)
    cuts = _CUTS if start is None else _CUTS[::-1]
    for number in range(budget.rounds):
        before = run.best.total
        if is_over() or run.pricing.best.value == before:
            break
        moves += _move(run, budget, run.is_over, run.is_over) if number else 0
        if choose is not None:
            _choose(run, budget, choosing, choose, cuts)
        if run.is_proven or before - run.best.total < abs(before) // WORTH:
            break
    is_cut = choosing.is_cut or run.is_hurried or is_over()
    plan = run.plan()
    if plan.bound == plan.cost or run.is_proven:
        run.status = BatchStatus.OPTIMAL
    elif is_cut:
        run.status = BatchStatus.TIME_LIMIT
    plan = run.plan()
    tell(Progress(Stage.FINAL, plan))
    return BatchResult(plan, myopic, run.pricing.passes, moves, is_cut)


def _search(run: _Run, budget: Budget) -> int:
    """All stages after the first; gives the moves that were granted."""
    first = run.best.total
    run.pricing.improve(
        first - 3 * abs(first) // 100, budget.passes, 1.0, lambda: run.is_past(BOUND_SHARE)
    )
    run.keep(Stage.BOUND, run.best)
    if run.is_over():
        return 0
    prices = run.pricing.best.prices
    run.keep(Stage.GUIDED, run.search.guided(prices, run.is_over))
    if run.is_over() or run.pricing.best.value == run.best.total:
        return 0
    return _move(run, budget, lambda: run.is_past(MOVES_SHARE), lambda: run.is_past(AGAIN_SHARE))


def _move(
    run: _Run, budget: Budget, has_moved: Callable[[], bool], is_bounded: Callable[[], bool]
) -> int:
    """Ruin and recreate, and the bound again; gives the moves that were granted."""
    moves = budget.moves * run.cells.orders
    money = max(1, abs(run.best.total) // (20 * run.cells.orders))
    found = run.search.anneal(
        run.best,
        run.pricing.best.prices,
        moves,
        money,
        has_moved,
        lambda better: run.keep(Stage.MOVES, better),
    )
    run.keep(Stage.MOVES, found)
    run.pricing.improve(run.best.total, budget.final_passes, 0.3, is_bounded)
    return moves


def _choose(
    run: _Run, budget: Budget, choosing: Choosing, choose: Choose, cuts: Sequence[Cut]
) -> None:
    """Restricted masters, and after each the bound again; a small gap is then closed whole."""
    money = max(1, abs(run.best.total) // (20 * run.cells.orders))
    # A plan that is far from the bound is a choice that many orders would have made otherwise.
    each = (run.best.total - run.pricing.best.value) // run.cells.orders
    radius = max(RADIUS * money, each)
    for number in range(budget.masters):
        bound, cut = run.pricing.best, cuts[number % len(cuts)]
        found, run.is_proven = choosing.improve(run.best, bound, radius, choose, run.is_over, cut)
        run.keep(Stage.MASTER, found)
        if run.is_proven or run.is_over():
            return
        run.pricing.improve(run.best.total, budget.final_passes, 0.3, run.is_over)
        gap = run.best.total - run.pricing.best.value
        if radius < gap <= WIDEST * radius:
            radius = gap


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

"""Orders too wide for the recurrence: the same problem as an integer programme, by CP-SAT.

The programme, its variables and constraints are those of ``ordermesh.routing.solver.programme``.

Method. The best of a greedy plan and the named baselines is held outside, so the answer is never
worse than they are. Prices (``ordermesh.routing.solver.prices``) bound every plan and suggest a
second greedy plan; pairs of candidate and group that no cheaper plan could use leave the
programme. CP-SAT searches what is left for a cheaper plan, with one worker and a limit of
deterministic time, so that the same problem gives the same plan. If it proves that there is none,
the plan that is held is the optimum.
"""

from contextlib import suppress

import numpy as np

from ordermesh.routing.domain.baselines import (
    fewest_splits,
    fixed_priority_list,
    nearest_single,
)
from ordermesh.routing.domain.judging import on_scale
from ordermesh.routing.domain.plan import Assignment, Parcelling, Plan, Status, assemble
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.domain.scale import Scale
from ordermesh.routing.domain.terms import Term
from ordermesh.routing.solver.greedy import greedy_plan
from ordermesh.routing.solver.prices import find_prices, pairs_left
from ordermesh.routing.solver.programme import Programme
from ordermesh.routing.solver.tables import Tables, tables_of

DETERMINISTIC_TIME = 0.1
"""How long CP-SAT may work, in its own repeatable unit: about half a second of one core."""

KILL_SECONDS = 20.0
"""Wall time after which CP-SAT is stopped; a run that meets it is not repeatable."""

_BASELINE_TRIES = 1_000
_PAIRS_MAX = 30_000


ANYTHING = 2**58
"""What a plan may count that is worth finding where none is known."""


def solve_wide(
    problem: Problem, scale: Scale, deterministic_time: float = DETERMINISTIC_TIME
) -> tuple[Plan, Status, int | None]:
    """The best plan found, what is known of it, and a proven lower bound of every plan's value.

    ``INFEASIBLE`` and ``TIME_LIMIT`` come with the plan that ships nothing and without a bound; a
    plan whose tiers do not fit the solver's numbers has no bound either.
    """
    tables = tables_of(problem, scale)
    if not tables.holds.any() or (problem.all_or_nothing and _is_short(tables)):
        return assemble(problem, {}), Status.INFEASIBLE, None
    search = _Search(problem, scale, tables)
    if tables.is_exact:
        plan = search.best
        return (plan, Status.FEASIBLE, None) if plan else _nothing(problem, Status.TIME_LIMIT)
    prices = find_prices(problem, tables, min(search.target, _dearest(tables)))
    for each in prices:
        rows = each.promising(problem.shipments_max or len(tables.parcel)).tolist()
        search.try_assignment(greedy_plan(problem, tables, rows))
    bound = max(each.bound for each in prices)
    left = pairs_left(prices, tables, search.target)
    if bound < search.target and left.sum() <= _PAIRS_MAX:
        target = search.target
        programme = Programme(problem, tables, left)
        programme.hint(search.best)
        found_bound = programme.run(deterministic_time, KILL_SECONDS)
        if found_bound is None and search.best is None:
            return _nothing(problem, Status.INFEASIBLE)
        found = programme.assignment()
        if found is not None:
            search.try_assignment(found)
        # A plan that uses another pair counts more than the target.
        bound = max(bound, target if found_bound is None else min(found_bound, target))
    if search.best is None:
        return _nothing(problem, Status.TIME_LIMIT)
    bound = min(bound - search.split, search.value)
    status = Status.OPTIMAL if bound == search.value else Status.FEASIBLE
    return search.best, status, bound


def _nothing(problem: Problem, status: Status) -> tuple[Plan, Status, None]:
    return assemble(problem, {}), status, None


class _Search:
    """The best plan so far: at first that of the greedy rule and of the named baselines.

    ``value`` is what it counts. Where all is asked, a plan that leaves something is none.
    """

    def __init__(self, problem: Problem, scale: Scale, tables: Tables) -> None:
        self.best: Plan | None = None
        self.value = ANYTHING
        self.split = scale.coefficients.get(Term.SPLIT, 0) * problem.costs.split_charge
        self._problem = problem
        self._scale = scale
        self.try_assignment(greedy_plan(problem, tables))
        for baseline in (nearest_single, fixed_priority_list):
            self._try(baseline(problem))
        self._try(fewest_splits(problem, _BASELINE_TRIES))

    @property
    def target(self) -> int:
        """What a plan may count that is worth finding, counted as the programme counts.

        Prices and programme charge the split for every parcel; an order's first is free.
        """
        return ANYTHING if self.best is None else self.value + self.split

    def try_assignment(self, assignment: Assignment) -> None:
        """Keep the plan of these atoms if it is better, and if there are services for it."""
        with suppress(ValueError):
            self._try(assemble(self._problem, assignment, parcelling=Parcelling(self._scale)))

    def _try(self, plan: Plan) -> None:
        if self._problem.all_or_nothing and not plan.is_complete:
            return
        most = self._problem.parcels_max
        if most is not None and plan.parcels > most:
            return
        value = on_scale(self._problem, plan, self._scale)
        if self.best is None or value < self.value:
            self.best, self.value = plan, value


def _is_short(tables: Tables) -> bool:
    """Whether the stock of some SKU, or of some group, is short wherever it is taken from."""
    stock = tables.available.sum(axis=0) < tables.atoms @ tables.needs
    groups = tables.holds.sum(axis=0) < tables.atoms
    return bool(stock.any() or groups.any())


def _dearest(tables: Tables) -> int:
    """What a plan would cost that opened every candidate for the dearest atoms: a first target."""
    served = np.where(tables.holds > 0, tables.atom, 0)
    atoms = np.maximum(served.max(axis=0), tables.penalty)
    opening = np.maximum(tables.parcel + tables.shipment, 0)
    lines = int(tables.per_line.sum()) * (1 + int(tables.lines.max()))
    return int(opening.sum()) + int(atoms @ tables.atoms) + lines

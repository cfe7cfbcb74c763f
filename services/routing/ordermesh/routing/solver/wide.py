"""Orders too wide for the recurrence: the same problem as an integer programme, by CP-SAT.

The programme, its variables and constraints are those of ``ordermesh.routing.solver.programme``.

Method. The best of a greedy plan and the named baselines is held outside, so the answer is never
worse than they are. Prices (``ordermesh.routing.solver.prices``) bound every plan and suggest a
second greedy plan; pairs of candidate and group that no cheaper plan could use leave the
programme. CP-SAT searches what is left for a cheaper plan, with one worker and a limit of
deterministic time, so that the same problem gives the same plan. If it proves that there is none,
the plan that is held is the optimum.
"""

import numpy as np

from ordermesh.routing.domain.baselines import (
    fewest_splits,
    fixed_priority_list,
    nearest_single,
)
from ordermesh.routing.domain.costs import AMOUNT_MAX
from ordermesh.routing.domain.plan import Plan, Status, assemble
from ordermesh.routing.domain.problem import Problem
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


def solve_wide(
    problem: Problem, deterministic_time: float = DETERMINISTIC_TIME
) -> tuple[Plan, Status, int | None]:
    """The best plan found, what is known of it, and a proven lower bound of every plan's cost.

    ``INFEASIBLE`` and ``TIME_LIMIT`` come with the plan that ships nothing and without a bound.
    """
    tables = tables_of(problem)
    if not tables.holds.any() or (problem.all_or_nothing and _is_short(tables)):
        return assemble(problem, {}), Status.INFEASIBLE, None
    best = _best_known(problem, tables)
    charge = problem.costs.split_charge
    target = _target(best, charge)
    prices = find_prices(problem, tables, min(target, _dearest(tables)))
    for each in prices:
        rows = each.promising(problem.shipments_max or len(tables.parcel)).tolist()
        best = _better(problem, best, assemble(problem, greedy_plan(problem, tables, rows)))
    bound = max(each.bound for each in prices)
    target = _target(best, charge)
    left = pairs_left(prices, tables, target)
    if bound < target and left.sum() <= _PAIRS_MAX:
        programme = Programme(problem, tables, left)
        programme.hint(best)
        found_bound = programme.run(deterministic_time, KILL_SECONDS)
        if found_bound is None and best is None:
            return assemble(problem, {}), Status.INFEASIBLE, None
        found = programme.assignment()
        if found is not None:
            best = _better(problem, best, assemble(problem, found))
        # A plan that uses another pair costs more than the target.
        bound = max(bound, target if found_bound is None else min(found_bound, target))
    if best is None:
        return assemble(problem, {}), Status.TIME_LIMIT, None
    bound = min(bound - charge, best.costs.total)
    status_of = Status.OPTIMAL if bound == best.costs.total else Status.FEASIBLE
    return best, status_of, bound


def _target(best: Plan | None, split_charge: int) -> int:
    """What a plan may cost that is worth finding, counted as the programme counts.

    Prices and programme charge the split for every parcel; an order's first is free.
    """
    return AMOUNT_MAX if best is None else best.costs.total + split_charge


def _is_short(tables: Tables) -> bool:
    """Whether the stock of some SKU, or of some group, is short wherever it is taken from."""
    stock = tables.available.sum(axis=0) < tables.atoms @ tables.needs
    groups = tables.holds.sum(axis=0) < tables.atoms
    return bool(stock.any() or groups.any())


def _best_known(problem: Problem, tables: Tables) -> Plan | None:
    """The cheapest of the greedy plan and the baselines, None if all is asked and none has it."""
    best = _better(problem, None, assemble(problem, greedy_plan(problem, tables)))
    for baseline in (nearest_single, fixed_priority_list):
        best = _better(problem, best, baseline(problem))
    return _better(problem, best, fewest_splits(problem, _BASELINE_TRIES))


def _better(problem: Problem, known: Plan | None, plan: Plan) -> Plan | None:
    """The cheaper of the two; where all is asked a plan that leaves something is none."""
    if problem.all_or_nothing and not plan.is_complete:
        return known
    return plan if known is None or plan.costs.total < known.costs.total else known


def _dearest(tables: Tables) -> int:
    """What a plan would cost that opened every candidate for the dearest atoms: a first target."""
    atoms = np.maximum(tables.atom.max(axis=0), tables.penalty)
    return int(tables.parcel.sum()) + int(atoms @ tables.atoms)

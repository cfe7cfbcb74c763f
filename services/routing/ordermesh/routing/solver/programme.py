"""The integer programme of an order, and CP-SAT to solve it.

Data. Candidates i, groups g, what a shipment costs once s_i, parcel costs P_i with the split
charge, atom costs c_ig, penalties u_g, weight limit W of a parcel. Where parcels are priced by what
is in them, P_i and c_ig are lower bounds. A set of pairs (i, g) that may be used.

Variables. ``x_ig``, atoms of g from i, at most what i holds; ``y_i``, whether i ships; ``n_i``,
its parcels; ``l_g``, atoms left.

Where candidates charge for order lines, ``z_il`` says whether i ships anything of line l, at f_i.

Objective. The least of
``sum_i (s_i y_i + P_i n_i) + sum_il f_i z_il + sum_ig c_ig x_ig + sum_g u_g l_g``.

Constraints.

1. ``sum_i x_ig + l_g`` is the atoms of g.
2. ``x_ig <= holds_ig y_i``, and ``n_i >= y_i``.
3. The units of a SKU from i are at most what i has available.
4. The units from i are at most its capacity.
5. With a limit: ``W n_i`` is at least the weight of the units from i, a unit heavier than W
   counting as W.
6. At most so many y_i, where the problem limits shipments.
7. At most so many parcels over all n_i, where the problem limits them.
8. ``l_g = 0`` where all or nothing is asked.
9. ``x_ig <= holds_ig z_il`` for the line l of g.

Row 5 asks for no more parcels than any packing needs, so the bound holds for every plan; a plan
that is found must still be packed and priced.
"""

from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray
from ortools.sat.python import cp_model

from ordermesh.routing.domain.decision import SEED
from ordermesh.routing.domain.plan import Plan, assignment_of
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.solver.tables import Tables

VERSION = f"cp-sat {version('ortools')}"

_UNKNOWN = -(2**60)
"""A bound that says nothing."""

_SOLVED = (cp_model.OPTIMAL, cp_model.FEASIBLE)


class Programme:
    """The integer programme of one problem and its solver; ``pairs`` has the shape (I, G)."""

    def __init__(self, problem: Problem, tables: Tables, pairs: NDArray[np.bool_]) -> None:
        self._problem = problem
        self._tables = tables
        self._model = cp_model.CpModel()
        self._solver = cp_model.CpSolver()
        self._is_solved = False
        self._x = {
            (row, group): self._model.new_int_var(0, int(tables.holds[row, group]), "")
            for row, group in np.argwhere(pairs).tolist()
        }
        rows = sorted({row for row, _ in self._x})
        self._y = {row: self._model.new_bool_var("") for row in rows}
        most = problem.units if problem.costs.parcel_limit_grams is not None else 1
        self._z = {
            (row, line): self._model.new_bool_var("")
            for row, line in sorted({(row, int(tables.lines[group])) for row, group in self._x})
            if tables.per_line[row]
        }
        self._n = {row: self._model.new_int_var(0, most, "") for row in rows}
        self._left = [
            self._model.new_int_var(0, 0 if problem.all_or_nothing else atoms, "")
            for atoms in tables.atoms.tolist()
        ]
        self._add_constraints()
        self._add_objective()

    def _add_constraints(self) -> None:
        model, tables = self._model, self._tables
        by_group: list[list[cp_model.IntVar]] = [[left] for left in self._left]
        by_row: dict[int, list[int]] = {row: [] for row in self._y}
        for (row, group), x in self._x.items():
            by_group[group].append(x)
            by_row[row].append(group)
            model.add(x <= int(tables.holds[row, group]) * self._y[row])
            opened = self._z.get((row, int(tables.lines[group])))
            if opened is not None:
                model.add(x <= int(tables.holds[row, group]) * opened)
        for group, variables in enumerate(by_group):
            model.add(cp_model.LinearExpr.sum(variables) == int(tables.atoms[group]))
        for row, groups in by_row.items():
            model.add(self._n[row] >= self._y[row])
            self._limit_row(row, groups)
        if self._problem.shipments_max is not None:
            used = cp_model.LinearExpr.sum(list(self._y.values()))
            model.add(used <= self._problem.shipments_max)
        if self._problem.parcels_max is not None:
            parcels = cp_model.LinearExpr.sum(list(self._n.values()))
            model.add(parcels <= self._problem.parcels_max)

    def _limit_row(self, row: int, groups: list[int]) -> None:
        """Constraints 3 to 5 for one candidate; one that cannot bind is left out."""
        tables = self._tables
        variables = [self._x[row, group] for group in groups]
        holds = tables.holds[row, groups]
        wanted = holds @ tables.needs[groups]
        for sku in np.flatnonzero(wanted > tables.available[row]).tolist():
            used = cp_model.LinearExpr.weighted_sum(variables, tables.needs[groups, sku].tolist())
            self._model.add(used <= int(tables.available[row, sku]))
        units = tables.units[groups]
        if int(units @ holds) > tables.capacity[row]:
            used = cp_model.LinearExpr.weighted_sum(variables, units.tolist())
            self._model.add(used <= int(tables.capacity[row]))
        limit = self._problem.costs.parcel_limit_grams
        if limit is not None:
            weights = [self._problem.groups[group].billable_grams(limit) for group in groups]
            used = cp_model.LinearExpr.weighted_sum(variables, weights)
            self._model.add(used <= limit * self._n[row])

    def _add_objective(self) -> None:
        tables = self._tables
        terms = [(parcels, int(tables.parcel[row])) for row, parcels in self._n.items()]
        terms += [(opened, int(tables.shipment[row])) for row, opened in self._y.items()]
        terms += [(opened, int(tables.per_line[row])) for (row, _), opened in self._z.items()]
        terms += [(x, int(tables.atom[pair])) for pair, x in self._x.items()]
        terms += list(zip(self._left, tables.penalty.tolist(), strict=True))
        variables = [variable for variable, _ in terms]
        prices = [price for _, price in terms]
        self._model.minimize(cp_model.LinearExpr.weighted_sum(variables, prices))

    def hint(self, plan: Plan | None) -> None:
        """Start from this plan, as far as its pairs may be used."""
        if plan is None:
            return
        rows = {c.location_id: row for row, c in enumerate(self._problem.candidates)}
        chosen = {
            (rows[location_id], group): number
            for location_id, atoms in assignment_of(self._problem, plan).items()
            for group, number in atoms.items()
        }
        parcels = {rows[s.location_id]: len(s.parcels) for s in plan.shipments}
        left = self._tables.atoms.copy()
        for pair, x in self._x.items():
            number = chosen.get(pair, 0)
            left[pair[1]] -= number
            self._model.add_hint(x, number)
        for row, used in self._y.items():
            self._model.add_hint(used, int(row in parcels))
            self._model.add_hint(self._n[row], parcels.get(row, 0))
        for variable, number in zip(self._left, left.tolist(), strict=True):
            self._model.add_hint(variable, number)

    def run(self, deterministic_time: float, seconds: float) -> int | None:
        """Solve; the proven bound of what these pairs can do, or None if they can do nothing.

        ``deterministic_time`` is CP-SAT's repeatable unit, ``seconds`` the wall time after which
        it is stopped all the same.
        """
        parameters = self._solver.parameters
        parameters.num_workers = 1
        parameters.random_seed = SEED
        parameters.max_deterministic_time = deterministic_time
        parameters.max_time_in_seconds = seconds
        status = self._solver.solve(self._model)
        if status == cp_model.INFEASIBLE:
            return None
        self._is_solved = status in _SOLVED
        return round(self._solver.best_objective_bound) if self._is_solved else _UNKNOWN

    def assignment(self) -> dict[str, dict[int, int]] | None:
        """Atoms by group index, by location id, or None if no plan was found."""
        if not self._is_solved:
            return None
        found: dict[str, dict[int, int]] = {}
        for (row, group), x in self._x.items():
            number = self._solver.value(x)
            if number:
                location_id = self._problem.candidates[row].location_id
                found.setdefault(location_id, {})[group] = number
        return found

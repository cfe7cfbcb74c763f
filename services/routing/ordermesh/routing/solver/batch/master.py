"""The restricted master: of some plans of each order choose one, within stock and labor.

Data: columns with an order and a cost, and what each uses of which resource; what there is. The
programme has a variable z of 0 or 1 for each column: minimise the sum of cost x z, with exactly one
z for each order, and the use of each resource within what there is. It is solved by HiGHS, with one
thread. Its answer may be cut off, or missing: whoever asks holds a plan already.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ortools.linear_solver.python import model_builder_helper as builder

from ordermesh.routing.domain.batch.instance import Integers

SMALL = 4_000
"""With at most so many columns the choice is proven to the last integer, if there is time; with
more, what is within a ten-thousandth of the best is good enough."""

_HALF = 0.5
"""Costs are whole numbers: a bound less than one below proves the choice; half is for doubles."""


@dataclass(frozen=True)
class Master:
    """The programme in columns; ``use_*`` are triples of column, resource and units.

    Orders and resources are numbered from 0 without holes.
    """

    order: Integers
    cost: Integers
    use_column: Integers
    use_resource: Integers
    use_units: Integers
    capacity: Integers


@dataclass(frozen=True)
class Chosen:
    """Whether each column is chosen, and what is known of it.

    ``is_optimal`` tells that the solver was not cut off, ``is_exact`` that it proved that no choice
    costs less, not even by one.
    """

    columns: NDArray[np.bool_]
    is_optimal: bool
    is_exact: bool = False


def solve_master(master: Master, seconds: float) -> Chosen | None:
    """A choice, None where none was found in time."""
    model = builder.ModelBuilderHelper()
    count, orders = len(master.order), int(master.order.max()) + 1
    ones = np.ones(count)
    model.add_var_array_with_bounds(
        0 * ones,  # type: ignore[arg-type]  # the package's stubs mistake the shape for the type
        ones,  # type: ignore[arg-type]
        np.ones(count, np.bool_),  # type: ignore[arg-type]
        "",
    )
    model.set_objective_coefficients(list(range(count)), master.cost.astype(np.float64).tolist())
    for _ in range(orders):
        row = model.add_linear_constraint()
        model.set_constraint_lower_bound(row, 1.0)
        model.set_constraint_upper_bound(row, 1.0)
    for limit in master.capacity.tolist():
        row = model.add_linear_constraint()
        model.set_constraint_lower_bound(row, 0.0)
        model.set_constraint_upper_bound(row, float(limit))
    for column, order in enumerate(master.order.tolist()):
        model.add_term_to_constraint(order, column, 1.0)
    uses = zip(
        master.use_column.tolist(),
        master.use_resource.tolist(),
        master.use_units.tolist(),
        strict=True,
    )
    for column, resource, units in uses:
        model.add_term_to_constraint(orders + resource, column, float(units))
    solver = builder.ModelSolverHelper("highs")
    solver.set_time_limit_in_seconds(seconds)
    if count <= SMALL:
        solver.set_solver_specific_parameters("mip_rel_gap=0")
    solver.solve(model)
    if not solver.has_solution():
        return None
    columns = np.asarray(solver.variable_values()) > 0.5
    is_optimal = solver.status() == builder.SolveStatus.OPTIMAL
    rest = float(master.cost[columns].sum()) - solver.best_objective_bound()
    return Chosen(columns, is_optimal, is_optimal and rest < _HALF)

"""Small batches drawn from a seed, and the compact programme that says what they cost at best."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from ortools.linear_solver.python import model_builder_helper as builder

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.batch.cells import NEVER, Cells, cells_of
from ordermesh.routing.domain.batch.exhaustion import ways_within
from ordermesh.routing.domain.batch.instance import (
    NO_LIMIT,
    Atoms,
    Batch,
    Brackets,
    Integers,
    Items,
    Locations,
    Orders,
    Stock,
)
from ordermesh.routing.domain.batch.recounting import bound_of_lists, least_of, lists_of
from ordermesh.routing.domain.rates import declared_costs


def draw_small(
    seed: int, *, orders: int = 12, locations: int = 4, skus: int = 5, atoms: int = 4
) -> Batch:
    """A batch whose stock and labor are short: about as much as is ordered."""
    draw, costs = random.Random(seed), declared_costs()
    grams = [draw.randint(50, 3_000) for _ in range(skus)]
    stock: list[tuple[int, int, int, int]] = []
    for item in range(skus):
        for place in range(locations):
            if draw.random() < 0.7:
                units = draw.randint(1, max(2, orders // 2))
                stock.append((item, place, units, draw.choice([0, 0, 7_500])))
    first, made = [0], []
    for _ in range(orders):
        for line in range(draw.randint(1, atoms)):
            units = draw.choice([1, 1, 1, 2, 3])
            item = draw.randrange(skus)
            made.append((line, item, units, costs.unfilled(units, grams[item] * units)))
        first.append(len(made))
    columns = [column(list(one)) for one in zip(*made, strict=True)]
    stocked = [column(list(one)) for one in zip(*stock, strict=True)]
    return Batch(
        name=f"small-{seed}",
        costs=costs,
        locations=Locations(
            ids=tuple(f"L{place}" for place in range(locations)),
            pick_fee=column([draw.choice([14_000, 26_000]) for _ in range(locations)]),
            labor_per_unit=column([draw.choice([4_500, 11_000]) for _ in range(locations)]),
            handling_days=column([1] * locations),
            capacity=column(
                [draw.choice([NO_LIMIT, orders, orders // 2 + 1]) for _ in range(locations)]
            ),
        ),
        items=Items(tuple(f"S{item}" for item in range(skus)), column(grams)),
        stock=Stock(*stocked),
        orders=Orders(
            ids=tuple(f"O{order}" for order in range(orders)),
            destination=column([draw.randrange(3) for _ in range(orders)]),
            promise_days=column([draw.choice([-1, 2, 3, 5]) for _ in range(orders)]),
            first_atom=column(first),
        ),
        atoms=Atoms(*columns),
        distance_km=np.array(
            [[draw.randint(5, 4_000) for _ in range(locations)] for _ in range(3)], np.int64
        ),
    )


def column(numbers: list[int]) -> Integers:
    return np.array(numbers, np.int64)


def with_weights(batch: Batch, seed: int) -> Batch:
    """The batch with brackets of weight in place of a rate for each kilogram."""
    draw, zones = random.Random(seed), batch.costs.zones
    edges = [500, 1_000, 2_000, 5_000, 10_000, 20_000 if seed % 2 else 100_000]
    price = [[0] * len(edges) for _ in zones]
    for zone, row in enumerate(price):
        for place in range(len(edges)):
            row[place] = (row[place - 1] if place else 0) + (zone + 1) * draw.randint(500, 15_000)
    plain = tuple(replace(zone, freight_per_kg=Money(0)) for zone in zones)
    return replace(
        batch,
        costs=replace(batch.costs, zones=plain),
        brackets=Brackets(column(edges), np.array(price, np.int64)),
    )


def with_hard_promises(batch: Batch, seed: int) -> Batch:
    """The batch with days that some atoms must not pass."""
    draw = random.Random(seed)
    days = [draw.choice([-1, 2, 3, 4, 6]) for _ in batch.atoms.item]
    return replace(batch, atoms=replace(batch.atoms, days_max=column(days)))


@dataclass(frozen=True)
class Optimum:
    """What the compact programme found, if it found anything, and below what nothing can be."""

    found: int | None
    proven: int

    @property
    def is_closed(self) -> bool:
        """Whether that is the same."""
        return self.found == self.proven


def optimum_of_ways(
    batch: Batch, cost: int, prices: Sequence[int], seconds: float = 60.0, most: int = 200_000
) -> Optimum | None:
    """The programme that chooses one of all ways of each order that a plan of this cost could have.

    At prices with a bound, who pays more above its least than what the cost is above the bound is
    in no plan as cheap: so nothing is left out, and the programme is much tighter than the compact
    one. None where there are more ways than that.
    """
    lists = lists_of(batch)
    budget = cost - bound_of_lists(lists, prices)
    programme, count = _Programme(), 0
    used: dict[int, list[tuple[int, int]]] = {}
    for order in range(len(batch.orders.ids)):
        least, own = least_of(lists, order, prices), list[tuple[int, int]]()
        for way in ways_within(lists, order, prices, budget):
            count += 1
            if count > most:
                return None
            paid = sum(prices[resource] * units for resource, units in way.use.items())
            chosen = programme.variable(least + way.excess - paid)
            own.append((chosen, 1))
            for resource, units in way.use.items():
                used.setdefault(resource, []).append((chosen, units))
        programme.row(own, 1, 1)
    for resource, terms in used.items():
        programme.row(terms, -math.inf, int(batch.capacities[resource]))
    return programme.solve(seconds)


def optimum(batch: Batch, seconds: float = 60.0) -> Optimum:
    """The compact programme of the whole batch, by HiGHS.

    x says that a row sends an atom, y that a row sends a parcel (of a bracket of weight), both 0 or
    1; x is at most the sum of y of its row, which is stronger than what their sum would say.
    """
    cells, programme = cells_of(batch), _Programme()
    used: dict[int, list[tuple[int, int]]] = {}
    for order in range(cells.orders):
        _add_order(programme, batch, cells, order, used)
    for resource, terms in used.items():
        programme.row(terms, -math.inf, int(batch.capacities[resource]))
    return programme.solve(seconds)


class _Programme:
    """A minimisation over variables of 0 and 1, row by row."""

    def __init__(self) -> None:
        self._model = builder.ModelBuilderHelper()
        self._costs: list[int] = []

    def variable(self, cost: int) -> int:
        place = self._model.add_var()
        self._model.set_var_lower_bound(place, 0.0)
        self._model.set_var_upper_bound(place, 1.0)
        self._model.set_var_integrality(place, True)
        self._model.set_var_objective_coefficient(place, float(cost))
        self._costs.append(cost)
        return place

    def row(self, terms: list[tuple[int, int]], least: float, most: int) -> None:
        place = self._model.add_linear_constraint()
        self._model.set_constraint_lower_bound(place, float(least))
        self._model.set_constraint_upper_bound(place, float(most))
        for variable, factor in terms:
            self._model.add_term_to_constraint(place, variable, float(factor))

    def _relaxed(self) -> int:
        """Below what no plan can be: the programme without its whole numbers, on the safe side."""
        for variable in range(len(self._costs)):
            self._model.set_var_integrality(variable, False)
        solver = builder.ModelSolverHelper("glop")
        solver.solve(self._model)
        return math.floor(solver.objective_value() * (1 - 1e-7)) if solver.has_solution() else 0

    def solve(self, seconds: float) -> Optimum:
        """What was found, in integers again, and what was proven, a little on the safe side."""
        solver = builder.ModelSolverHelper("highs")
        solver.set_time_limit_in_seconds(seconds)
        solver.set_solver_specific_parameters("mip_rel_gap=0")
        solver.solve(self._model)
        bound = solver.best_objective_bound()
        proven = math.ceil(bound - 0.5) if math.isfinite(bound) else -(2**60)
        if not solver.has_solution():
            return Optimum(None, max(proven, self._relaxed()))
        chosen = [value > 0.5 for value in solver.variable_values()]
        found = sum(cost for cost, is_in in zip(self._costs, chosen, strict=True) if is_in)
        return Optimum(found, min(found, proven))


def _add_order(
    programme: _Programme,
    batch: Batch,
    cells: Cells,
    order: int,
    used: dict[int, list[tuple[int, int]]],
) -> None:
    start, end = int(cells.first_atom[order]), int(cells.first_atom[order + 1])
    ways: list[list[int]] = [[] for _ in range(end - start)]
    edges = cells.edges.tolist() or [0]
    opened = []
    for row in range(int(cells.first_row[order]), int(cells.first_row[order + 1])):
        steps = cells.steps[int(cells.row_zone[row]) * len(edges) :].tolist() or [0]
        opens = [
            programme.variable(int(cells.row_parcel[row]) + steps[place])
            for place in range(len(edges))
        ]
        opened.extend(opens)
        programme.row([(one, 1) for one in opens], -math.inf, 1)
        weights = [(one, -edge) for one, edge in zip(opens, edges, strict=True)]
        base = int(cells.first_cell[order]) + (row - int(cells.first_row[order])) * len(ways)
        for atom, own in enumerate(ways):
            cost = int(cells.cell_cost[base + atom])
            if cost == NEVER:
                continue
            goes = programme.variable(cost)
            own.append(goes)
            programme.row([(goes, 1), *((one, -1) for one in opens)], -math.inf, 0)
            weights.append((goes, int(cells.grams[start + atom])))
            units = int(cells.units[start + atom])
            labor = cells.stock_rows + int(cells.row_location[row])
            for resource in (int(cells.cell_stock[base + atom]), labor):
                used.setdefault(resource, []).append((goes, units))
        if len(cells.edges):
            programme.row(weights, -math.inf, 0)
    ships = programme.variable(-cells.split_charge)
    programme.row([(ships, 1), *((one, -1) for one in opened)], -math.inf, 0)
    for atom, own in enumerate(ways):
        stays = programme.variable(int(cells.penalty[start + atom]))
        programme.row([(one, 1) for one in [*own, stays]], 1, 1)

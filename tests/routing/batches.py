"""Small batches drawn from a seed, and the compact programme that says what they cost at best."""

import random

import numpy as np
from ortools.sat.python import cp_model

from ordermesh.routing.domain.batch.cells import NEVER, cells_of
from ordermesh.routing.domain.batch.instance import (
    NO_LIMIT,
    Atoms,
    Batch,
    Integers,
    Items,
    Locations,
    Orders,
    Stock,
)
from ordermesh.routing.domain.batch.intake import penalty_of
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
            made.append((line, item, units, penalty_of(costs, grams[item] * units, units)))
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


def optimum(batch: Batch, effort: float = 0.5) -> tuple[int, int]:
    """What the compact programme finds for the whole batch, and what it proves, in so much work."""
    cells, model = cells_of(batch), cp_model.CpModel()
    terms: list[cp_model.LinearExprT] = []
    used: dict[int, list[cp_model.LinearExprT]] = {}
    for order in range(cells.orders):
        start, end = int(cells.first_atom[order]), int(cells.first_atom[order + 1])
        sent: list[list[cp_model.IntVar]] = [[] for _ in range(end - start)]
        opened = []
        for row in range(int(cells.first_row[order]), int(cells.first_row[order + 1])):
            opens = model.new_bool_var("")
            opened.append(opens)
            terms.append(int(cells.row_parcel[row]) * opens)
            base = int(cells.first_cell[order]) + (row - int(cells.first_row[order])) * len(sent)
            for atom, ways in enumerate(sent):
                cost = int(cells.cell_cost[base + atom])
                if cost == NEVER:
                    continue
                goes = model.new_bool_var("")
                model.add_implication(goes, opens)
                ways.append(goes)
                terms.append(cost * goes)
                units = int(cells.units[start + atom])
                labor = cells.stock_rows + int(cells.row_location[row])
                used.setdefault(int(cells.cell_stock[base + atom]), []).append(units * goes)
                used.setdefault(labor, []).append(units * goes)
        ships = model.new_bool_var("")
        model.add_bool_or([*opened, ships.negated()])
        terms.append(-cells.split_charge * ships)
        for atom, ways in enumerate(sent):
            stays = model.new_bool_var("")
            model.add_exactly_one([*ways, stays])
            terms.append(int(cells.penalty[start + atom]) * stays)
    for resource, expressions in used.items():
        model.add(sum(expressions) <= int(batch.capacities[resource]))
    model.minimize(sum(terms))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_deterministic_time = effort
    assert solver.solve(model) in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    return round(solver.objective_value), round(solver.best_objective_bound)

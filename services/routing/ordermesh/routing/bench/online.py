"""Orders that come one after the other, on stock that they share and labor of each period.

Nobody knows what will come. Nearest and myopic exact do not ask; prices are learned from the orders
of before, never from those to come; waves decide the orders of a period together. All are compared
with a bound that knows the whole stream: no plan of anybody costs less. All costs are illustrative.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from ordermesh.kernel.money import Money, to_decimal
from ordermesh.routing.bench.compared import say
from ordermesh.routing.bench.instances import draw_batch
from ordermesh.routing.domain.batch.baselines import RULES, decide_by
from ordermesh.routing.domain.batch.cells import Cells, cells_of
from ordermesh.routing.domain.batch.instance import Atoms, Batch, Integers, Locations, Orders, Stock
from ordermesh.routing.domain.batch.plan import service_of
from ordermesh.routing.domain.foresight.futures import weights_of, with_orders
from ordermesh.routing.domain.foresight.levels import Floats, back_test, levels_of
from ordermesh.routing.solver.batch.arrays import Spread
from ordermesh.routing.solver.batch.engine import Budget, plan_batch
from ordermesh.routing.solver.batch.foresight import (
    charged,
    mean_prices,
    myopic_total,
    one_by_one,
    price_max,
    prices_of,
)
from ordermesh.routing.solver.batch.searching import Search
from ordermesh.sample.retailer import Regime

NEAREST, MYOPIC, PRICED, WAVES = "nearest single", "myopic exact", "priced", "waves priced"
METHODS = (NEAREST, MYOPIC, PRICED, WAVES)

FUTURES = 3
"""Futures that are drawn for each renewal of prices."""

BEFORE = 4
"""So many orders of before for each that comes."""

LABOR_MIN = 2
"""Units that any location can send in a period."""

PASSES, RENEWED = 80, 40
"""Passes for the first prices, and for each renewal."""

KNOWN = Budget(passes=150, moves=12, final_passes=80)
"""How much work the bound of the whole stream is."""

WAVE = Budget(passes=80, moves=30, final_passes=30)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be run: streams of so many orders in so many periods, one for each seed."""

    orders: int = 2_000
    periods: int = 10
    regime: Regime = "peak"
    seed: int = 1
    seeds: int = 5


@dataclass(frozen=True)
class Stream:
    """Orders of before, then those that come, each in its period; cells are those of all."""

    batch: Batch
    cells: Cells
    history: int
    period: Integers
    labor: Integers
    """Units that each location can send in a period."""

    @property
    def places(self) -> int:
        """How many locations there are."""
        return len(self.batch.locations.ids)

    @property
    def periods(self) -> int:
        """How many there are."""
        return int(self.period.max()) + 1

    def orders_of(self, period: int) -> Integers:
        """The orders that come in a period."""
        return np.asarray(self.history + np.flatnonzero(self.period == period), np.int64)


def measure_online(asked: Asked) -> dict[str, object]:
    """Run every stream, print what came out, and give the figures by name."""
    say(
        f"{asked.seeds} streams of {asked.orders:,} orders in {asked.periods} periods,"
        f" {asked.regime}. All costs are illustrative.\n"
    )
    say(f"{'seed':>6}{'bound':>13}{''.join(f'{name:>16}' for name in METHODS)}{'gap closed':>12}")
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        seeds = range(asked.seed, asked.seed + asked.seeds)
        runs = [_run(asked, seed, threads.map) for seed in seeds]
    found = _told(asked, runs)
    say("\n" + json.dumps(found, indent=2))
    return found


def draw_stream(asked: Asked, seed: int) -> Stream:
    """A stream after the orders of before; the same every time."""
    history = BEFORE * asked.orders
    batch = draw_batch(asked.orders, asked.regime, seed, history)
    period = np.arange(asked.orders) * asked.periods // asked.orders
    labor = np.maximum(LABOR_MIN, -(-batch.locations.capacity // asked.periods))
    return Stream(batch, cells_of(batch), history, period.astype(np.int64), labor)


@dataclass(frozen=True)
class _Run:
    """What came of one stream: costs, extra parcels, and how good forecasts and prices were."""

    costs: Mapping[str, int]
    extra: Mapping[str, int]
    bound: int
    forecast_error: float
    naive_error: float
    seconds: float

    def closed(self, method: str) -> float:
        """The share of the gap from myopic exact to the bound that a method closes."""
        gap = self.costs[MYOPIC] - self.bound
        return (self.costs[MYOPIC] - self.costs[method]) / gap if gap > 0 else 0.0


def _run(asked: Asked, seed: int, spread: Spread) -> _Run:
    began = time.perf_counter()
    stream = draw_stream(asked, seed)
    whole, cells = _whole(stream)
    search = Search(whole, cells, seed, spread)
    known = plan_batch(whole, seed, KNOWN, spread=spread, cells=cells)
    nearest = decide_by(whole, RULES[NEAREST], cells)
    forecast = Forecast.of(stream)
    plans = {
        NEAREST: nearest,
        MYOPIC: known.myopic.location,
        PRICED: _online(stream, _priced(stream, forecast, seed, spread)),
        WAVES: _online(stream, _waves(stream, forecast, seed, spread)),
    }
    accuracy = back_test(forecast.asked, len(forecast.asked) // 2)
    run = _Run(
        # Each is counted anew, and refused where it takes more than there is.
        costs={name: search.planned(plan).total for name, plan in plans.items()},
        extra={name: service_of(whole, plan).extra_parcels for name, plan in plans.items()},
        bound=known.plan.bound,
        forecast_error=accuracy.error,
        naive_error=accuracy.naive_error,
        seconds=time.perf_counter() - began,
    )
    costs = "".join(f"{to_decimal(Money(run.costs[name])):>16,.0f}" for name in METHODS)
    say(f"{seed:>6}{to_decimal(Money(run.bound)):>13,.0f}{costs}{run.closed(WAVES):>12.1%}")
    return run


def _whole(stream: Stream) -> tuple[Batch, Cells]:
    """The whole stream as one batch, in which each period has locations of its own."""
    periods, places = stream.periods, stream.places
    batch = _batch_of(stream, np.arange(stream.history, len(stream.batch.orders.ids)), None)
    locations = batch.locations
    batch = replace(
        batch,
        locations=Locations(
            tuple(f"{name}@{period}" for period in range(periods) for name in locations.ids),
            np.tile(locations.pick_fee, periods),
            np.tile(locations.labor_per_unit, periods),
            np.tile(locations.handling_days, periods),
            np.tile(stream.labor, periods),
        ),
        distance_km=np.tile(batch.distance_km, (1, periods)),
    )
    orders = np.arange(stream.history, len(stream.batch.orders.ids))
    cells = with_orders(stream.cells, orders, stream.period, places, batch.capacities)
    return batch, cells


def _batch_of(stream: Stream, orders: Integers, left: Integers | None) -> Batch:
    """Some of the orders on what is left of the stock, with the labor of one period.

    Of a row that is used up one unit is said to be there: no cell is on it.
    """
    batch = stream.batch
    first = batch.orders.first_atom
    atoms = np.concatenate([np.arange(first[one], first[one + 1]) for one in orders.tolist()])
    widths = np.diff(first)[orders]
    stock = batch.stock
    return replace(
        batch,
        locations=replace(batch.locations, capacity=stream.labor),
        stock=stock
        if left is None
        else Stock(stock.item, stock.location, np.maximum(left, 1), stock.credit),
        orders=Orders(
            tuple(batch.orders.ids[one] for one in orders.tolist()),
            batch.orders.destination[orders],
            batch.orders.promise_days[orders],
            np.concatenate([[0], np.cumsum(widths)]).astype(np.int64),
        ),
        atoms=Atoms(
            batch.atoms.line[atoms],
            batch.atoms.item[atoms],
            batch.atoms.units[atoms],
            batch.atoms.penalty[atoms],
        ),
    )


Decide = Callable[[int, Integers], Integers]
"""The row of each atom of a period's orders, from what is left of the stock."""


def _online(stream: Stream, decide: Decide) -> Integers:
    """The location of each atom of the stream (that of its period), period after period."""
    left = stream.batch.stock.units.copy()
    found = []
    for period in range(stream.periods):
        orders = stream.orders_of(period)
        location = decide(period, left)
        first = stream.batch.orders.first_atom
        atoms = np.concatenate([np.arange(first[one], first[one + 1]) for one in orders.tolist()])
        sent = location >= 0
        item, units = stream.batch.atoms.item[atoms], stream.batch.atoms.units[atoms]
        keys = stream.batch.stock.item * stream.places + stream.batch.stock.location
        rows = np.searchsorted(keys, (item * stream.places + location)[sent])
        np.subtract.at(left, rows, units[sent])
        found.append(np.where(sent, location + period * stream.places, -1))
    return np.concatenate(found)


@dataclass(frozen=True)
class Forecast:
    """What the orders of before say: what was asked in their periods, and weights to draw them."""

    asked: Integers
    weights: Floats
    orders: int

    @classmethod
    def of(cls, stream: Stream) -> "Forecast":
        """From the orders of before alone, in periods as long as those to come."""
        batch = stream.batch
        atoms = int(batch.orders.first_atom[stream.history])
        order, item = batch.order_of_atom[:atoms], batch.atoms.item[:atoms]
        units = batch.atoms.units[:atoms]
        periods = BEFORE * stream.periods
        period = order * periods // stream.history
        asked = np.zeros((periods, len(batch.items.skus)), np.int64)
        np.add.at(asked, (period, item), units)
        levels = levels_of(asked).units
        weights = weights_of(order, item, units, levels, stream.history)
        return cls(asked, weights, stream.history)

    def drawn(self, number: int, random: np.random.Generator) -> Integers:
        """So many orders of before."""
        return random.choice(self.orders, number, p=self.weights).astype(np.int64)


def _futures(
    stream: Stream,
    forecast: Forecast,
    period: int,
    left: Integers,
    known: Integers | None,
    start: Integers | None,
    seed: int,
    spread: Spread,
) -> Integers:
    """Prices of stock, of this period's labor and of all labor after it, over drawn futures.

    The orders of the period are those that are ``known``, or drawn too.
    """
    each = len(stream.period) // stream.periods
    later = stream.periods - 1 - period
    capacities = np.concatenate([left, stream.labor, stream.labor * later])
    found, most = [], []
    for number in range(FUTURES):
        random = np.random.default_rng([seed, period, number])
        now = forecast.drawn(each, random) if known is None else known
        orders = np.concatenate([now, forecast.drawn(each * later, random)])
        places = np.repeat([0, 1], [len(now), each * later])
        cells = with_orders(stream.cells, orders, places, stream.places, capacities)
        passes = PASSES if start is None else RENEWED
        most.append(price_max(cells, myopic_total(cells, capacities)))
        found.append(prices_of(cells, capacities, passes, start, spread))
    return mean_prices(found, max(most))


def _priced(stream: Stream, forecast: Forecast, seed: int, spread: Spread) -> Decide:
    """One order after the other, at prices that are renewed with each period."""
    known: list[Integers] = []

    def decide(period: int, left: Integers) -> Integers:
        start = known[-1] if known else None
        prices = _futures(stream, forecast, period, left, None, start, seed, spread)
        known.append(prices)
        rows, places = len(left), stream.places
        room = np.concatenate([left, stream.labor])
        orders = stream.orders_of(period)
        cells = with_orders(stream.cells, orders, np.zeros_like(orders), places, room)
        picks, _ = one_by_one(cells, room.copy(), np.ascontiguousarray(prices[: rows + places]))
        return np.where(picks >= 0, cells.row_location[np.maximum(picks, 0)], -1)

    return decide


def _waves(stream: Stream, forecast: Forecast, seed: int, spread: Spread) -> Decide:
    """The orders of a period together, each unit of stock at what it is worth to later ones."""
    known: list[Integers] = []

    def decide(period: int, left: Integers) -> Integers:
        start = known[-1] if known else None
        orders = stream.orders_of(period)
        prices = _futures(stream, forecast, period, left, orders, start, seed, spread)
        known.append(prices)
        rows = len(left)
        room = np.concatenate([left, stream.labor])
        cells = with_orders(stream.cells, orders, np.zeros_like(orders), stream.places, room)
        is_last = period == stream.periods - 1
        worth = np.zeros(rows, np.int64) if is_last else prices[:rows]
        wave = plan_batch(
            _batch_of(stream, orders, left),
            seed,
            WAVE,
            spread=spread,
            cells=charged(cells, worth, left),
        )
        return wave.plan.location

    return decide


def _told(asked: Asked, runs: list[_Run]) -> dict[str, object]:
    """The figures: means over the streams, and the least and most of them."""
    closed = [run.closed(WAVES) for run in runs]
    nearest = [run.costs[WAVES] / run.costs[NEAREST] - 1 for run in runs]
    extra = [run.extra[WAVES] / max(1, run.extra[NEAREST]) - 1 for run in runs]
    return {
        "orders": asked.orders,
        "periods": asked.periods,
        "regime": asked.regime,
        "seeds": asked.seeds,
        "gap_closed": round(float(np.mean(closed)), 4),
        "gap_closed_least": round(min(closed), 4),
        "gap_closed_most": round(max(closed), 4),
        "gap_closed_by_prices_alone": round(
            float(np.mean([run.closed(PRICED) for run in runs])), 4
        ),
        "cost_vs_nearest": round(float(np.mean(nearest)), 4),
        "cost_vs_nearest_least": round(max(nearest), 4),
        "extra_parcels_vs_nearest": round(float(np.mean(extra)), 4),
        "above_bound": {
            name: round(float(np.mean([run.costs[name] / run.bound - 1 for run in runs])), 4)
            for name in METHODS
        },
        "forecast_error": round(float(np.mean([run.forecast_error for run in runs])), 4),
        "naive_error": round(float(np.mean([run.naive_error for run in runs])), 4),
        "seconds": round(sum(run.seconds for run in runs), 1),
        "costs": "illustrative",
    }

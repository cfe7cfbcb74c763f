"""Gathering what prices are made from: demand of before, stock and labor of now."""

import asyncio
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from ordermesh.kernel.errors import InvalidRequest, NotFound
from ordermesh.routing.domain.capacity import WindowKey
from ordermesh.routing.domain.foresight.ahead import Ahead, Laid, laid_out, limited, started
from ordermesh.routing.domain.foresight.demand import (
    DAY,
    DAYS_MAX,
    HOUR,
    Asked,
    Demand,
    Promotion,
    demand_of,
)
from ordermesh.routing.domain.foresight.framing import problem_of, question_of
from ordermesh.routing.domain.foresight.futures import weights_of
from ordermesh.routing.domain.foresight.labor import labor_of, units_an_hour
from ordermesh.routing.domain.foresight.levels import Floats, Integers
from ordermesh.routing.domain.foresight.prices import PriceBook
from ordermesh.routing.domain.known import Known
from ordermesh.routing.domain.policy import DEFAULT_ID
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.domain.question import Question
from ordermesh.routing.operations.memory import Memory
from ordermesh.routing.operations.planning import Planner
from ordermesh.routing.ports.stock import Stock
from ordermesh.routing.ports.stores import Stores
from ordermesh.runtime.database import Database, Transaction

LINES_MAX = 300_000
"""So many order lines of before are looked at, the newest of them."""

CHUNK = 50
"""Orders that are read in one transaction, and laid out at a time."""

ORDERS_AHEAD = 10_000
"""A future has so many orders at most: where more will come, prices look less far."""


@dataclass(frozen=True)
class Horizon:
    """How far prices look, from how many orders of before, and what is entered of promotions."""

    hours: int
    baskets: int
    promotions: tuple[Promotion, ...] = ()

    @property
    def days(self) -> int:
        """Days that it touches."""
        return -(-self.hours // 24)


@dataclass(frozen=True)
class Gathered:
    """What prices are made from; the horizon may be shorter than was asked for.

    ``hourly`` is how many units locations send in an hour, None where no capacity says so.
    """

    now: datetime
    currency_code: str
    demand: Demand
    ahead: Ahead
    hours: int
    hourly: Mapping[str, int | None]


@dataclass(frozen=True)
class _History:
    """What is read at once."""

    now: datetime
    memory: Memory
    currency_code: str
    lines: tuple[Asked, ...]
    names: Sequence[str]
    used: Mapping[WindowKey, int]


@dataclass(frozen=True)
class _Stock:
    """Units by SKU and location, for whoever may sell them, and where each item is kept."""

    units: dict[tuple[str, str], int]
    by_place: dict[str, dict[str, int]]
    kept: Mapping[str, Set[str]]


class LookingAhead:
    """Reads orders of before and lays them out on stock and network of now."""

    def __init__(self, database: Database, stores: Stores, stock: Stock, planner: Planner) -> None:
        self._database = database
        self._stores = stores
        self._stock = stock
        self._planner = planner

    async def gather(self, horizon: Horizon, before: PriceBook | None) -> Gathered:
        """All of it. Raises ``Unavailable``, and ``PolicyNotFound`` without a policy."""
        history = await self._database.read(lambda tx: self._history(tx, horizon))
        demand = await asyncio.to_thread(
            demand_of, history.lines, history.now, horizon.promotions, horizon.days
        )
        framed = await self._framed(history)
        stock = await self._units(framed)
        problems: list[Problem] = []
        for start in range(0, len(framed), CHUNK):
            part = framed[start : start + CHUNK]
            problems.extend(await asyncio.to_thread(_problems, part, stock))
        laid = await asyncio.to_thread(laid_out, problems, stock.units)
        hours = _hours(horizon, demand)
        ahead = await asyncio.to_thread(
            _ahead, laid, problems, demand, stock, history, hours, before
        )
        entries = [history.memory.location(name) for name in laid.locations]
        hourly = {
            one.location_id: units_an_hour(one, demand.units_per_order)
            for one in entries
            if one is not None
        }
        return Gathered(history.now, history.currency_code, demand, ahead, hours, hourly)

    async def _history(self, tx: Transaction, horizon: Horizon) -> _History:
        now, memory = await tx.now(), await self._planner.memory(tx)
        since = now - DAYS_MAX * DAY
        policy = await self._planner.in_force(tx, memory, DEFAULT_ID)
        windows = [memory.windows.starts(now + day * DAY) for day in range(horizon.days + 1)]
        used: Mapping[WindowKey, int] = {}
        if memory.has_limits:
            starts = sorted({start for one in windows for start in one})
            used = await self._stores.capacity.used(tx, starts, now)
        return _History(
            now,
            memory,
            policy.currency_code,
            await self._stores.demand.asked(tx, since, LINES_MAX),
            await self._stores.demand.newest(tx, since, horizon.baskets),
            used,
        )

    async def _framed(self, history: _History) -> list[tuple[Question, Known]]:
        """The newest orders as questions of now; those of another currency are left out."""
        found: list[tuple[Question, Known]] = []
        for start in range(0, len(history.names), CHUNK):
            names = history.names[start : start + CHUNK]
            found.extend(
                await self._database.read(
                    lambda tx, names=names: self._questions(tx, names)  # type: ignore[misc]
                )
            )
        return [
            (question, known)
            for question, known in found
            if known.policy.currency_code == history.currency_code
        ]

    async def _questions(
        self, tx: Transaction, names: Sequence[str]
    ) -> list[tuple[Question, Known]]:
        found = []
        for row in await self._stores.orders.rows(tx, names):
            question = question_of(row.order)
            if not question.wanted:
                continue
            try:
                known = await self._planner.know(tx, question)
            except (InvalidRequest, NotFound):
                # Its policy is gone, or its place of pickup: nobody orders like that any more.
                continue
            if all(
                sku in known.items and not known.items[sku].is_untracked for sku in question.skus
            ):
                found.append((question, known))
        return found

    async def _units(self, framed: Sequence[tuple[Question, Known]]) -> _Stock:
        """What can be promised of all that the orders are about, to any of their channels."""
        by_channel: dict[str, set[str]] = {}
        for question, _ in framed:
            by_channel.setdefault(question.channel, set()).update(question.skus)
        skus = sorted({sku for own in by_channel.values() for sku in own})
        kept = await self._stock.kept_at(skus) if skus else {}
        units = {(sku, place): 0 for sku, places in kept.items() for place in places}
        by_place: dict[str, dict[str, int]] = {}
        for channel, own in sorted(by_channel.items()):
            available = await self._stock.available(sorted(own), (), channel)
            for place, held in available.units.items():
                for sku, number in held.items():
                    units[sku, place] = max(units.get((sku, place), 0), number)
                    by_place.setdefault(place, {})[sku] = units[sku, place]
        places: dict[str, set[str]] = {}
        for sku, place in units:
            places.setdefault(sku, set()).add(place)
        return _Stock(units, by_place, places)


def _problems(framed: Sequence[tuple[Question, Known]], stock: _Stock) -> list[Problem]:
    """The orders as problems; those that no location could be considered for are left out."""
    found = []
    for question, known in framed:
        try:
            problem = problem_of(question, known, stock.by_place, stock.kept)
        except InvalidRequest:
            continue
        if problem.candidates:
            found.append(problem)
    return found


def _hours(horizon: Horizon, demand: Demand) -> int:
    """How far prices look: so far that a future has no more orders than can be priced."""
    expected = demand.orders_within(horizon.hours)
    if expected <= ORDERS_AHEAD:
        return horizon.hours
    return max(1, int(horizon.hours * ORDERS_AHEAD / expected))


def _ahead(
    laid: Laid,
    problems: Sequence[Problem],
    demand: Demand,
    stock: _Stock,
    history: _History,
    hours: int,
    before: PriceBook | None,
) -> Ahead:
    memory, now, days = history.memory, history.now, -(-hours // 24)
    labor = [
        labor_of(
            entry,
            memory.locations[name].time_zone,
            now,
            history.used,
            days,
            demand.units_per_order,
        )
        if (entry := memory.location(name)) is not None
        else (0, 0)
        for name in laid.locations
    ]
    end = memory.windows.end(now) if memory.has_limits else None
    hours_now = min(float(hours), 24.0 if end is None else (end - now) / HOUR)
    likely = _likely(laid, problems, demand)
    # An order in several pieces is several baskets.
    pieces = float(likely.sum())
    first = round(demand.orders_within(hours_now) * pieces)
    whole = max(first, round(demand.orders_within(hours) * pieces))
    return Ahead(
        cells=laid.cells,
        rows=laid.rows,
        locations=laid.locations,
        stock=_column([limited(stock.units[row]) for row in laid.rows]),
        labor_now=_column([limited(today) for today, _ in labor]),
        labor_later=_column([limited(later) for _, later in labor]),
        weights=np.asarray(likely / max(pieces, 1e-12)),
        now=first,
        later=whole - first,
        start=started(
            {} if before is None else before.stock,
            {} if before is None else before.labor,
            laid.rows,
            laid.locations,
        ),
    )


def _likely(laid: Laid, problems: Sequence[Problem], demand: Demand) -> Floats:
    """How likely the order of each basket is, so that items are asked for as they are expected."""
    place = {sku: number for number, sku in enumerate(demand.skus)}
    order, item, units = list[int](), list[int](), list[int]()
    for number, problem in enumerate(problems):
        for group in problem.groups:
            for part in group.parts:
                if part.sku in place:
                    order.append(number)
                    item.append(place[part.sku])
                    units.append(part.units * group.atoms)
    levels = demand.levels
    found = weights_of(_column(order), _column(item), _column(units), levels, len(problems))
    return found[laid.order_of]


def _column(numbers: Sequence[int]) -> Integers:
    return np.array(numbers, np.int64)

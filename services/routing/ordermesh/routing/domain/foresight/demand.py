"""What is known of demand from the orders of before: a table of days and items, and what it says.

Days are stretches of 24 hours that end now, so that none is begun or cut off. Seven of them in turn
make a season once there are two weeks; what is entered of promotions scales items.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from ordermesh.routing.domain.foresight.levels import (
    Accuracy,
    Floats,
    Integers,
    back_test,
    levels_of,
    season_of,
)

DAYS_MAX = 56
"""How many days of before are looked at."""

WEEK = 7
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """Units of an item that an order asked for, and when."""

    order: int
    sku: str
    units: int
    time: datetime


@dataclass(frozen=True, slots=True)
class Promotion:
    """Of an item so many thousandths of the usual will be asked for, until ``end_time``."""

    sku: str
    permille: int
    end_time: datetime


@dataclass(frozen=True)
class Demand:
    """What will be asked for, as far as the days of before tell.

    ``orders_a_day`` are those of the days to come in turn, ``units`` by item and day, of a usual
    day. ``factors`` say of the days to come what they have of a usual one.
    """

    skus: tuple[str, ...]
    units: Floats
    factors: Floats
    orders_a_day: float
    accuracy: Accuracy
    days: int
    orders: int
    promotions: Mapping[str, float] = field(default_factory=dict)

    def orders_within(self, hours: float) -> float:
        """How many orders will come within so many hours."""
        days, rest = divmod(hours / 24, 1)
        whole = float(self.factors[: int(days)].sum())
        part = float(self.factors[int(days)]) * rest if rest else 0.0
        return self.orders_a_day * (whole + part) * self._promoted

    @property
    def units_per_order(self) -> float:
        """How many units an order has on average, at least 1."""
        return max(1.0, float(self.units.sum()) / max(self.orders_a_day, 1e-9))

    @property
    def _promoted(self) -> float:
        """How much more orders there are for what is promoted: as many as there are more units."""
        usual = float(self.units.sum())
        if not self.promotions or usual <= 0:
            return 1.0
        return float(self.levels.sum()) / usual

    @property
    def levels(self) -> Floats:
        """Units by item of a usual day with its promotions."""
        scale = np.array([self.promotions.get(sku, 1.0) for sku in self.skus])
        return np.asarray(self.units * scale)


def demand_of(
    asked: Sequence[Asked], now: datetime, promotions: Iterable[Promotion], horizon_days: int
) -> Demand:
    """What the orders of before say of the days to come."""
    seen = [one for one in asked if timedelta(0) <= now - one.time < DAYS_MAX * DAY]
    skus = tuple(sorted({one.sku for one in seen}))
    place = {sku: number for number, sku in enumerate(skus)}
    days = max((_age(one, now) for one in seen), default=0) + 1
    table = np.zeros((days, len(skus)), np.int64)
    orders: dict[int, int] = {}
    for one in seen:
        day = days - 1 - _age(one, now)
        table[day, place[one.sku]] += one.units
        orders[one.order] = day
    season = season_of(table, WEEK) if days >= 2 * WEEK else np.ones(WEEK)
    past = np.array([season[day % WEEK] for day in range(days)])
    ahead = np.array([season[(days + day) % WEEK] for day in range(horizon_days + 1)])
    by_day = np.bincount(np.array(list(orders.values()), np.int64), minlength=days)
    return Demand(
        skus=skus,
        units=levels_of(table, season=past).units,
        factors=ahead,
        orders_a_day=_usual(by_day, past),
        accuracy=back_test(table, max(1, days // 2)),
        days=days if seen else 0,
        orders=len(orders),
        promotions={one.sku: one.permille / 1_000 for one in promotions if one.end_time > now},
    )


def _age(one: Asked, now: datetime) -> int:
    return math.floor((now - one.time) / DAY)


def _usual(by_day: Integers, past: Floats) -> float:
    """Orders of a usual day: newer days count more, as of items that are always asked for."""
    if not by_day.sum():
        return 0.0
    return float(levels_of(by_day[:, None], season=past).units[0])

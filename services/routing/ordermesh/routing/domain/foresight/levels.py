"""Levels of intermittent demand, from what was asked in the periods of before.

Teunter, Syntetos and Babai's method (TSB): the chance of any demand is smoothed in every period,
its size only in periods with demand, so that the level of what is not asked for any more goes down.
A season scales periods that are not alike, promotions scale items; what was hardly ever asked for
is drawn towards the level of its category.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CHANCE_SMOOTHING = 0.1
SIZE_SMOOTHING = 0.1

PERIODS_OF_CATEGORY = 4.0
"""What is known of an item counts as much as its category after so many periods with demand."""


@dataclass(frozen=True)
class Levels:
    """Units of each item that are expected in a period of usual demand."""

    units: Floats

    def at(self, season: float = 1.0, promotions: Mapping[int, float] | None = None) -> Floats:
        """Units expected in a period of a season; promotions are factors by item.

        Raises ``ValueError`` for a factor below 0.
        """
        factors = np.full(len(self.units), season)
        for item, factor in (promotions or {}).items():
            factors[item] *= factor
        if len(factors) and factors.min() < 0:
            raise ValueError("a factor of demand is not negative")
        return np.asarray(self.units * factors, np.float64)


def levels_of(
    asked: Integers,
    categories: Sequence[str] | None = None,
    season: Floats | None = None,
) -> Levels:
    """The levels after periods in which ``asked`` (periods, items) was asked for.

    ``season`` is what each of these periods had of a usual one. Raises ``ValueError`` where shapes
    differ, something asked is negative, or a period of the season has nothing.
    """
    if asked.ndim != 2 or (asked.size and asked.min() < 0):
        raise ValueError("what was asked is a table of periods and items, none negative")
    factor = np.ones(len(asked)) if season is None else season
    if len(factor) != len(asked) or (len(factor) and factor.min() <= 0):
        raise ValueError("a season has a factor above 0 for each period")
    usual = asked / factor[:, None] if len(asked) else asked.astype(np.float64)
    level = _smoothed(usual)
    if categories is None:
        return Levels(level)
    return Levels(_with_categories(level, usual, categories))


def season_of(asked: Integers, length: int) -> Floats:
    """What each of ``length`` periods in turn has of a usual one, from all items together."""
    totals = asked.sum(axis=1).astype(np.float64)
    overall = totals.mean() if len(totals) else 0.0
    if overall <= 0:
        return np.ones(length)
    found = [totals[place::length] for place in range(length)]
    return np.array([max(0.05, own.mean() / overall) if len(own) else 1.0 for own in found])


@dataclass(frozen=True)
class Accuracy:
    """How far forecasts were from what came, as shares of all that came.

    ``error`` of these levels, ``naive_error`` of the mean of all periods before; ``bias`` is above
    0 where too much was expected.
    """

    error: float
    naive_error: float
    bias: float
    periods: int


def back_test(asked: Integers, warm_up: int, categories: Sequence[str] | None = None) -> Accuracy:
    """Each period after the first ones forecast from those before it alone."""
    came = error = naive = bias = 0.0
    for period in range(warm_up, len(asked)):
        known, true = asked[:period], asked[period]
        expected = levels_of(known, categories).units
        came += float(true.sum())
        error += float(np.abs(expected - true).sum())
        naive += float(np.abs(known.mean(axis=0) - true).sum())
        bias += float((expected - true).sum())
    if came <= 0:
        return Accuracy(0.0, 0.0, 0.0, max(0, len(asked) - warm_up))
    return Accuracy(error / came, naive / came, bias / came, len(asked) - warm_up)


def _smoothed(usual: Floats) -> Floats:
    """Chance times size, smoothed over the periods from a start of their means."""
    if not len(usual):
        return np.zeros(usual.shape[1])
    there = usual > 0
    chance = there.mean(axis=0)
    number = there.sum(axis=0)
    size = np.divide(usual.sum(axis=0), number, out=np.zeros(usual.shape[1]), where=number > 0)
    for period in range(len(usual)):
        chance = chance + CHANCE_SMOOTHING * (there[period] - chance)
        changed = size + SIZE_SMOOTHING * (usual[period] - size)
        size = np.where(there[period], changed, size)
    return np.asarray(chance * size)


def _with_categories(level: Floats, usual: Floats, categories: Sequence[str]) -> Floats:
    """Levels of what is hardly known drawn towards the mean of their category."""
    names, of = np.unique(np.array(categories), return_inverse=True)
    counts = np.maximum(1, np.bincount(of, minlength=len(names)))
    means = np.bincount(of, weights=level, minlength=len(names)) / counts
    seen = (usual > 0).sum(axis=0)
    trust = seen / (seen + PERIODS_OF_CATEGORY)
    blended = trust * level + (1 - trust) * means[of]
    # What a category is expected to need stays what it is.
    totals = np.bincount(of, weights=blended, minlength=len(names))
    wanted = np.bincount(of, weights=level, minlength=len(names))
    scale = np.divide(wanted, totals, out=np.zeros(len(names)), where=totals > 0)
    return np.asarray(blended * scale[of])

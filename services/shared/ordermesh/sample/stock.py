"""How much of each item lies where, and how many units each location can handle in a day.

Data: units and lines ordered of each item, each hub's share of the people near it, a wanted ratio
of stock to units ordered. An item's rank is its position by lines ordered divided by the number of
items. One number, the looseness, stretches the stock of every item; it is bisected, each attempt
drawn from the same state of the generator, until the ratio is within 3 %. Popular items lie in
more centres and stores. Five in a hundred items are *flash*: their stock does not follow the
looseness and is not raised to what was ordered, so that for many of them there is not enough.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 0.03
FLASH_SHARE = 0.05
FLASH_FACTOR = 0.6
FLASH_COVER = 0.85
_ATTEMPTS_MAX = 40

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Ordered:
    """What is ordered of each item, and the shape of the network that stocks it.

    ``hub_shares`` sum to 1, one for each distribution centre.
    """

    lines: Integers
    units: Integers
    hub_shares: Floats
    store_count: int

    def ranks(self) -> Floats:
        """For each item its place by lines ordered, from 0 to below 1."""
        places = np.empty(len(self.lines), dtype=np.float64)
        places[np.argsort(-self.lines, kind="stable")] = np.arange(len(self.lines))
        return places / len(self.lines)


@dataclass(frozen=True)
class Stocked:
    """Units of the shape (items, centres and then stores), and the looseness they come from."""

    units: Integers
    looseness: float


def hub_shares(people_nearest: Floats) -> Floats:
    """Each centre's share of the stock, from the share of people to whom it is the nearest."""
    shares = people_nearest + 0.03
    return np.array(shares / shares.sum(), dtype=np.float64)


def draw_stock(
    random: np.random.Generator, ordered: Ordered, ratio: float, looseness: float
) -> Stocked:
    """Stock whose total is ``ratio`` times the units ordered, searched from this looseness.

    Where few units are ordered of many items, the least that every location carries can exceed
    the wanted total; then it is as near as the search came.
    """
    state = random.bit_generator.state
    wanted = ratio * int(ordered.units.sum())

    def distance(attempted: float) -> float:
        random.bit_generator.state = state
        return float(_draw(random, ordered, attempted).sum()) / wanted - 1

    found = _search(distance, looseness)
    random.bit_generator.state = state
    return Stocked(units=_draw(random, ordered, found), looseness=found)


def draw_capacities(random: np.random.Generator, ordered: Ordered) -> Integers:
    """Units that each centre, and then each store, can handle while all orders are handled."""
    units = int(ordered.units.sum())
    centres = np.ceil(
        0.80 * units * ordered.hub_shares * random.uniform(0.8, 1.25, len(ordered.hub_shares))
    )
    busyness = random.uniform(0.4, 1.8, ordered.store_count)
    stores = np.ceil(np.maximum(2.0, 0.45 * units / ordered.store_count * busyness))
    return np.concatenate([centres, stores]).astype(np.int64)


def _search(distance: Callable[[float], float], start: float) -> float:
    """Where the distance is within the tolerance, or else the place that came nearest to it."""
    below, above, attempted = 0.0, np.inf, start
    nearest, least = start, np.inf
    for _ in range(_ATTEMPTS_MAX):
        error = distance(attempted)
        if abs(error) < least:
            nearest, least = attempted, abs(error)
        if least <= TOLERANCE:
            break
        if error < 0:
            below = attempted
        else:
            above = attempted
        attempted = 2 * below if np.isinf(above) else (below + above) / 2
        if above - below < 1e-3:
            break
    return nearest


def _draw(random: np.random.Generator, ordered: Ordered, looseness: float) -> Integers:
    """One attempt: everything about stock is drawn anew, in this order."""
    items, centres = len(ordered.units), len(ordered.hub_shares)
    ranks = ordered.ranks()
    total = int(ordered.units.sum())
    popularity = ordered.lines / ordered.lines.sum()
    factor = random.uniform(0.95, 1.6, items) * looseness
    flash = np.zeros(items, dtype=np.bool_)
    flash[random.choice(items, size=round(FLASH_SHARE * items), replace=False)] = True
    factor[flash] = FLASH_FACTOR
    demand = popularity * total * factor
    spread = np.where(ranks < 0.05, 1.0, np.where(ranks < 0.3, 0.6, 0.3))
    spread *= random.uniform(0.7, 1.2, items)
    wanted = np.clip(np.rint(centres * spread), 1, centres).astype(np.int64)
    lies_in = _drawn_centres(random, ordered.hub_shares, wanted)
    mean = np.maximum(0.75 * demand, 0.6)[:, None] * ordered.hub_shares
    mean = mean * random.uniform(0.5, 1.5, (items, centres))
    units = np.zeros((items, centres + ordered.store_count), dtype=np.int64)
    units[:, :centres][lies_in] = random.poisson(mean[lies_in])
    chance = 0.03 + 0.30 * np.exp(-4 * ranks)
    carried = random.random((items, ordered.store_count)) < chance[:, None]
    store_mean = np.clip(0.35 * demand / (ordered.store_count * chance), 0.15, 4.0)
    item_of_cell = np.nonzero(carried)[0]
    units[:, centres:][carried] = random.poisson(store_mean[item_of_cell])
    _top_up(random, ordered, units, flash)
    return units


def _drawn_centres(
    random: np.random.Generator, shares: Floats, count: Integers
) -> NDArray[np.bool_]:
    """For each item so many centres, drawn by share without replacement.

    The smallest of exponential numbers divided by their weights are such a draw (Efraimidis and
    Spirakis, 2006).
    """
    keys = random.exponential(size=(len(count), len(shares))) / shares
    places = keys.argsort(axis=1).argsort(axis=1)
    chosen: NDArray[np.bool_] = places < count[:, None]
    return chosen


def _top_up(
    random: np.random.Generator, ordered: Ordered, units: Integers, flash: NDArray[np.bool_]
) -> None:
    """Raise each item to somewhat more than was ordered of it; a flash item stays below."""
    items, centres = len(ordered.units), len(ordered.hub_shares)
    cover = random.uniform(1.02, 1.6, items)
    enough = np.where(
        flash, np.floor(FLASH_COVER * ordered.units), np.ceil(cover * ordered.units)
    ).astype(np.int64)
    missing = np.maximum(enough - units.sum(axis=1), 0)
    lies_in = units[:, :centres] > 0
    nowhere = ~lies_in.any(axis=1)
    drawn = _drawn_centres(random, ordered.hub_shares, np.full(items, min(2, centres)))
    lies_in[nowhere] = drawn[nowhere]
    shares = lies_in * ordered.hub_shares
    shares /= shares.sum(axis=1, keepdims=True)
    units[:, :centres] += random.multinomial(missing, shares)

"""Parcels: the fewest boxes under a weight limit that hold a shipment.

A unit heavier than the limit is a parcel of its own. The rest is bin packing: first fit
decreasing, and where that misses the lower bound a depth-first search over a counted number of
steps, so that the answer is the same on every machine. Lower bound L1 and the reduction to units
above half the limit after Martello, Toth, *Knapsack Problems*, 1990, chapter 8.
"""

from collections.abc import Sequence
from dataclasses import dataclass

STEPS_MAX = 1_000
SEARCHED_WEIGHTS_MAX = 40
SEARCHED_PARCELS_MAX = 100
COUNTED_PARCELS_MAX = 1_000

Weights = tuple[tuple[int, int], ...]
"""(grams of one unit, number of such units), heaviest first, each weight once."""


@dataclass(frozen=True, slots=True)
class Packing:
    """Parcels as the number of units of each weight in them, and the fewest that could do.

    ``parcels[p][w]`` counts the units of the w-th weight in parcel p. ``fewest`` is a proven lower
    bound; it equals the number of parcels unless the search ran out of steps.
    """

    parcels: tuple[tuple[int, ...], ...]
    fewest: int


def weights_of(units: Sequence[tuple[int, int]]) -> Weights:
    """The (grams, number) pairs in canonical form: heaviest first, equal weights joined."""
    joined: dict[int, int] = {}
    for grams, number in units:
        if number > 0:
            joined[grams] = joined.get(grams, 0) + number
    return tuple(sorted(joined.items(), reverse=True))


def pack(weights: Weights, limit_grams: int | None) -> Packing:
    """Parcels for these units; one parcel for all of them where there is no limit."""
    if not weights:
        return Packing((), 0)
    if limit_grams is None or sum(grams * number for grams, number in weights) <= limit_grams:
        return Packing((tuple(number for _, number in weights),), 1)
    alone = [
        tuple(int(other == index) for other in range(len(weights)))
        for index, (grams, number) in enumerate(weights)
        for _ in range(number)
        if grams > limit_grams
    ]
    rest = tuple((grams, number if grams <= limit_grams else 0) for grams, number in weights)
    if not any(number for _, number in rest):
        return Packing(tuple(alone), len(alone))
    parcels = _first_fit(rest, limit_grams)
    fewest = _lower_bound(rest, limit_grams)
    searched = len(weights) <= SEARCHED_WEIGHTS_MAX and len(parcels) <= SEARCHED_PARCELS_MAX
    if len(parcels) > fewest and searched:
        search = _Search(rest, limit_grams, fewest, parcels)
        search.run()
        parcels, fewest = search.best, search.proven()
    return Packing((*alone, *parcels), len(alone) + fewest)


def count_parcels(weights: Weights, limit_grams: int | None) -> int:
    """How many parcels ``pack`` makes, without making them; of very many, the fewest it takes."""
    if limit_grams is None:
        return len(pack(weights, None).parcels)
    alone = sum(number for grams, number in weights if grams > limit_grams)
    rest = tuple((grams, number) for grams, number in weights if grams <= limit_grams)
    if not rest:
        return alone
    fewest = _lower_bound(rest, limit_grams)
    if fewest > COUNTED_PARCELS_MAX:
        return alone + fewest
    return alone + len(pack(rest, limit_grams).parcels)


def _first_fit(weights: Weights, limit: int) -> list[tuple[int, ...]]:
    """First fit decreasing: each unit goes into the first parcel that still has room for it."""
    rooms: list[int] = []
    parcels: list[list[int]] = []
    for index, (grams, number) in enumerate(weights):
        left = number
        for parcel, room in enumerate(rooms):
            fits = left if grams == 0 else min(left, room // grams)
            parcels[parcel][index] += fits
            rooms[parcel] -= fits * grams
            left -= fits
        while left:
            fits = left if grams == 0 else min(left, limit // grams)
            parcels.append([0] * len(weights))
            parcels[-1][index] = fits
            rooms.append(limit - fits * grams)
            left -= fits
    return [tuple(parcel) for parcel in parcels]


def _lower_bound(weights: Weights, limit: int) -> int:
    """Parcels that are needed at least: by weight, and by how many units fit at all."""
    total = sum(grams * number for grams, number in weights)
    bound = max(1, -(-total // limit))
    units = 0
    for grams, number in weights:
        # No parcel holds more of the units seen so far than of the lightest among them.
        units += number
        if grams and number:
            bound = max(bound, -(-units // (limit // grams)))
    return bound


class _Search:
    """Depth-first search for fewer parcels: fill one parcel maximally, then the next.

    Every parcel takes the heaviest unit that is left, which loses no packing, and then each
    maximal choice of the others, since a parcel with room for a unit may as well hold it.
    """

    def __init__(
        self, weights: Weights, limit: int, fewest: int, best: list[tuple[int, ...]]
    ) -> None:
        self.best = best
        self._grams = [grams for grams, _ in weights]
        self._left = [number for _, number in weights]
        self._limit = limit
        self._fewest = fewest
        self._steps = 0
        self._open: list[tuple[int, ...]] = []

    def proven(self) -> int:
        """The number of parcels that no packing goes below."""
        return len(self.best) if self._steps < STEPS_MAX else self._fewest

    def run(self) -> None:
        """Search until a packing meets the bound, nothing is left, or the steps are used up."""
        if not any(self._left):
            self.best = list(self._open)
            return
        weight = sum(grams * left for grams, left in zip(self._grams, self._left, strict=True))
        if len(self._open) + max(1, -(-weight // self._limit)) >= len(self.best):
            return
        first = next(index for index, left in enumerate(self._left) if left)
        for parcel in self._fillings(first):
            if self._steps >= STEPS_MAX or len(self.best) == self._fewest:
                return
            self._move(parcel, -1)
            self._open.append(parcel)
            self.run()
            self._open.pop()
            self._move(parcel, 1)

    def _move(self, parcel: tuple[int, ...], sign: int) -> None:
        for index, number in enumerate(parcel):
            self._left[index] += sign * number

    def _fillings(self, first: int) -> list[tuple[int, ...]]:
        """Maximal parcels that hold at least one unit of the heaviest weight left."""
        found: list[tuple[int, ...]] = []
        parcel = [0] * len(self._grams)

        def fill(index: int, room: int) -> None:
            self._steps += 1
            if self._steps >= STEPS_MAX:
                return
            if index == len(self._grams):
                if all(
                    left == used or grams > room
                    for grams, left, used in zip(self._grams, self._left, parcel, strict=True)
                ):
                    found.append(tuple(parcel))
                return
            grams, left = self._grams[index], self._left[index]
            most = left if grams == 0 else min(left, room // grams)
            for number in range(most, (0 if index == first else -1), -1):
                parcel[index] = number
                fill(index + 1, room - number * grams)
            parcel[index] = 0

        fill(first, self._limit)
        return found

"""What candidates charge for states, tied: written down for all of them, or found as it is needed.

Ties are counted below the scale: every value is multiplied by ``Ties.scale``, a shipment adds one
of ``shipment``, and a unit as many of ``place`` as its location is places down the order of rank.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ordermesh.routing.solver import kernel
from ordermesh.routing.solver.counts import Counts
from ordermesh.routing.solver.lattice import Integers, Lattice
from ordermesh.routing.solver.tables import Tables
from ordermesh.routing.solver.values import Values, infinity


@dataclass(frozen=True, slots=True)
class Ties:
    """What one of the scale, one shipment, and one unit one place further down count for."""

    scale: int
    shipment: int
    place: int


class Charges(Protocol):
    """What I candidates charge for S states; what cannot be is beyond reach."""

    def least(self, is_single: NDArray[np.bool_], best: Integers, who: Integers) -> None:
        """The least of each state (S) over the candidates that are not ``is_single``, and whose."""
        ...

    def of(self, row: int) -> Integers:
        """What one candidate charges (S)."""
        ...

    def with_rest(self, rest: Integers) -> Integers:
        """The least (I) of any plan that uses a candidate; ``rest`` (S) is what the rest costs."""
        ...


def charges_of(
    tables: Tables, lattice: Lattice, values: Values, ties: Ties, *, bounds: bool = False
) -> Charges:
    """What the candidates charge, or ``bounds`` of it from below."""
    counts = values.counts
    if values.are_sums:
        return Counted(tables, lattice, counts, counts.fewest if bounds else counts.parcels, ties)
    return Written(tables, lattice, values.bounds() if bounds else values.values, ties)


class Written:
    """Values that are written down for every candidate and state."""

    def __init__(self, tables: Tables, lattice: Lattice, values: Integers, ties: Ties) -> None:
        units = lattice.counts @ tables.units
        places = np.arange(len(values), dtype=np.int64) * ties.place
        tied = values * ties.scale + np.outer(places, units) + ties.shipment
        infinite = infinity(tables)
        self._values = np.where(values >= infinite // 2, infinite, tied)
        self._is_exact = tables.is_exact

    def least(self, is_single: NDArray[np.bool_], best: Integers, who: Integers) -> None:
        """As in ``Charges``."""
        if not self._is_exact:
            kernel.least_of(self._values, is_single, best, who)
            return
        others = np.flatnonzero(~is_single)
        best[:] = 2 * self._values.max()
        if len(others):
            who[:] = others[np.argmin(self._values[others], axis=0)]
            best[:] = self._values[who, np.arange(len(best))]

    def of(self, row: int) -> Integers:
        """As in ``Charges``."""
        found: Integers = self._values[row]
        return found

    def with_rest(self, rest: Integers) -> Integers:
        """As in ``Charges``."""
        if self._is_exact:
            return np.asarray((self._values + rest[None, ::-1]).min(axis=1))
        least = np.empty(len(self._values), np.int64)
        kernel.margins(self._values, rest, least)
        return least


class Counted:
    """Sums over atoms and parcels, found anew each time: there is no table to write and read."""

    def __init__(
        self, tables: Tables, lattice: Lattice, counts: Counts, parcels: Integers, ties: Ties
    ) -> None:
        places = np.arange(len(tables.parcel), dtype=np.int64)[:, None] * ties.place
        self._size = lattice.size
        self._arguments = (
            tables.shipment * ties.scale + ties.shipment,
            tables.parcel * ties.scale,
            tables.atom * ties.scale + places * tables.units[None, :],
            tables.holds,
            np.array(lattice.shape, np.int64),
            lattice.strides,
            parcels,
            counts.which,
        )

    def least(self, is_single: NDArray[np.bool_], best: Integers, who: Integers) -> None:
        """As in ``Charges``."""
        kernel.least_of_counted(best, who, is_single, *self._arguments)

    def of(self, row: int) -> Integers:
        """As in ``Charges``."""
        is_single = np.ones(len(self._arguments[0]), np.bool_)
        is_single[row] = False
        values, who = np.empty(self._size, np.int64), np.empty(self._size, np.int64)
        self.least(is_single, values, who)
        return values

    def with_rest(self, rest: Integers) -> Integers:
        """As in ``Charges``."""
        least = np.empty(len(self._arguments[0]), np.int64)
        kernel.margins_counted(least, rest, *self._arguments)
        return least

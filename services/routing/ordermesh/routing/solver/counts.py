"""In how many parcels the units of each state are packed, where only the number matters."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ordermesh.routing.domain.parcels import Weights, pack, weights_of
from ordermesh.routing.domain.problem import Group
from ordermesh.routing.solver.lattice import Integers, Lattice
from ordermesh.routing.solver.tables import NO_LIMIT


@dataclass(frozen=True, slots=True)
class Counts:
    """Parcels by state for each weight limit (L, S): as packed, and the fewest that could do."""

    parcels: Integers
    fewest: Integers
    which: Integers

    @property
    def are_fewest(self) -> bool:
        """Whether every packing is proven to be the fewest parcels."""
        return bool((self.parcels == self.fewest).all())


def count_parcels(
    groups: Sequence[Group], lattice: Lattice, limit_grams: int
) -> tuple[Integers, Integers]:
    """For every state, the parcels its units are packed into, and the fewest that could do."""
    ones = np.ones(lattice.size, np.int64)
    ones[0] = 0
    if limit_grams >= NO_LIMIT or sum(one.atoms * one.grams for one in groups) <= limit_grams:
        return ones, ones
    parcels, fewest = ones.copy(), ones.copy()
    known: dict[Weights, tuple[int, int]] = {}
    for state, counts in enumerate(lattice.counts.tolist()):
        weights = weights_of(
            [
                (part.weight_grams, part.units * number)
                for group, number in zip(groups, counts, strict=True)
                for part in group.parts
            ]
        )
        if weights not in known:
            packing = pack(weights, limit_grams)
            known[weights] = (len(packing.parcels), packing.fewest)
        parcels[state], fewest[state] = known[weights]
    return parcels, fewest


def opened_lines(lattice: Lattice, lines: Integers) -> Integers:
    """Of how many order lines each state (S) has anything; ``lines`` (G) number those of groups."""
    has = lattice.counts > 0
    found: Integers = np.zeros(lattice.size, np.int64)
    for number in np.unique(lines):
        found += has[:, lines == number].any(axis=1)
    return found

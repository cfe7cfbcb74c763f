"""The recurrence of ``ordermesh.routing.solver.reference`` on arrays, for one set of groups."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.solver.lattice import Integers, Lattice
from ordermesh.routing.solver.tables import Tables

LAYER_STEPS_MAX = 60_000_000
"""Steps spent on candidates with a layer of their own, at most, before another method is tried."""

_ROUNDS_ONE_BY_ONE = 4
_INFINITE = 2**61


@dataclass(frozen=True, slots=True)
class Answer:
    """The optimum of one component, in its own indices.

    ``assignment`` is atoms of each group by candidate, None where not all can be filled and all
    is asked for. ``margins`` as in ``Exact``.
    """

    assignment: dict[int, tuple[int, ...]] | None
    value: int
    bound: int
    margins: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class _Layer:
    """A candidate that is used once: what was known before it, and its values."""

    candidate: int
    before: Integers
    values: Integers


class Recurrence:
    """The values of all states, and the plan walked back from them.

    ``parcels`` counts parcels by state. With a limit of ``most`` shipments the arrays have a row
    for each number of shipments up to it, otherwise one row. ``complete`` forbids leaving atoms.
    """

    def __init__(
        self,
        tables: Tables,
        lattice: Lattice,
        parcels: Integers,
        most: int | None,
        *,
        complete: bool,
    ) -> None:
        self._tables = tables
        self._lattice = lattice
        self._most = most
        self._complete = complete
        self._money, self._shipment, self._place = _scales(tables)
        self._values = self._all_values(parcels)
        self._penalties = tables.penalty * self._money
        self._best = np.empty(0, np.int64)
        self._who = np.empty(0, np.intp)

    def bound(self) -> int:
        """The value of the relaxation that may use a candidate twice: no plan costs less."""
        value = self._relaxation(())[-1, -1]
        return int(value) // self._money

    def solve(self) -> Answer | None:
        """The optimum, or None where it would take more than ``LAYER_STEPS_MAX`` steps."""
        single: list[int] = []
        rounds = 0
        while True:
            rounds += 1
            steps = len(single) * len(self._lattice.all_pairs[1]) if single else 0
            if steps > LAYER_STEPS_MAX:
                return None
            known = self._relaxation(single)
            layers: list[_Layer] = []
            for candidate in single:
                layers.append(_Layer(candidate, known, self._values[candidate]))
                known = self._with_layer(layers[-1])
            if known[-1, -1] >= _INFINITE:
                return Answer(None, 0, 0, (None,) * len(self._values))
            picks = self._walk_back(known, layers)
            repeated = [
                row for row, number in Counter(row for row, _ in picks).items() if number > 1
            ]
            if not repeated:
                return self._answer(known, picks)
            single = sorted({*single, *repeated})
            if rounds >= _ROUNDS_ONE_BY_ONE:
                single = list(range(len(self._values)))

    def _all_values(self, parcels: Integers) -> Integers:
        """What each candidate charges for each state, infinite where it cannot ship it."""
        tables, lattice = self._tables, self._lattice
        places = np.arange(len(tables.parcel), dtype=np.int64)[:, None] * self._place
        atom = tables.atom * self._money + places * tables.units[None, :]
        values = np.zeros((len(atom), 1), np.int64)
        for group, side in enumerate(lattice.shape):
            counts = np.arange(side, dtype=np.int64)
            term = atom[:, group, None] * counts
            term[counts[None, :] > tables.holds[:, group, None]] = _INFINITE
            values = np.minimum(values[:, :, None] + term[:, None, :], _INFINITE)
            values = values.reshape(len(atom), -1)
        values += np.outer(tables.parcel * self._money, parcels) + self._shipment
        for column in np.flatnonzero((tables.needs > 0).sum(axis=0) > 1):
            used = lattice.counts @ tables.needs[:, column]
            values[used[None, :] > tables.available[:, column, None]] = _INFINITE
        used = lattice.counts @ tables.units
        if (tables.capacity < used[-1]).any():
            values[used[None, :] > tables.capacity[:, None]] = _INFINITE
        np.minimum(values, _INFINITE, out=values)
        values[:, 0] = _INFINITE  # Shipping nothing is no shipment.
        return values

    def _relaxation(self, single: Sequence[int]) -> Integers:
        """The least value of each state by candidates outside ``single``, as often as one likes."""
        others = np.setdiff1d(np.arange(len(self._values)), np.array(single, np.intp))
        lattice = self._lattice
        if len(others):
            self._who = others[np.argmin(self._values[others], axis=0)]
            self._best = self._values[self._who, np.arange(lattice.size)]
        else:
            self._who = np.zeros(lattice.size, np.intp)
            self._best = np.full(lattice.size, _INFINITE, np.int64)
        known = np.full(((self._most or 0) + 1, lattice.size), _INFINITE, np.int64)
        known[:, 0] = 0
        for level in lattice.levels:
            found = self._shipped(self._best[level.parts], known, level.rests, level.offsets)
            if not self._complete:
                left = self._penalties[level.anchors] + known[:, level.anchor_rests]
                found = np.minimum(found, left)
            known[:, level.states] = np.minimum(found, _INFINITE)
        return known

    def _shipped(
        self, values: Integers, known: Integers, rests: Integers, offsets: Integers
    ) -> Integers:
        """The least of a part's value and what is known of the rest, with one shipment less."""
        if self._most is None:
            return np.minimum.reduceat(values + known[:, rests], offsets, axis=1)
        found = np.full((len(known), len(offsets)), _INFINITE, np.int64)
        found[1:] = np.minimum.reduceat(values + known[:-1, rests], offsets, axis=1)
        return found

    def _with_layer(self, layer: _Layer) -> Integers:
        """The least value of each state when this candidate too may ship one part of it."""
        offsets, parts, rests = self._lattice.all_pairs
        found = self._shipped(layer.values[parts], layer.before, rests, offsets)
        return np.minimum(layer.before, found)

    def _walk_back(self, known: Integers, layers: Sequence[_Layer]) -> list[tuple[int, int]]:
        """The shipments of the best plan as pairs of candidate and state."""
        state, row = self._lattice.size - 1, len(known) - 1
        picks: list[tuple[int, int]] = []
        for layer in reversed(layers):
            if known[row, state] < layer.before[row, state]:
                offsets, parts, rests = self._lattice.all_pairs
                end = offsets[state + 1] if state + 1 < self._lattice.size else len(parts)
                span = slice(offsets[state], end)
                row = row - 1 if self._most is not None else row
                totals = layer.values[parts[span]] + layer.before[row, rests[span]]
                first = int(np.argmin(totals))
                picks.append((layer.candidate, int(parts[span][first])))
                state = int(rests[span][first])
            known = layer.before
        while state:
            level = self._lattice.levels[int(self._lattice.counts[state].sum()) - 1]
            index = int(np.searchsorted(level.states, state))
            ends = [*level.offsets[index + 1 : index + 2].tolist(), len(level.parts)]
            span = slice(level.offsets[index], ends[0])
            below = row - 1 if self._most is not None else row
            if below >= 0:
                totals = self._best[level.parts[span]] + known[below, level.rests[span]]
                first = int(np.argmin(totals))
                if totals[first] == known[row, state]:
                    part = int(level.parts[span][first])
                    picks.append((int(self._who[part]), part))
                    state, row = int(level.rests[span][first]), below
                    continue
            state = int(level.anchor_rests[index])
        return picks

    def _answer(self, known: Integers, picks: list[tuple[int, int]]) -> Answer:
        key = int(known[-1, -1])
        value = key // self._money
        counts = self._lattice.counts
        assignment = {row: tuple(counts[state].tolist()) for row, state in picks}
        # What each candidate would cost at least, whatever ships the rest.
        rest = known[-1 if self._most is None else -2, ::-1]
        least = (self._values + rest[None, :]).min(axis=1).tolist()
        margins = tuple(
            None if each >= _INFINITE else max(0, each // self._money - value) for each in least
        )
        return Answer(assignment, value, value, margins)


def _scales(tables: Tables) -> tuple[int, int, int]:
    """What one unit of money, one shipment, and one unit one place further down count for.

    Raises ``FieldViolation`` if money and shipments do not fit 61 bits; the places are left out
    of the ties where only they do not.
    """
    atoms, units = int(tables.atoms.sum()), int(tables.units @ tables.atoms)
    dearest = np.maximum(tables.atom.max(axis=0), tables.penalty)
    money = int(dearest @ tables.atoms) + units * int(tables.parcel.max()) + 1
    shipments, places = atoms + 1, units * (len(tables.parcel) - 1) + 1
    if money * shipments * places < _INFINITE:
        return shipments * places, places, 1
    if money * shipments < _INFINITE:
        return shipments, 1, 0
    sentence = "The amounts of this order are too large to add up."
    raise FieldViolation("lines", "amount_max", sentence)

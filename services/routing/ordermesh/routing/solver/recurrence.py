"""The recurrence of ``ordermesh.routing.solver.reference`` on arrays, for one set of groups."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.solver import kernel
from ordermesh.routing.solver.charges import Charges, Ties
from ordermesh.routing.solver.lattice import Integers, Lattice
from ordermesh.routing.solver.tables import Tables
from ordermesh.routing.solver.values import infinity

LAYER_STEPS_MAX = 60_000_000
"""Steps spent on candidates with a layer of their own, at most, before another method is tried."""

_ROUNDS_ONE_BY_ONE = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """The optimum of one component, in its own indices.

    ``assignment`` is the state that each candidate ships, None where not all can be filled and all
    is asked for. ``margins`` as in ``Exact``.
    """

    assignment: dict[int, int] | None
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

    ``charges`` are what candidates charge, with their ties of ``scale``. With a limit of ``most``
    shipments the arrays have a row for each number of shipments up to it, otherwise one row.
    ``complete`` forbids leaving atoms.
    """

    def __init__(
        self,
        tables: Tables,
        lattice: Lattice,
        charges: Charges,
        scale: int,
        most: int | None,
        *,
        complete: bool,
    ) -> None:
        self._tables = tables
        self._lattice = lattice
        self._most = most
        self._complete = complete
        self._infinite = infinity(tables)
        self._reach = self._infinite // 2
        self._scale = scale
        self._charges = charges
        self._penalties = tables.penalty * scale
        kind = object if tables.is_exact else np.int64
        self._best = np.empty(lattice.size, kind)
        self._who = np.zeros(lattice.size, np.int64)

    def bound(self) -> int:
        """The value of the relaxation that may use a candidate twice: no plan costs less."""
        value = self._relaxation(())[-1, -1]
        return int(value) // self._scale

    def solve(self, *, with_margins: bool = True) -> Answer | None:
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
                layers.append(_Layer(candidate, known, self._charges.of(candidate)))
                known = self._with_layer(layers[-1])
            if known[-1, -1] >= self._reach:
                return Answer(None, 0, 0, (None,) * len(self._tables.parcel))
            picks = self._walk_back(known, layers)
            repeated = [
                row for row, number in Counter(row for row, _ in picks).items() if number > 1
            ]
            if not repeated:
                return self._answer(known, picks, with_margins=with_margins)
            single = sorted({*single, *repeated})
            if rounds >= _ROUNDS_ONE_BY_ONE:
                single = list(range(len(self._tables.parcel)))

    def _relaxation(self, single: Sequence[int]) -> Integers:
        """The least value of each state by candidates outside ``single``, as often as one likes."""
        lattice = self._lattice
        known = np.full(((self._most or 0) + 1, lattice.size), self._infinite, self._best.dtype)
        is_single = np.zeros(len(self._tables.parcel), np.bool_)
        is_single[list(single)] = True
        self._charges.least(is_single, self._best, self._who)
        if self._tables.is_exact:
            self._relax_exactly(known)
            return known
        flat = lattice.flat
        kernel.relax(
            known,
            self._best,
            self._penalties,
            flat.anchors,
            flat.anchor_rests,
            flat.order,
            flat.starts,
            flat.parts,
            flat.rests,
            self._complete,
        )
        return known

    def _relax_exactly(self, known: Integers) -> None:
        """The same in Python's own integers."""
        lattice = self._lattice
        known[:, 0] = 0
        for level in lattice.levels:
            found = self._shipped(self._best[level.parts], known, level.rests, level.offsets)
            if not self._complete:
                left = self._penalties[level.anchors] + known[:, level.anchor_rests]
                found = np.minimum(found, left)
            known[:, level.states] = np.minimum(found, self._infinite)

    def _shipped(
        self, values: Integers, known: Integers, rests: Integers, offsets: Integers
    ) -> Integers:
        """The least of a part's value and what is known of the rest, with one shipment less."""
        if self._most is None:
            return np.minimum.reduceat(values + known[:, rests], offsets, axis=1)
        found = np.full((len(known), len(offsets)), self._infinite, values.dtype)
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
        flat, places = self._lattice.flat, self._lattice.places
        while state:
            index = int(places[state])
            span = slice(flat.starts[index], flat.starts[index + 1])
            below = row - 1 if self._most is not None else row
            if below >= 0:
                totals = self._best[flat.parts[span]] + known[below, flat.rests[span]]
                first = int(np.argmin(totals))
                if totals[first] == known[row, state]:
                    part = int(flat.parts[span][first])
                    picks.append((int(self._who[part]), part))
                    state, row = int(flat.rests[span][first]), below
                    continue
            state = int(flat.anchor_rests[index])
        return picks

    def _answer(
        self, known: Integers, picks: list[tuple[int, int]], *, with_margins: bool
    ) -> Answer:
        value = int(known[-1, -1]) // self._scale
        if not with_margins:
            return Answer(dict(picks), value, value, (0,) * len(self._tables.parcel))
        # What each candidate would cost at least, whatever ships the rest.
        rest = known[-1 if self._most is None else -2]
        least = self._charges.with_rest(np.ascontiguousarray(rest))
        margins = tuple(
            None if each >= self._reach else max(0, each // self._scale - value)
            for each in least.tolist()
        )
        return Answer(dict(picks), value, value, margins)


def ties_of(tables: Tables) -> Ties:
    """What decides between plans that count the same.

    Raises ``FieldViolation`` if the scale and shipments do not fit 61 bits; the places are left out
    of the ties where only they do not.
    """
    atoms, units = int(tables.atoms.sum()), int(tables.units @ tables.atoms)
    shipments, places = atoms + 1, units * (len(tables.parcel) - 1) + 1
    if tables.is_exact:
        return Ties(shipments * places, places, 1)
    served = np.where(tables.holds > 0, np.abs(tables.atom), 0)
    dearest = np.maximum(served.max(axis=0), np.abs(tables.penalty))
    parcel = int(np.abs(tables.parcel).max()) + int(np.abs(tables.shipment).max())
    money = int(dearest @ tables.atoms) + units * parcel + 1
    if money * shipments * places < kernel.REACH:
        return Ties(shipments * places, places, 1)
    if money * shipments < kernel.REACH:
        return Ties(shipments, 1, 0)
    sentence = "The amounts of this order are too large to add up."
    raise FieldViolation("lines", "amount_max", sentence)

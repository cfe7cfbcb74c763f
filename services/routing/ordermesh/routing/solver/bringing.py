"""What it counts to bring each state to a hub: the recurrence of ``domain.bringing`` on arrays."""

import numpy as np

from ordermesh.routing.domain.bringing import may_bring
from ordermesh.routing.domain.costs import (
    atom_micrograms,
    atom_terms,
    line_terms,
    parcel_micrograms,
    parcel_terms,
    shipment_terms,
)
from ordermesh.routing.domain.problem import Candidate, Option, Problem
from ordermesh.routing.domain.scale import Scale
from ordermesh.routing.domain.terms import Term
from ordermesh.routing.solver.counts import opened_lines
from ordermesh.routing.solver.lattice import Integers, Lattice
from ordermesh.routing.solver.tables import Tables


class Legs:
    """What the candidates of some tables bring to themselves, each found once."""

    def __init__(
        self, problem: Problem, scale: Scale, tables: Tables, lattice: Lattice, infinite: int
    ) -> None:
        self._problem, self._scale = problem, scale
        self._tables, self._lattice, self._infinite = tables, lattice, infinite
        self._known: dict[int, Integers] = {}

    def added(self, row: int, values: Integers) -> Integers:
        """The values (S) of a candidate with what it counts to bring what it sends."""
        candidate = self._problem.candidates[int(self._tables.rows[row])]
        if not candidate.legs:
            return values
        if row not in self._known:
            self._known[row] = _bringing(
                self._problem,
                self._scale,
                candidate,
                self._tables,
                self._lattice,
                self._infinite,
            )
        total = values + self._known[row]
        return np.where(total >= self._infinite // 2, self._infinite, total)


def _bringing(
    problem: Problem,
    scale: Scale,
    hub: Candidate,
    tables: Tables,
    lattice: Lattice,
    infinite: int,
) -> Integers:
    """What it counts at least to bring each state (S), ``infinite`` where it cannot be brought."""
    offsets, parts, rests = lattice.all_pairs
    known = np.full(lattice.size, infinite, object if tables.is_exact else np.int64)
    known[0] = 0
    for leg in hub.legs:
        values = _values(problem, scale, leg, tables, lattice, infinite)
        least = np.minimum.reduceat(values[parts] + known[rests], offsets)
        known = np.minimum(np.minimum(known, least), infinite)
    return known


def _values(
    problem: Problem,
    scale: Scale,
    leg: Candidate,
    tables: Tables,
    lattice: Lattice,
    infinite: int,
) -> Integers:
    """What it counts that one leg brings each state (S), by the run that counts least."""
    columns = tables.columns.tolist()
    opened = opened_lines(lattice, tables.lines)
    best = np.full(lattice.size, infinite, object if tables.is_exact else np.int64)
    for option in leg.options:
        once, per_line, atoms = _rates(problem, scale, leg, option, columns)
        counts = lattice.counts.astype(best.dtype)
        total = once + per_line * opened + counts @ np.array(atoms, best.dtype)
        barred = [problem.groups[place].line_id in option.excluded_line_ids for place in columns]
        total = np.where((lattice.counts[:, barred] > 0).any(axis=1), infinite, total)
        best = np.minimum(best, total)
    for state, numbers in enumerate(lattice.counts.tolist()):
        taken = {columns[place]: number for place, number in enumerate(numbers) if number}
        if not taken or not may_bring(problem, leg, taken):
            best[state] = infinite
    return best


def _rates(
    problem: Problem, scale: Scale, leg: Candidate, option: Option, columns: list[int]
) -> tuple[int, int, list[int]]:
    """What a run counts once, for each order line, and for an atom of each group."""
    once = scale.money(shipment_terms(leg) + parcel_terms(problem, leg, option, 0))
    once += scale.count(Term.CARBON_MICROGRAMS, parcel_micrograms(problem, leg, option))
    atoms = []
    for column in columns:
        group = problem.groups[column]
        each = scale.money(atom_terms(problem, leg, option, group))
        emitted = atom_micrograms(problem, leg, option, group)
        atoms.append(each + scale.count(Term.CARBON_MICROGRAMS, emitted))
    return once, scale.money(line_terms(leg, 1)), atoms

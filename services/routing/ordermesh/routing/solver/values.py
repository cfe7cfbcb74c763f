"""What each candidate charges for every state, parcels and services chosen, and how it packs one.

Candidates that pay by the number of parcels need only count them; the others are packed by a
recurrence over the parts of each state. Numbers are those of the scale, without ties.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ordermesh.routing.domain.parcelling import (
    Load,
    atom_value,
    is_torn,
    load_of,
    loads_of,
    parcel_value,
)
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.domain.scale import Scale
from ordermesh.routing.domain.terms import Term
from ordermesh.routing.solver import kernel
from ordermesh.routing.solver.bringing import Legs
from ordermesh.routing.solver.counts import Counts, count_parcels, opened_lines
from ordermesh.routing.solver.lattice import Integers, Lattice
from ordermesh.routing.solver.tables import NO_LIMIT, Tables

Booleans = NDArray[np.bool_]


class Values:
    """Values by candidate and state (I, S) of one component, in its own order.

    ``bounds`` are lower bounds of ``values``: they differ only where the fewest parcels of a
    shipment were not proven. Nothing is written down before it is asked for.
    """

    def __init__(self, problem: Problem, scale: Scale, tables: Tables, lattice: Lattice) -> None:
        self._problem, self._scale, self._tables, self._lattice = problem, scale, tables, lattice
        self._groups = [problem.groups[column] for column in tables.columns.tolist()]
        self.counts = self._count_parcels()
        self.are_proven = self.counts.are_fewest
        self._numbered: dict[int, list[Integers]] = {}
        self._legs = Legs(problem, scale, tables, lattice, infinity(tables))

    @cached_property
    def are_sums(self) -> bool:
        """Whether each candidate pays by the number of parcels, and may ship all that it holds."""
        tables = self._tables
        if tables.is_exact or not tables.counted.all() or tables.per_line.any():
            return False
        if (tables.holds @ tables.units > tables.capacity).any():
            return False
        shared = tables.shared
        needed = tables.holds @ tables.needs[:, shared]
        return bool((needed <= tables.available[:, shared]).all())

    @cached_property
    def values(self) -> Integers:
        """What each candidate charges for each state (I, S)."""
        values = self._filled(self.counts.parcels)
        for row in np.flatnonzero(~self._tables.counted).tolist():
            self._fill_priced(row, values)
        self._open_lines(values, range(len(values)))
        for row in range(len(values)):
            values[row] = self._legs.added(row, values[row])
        return values

    def _open_lines(self, values: Integers, rows: Iterable[int]) -> None:
        """Add what the order lines of each state count, in these rows of values."""
        per_line = self._tables.per_line
        if per_line.any():
            for row in rows:
                values[row] = self._with_lines(row, values[row])

    def _with_lines(self, row: int, values: Integers) -> Integers:
        """The values (S) of a candidate with what the order lines of each state count."""
        each = self._tables.per_line[row]
        if not each:
            return values
        cannot_be = values >= infinity(self._tables) // 2
        return np.where(cannot_be, values, values + each * self._opened.astype(values.dtype))

    @cached_property
    def _opened(self) -> Integers:
        """Of how many order lines each state (S) has anything."""
        return opened_lines(self._lattice, self._tables.lines)

    @cached_property
    def _fits(self) -> Booleans:
        tables, shared = self._tables, self._tables.shared
        return kernel.fitting(
            self._lattice.counts,
            tables.units,
            tables.holds,
            np.ascontiguousarray(tables.needs[:, shared].T),
            np.ascontiguousarray(tables.available[:, shared]),
            tables.capacity,
        )

    def in_parcels(self, row: int, parcels: int) -> Integers:
        """What a candidate charges for each state (S) in exactly so many parcels."""
        if self._tables.counted[row]:
            own = self.counts.parcels[self.counts.which[row]] == parcels
            return np.where(own, self.values[row], infinity(self._tables))
        return self._legs.added(row, self._with_lines(row, self._by_number(row)[parcels - 1]))

    def _by_number(self, row: int) -> list[Integers]:
        """The values of a candidate whose parcels are priced, by their number up to the limit."""
        if row not in self._numbered:
            self._numbered[row] = self._priced_by_number(row)
        return self._numbered[row]

    def _priced_by_number(self, row: int) -> list[Integers]:
        infinite, most = infinity(self._tables), self._problem.parcels_max or 1
        offsets, parts, rests = self._lattice.all_pairs
        fits, torn = self._fits[row], self._torn_states(row)
        once, singles, _, _ = self._packed(row)
        packed = np.full(self._lattice.size, infinite, singles.dtype)
        packed[0] = 0
        found: list[Integers] = []
        for _ in range(most):
            packed = np.minimum.reduceat(singles[parts] + packed[rests], offsets)
            packed = np.minimum(packed, infinite)
            values = np.where(fits & ~torn & (packed < infinite // 2), packed + once, infinite)
            values[0] = infinite
            found.append(values)
        for state in np.flatnonzero(fits & torn).tolist():
            number = len(self._loads_of(row, state) or ())
            if 0 < number <= most:
                found[number - 1][state] = self._by_the_domain(row, state)
        return found

    def _loads_of(self, row: int, state: int) -> tuple[Load, ...] | None:
        """The parcels of a state as the domain packs it, None where no service takes it."""
        candidate = self._problem.candidates[int(self._tables.rows[row])]
        columns = self._tables.columns.tolist()
        counts = self._lattice.counts[state].tolist()
        taken = {columns[place]: number for place, number in enumerate(counts) if number}
        try:
            return loads_of(self._problem, candidate, taken, self._scale)
        except ValueError:
            return None

    def parcels_of(self, row: int, state: int) -> int:
        """In how many parcels a state is shipped whose parcels are counted, or one service's."""
        if self._tables.counted[row]:
            return int(self.counts.parcels[self.counts.which[row], state])
        return len(self._loads_of(row, state) or ())

    def loads_in_parcels(self, row: int, state: int, parcels: int) -> tuple[Load, ...] | None:
        """The parcels of a state when there are so many, None where they are not priced."""
        if self._tables.counted[row] or self._torn_states(row)[state]:
            return None
        once, singles, chosen, _ = self._packed(row)
        by_number = self._by_number(row)
        offsets, parts, rests = self._lattice.all_pairs
        found: list[Load] = []
        while state:
            end = offsets[state + 1] if state + 1 < self._lattice.size else len(parts)
            span = slice(offsets[state], end)
            if parcels == 1:
                part = state
            else:
                totals = singles[parts[span]] + by_number[parcels - 2][rests[span]] - once
                part = int(parts[span][int(np.argmin(totals))])
            found.append(self._load(row, part, chosen))
            state, parcels = state - part, parcels - 1
        return tuple(found)

    def bounds(self) -> Integers:
        """Lower bounds of the values."""
        bounds = self._filled(self.counts.fewest)
        self._open_lines(bounds, np.flatnonzero(self._tables.counted).tolist())
        priced = ~self._tables.counted
        bounds[priced] = self.values[priced]
        return bounds

    def loads(self, row: int, state: int) -> tuple[Load, ...] | None:
        """The parcels of a state from a candidate, None where they are counted or one service's."""
        if self._tables.counted[row] or self._tables.is_exact:
            return None
        if self._torn_states(row)[state]:
            return None
        _, singles, chosen, packed = self._packed(row)
        flat, places = self._lattice.flat, self._lattice.places
        loads = []
        while state:
            part = state
            if singles[state] != packed[state]:
                span = slice(flat.starts[places[state]], flat.starts[places[state] + 1])
                totals = singles[flat.parts[span]] + packed[flat.rests[span]]
                part = int(flat.parts[span][int(np.argmin(totals))])
            loads.append(self._load(row, part, chosen))
            state -= part
        return tuple(loads)

    def _load(self, row: int, part: int, chosen: Integers) -> Load:
        """Atoms of one parcel, by the option that was chosen for it."""
        ways = np.flatnonzero(self._tables.ways.owner == self._tables.rows[row])
        columns = self._tables.columns.tolist()
        option = int(self._tables.ways.place[ways[chosen[part]]])
        counts = self._lattice.counts[part].tolist()
        atoms = [(columns[group], number) for group, number in enumerate(counts) if number]
        return load_of(self._problem, option, atoms)

    def _filled(self, parcels: Integers) -> Integers:
        """The values of candidates that pay by the number of parcels, infinite elsewhere."""
        tables, lattice = self._tables, self._lattice
        rows = np.flatnonzero(tables.counted)
        if tables.is_exact:
            return self._filled_exactly(rows, parcels)
        values = np.full((len(tables.parcel), lattice.size), kernel.INFINITE, np.int64)
        kernel.fill_counted(
            values,
            rows,
            lattice.counts,
            tables.shipment,
            tables.parcel,
            tables.atom,
            parcels,
            self.counts.which,
            self._fits,
        )
        return values

    def _filled_exactly(self, rows: Integers, parcels: Integers) -> Integers:
        """The same in Python's own integers."""
        tables = self._tables
        infinite = infinity(tables)
        values = np.full((len(tables.parcel), self._lattice.size), infinite, object)
        counts = self._lattice.counts.astype(object)
        for row in rows:
            total = tables.shipment[row] + counts @ tables.atom[row]
            total = total + tables.parcel[row] * parcels[self.counts.which[row]].astype(object)
            values[row] = np.where(self._fits[row], total, infinite)
        return values

    def _count_parcels(self) -> Counts:
        """Parcels by state for each limit that a counted candidate has."""
        tables = self._tables
        ways = tables.ways
        first = np.searchsorted(ways.owner, tables.rows)
        counted = ways.limit[first][tables.counted]
        if not len(counted) or (counted == counted[0]).all():
            # Nearly always there is one limit for all, or none.
            limits = counted[:1] if len(counted) else np.array([NO_LIMIT])
            which = np.zeros(len(first), np.int64)
        else:
            own = np.where(tables.counted, ways.limit[first], counted[0])
            limits, which = np.unique(own, return_inverse=True)
        pairs = [count_parcels(self._groups, self._lattice, int(limit)) for limit in limits]
        return Counts(
            np.stack([pair[0] for pair in pairs]),
            np.stack([pair[1] for pair in pairs]),
            which.astype(np.int64),
        )

    def _fill_priced(self, row: int, found: Integers) -> None:
        """The values of a candidate whose parcels are priced by what is in them."""
        fits = self._fits[row]
        if self._tables.is_exact:
            states: Sequence[int] = np.flatnonzero(fits).tolist()
        else:
            once, _, _, packed = self._packed(row)
            found[row] = np.where(fits & (packed < kernel.REACH), packed + once, kernel.INFINITE)
            states = np.flatnonzero(fits & self._torn_states(row)).tolist()
        for state in states:
            found[row, state] = self._by_the_domain(row, state)

    def _by_the_domain(self, row: int, state: int) -> int:
        """One value as the domain finds it."""
        problem, scale = self._problem, self._scale
        candidate = problem.candidates[int(self._tables.rows[row])]
        columns = self._tables.columns.tolist()
        counts = self._lattice.counts[state].tolist()
        taken = {columns[place]: number for place, number in enumerate(counts) if number}
        total = int(self._tables.shipment[row])
        try:
            loads = loads_of(problem, candidate, taken, scale)
        except ValueError:
            # No one service takes all of it.
            return infinity(self._tables)
        for load in loads:
            option = candidate.options[load.option]
            total += parcel_value(problem, candidate, option, scale, load.grams, load.cubic_mm)
        used = {load.option for load in loads}
        if len(used) == 1:
            carried = [(loads[0].option, index, number) for index, number in taken.items()]
        else:
            carried = [
                (load.option, index, _atoms_in(load, problem, index))
                for load in loads
                for index in taken
            ]
        for place, index, number in carried:
            option = candidate.options[place]
            each = atom_value(problem, candidate, option, scale, problem.groups[index])
            total += number * each
        return total

    def _torn_states(self, row: int) -> Booleans:
        """The states with something that fits no parcel from this candidate."""
        candidate = self._problem.candidates[int(self._tables.rows[row])]
        torn = [is_torn(self._problem, candidate, group) for group in self._groups]
        if not any(torn):
            return np.zeros(self._lattice.size, np.bool_)
        found: Booleans = np.asarray((self._lattice.counts[:, torn] > 0).any(axis=1))
        return found

    def _packed(self, row: int) -> tuple[int, Integers, Integers, Integers]:
        """The shipment's own value, then by state: as one parcel, by which way, and at best."""
        lattice, ways = self._lattice, self._tables.ways
        own = np.flatnonzero(ways.owner == self._tables.rows[row])
        alone, grams, cubic_mm = self._loads_of_states()
        tariffs = [self._problem.tariffs[index] for index in ways.tariff[own].tolist()]
        width = max([1, *(len(one.brackets) for one in tariffs)])
        edges = np.full((len(own), width), -1, np.int64)
        prices = np.zeros((len(own), width), np.int64)
        for place, one in enumerate(tariffs):
            for column, bracket in enumerate(one.brackets):
                edges[place, column] = bracket.grams_max
                prices[place, column] = bracket.price
        singles = np.full(lattice.size, kernel.INFINITE, np.int64)
        chosen = np.full(lattice.size, -1, np.int64)
        columns = self._tables.columns
        factor = self._scale.coefficients.get(Term.FREIGHT, 0)
        kernel.fill_singles(
            singles,
            chosen,
            lattice.counts,
            self._fits[row],
            alone,
            grams,
            cubic_mm,
            ways.constant[own],
            ways.atom[np.ix_(own, columns)],
            ways.carries[np.ix_(own, columns)],
            ways.limit[own],
            _vector([-1 if one.is_linear else one.cubic_mm_per_gram for one in tariffs]),
            _vector([one.grams_step for one in tariffs]),
            edges,
            prices,
            _vector([one.per_parcel for one in tariffs]),
            _vector([one.per_kg for one in tariffs]),
            factor,
        )
        packed = np.full(lattice.size, kernel.INFINITE, np.int64)
        gains = len(own) > 1 or any(
            factor * one.merging_excess > int(constant)
            for one, constant in zip(tariffs, ways.constant[own], strict=True)
        )
        flat = lattice.flat
        kernel.pack(
            packed,
            singles,
            np.full(lattice.size, not gains, np.bool_),
            flat.order,
            flat.starts,
            flat.parts,
            flat.rests,
        )
        return int(self._tables.shipment[row]), singles, chosen, packed

    def _loads_of_states(self) -> tuple[Booleans, Integers, Integers]:
        """By state: whether its goods may lie together, their weight and their volume."""
        counts = self._lattice.counts
        alone: Booleans = np.ones(self._lattice.size, np.bool_)
        categories = [group.category for group in self._groups]
        for first, second in self._problem.apart:
            has = [
                (counts[:, [one == name for one in categories]] > 0).any(axis=1)
                for name in (first, second)
            ]
            alone[has[0] & has[1]] = False
        grams = counts @ _vector([group.grams for group in self._groups])
        cubic_mm = counts @ _vector([group.cubic_mm for group in self._groups])
        return alone, grams, cubic_mm


def infinity(tables: Tables) -> int:
    """More than any plan counts."""
    if not tables.is_exact:
        return kernel.INFINITE
    most = [*np.abs(tables.atom).max(axis=0), *np.abs(tables.penalty)]
    reach = sum(int(one) for one in most if one < 2**61) + int(np.abs(tables.parcel).max())
    reach += int(np.abs(tables.shipment).max()) + 2**61
    return (1 << 24) * reach * (1 + int(tables.units @ tables.atoms))


def _atoms_in(load: Load, problem: Problem, index: int) -> int:
    group = problem.groups[index]
    units = {(line.line_id, line.sku): line.quantity for line in load.lines}
    return units.get(group.name, 0) // group.parts[0].units


def _vector(numbers: Sequence[int]) -> Integers:
    return np.array(numbers, np.int64)

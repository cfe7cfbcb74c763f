"""The parcels of one shipment: what lies together in which box, and which service takes it.

- From a location with one service whose tariff is a line, and where everything may lie together,
  only the number of parcels matters: units go into the fewest.
- A shipment with something that must leave together and fits no parcel leaves by one service,
  in the fewest parcels.
- Else what must leave together lies in one parcel, and the parcels and their services are those
  that count least, found by trying every set of atoms as the parcel of the first one that is left
  (a set-partition recurrence).
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ordermesh.routing.domain.costs import (
    CostTerms,
    atom_micrograms,
    atom_terms,
    days_late,
    parcel_limit,
    parcel_micrograms,
    parcel_terms,
)
from ordermesh.routing.domain.parcels import pack, weights_of
from ordermesh.routing.domain.problem import Candidate, Group, Option, Problem
from ordermesh.routing.domain.scale import Scale
from ordermesh.routing.domain.terms import Term

PAIRS_MAX = 60_000
"""Pairs of a set of atoms and a part of it that are tried; beyond, parcels are filled in turn."""

Atoms = tuple[tuple[int, int], ...]
"""Pairs of a group's index and a number of its atoms, by index."""


@dataclass(frozen=True, slots=True)
class PlanLine:
    """Units of one SKU for one line; a kit's line appears once for each component."""

    line_id: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Load:
    """What lies in one parcel, and which of the candidate's options takes it."""

    option: int
    lines: tuple[PlanLine, ...]
    grams: int
    cubic_mm: int


def lines_of(groups: Sequence[Group], atoms: Iterable[tuple[int, int]]) -> tuple[PlanLine, ...]:
    """Atoms as lines, in the order of the groups."""
    return tuple(
        PlanLine(groups[index].line_id, part.sku, part.units * number)
        for index, number in sorted(atoms)
        if number > 0
        for part in groups[index].parts
    )


def is_counted(problem: Problem, candidate: Candidate) -> bool:
    """Whether only the number of parcels matters of what leaves from here."""
    alone = len(candidate.options) == 1 and not candidate.options[0].excluded_line_ids
    if candidate.legs:
        return False
    return alone and not problem.apart and problem.tariffs[candidate.options[0].tariff].is_linear


def is_torn(problem: Problem, candidate: Candidate, group: Group) -> bool:
    """Whether an atom of the group fits no parcel from here."""
    limits = [
        parcel_limit(problem, problem.tariffs[option.tariff])
        for option in candidate.options
        if group.line_id not in option.excluded_line_ids
    ]
    return all(limit is not None and group.grams > limit for limit in limits)


def loads_of(
    problem: Problem, candidate: Candidate, taken: Mapping[int, int], scale: Scale
) -> tuple[Load, ...]:
    """The parcels of these atoms by group index. Raises ``ValueError`` if no service takes one."""
    atoms = tuple((index, number) for index, number in sorted(taken.items()) if number > 0)
    if is_counted(problem, candidate):
        return _fewest(problem, candidate, 0, [atoms])
    groups = [problem.groups[index] for index, _ in atoms]
    if any(is_torn(problem, candidate, group) for group in groups):
        return _by_one_service(problem, candidate, atoms, scale)
    return _Partition(problem, candidate, scale, atoms).best()


def parcel_value(
    problem: Problem, candidate: Candidate, option: Option, scale: Scale, grams: int, cubic_mm: int
) -> int:
    """What a parcel counts on the scale, beside its atoms."""
    billable = problem.tariffs[option.tariff].billable_grams(grams, cubic_mm)
    terms = parcel_terms(problem, candidate, option, billable)
    split = CostTerms(split=problem.costs.split_charge)
    value = scale.money(terms) + scale.money(split) + scale.count(Term.PARCELS, 1)
    micrograms = parcel_micrograms(problem, candidate, option)
    return value + scale.count(Term.CARBON_MICROGRAMS, micrograms)


def atom_value(
    problem: Problem, candidate: Candidate, option: Option, scale: Scale, group: Group
) -> int:
    """What one atom of the group counts on the scale, beside its share of a parcel."""
    value = scale.money(atom_terms(problem, candidate, option, group))
    if scale.is_plain:
        return value
    value += scale.count(Term.LATE_ATOMS, int(days_late(option, problem.promise_days) > 0))
    value += scale.count(Term.ATOM_DAYS, option.days)
    if candidate.available_from:
        value += scale.count(Term.BACKORDERED_UNITS, group.units)
    micrograms = atom_micrograms(problem, candidate, option, group)
    value += scale.count(Term.CARBON_MICROGRAMS, micrograms)
    place = problem.candidates.index(candidate) if any(scale.by_rank) else 0
    return value + scale.by_rank[place] * group.units


def compartments(problem: Problem, atoms: Atoms) -> list[Atoms]:
    """The atoms by what may lie together, where something may not: each category by itself."""
    categories = {problem.groups[index].category for index, _ in atoms}
    if not any(set(pair) <= categories for pair in problem.apart):
        return [atoms]
    return [
        tuple((index, number) for index, number in atoms if problem.groups[index].category == one)
        for one in sorted(categories)
    ]


def _by_one_service(
    problem: Problem, candidate: Candidate, atoms: Atoms, scale: Scale
) -> tuple[Load, ...]:
    """The fewest parcels by the one service that counts least for them."""
    best: tuple[int, tuple[Load, ...]] | None = None
    for place, option in enumerate(candidate.options):
        if any(problem.groups[index].line_id in option.excluded_line_ids for index, _ in atoms):
            continue
        loads = _fewest(problem, candidate, place, compartments(problem, atoms))
        value = sum(
            parcel_value(problem, candidate, option, scale, load.grams, load.cubic_mm)
            for load in loads
        )
        value += sum(
            number * atom_value(problem, candidate, option, scale, problem.groups[index])
            for index, number in atoms
        )
        if best is None or value < best[0]:
            best = (value, loads)
    if best is None:
        raise ValueError(f"no service takes all of a shipment from {candidate.location_id}")
    return best[1]


def _fewest(
    problem: Problem, candidate: Candidate, option: int, apart: Iterable[Atoms]
) -> tuple[Load, ...]:
    """The units in the fewest parcels; equal weights are filled in order of lines."""
    limit = parcel_limit(problem, problem.tariffs[candidate.options[option].tariff])
    loads: list[Load] = []
    for atoms in apart:
        waiting: dict[int, list[tuple[PlanLine, int]]] = {}
        for index, number in atoms:
            group = problem.groups[index]
            for part in group.parts:
                line = PlanLine(group.line_id, part.sku, part.units * number)
                waiting.setdefault(part.weight_grams, []).append((line, part.cubic_mm))
        weights = weights_of(
            [(grams, line.quantity) for grams, lines in waiting.items() for line, _ in lines]
        )
        for numbers in pack(weights, limit).parcels:
            drawn = [
                pair
                for (grams, _), number in zip(weights, numbers, strict=True)
                for pair in _draw(waiting[grams], number)
            ]
            loads.append(
                Load(
                    option,
                    tuple(sorted((line for line, _ in drawn), key=_place)),
                    sum(g * n for (g, _), n in zip(weights, numbers, strict=True)),
                    sum(line.quantity * cubic_mm for line, cubic_mm in drawn),
                )
            )
    return tuple(loads)


def _place(line: PlanLine) -> tuple[str, str]:
    return (line.line_id, line.sku)


def _draw(waiting: list[tuple[PlanLine, int]], number: int) -> list[tuple[PlanLine, int]]:
    """Take so many units from the front of the list."""
    drawn: list[tuple[PlanLine, int]] = []
    while number:
        line, cubic_mm = waiting.pop(0)
        taken = min(number, line.quantity)
        drawn.append((PlanLine(line.line_id, line.sku, taken), cubic_mm))
        if taken < line.quantity:
            rest = PlanLine(line.line_id, line.sku, line.quantity - taken)
            waiting.insert(0, (rest, cubic_mm))
        number -= taken
    return drawn


@dataclass
class _Partition:
    """The parcels and services of atoms that each fit a parcel."""

    problem: Problem
    candidate: Candidate
    scale: Scale
    atoms: Atoms
    known: dict[tuple[int, ...], tuple[int, tuple[int, ...], int]] = field(default_factory=dict)
    singles: dict[tuple[int, ...], tuple[int, int] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        groups = [self.problem.groups[index] for index, _ in self.atoms]
        self._groups = groups
        self._atom_values = [
            [
                None
                if group.line_id in option.excluded_line_ids
                else atom_value(self.problem, self.candidate, option, self.scale, group)
                for group in groups
            ]
            for option in self.candidate.options
        ]
        self._limits = [
            parcel_limit(self.problem, self.problem.tariffs[option.tariff])
            for option in self.candidate.options
        ]

    def best(self) -> tuple[Load, ...]:
        """The parcels that count least."""
        counts = tuple(number for _, number in self.atoms)
        pairs = math.prod((number + 1) * (number + 2) // 2 for number in counts)
        parts = self._exact(counts) if pairs <= PAIRS_MAX else self._in_turn(counts)
        return tuple(self._load(option, part) for option, part in parts)

    def _exact(self, counts: tuple[int, ...]) -> list[tuple[int, tuple[int, ...]]]:
        self._solve(counts)
        found = []
        while any(counts):
            _, part, option = self.known[counts]
            found.append((option, part))
            counts = tuple(map(int.__sub__, counts, part))
        return found

    def _solve(self, counts: tuple[int, ...]) -> int:
        """What these atoms count at least; remembers their first parcel."""
        if not any(counts):
            return 0
        if counts not in self.known:
            best: tuple[int, tuple[int, ...], int] | None = None
            for part in _parts(counts):
                single = self._single(part)
                if single is None:
                    continue
                value = single[0] + self._solve(tuple(map(int.__sub__, counts, part)))
                if best is None or value < best[0]:
                    best = (value, part, single[1])
            if best is None:
                raise ValueError(f"no service takes a parcel from {self.candidate.location_id}")
            self.known[counts] = best
        return self.known[counts][0]

    def _single(self, part: tuple[int, ...]) -> tuple[int, int] | None:
        """What the atoms count as one parcel by the best option, None if they cannot be one."""
        if part not in self.singles:
            self.singles[part] = self._as_one(part)
        return self.singles[part]

    def _as_one(self, part: tuple[int, ...]) -> tuple[int, int] | None:
        atoms = tuple((place, number) for place, number in enumerate(part) if number)
        categories = {self._groups[place].category for place, _ in atoms}
        if any(set(pair) <= categories for pair in self.problem.apart):
            return None
        grams = sum(self._groups[place].grams * number for place, number in atoms)
        volume = sum(self._groups[place].cubic_mm * number for place, number in atoms)
        best: tuple[int, int] | None = None
        for place, option in enumerate(self.candidate.options):
            limit, values = self._limits[place], self._atom_values[place]
            if limit is not None and grams > limit:
                continue
            value = parcel_value(self.problem, self.candidate, option, self.scale, grams, volume)
            for group, number in atoms:
                each = values[group]
                if each is None:
                    break
                value += each * number
            else:
                if best is None or value < best[0]:
                    best = (value, place)
        return best

    def _in_turn(self, counts: tuple[int, ...]) -> list[tuple[int, tuple[int, ...]]]:
        """Parcels filled one after the other, the heaviest atoms first, each as far as it goes."""
        order = sorted(range(len(counts)), key=lambda place: -self._groups[place].grams)
        left, found = list(counts), []
        while any(left):
            part = [0] * len(counts)
            for place in order:
                low, high = 0, left[place]
                while low < high:
                    part[place] = middle = (low + high + 1) // 2
                    if self._single(tuple(part)) is None:
                        high = middle - 1
                    else:
                        low = middle
                part[place] = low
            single = self._single(tuple(part))
            if single is None:
                raise ValueError(f"no service takes a parcel from {self.candidate.location_id}")
            found.append((single[1], tuple(part)))
            left = list(map(int.__sub__, left, part))
        return found

    def _load(self, option: int, part: tuple[int, ...]) -> Load:
        atoms = [(self.atoms[place][0], number) for place, number in enumerate(part) if number]
        return load_of(self.problem, option, atoms)


def load_of(problem: Problem, option: int, atoms: Iterable[tuple[int, int]]) -> Load:
    """Whole atoms as one parcel."""
    held = list(atoms)
    return Load(
        option,
        lines_of(problem.groups, held),
        sum(problem.groups[index].grams * number for index, number in held),
        sum(problem.groups[index].cubic_mm * number for index, number in held),
    )


def _parts(counts: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Every part with at least one of the first atoms that are there, the largest first."""
    anchor = next(place for place, number in enumerate(counts) if number)
    ranges = [
        range(number, (0 if place == anchor else -1), -1) if place >= anchor else range(1)
        for place, number in enumerate(counts)
    ]
    return itertools.product(*ranges)

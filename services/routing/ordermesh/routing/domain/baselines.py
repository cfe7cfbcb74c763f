"""Named baselines: simple rules that other systems use, priced by the same cost model.

Each sees the same stock, capacity, exclusions and limits as the solver, and gives a plan that the
same verifier accepts. They are what a proven optimum is compared with, so none is weakened.
"""

from collections.abc import Callable, Mapping, Sequence

from ordermesh.routing.domain.plan import Method, Plan, assemble
from ordermesh.routing.domain.problem import Candidate, Problem

TRIES_MAX = 1_000_000
"""Sets that ``fewest_splits`` tries for an order of up to ``TRIED_LINES`` lines."""

TRIED_LINES = 12
"""Wider orders get fewer tries in proportion, since each try looks at every line."""

CAPPED = "SEARCH_CAPPED"
"""How the remark begins of a plan whose rule used up its tries."""


def nearest_single(problem: Problem) -> Plan:
    """The nearest location that covers all, else outwards, each location taking what it can."""
    return _first_that_covers(problem, _by_distance(problem))


def fixed_priority_list(problem: Problem) -> Plan:
    """The first listed location that covers all, else down the list, each taking what it can."""
    return _first_that_covers(problem, problem.candidates)


def fewest_splits(problem: Problem, tries_max: int | None = None) -> Plan:
    """The least number of locations that cover all, then the least average distance.

    Sets of one, two, three ... locations are tried; inside a set the nearest takes what it can.
    Where the network cannot cover all, the rule covers what walking outwards covers. After
    ``tries_max`` sets, begun ones included, it keeps the best so far or walks outwards, and the
    plan carries the remark ``SEARCH_CAPPED``.
    """
    if tries_max is None:
        tries_max = TRIES_MAX * TRIED_LINES // max(TRIED_LINES, len(problem.groups))
    candidates = _by_distance(problem)
    outwards = _walk(problem, candidates, limit=None)
    search = _SetSearch(problem, candidates, outwards, tries_max)
    most = min(problem.shipments_max or len(outwards), len(outwards))
    for size in range(1, most + 1):
        search.try_sets_of(size)
        if search.best is not None or search.is_capped:
            break
    remarks = (f"{CAPPED}: {tries_max} sets of locations were tried",) if search.is_capped else ()
    if search.best is not None:
        return _plan(problem, _walk(problem, search.best, limit=None), remarks)
    return _plan(problem, _walk(problem, candidates, limit=problem.shipments_max), remarks)


BASELINES: Mapping[Method, Callable[[Problem], Plan]] = {
    Method.NEAREST_SINGLE: nearest_single,
    Method.FEWEST_SPLITS: fewest_splits,
    Method.FIXED_PRIORITY_LIST: fixed_priority_list,
}
"""The baselines by method; ``Method`` is text, so ``BASELINES[Method(name)]`` finds one by name."""

NO_SERVICE = "NO_SERVICE"
"""The remark on the plan of a rule that put together what no service takes."""

TOO_MANY_PARCELS = "TOO_MANY_PARCELS"
"""The remark on the plan of a rule that needs more parcels than there may be."""

_Taken = dict[str, dict[int, int]]


def _by_distance(problem: Problem) -> tuple[Candidate, ...]:
    """Nearest first; equal distances in the order of rank and id."""
    return tuple(sorted(problem.candidates, key=lambda candidate: candidate.distance_km))


def _first_that_covers(problem: Problem, candidates: Sequence[Candidate]) -> Plan:
    """One location for all if there is one, else all of them in turn."""
    for candidate in candidates:
        if _covers(problem, candidate):
            return _plan(problem, _walk(problem, (candidate,), limit=None))
    return _plan(problem, _walk(problem, candidates, limit=problem.shipments_max))


def _covers(problem: Problem, candidate: Candidate) -> bool:
    """Whether the location can ship the whole order."""
    room, available = candidate.capacity_units, dict(candidate.available)
    return (
        (room is None or room >= problem.units)
        and all(available.get(sku, 0) >= units for sku, units in problem.wanted.items())
        and not any(group.line_id in candidate.excluded_line_ids for group in problem.groups)
    )


def _plan(problem: Problem, taken: _Taken, remarks: tuple[str, ...] = ()) -> Plan:
    """The plan of what was taken, or of nothing where all was asked for and not all was found."""
    whole = sum(group.atoms for group in problem.groups)
    if problem.all_or_nothing and _filled(taken) < whole:
        taken = {}
    try:
        plan = assemble(problem, taken, remarks)
        if problem.parcels_max is None or plan.parcels <= problem.parcels_max:
            return plan
        return assemble(problem, {}, (*remarks, TOO_MANY_PARCELS))
    except ValueError:
        # The rule knows nothing of services, and no one service takes what it put together.
        return assemble(problem, {}, (*remarks, NO_SERVICE))


def _filled(taken: _Taken) -> int:
    """Atoms taken over all locations."""
    return sum(number for atoms in taken.values() for number in atoms.values())


def _walk(problem: Problem, candidates: Sequence[Candidate], *, limit: int | None) -> _Taken:
    """Each location in turn takes what it can of what is left, line by line, as whole atoms."""
    left = [group.atoms for group in problem.groups]
    taken: _Taken = {}
    for candidate in candidates:
        if not any(left) or len(taken) == limit:
            break
        available = dict(candidate.available)
        capacity = candidate.capacity_units
        room = problem.units if capacity is None else capacity
        atoms: dict[int, int] = {}
        for index, group in enumerate(problem.groups):
            if not left[index] or group.line_id in candidate.excluded_line_ids:
                continue
            number = min(
                left[index],
                room // group.units,
                *(available.get(part.sku, 0) // part.units for part in group.parts),
            )
            if number > 0:
                atoms[index] = number
                left[index] -= number
                room -= number * group.units
                for part in group.parts:
                    available[part.sku] -= number * part.units
        if atoms:
            taken[candidate.location_id] = atoms
    return taken


class _SetSearch:
    """Sets of a given size that fill the goal: ``best`` is the one with the least distance so far.

    A set grows by a location that holds the scarcest line it still lacks, so every set that is
    tried is one of those that could fill the goal. The goal is what walking outwards fills.
    """

    def __init__(
        self, problem: Problem, candidates: Sequence[Candidate], outwards: _Taken, tries_max: int
    ) -> None:
        self.best: tuple[Candidate, ...] | None = None
        self.is_capped = False
        self._best_km = 0
        self._problem = problem
        self._candidates = candidates
        self._tries_left = tries_max
        groups = range(len(problem.groups))
        self._goal = [sum(atoms.get(group, 0) for atoms in outwards.values()) for group in groups]
        self._holds = [self._held_by(candidate) for candidate in candidates]
        self._holders = [
            [index for index, held in enumerate(self._holds) if held[group]] for group in groups
        ]
        self._most = [max((held[group] for held in self._holds), default=0) for group in groups]

    def _held_by(self, candidate: Candidate) -> tuple[int, ...]:
        """Atoms of each group that the location could ship if asked for nothing else."""
        alone: list[int] = []
        available = dict(candidate.available)
        for group in self._problem.groups:
            room = candidate.capacity_units
            barred = group.line_id in candidate.excluded_line_ids
            most = 0 if barred else group.atoms if room is None else room // group.units
            stock = [available.get(part.sku, 0) // part.units for part in group.parts]
            alone.append(max(0, min(group.atoms, most, *stock)))
        return tuple(alone)

    def try_sets_of(self, size: int) -> None:
        """Look for the best set of this size."""
        self._extend((), 0, (0,) * len(self._goal), size, 0)

    def _extend(
        self, members: tuple[int, ...], km: int, held: tuple[int, ...], missing: int, barred: int
    ) -> None:
        """Try every way to bring the set to its size without the barred locations, a bit each."""
        lacking = [group for group, goal in enumerate(self._goal) if held[group] < goal]
        if not missing:
            if not lacking:
                self._finish(members, km)
            return
        if any(held[g] + missing * self._most[g] < self._goal[g] for g in lacking):
            return
        joinable: Sequence[int] = range(len(self._candidates))
        if lacking:
            joinable = self._holders[min(lacking, key=lambda group: len(self._holders[group]))]
        nearest = (missing - 1) * self._candidates[0].distance_km
        for index in joinable:
            if barred >> index & 1:
                continue
            distance = km + self._candidates[index].distance_km
            if self.best is not None and distance + nearest > self._best_km:
                return
            if self._tries_left == 0:
                self.is_capped = True
                return
            self._tries_left -= 1
            barred |= 1 << index
            joined = tuple(map(int.__add__, held, self._holds[index]))
            self._extend((*members, index), distance, joined, missing - 1, barred)

    def _finish(self, members: tuple[int, ...], km: int) -> None:
        chosen = tuple(self._candidates[index] for index in sorted(members))
        if self.best is not None and (km, self._places(chosen)) >= (
            self._best_km,
            self._places(self.best),
        ):
            return
        if _filled(_walk(self._problem, chosen, limit=None)) >= sum(self._goal):
            self.best, self._best_km = chosen, km

    @staticmethod
    def _places(chosen: tuple[Candidate, ...]) -> list[tuple[int, str]]:
        """What decides between sets of equal distance: rank, then id, nearest location first."""
        return [(candidate.rank, candidate.location_id) for candidate in chosen]

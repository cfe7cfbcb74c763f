"""What is brought to a hub by which run: the legs of one shipment that count least together.

Each leg takes part of the atoms by one of its runs, at most what it has; all of them are taken. The
least sum is found leg by leg: ``f_j[x]`` is the lesser of ``f_(j-1)[x]`` and, over all parts y of x
that leg j can bring, ``value_j(y) + f_(j-1)[x - y]``.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping

from ordermesh.routing.domain.costs import leg_micrograms, leg_terms
from ordermesh.routing.domain.problem import Candidate, Option, Problem
from ordermesh.routing.domain.scale import Scale
from ordermesh.routing.domain.terms import Term

Brought = Mapping[str, Mapping[int, int]]
"""By location: how many atoms of each group it brings, by the group's index in the problem."""

Counts = tuple[int, ...]


def leg_value(
    problem: Problem, leg: Candidate, option: Option, scale: Scale, taken: Mapping[int, int]
) -> int:
    """What a run counts on the scale: its costs and its emissions; it is no shipment."""
    value = scale.money(leg_terms(problem, leg, option, taken))
    micrograms = leg_micrograms(problem, leg, option, taken)
    return value + scale.count(Term.CARBON_MICROGRAMS, micrograms)


def best_run(
    problem: Problem, leg: Candidate, scale: Scale, taken: Mapping[int, int]
) -> tuple[int, Option] | None:
    """What the run counts that counts least for these atoms, None where none takes them."""
    best: tuple[int, Option] | None = None
    lines = {problem.groups[index].line_id for index in taken}
    for option in leg.options:
        if lines & set(option.excluded_line_ids):
            continue
        value = leg_value(problem, leg, option, scale, taken)
        if best is None or value < best[0]:
            best = (value, option)
    return best


def may_bring(problem: Problem, leg: Candidate, taken: Mapping[int, int]) -> bool:
    """Whether a leg has so many atoms, may give them, and can do that much."""
    needed: dict[str, int] = {}
    for index, number in taken.items():
        group = problem.groups[index]
        if group.line_id in leg.excluded_line_ids:
            return False
        for part in group.parts:
            needed[part.sku] = needed.get(part.sku, 0) + part.units * number
    held = dict(leg.available)
    if any(units > held.get(sku, 0) for sku, units in needed.items()):
        return False
    return leg.capacity_units is None or sum(needed.values()) <= leg.capacity_units


def brought(
    problem: Problem, hub: Candidate, taken: Mapping[int, int], scale: Scale
) -> dict[str, dict[int, int]]:
    """The best way to bring these atoms, by group index, to a hub.

    Of equal ones the first leg brings most. Raises ``ValueError`` where they cannot be brought.
    """
    groups = [index for index, number in sorted(taken.items()) if number > 0]
    wanted = tuple(taken[index] for index in groups)
    known: dict[Counts, int] = {(0,) * len(wanted): 0}
    stages: list[dict[Counts, Counts]] = []
    for leg in hub.legs:
        values = dict(_values(problem, leg, scale, groups, wanted))
        after, chosen = dict(known), dict[Counts, Counts]()
        for state, before in known.items():
            for part, value in values.items():
                total = tuple(map(int.__add__, state, part))
                if any(map(int.__gt__, total, wanted)):
                    continue
                if total not in after or before + value < after[total]:
                    after[total] = before + value
                    chosen[total] = part
        stages.append(chosen)
        known = after
    if wanted not in known:
        raise ValueError(f"not all of it can be brought to {hub.place_id}")
    found: dict[str, dict[int, int]] = {}
    state = wanted
    for leg, chosen in zip(reversed(hub.legs), reversed(stages), strict=True):
        if state in chosen:
            part = chosen[state]
            found[leg.location_id] = {
                index: number for index, number in zip(groups, part, strict=True) if number
            }
            state = tuple(map(int.__sub__, state, part))
    return {leg.location_id: found[leg.location_id] for leg in hub.legs if leg.location_id in found}


def _values(
    problem: Problem, leg: Candidate, scale: Scale, groups: Iterable[int], wanted: Counts
) -> Iterator[tuple[Counts, int]]:
    indices = list(groups)
    for part in itertools.product(*(range(number + 1) for number in wanted)):
        taken = {index: number for index, number in zip(indices, part, strict=True) if number}
        if taken and may_bring(problem, leg, taken):
            best = best_run(problem, leg, scale, taken)
            if best is not None:
                yield part, best[0]

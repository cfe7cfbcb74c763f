"""Finds the few faults of a failing run that it takes to fail."""

from collections.abc import Callable, Sequence

from tests.simulation.faults import Fault


def shrink(faults: Sequence[Fault], fails: Callable[[Sequence[int]], bool]) -> list[int]:
    """The numbers of faults with which it still fails, and fails without none of them.

    ``fails`` runs with some of the faults. Halves are left out first, then smaller parts, then one
    after the other.
    """
    kept = [fault.number for fault in faults]
    size = max(1, len(kept) // 2)
    while kept:
        was = len(kept)
        start = 0
        while start < len(kept):
            fewer = [*kept[:start], *kept[start + size :]]
            if fails(fewer):
                kept = fewer
            else:
                start += size
        if size == 1 and len(kept) == was:
            break
        size = max(1, size // 2)
    return kept

"""What the controls say about one stock key for one channel at one moment, and what that leaves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ordermesh.inventory.domain.control import Control

Taken = Callable[[int], int]
"""Units that were taken from the pool of this number at the key in question."""


def nothing_taken(_number: int) -> int:
    """What was taken where there are no pools."""
    return 0


@dataclass(frozen=True)
class Conditions:
    """On what conditions a channel sells units of one key.

    ``cap`` None: no cap. ``pool`` is the channel's own, ``other_pools`` are those of the others.
    """

    is_excluded: bool = False
    safety_stock: int = 0
    buffer_units: int = 0
    buffer_percent: int = 0
    cap: int | None = None
    pool: Control | None = None
    other_pools: Sequence[Control] = ()

    @property
    def ceiling(self) -> int | None:
        """How many may be sold at most, whatever there is; None: any number."""
        return 0 if self.is_excluded else self.cap

    def floor(self, free: int) -> int:
        """Units that are held back of so many free ones."""
        percent = -(-free * self.buffer_percent // 100)
        return self.safety_stock + max(self.buffer_units, percent)

    def available(self, free: int, taken: Taken = nothing_taken) -> int:
        """Units that the channel may sell of so many free ones.

        A channel with a pool sells from it alone; all others leave the unsold rest of pools.
        """
        if self.is_excluded:
            return 0
        left = free - self.floor(free)
        if self.pool is not None:
            left = min(left, rest_of(self.pool, taken))
        else:
            left -= sum(rest_of(pool, taken) for pool in self.other_pools)
        if self.cap is not None:
            left = min(left, self.cap)
        return max(0, left)


def rest_of(pool: Control, taken: Taken) -> int:
    """Units of a pool that nobody took; never negative, though a pool may be made smaller."""
    return max(0, pool.value - taken(pool.number))


UNCONDITIONAL = Conditions()
"""What is free may be sold."""

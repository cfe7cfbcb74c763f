"""Where counts are kept."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from ordermesh.inventory.domain.count import Count, CountState, Expectation, LastCount
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.ports.names import Names
from ordermesh.runtime.database import Transaction


@dataclass(frozen=True)
class CountFilter:
    """Which counts; what is not set lets everything pass."""

    location_id: str = ""
    state: CountState | None = None


class CountStore(Protocol):
    """Where counts are kept."""

    async def get(self, tx: Transaction, count_id: str, *, lock: bool) -> Count | None:
        """One count with its lines, locked where it is to be changed."""
        ...

    async def add(self, tx: Transaction, count: Count, names: Names) -> bool:
        """Write a new count; False where one of its id exists."""
        ...

    async def save(self, tx: Transaction, before: Count, after: Count, names: Names) -> None:
        """Write what became of a count."""
        ...

    async def expected(
        self, tx: Transaction, location_id: int, skus: Collection[str] | None, size: int
    ) -> Mapping[str, Expectation]:
        """What the books expect of items at a location; None means of all that it stocks.

        At most ``size`` of them.
        """
        ...

    async def corrected(
        self, tx: Transaction, since: Mapping[StockKey, int], names: Names
    ) -> dict[StockKey, int]:
        """By how many units the books were corrected since entries, although no goods moved.

        Those declared missing are part of the books. Keys that were not corrected are left out.
        """
        ...

    async def remember(
        self, tx: Transaction, counted: Mapping[StockKey, LastCount], names: Names
    ) -> None:
        """Note that keys were counted to the end, also where the books said so already."""
        ...

    async def page(
        self,
        tx: Transaction,
        wanted: CountFilter,
        after: str,
        size: int,
    ) -> list[Count]:
        """The next counts without their lines, in the order of ids."""
        ...

"""Where supplies are kept."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.supply import Supply, SupplyRule, SupplyState
from ordermesh.inventory.ports.names import Names, Pair
from ordermesh.runtime.database import Transaction


@dataclass(frozen=True)
class SupplyFilter:
    """Which supplies; what is not set lets everything pass."""

    sku: str = ""
    location_id: str = ""
    document: str = ""
    states: frozenset[SupplyState] = frozenset()
    expected_before: datetime | None = None


class Coming(NamedTuple):
    """Units that are still to come to a key, and those of them that are on their way."""

    incoming: int
    in_transit: int


class SupplyStore(Protocol):
    """Where supplies are kept. Whoever changes one holds the lock of the balance of its key."""

    async def get(
        self, tx: Transaction, supply_ids: Collection[str], names: Names
    ) -> dict[str, Supply]:
        """The supplies that exist, by id; the surrogates of their names are noted."""
        ...

    async def due(
        self,
        tx: Transaction,
        wanted: Collection[Pair],
        rule: SupplyRule,
        now: datetime,
        names: Names,
    ) -> dict[StockKey, list[Supply]]:
        """What may be counted on at the keys, in the order of dates.

        Items that are not promised on supply have none.
        """
        ...

    async def returning(
        self, tx: Transaction, now: datetime, excluding: Collection[UUID] = ()
    ) -> dict[str, int]:
        """Units promised to overdue lines, and to lines of ``excluding``, by supply."""
        ...

    async def save(
        self,
        tx: Transaction,
        changes: Sequence[tuple[Supply | None, Supply]],
        names: Names,
        now: datetime,
    ) -> None:
        """Write supplies, as they were before and as they are to be, but for what is promised."""
        ...

    async def page(
        self, tx: Transaction, wanted: SupplyFilter, after: str, size: int
    ) -> list[Supply]:
        """The next supplies in the order of their ids."""
        ...

"""Where shortfalls are kept."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.shortfall import Promised, Shortfall
from ordermesh.inventory.ports.names import Names
from ordermesh.runtime.database import Transaction


@dataclass(frozen=True)
class ShortfallFilter:
    """Which shortfalls; what is not set lets everything pass."""

    sku: str = ""
    location_id: str = ""
    order_id: str = ""
    include_closed: bool = False


class ShortfallStore(Protocol):
    """Where shortfalls are kept. Those of a key change only under the lock of its balance."""

    async def standing(
        self, tx: Transaction, keys: Collection[StockKey], names: Names
    ) -> dict[StockKey, list[Shortfall]]:
        """The open shortfalls of keys, of each the oldest first."""
        ...

    async def promised(
        self, tx: Transaction, key: StockKey, names: Names, reservation_ids: Collection[UUID]
    ) -> Mapping[UUID, int]:
        """Units of a key that these reservations hold."""
        ...

    async def candidates(
        self, tx: Transaction, key: StockKey, names: Names, size: int
    ) -> Sequence[Promised]:
        """The first reservations that hold units of a key: for an order before without, youngest
        first.
        """
        ...

    async def add(self, tx: Transaction, opened: Sequence[Shortfall], names: Names) -> None:
        """Write new shortfalls."""
        ...

    async def change(self, tx: Transaction, changed: Sequence[Shortfall]) -> None:
        """Write what is still open of shortfalls, and when they were closed."""
        ...

    async def page(
        self,
        tx: Transaction,
        wanted: ShortfallFilter,
        after: tuple[datetime, UUID] | None,
        size: int,
    ) -> list[Shortfall]:
        """The next shortfalls, the oldest first."""
        ...

"""Where items are kept."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from ordermesh.inventory.domain.item import Catalog, Item
from ordermesh.inventory.domain.kit import Kit
from ordermesh.inventory.ports.names import Names
from ordermesh.runtime.database import Transaction


class Features(NamedTuple):
    """What decides about the sale of an item besides its stock.

    ``is_uncounted``: it is not reserved, so that promises do not count for readers.
    """

    tags: tuple[str, ...]
    is_unsellable: bool
    is_uncounted: bool


class ItemStore(Protocol):
    """Where items are kept."""

    async def resolve(self, tx: Transaction, skus: Collection[str], names: Names) -> dict[str, Kit]:
        """Read the surrogates of SKUs and of their components; gives the kits among them.

        Raises ``UnknownSku`` with every one that does not exist.
        """
        ...

    async def look_up(self, tx: Transaction, skus: Collection[str], names: Names) -> dict[str, Kit]:
        """As ``resolve``, but what does not exist is left out."""
        ...

    async def kits_among(self, tx: Transaction, skus: Collection[str]) -> set[str]:
        """Which of the SKUs are kits, read afresh."""
        ...

    async def features(self, tx: Transaction, skus: Collection[str]) -> dict[str, Features]:
        """What decides about the sale of items, by SKU."""
        ...

    async def kits_with(self, tx: Transaction, skus: Collection[str]) -> set[str]:
        """The kits of which any of the items is a component."""
        ...

    async def lock_catalog(
        self, tx: Transaction, skus: Collection[str], becoming: Collection[str]
    ) -> Catalog:
        """Lock and read items; ``becoming`` may become kits, so their balances are locked too."""
        ...

    async def put(self, tx: Transaction, items: Sequence[Item], now: datetime) -> None:
        """Store new and changed items, and tell the watchers."""
        ...

    async def get(self, tx: Transaction, skus: Collection[str]) -> dict[str, Item]:
        """The items that exist, by SKU."""
        ...

    async def page(self, tx: Transaction, after: str, size: int) -> list[Item]:
        """The next items in the order of SKUs."""
        ...

    async def kits_page(
        self, tx: Transaction, skus: Collection[str], after: str, size: int
    ) -> list[Item]:
        """The next kits in the order of SKUs; no SKUs means all."""
        ...

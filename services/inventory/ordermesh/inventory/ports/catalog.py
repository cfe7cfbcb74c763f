"""What items and locations say, as reads of the ledger need it, and whether it still holds."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from ordermesh.inventory.domain.control_table import ControlTable
from ordermesh.inventory.domain.kit import Kit
from ordermesh.inventory.ports.items import Features
from ordermesh.inventory.ports.locations import Place
from ordermesh.inventory.ports.recollection import Stamps
from ordermesh.runtime.database import Transaction


class KnownItem(NamedTuple):
    """An item by its surrogate, what decides about its sale, and what it is made of."""

    item_id: int
    features: Features
    kit: Kit | None


@dataclass
class CatalogPage:
    """Items by SKU and places by surrogate that were read under the same stamps."""

    stamps: Stamps
    items: dict[str, KnownItem] = field(default_factory=dict)
    places: dict[int, Place] = field(default_factory=dict)


class Glance(NamedTuple):
    """What a read looks at first, all of one moment.

    ``page`` holds what is known of the catalog at that moment, ``controls`` are those of then.
    ``has_overdue``: there are holds whose time has passed and that nobody has swept yet.
    """

    revision: int
    page: CatalogPage
    controls: ControlTable
    has_overdue: bool


class CatalogStore(Protocol):
    """Where items and locations are read for many questions, and remembered while they stay."""

    async def glance(self, tx: Transaction, now: datetime) -> Glance:
        """What is to be known before anything else is read."""
        ...

    async def items(
        self, tx: Transaction, page: CatalogPage, skus: Collection[str]
    ) -> Mapping[str, KnownItem]:
        """These items, and the components of kits among them. Raises ``UnknownSku``."""
        ...

    async def places(
        self, tx: Transaction, page: CatalogPage, location_ids: Collection[int]
    ) -> dict[int, Place]:
        """These locations, by surrogates."""
        ...

"""Where locations are kept."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from ordermesh.inventory.domain.location import Location
from ordermesh.inventory.ports.names import Names
from ordermesh.runtime.database import Transaction


class Place(NamedTuple):
    """A location as a large read needs it."""

    location_id: str
    is_disabled: bool
    groups: tuple[str, ...] = ()


class LocationStore(Protocol):
    """Where locations are kept."""

    async def resolve(self, tx: Transaction, location_ids: Collection[str], names: Names) -> None:
        """Read the surrogates; raises ``UnknownLocation`` with every one that does not exist."""
        ...

    async def look_up(self, tx: Transaction, location_ids: Collection[str], names: Names) -> None:
        """As ``resolve``, but what does not exist is left out."""
        ...

    async def in_groups(
        self, tx: Transaction, groups: Collection[str], names: Names
    ) -> dict[str, list[str]]:
        """The locations of groups that have any, in the order of their ids."""
        ...

    async def places(self, tx: Transaction, location_ids: Collection[int]) -> dict[int, Place]:
        """What locations are called, and whether they are switched off, by surrogates."""
        ...

    async def lock(self, tx: Transaction, location_ids: Collection[str]) -> dict[str, Location]:
        """Lock and read the locations that exist, by id."""
        ...

    async def put(self, tx: Transaction, locations: Sequence[Location], now: datetime) -> None:
        """Store new and changed locations, and tell the watchers."""
        ...

    async def get(self, tx: Transaction, location_ids: Collection[str]) -> dict[str, Location]:
        """The locations that exist, by id."""
        ...

    async def page(self, tx: Transaction, after: str, size: int) -> list[Location]:
        """The next locations in the order of ids."""
        ...

"""Where the network is kept: how locations fulfill, switches, and capacity."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from ordermesh.routing.domain.capacity import CapacityHold, Share, WindowKey
from ordermesh.routing.domain.carrier_calendars import NamedCalendar
from ordermesh.routing.domain.network import NetworkLocation
from ordermesh.routing.domain.switch import Switch
from ordermesh.runtime.database import Transaction


@dataclass(frozen=True)
class Overview:
    """What routing knows, and how fresh it is."""

    locations: int
    shipping_locations: int
    items: int
    known_locations: int
    item_revision: int
    location_revision: int
    heard_time: datetime | None


class CapacityStore(Protocol):
    """What locations have been given to do, by window."""

    async def used(
        self, tx: Transaction, starts: Collection[datetime], now: datetime
    ) -> dict[WindowKey, int]:
        """What is taken of the windows that start then; holds that are overdue do not count."""
        ...

    async def hold(self, tx: Transaction, hold: CapacityHold, now: datetime) -> tuple[Share, ...]:
        """Take the shares of a hold; gives those for which a window has too little left.

        Then nothing was taken. A share gives what is left in place of the limit. A hold with this
        id must not exist.
        """
        ...

    async def get(self, tx: Transaction, hold_id: UUID, now: datetime) -> CapacityHold | None:
        """A hold as it is now."""
        ...

    async def lock(self, tx: Transaction, hold_id: UUID) -> CapacityHold | None:
        """A hold as it is now, kept from others, with its windows, until the commit."""
        ...

    async def change(self, tx: Transaction, before: CapacityHold, after: CapacityHold) -> None:
        """Write what became of a hold that is locked, and give back what it does not take."""
        ...


class NetworkStore(Protocol):
    """Where the network is kept."""

    async def all(self, tx: Transaction) -> tuple[NetworkLocation, ...]:
        """Every location of the network, by id."""
        ...

    async def has(self, tx: Transaction, location_id: str) -> bool:
        """Whether the network has a location."""
        ...

    async def page(self, tx: Transaction, after: str, size: int) -> list[NetworkLocation]:
        """The next locations after an id."""
        ...

    async def versions(self, tx: Transaction) -> tuple[tuple[str, int], ...]:
        """How often network, locations and policies have changed, by name."""
        ...

    async def currencies(self, tx: Transaction, excluding: Collection[str]) -> frozenset[str]:
        """The currencies of all locations but these."""
        ...

    async def put(
        self, tx: Transaction, locations: Sequence[NetworkLocation], now: datetime
    ) -> int:
        """Create and replace; gives how many were created or changed."""
        ...

    async def overview(self, tx: Transaction) -> Overview:
        """What routing knows."""
        ...


class SwitchStore(Protocol):
    """Where switches of locations are kept."""

    async def add(self, tx: Transaction, switch: Switch) -> Switch:
        """Store a switch; gives it with its number."""
        ...

    async def lock(self, tx: Transaction, switch_id: UUID) -> Switch | None:
        """One switch, kept from others until the commit."""
        ...

    async def end(self, tx: Transaction, switch: Switch) -> None:
        """Write when it ends."""
        ...

    async def lasting(self, tx: Transaction, now: datetime) -> tuple[Switch, ...]:
        """Those that have not ended, the oldest first."""
        ...

    async def page(
        self,
        tx: Transaction,
        location_id: str,
        ending_after: datetime | None,
        after: int,
        size: int,
    ) -> list[Switch]:
        """The next switches after a number; of a location, and not ended, where that is asked."""
        ...


class CalendarStore(Protocol):
    """Where calendars of carriers are kept."""

    async def all(self, tx: Transaction) -> tuple[NamedCalendar, ...]:
        """Every calendar, by id."""
        ...

    async def page(self, tx: Transaction, after: str, size: int) -> list[NamedCalendar]:
        """The next calendars after an id."""
        ...

    async def put(self, tx: Transaction, calendars: Sequence[NamedCalendar], now: datetime) -> int:
        """Create and replace; gives how many were created or changed."""
        ...

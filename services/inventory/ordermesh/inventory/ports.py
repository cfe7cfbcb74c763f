"""What the operations and queries need of the outside: stores, and somebody who tells the peers."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from ordermesh.inventory.domain.item import Catalog, Item
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.kit import Kit
from ordermesh.inventory.domain.ledger import Balance, Cause, Ledger
from ordermesh.inventory.domain.location import Location
from ordermesh.inventory.domain.movement import Document, Movement
from ordermesh.inventory.domain.reservation import Line, LineState, Reservation
from ordermesh.inventory.domain.verification import Chunk
from ordermesh.runtime.database import Transaction

Pair = tuple[int, int]
"""The surrogates of an item and a location: a stock key as the store knows it."""


@dataclass
class Names:
    """The surrogates of the names that one transaction deals with; it grows as they are read."""

    item_ids: dict[str, int] = field(default_factory=dict)
    location_ids: dict[str, int] = field(default_factory=dict)

    def pair(self, key: StockKey) -> Pair:
        """The surrogates of a key whose names have been read."""
        return self.item_ids[key.sku], self.location_ids[key.location_id]

    def pairs(self, keys: Iterable[StockKey]) -> set[Pair]:
        """The surrogates of many keys."""
        return {self.pair(key) for key in keys}


@dataclass(frozen=True)
class Books:
    """Locked balances, and which of their keys are switched off."""

    balances: Mapping[StockKey, Balance]
    off: frozenset[StockKey]


@dataclass(frozen=True)
class BalanceRow:
    """A balance as it is listed; ``returning`` are units of holds whose time has passed."""

    key: StockKey
    balance: Balance
    returning: int
    is_off: bool


class StockRow(NamedTuple):
    """A balance as a large read needs it, by surrogates."""

    item_id: int
    location_id: int
    on_hand: int
    reserved: int
    short: int


class Place(NamedTuple):
    """A location as a large read needs it."""

    location_id: str
    is_disabled: bool


@dataclass(frozen=True)
class MovementFilter:
    """Which movements; what is not set lets everything pass."""

    sku: str = ""
    location_id: str = ""
    reservation_id: UUID | None = None
    order_id: str = ""


@dataclass(frozen=True)
class ReservationFilter:
    """Which reservations; what is not set lets everything pass.

    SKU, location, quantity and state must hold for one and the same line.
    """

    sku: str = ""
    location_id: str = ""
    order_id: str = ""
    quantity: int = 0
    created_after: datetime | None = None
    created_before: datetime | None = None
    state: LineState | None = None


@dataclass(frozen=True)
class StoredReservation:
    """A reservation as it is in the books; for writing, as it was before and as it is to be."""

    before: Reservation | None
    after: Reservation


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

    async def unsellable_among(self, tx: Transaction, skus: Collection[str]) -> set[str]:
        """Which of the SKUs are switched off."""
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


class LocationStore(Protocol):
    """Where locations are kept."""

    async def resolve(self, tx: Transaction, location_ids: Collection[str], names: Names) -> None:
        """Read the surrogates; raises ``UnknownLocation`` with every one that does not exist."""
        ...

    async def look_up(self, tx: Transaction, location_ids: Collection[str], names: Names) -> None:
        """As ``resolve``, but what does not exist is left out."""
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


class LedgerStore(Protocol):
    """Where balances, entries and movements are kept."""

    async def open(self, tx: Transaction, wanted: Collection[Pair]) -> None:
        """Make the balances that do not exist. To be called before anything is locked."""
        ...

    async def lock(self, tx: Transaction, wanted: Collection[Pair], names: Names) -> Books:
        """Lock the balances in the order of their keys, in one statement, and read them."""
        ...

    async def record(
        self,
        tx: Transaction,
        names: Names,
        ledger: Ledger,
        off: Collection[StockKey],
        documents: Mapping[Cause, Document],
        now: datetime,
    ) -> dict[Cause, UUID]:
        """Write what was decided, and tell the watchers; gives the movement of each cause.

        ``documents`` says what is behind each.
        """
        ...

    async def tell(
        self, tx: Transaction, skus: Collection[str], location_ids: Collection[str]
    ) -> None:
        """Tell the watchers of all balances of items and locations that were switched on or off."""
        ...

    async def balances(
        self,
        tx: Transaction,
        skus: Collection[str],
        location_ids: Collection[str],
        after: StockKey | None,
        size: int,
        now: datetime,
    ) -> list[BalanceRow]:
        """The next balances in the order of SKU and location; empty collections mean all."""
        ...

    async def stock_of(
        self, tx: Transaction, item_ids: Collection[int], location_ids: Collection[int] | None
    ) -> Sequence[StockRow]:
        """All balances of items by their surrogates; None means at all locations."""
        ...

    async def movements(
        self,
        tx: Transaction,
        wanted: MovementFilter,
        after: tuple[datetime, UUID] | None,
        size: int,
    ) -> tuple[list[Movement], bool]:
        """The next movements, the oldest first, and whether more follow.

        Fewer than ``size`` when their entries would not fit in a message.
        """
        ...


class ReservationStore(Protocol):
    """Where reservations are kept."""

    async def open_pairs(self, tx: Transaction, reservation_ids: Collection[UUID]) -> set[Pair]:
        """The keys of the open lines, so that their balances can be locked."""
        ...

    async def load(
        self, tx: Transaction, reservation_ids: Collection[UUID], names: Names
    ) -> dict[UUID, Reservation]:
        """Lock and read reservations with all their lines. Balances are locked before."""
        ...

    async def overdue(
        self,
        tx: Transaction,
        wanted: Collection[Pair],
        now: datetime,
        names: Names,
        size: int | None = None,
    ) -> list[Reservation]:
        """Lock and read reservations with overdue lines at the keys, and only those lines.

        ``size`` is how many lines at most, those that have been overdue for longest.
        """
        ...

    async def overdue_pairs(self, tx: Transaction, now: datetime, size: int) -> set[Pair]:
        """Keys of the lines that have been overdue for longest, at most so many lines."""
        ...

    async def returning(
        self,
        tx: Transaction,
        now: datetime,
        excluding: Collection[UUID] = (),
        wanted: Collection[Pair] | None = None,
    ) -> dict[Pair, int]:
        """Units of overdue lines, and of open lines of ``excluding``, by key."""
        ...

    async def save(
        self, tx: Transaction, changes: Sequence[StoredReservation], names: Names
    ) -> None:
        """Write what is new or different."""
        ...

    async def get(self, tx: Transaction, reservation_id: UUID, names: Names) -> Reservation | None:
        """One reservation with all its lines, not locked."""
        ...

    async def page(
        self,
        tx: Transaction,
        wanted: ReservationFilter,
        after: tuple[datetime, UUID] | None,
        size: int,
        now: datetime,
    ) -> tuple[list[Reservation], bool]:
        """The next reservations with all their lines, the oldest first, and whether more follow.

        Fewer than ``size`` when their lines would not fit in a message.
        """
        ...

    async def forget_tombstones(self, tx: Transaction, older_than: datetime) -> int:
        """Delete tombstones that were made before; gives how many."""
        ...


class VerificationStore(Protocol):
    """What the check of the books reads."""

    async def size(self, tx: Transaction) -> int:
        """How many balances there are."""
        ...

    async def balances(self, tx: Transaction, after: int, size: int) -> Chunk:
        """The balances of the next items in the order of surrogates, at least so many."""
        ...

    async def reservations(self, tx: Transaction, after: UUID | None, size: int) -> Chunk:
        """The next reservations in the order of their ids."""
        ...


class Announcer(Protocol):
    """Who tells the peers what happened."""

    async def expired(
        self, tx: Transaction, reservation: Reservation, lines: Sequence[Line]
    ) -> None:
        """Lines of a reservation were not confirmed in time; ``event_sequence`` is the event's."""
        ...


@dataclass(frozen=True)
class Stores:
    """The stores of one service, and who tells its peers."""

    items: ItemStore
    locations: LocationStore
    ledger: LedgerStore
    reservations: ReservationStore
    announcer: Announcer

"""Where reservations are kept."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from ordermesh.inventory.domain.limits import Buyer, Purchase
from ordermesh.inventory.domain.reservation import LineState, Reservation
from ordermesh.inventory.ports.names import Names, Pair
from ordermesh.kernel.records import record
from ordermesh.runtime.database import Transaction


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


@record
class StoredReservation:
    """A reservation as it is in the books; for writing, as it was before and as it is to be."""

    before: Reservation | None
    after: Reservation


class LinePlace(NamedTuple):
    """Where a held line is among all, in the order in which their holds end."""

    expire_time: datetime
    reservation_id: UUID
    number: int


class ReservationStore(Protocol):
    """Where reservations are kept."""

    async def open_pairs(
        self, tx: Transaction, reservation_ids: Collection[UUID], *, with_expired: bool = False
    ) -> set[Pair]:
        """The keys of the open lines, so that their balances can be locked; of expired, too."""
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
        size: int,
        after: LinePlace | None = None,
    ) -> list[Reservation]:
        """Lock and read reservations with overdue lines at the keys, and only those lines.

        ``size`` is how many lines at most, those that have been overdue for longest; of those that
        come ``after`` a place, where one is given.
        """
        ...

    async def waiting(
        self, tx: Transaction, supply_ids: Collection[str], names: Names
    ) -> list[Reservation]:
        """Lock and read reservations with lines that wait for supplies, and only those lines."""
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

    async def bought(
        self,
        tx: Transaction,
        item_ids: Collection[int],
        buyers: Collection[Buyer],
        since: datetime | None,
    ) -> list[Reservation]:
        """What the orders and customers hold or have bought of items and kits; only those lines.

        Of reservations made, or reserved again, after ``since``, where that is given.
        """
        ...

    async def sent_beyond(self, tx: Transaction, bought: Collection[Reservation]) -> list[Purchase]:
        """What left beyond what these reservations had promised."""
        ...

    async def save(
        self, tx: Transaction, changes: Sequence[StoredReservation], names: Names
    ) -> None:
        """Write what is new or different."""
        ...

    async def get(self, tx: Transaction, reservation_id: UUID, names: Names) -> Reservation | None:
        """One reservation with all its lines, not locked."""
        ...

    async def look_at(
        self, tx: Transaction, reservation_ids: Collection[UUID], names: Names
    ) -> dict[UUID, Reservation]:
        """As ``load``, but not locked: only to know what is to be locked."""
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

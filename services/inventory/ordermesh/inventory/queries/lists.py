"""Pages of items, locations, balances, movements and reservations."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from ordermesh.inventory.domain.errors.history import RevisionNotSealed
from ordermesh.inventory.domain.errors.requests import TooMuchAsked
from ordermesh.inventory.domain.errors.reservation import ReservationNotFound
from ordermesh.inventory.domain.item import Item
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.location import Location
from ordermesh.inventory.domain.movement import Movement
from ordermesh.inventory.domain.reservation import Reservation
from ordermesh.inventory.domain.shortfall import Shortfall
from ordermesh.inventory.ports.ledger import BalanceRow, MovementFilter
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.reservations import ReservationFilter
from ordermesh.inventory.ports.shortfalls import ShortfallFilter
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.feed import revision

Row = TypeVar("Row")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows, whether more follow, the revision that they contain, and when they were read."""

    rows: Sequence[Row]
    has_more: bool
    revision: int
    now: datetime


async def batch_get_items(
    stores: Stores, tx: Transaction, skus: Sequence[str]
) -> tuple[list[Item], int]:
    """The items that exist, in the order asked for, and the revision."""
    at = await revision(tx)
    found = await stores.items.get(tx, skus)
    return [found[sku] for sku in skus if sku in found], at


async def list_items(stores: Stores, tx: Transaction, after: str, size: int) -> Page[Item]:
    """A page in the order of SKUs."""
    at = await revision(tx)
    return _page(await stores.items.page(tx, after, size + 1), size, at, await tx.now())


async def batch_get_locations(
    stores: Stores, tx: Transaction, location_ids: Sequence[str]
) -> tuple[list[Location], int]:
    """The locations that exist, in the order asked for, and the revision."""
    at = await revision(tx)
    found = await stores.locations.get(tx, location_ids)
    return [found[one] for one in location_ids if one in found], at


async def list_locations(stores: Stores, tx: Transaction, after: str, size: int) -> Page[Location]:
    """A page in the order of ids."""
    at = await revision(tx)
    return _page(await stores.locations.page(tx, after, size + 1), size, at, await tx.now())


async def list_balances(
    stores: Stores,
    tx: Transaction,
    skus: Collection[str],
    location_ids: Collection[str],
    after: StockKey | None,
    size: int,
    as_of: int = 0,
) -> Page[BalanceRow]:
    """A page in the order of SKU and location, as of a revision; 0 means now.

    Raises ``RevisionNotSealed``.
    """
    at = await revision(tx)
    now = await tx.now()
    if as_of:
        head = await stores.seals.head(tx)
        if as_of > head.revision:
            raise RevisionNotSealed(as_of, head.revision)
        then = await stores.seals.balances_at(tx, as_of, skus, location_ids, after, size + 1)
        past = [BalanceRow(key, balance, balance.free) for key, balance in then]
        return _page(past, size, as_of, now)
    rows = await stores.ledger.balances(tx, skus, location_ids, after, size + 1, now)
    return _page(rows, size, at, now)


async def list_movements(
    stores: Stores,
    tx: Transaction,
    wanted: MovementFilter,
    after: tuple[datetime, UUID] | None,
    size: int,
) -> Page[Movement]:
    """A page, the oldest first. Raises ``TooMuchAsked`` without any filter."""
    if wanted == MovementFilter():
        raise TooMuchAsked("Movements are listed by at least one filter.", 1)
    at = await revision(tx)
    rows, has_more = await stores.ledger.movements(tx, wanted, after, size)
    return Page(rows, has_more, at, await tx.now())


async def list_shortfalls(
    stores: Stores,
    tx: Transaction,
    wanted: ShortfallFilter,
    after: tuple[datetime, UUID] | None,
    size: int,
) -> Page[Shortfall]:
    """A page, the oldest first."""
    at = await revision(tx)
    rows = await stores.shortfalls.page(tx, wanted, after, size + 1)
    return _page(rows, size, at, await tx.now())


async def get_reservation(
    stores: Stores, tx: Transaction, reservation_id: UUID
) -> tuple[Reservation, int, datetime]:
    """One reservation, the revision and the instant. Raises ``ReservationNotFound``."""
    at = await revision(tx)
    found = await stores.reservations.get(tx, reservation_id, Names())
    if found is None or found.is_tombstone:
        raise ReservationNotFound(reservation_id)
    return found, at, await tx.now()


async def list_reservations(
    stores: Stores,
    tx: Transaction,
    wanted: ReservationFilter,
    after: tuple[datetime, UUID] | None,
    size: int,
) -> Page[Reservation]:
    """A page, the oldest first."""
    at = await revision(tx)
    now = await tx.now()
    rows, has_more = await stores.reservations.page(tx, wanted, after, size, now)
    return Page(rows, has_more, at, now)


def _page(rows: Sequence[Row], size: int, at: int, now: datetime) -> Page[Row]:
    return Page(rows[:size], len(rows) > size, at, now)

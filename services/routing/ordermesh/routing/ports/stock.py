"""The ledger as routing sees it: what is asked of it, and what it answers."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from ordermesh.kernel.errors import Unavailable
from ordermesh.routing.domain.coming import Coming
from ordermesh.routing.domain.item import Item, KnownLocation
from ordermesh.routing.domain.reoptimizing.moving import LedgerMove
from ordermesh.routing.domain.saga import Cap


@dataclass(frozen=True)
class Availability:
    """Units by location id, then SKU, as they were at one revision of the ledger.

    ``coming`` is what is not in hand, the next day first, where that was asked.
    """

    units: Mapping[str, Mapping[str, int]]
    revision: int
    coming: tuple[Coming, ...] = ()


@dataclass(frozen=True)
class WantedUnits:
    """Units of an item at a location for an order line.

    What is not in hand waits for supply that is there by ``needed_by``; None: nothing waits.
    """

    line_id: str
    sku: str
    location_id: str
    quantity: int
    needed_by: datetime | None = None


@dataclass(frozen=True)
class Held:
    """The ledger holds it, for a while or for good as it was asked to."""


@dataclass(frozen=True)
class Short:
    """The ledger has less than is wanted: its facts by key."""

    caps: tuple[Cap, ...]


@dataclass(frozen=True)
class Limited:
    """A purchase limit, or a quota on open holds, is in the way: its reason and facts."""

    reason: str
    rows: tuple[Mapping[str, str], ...]


class CartProblem(StrEnum):
    """Why a checkout reservation cannot be taken over."""

    NOT_FOUND = "RESERVATION_NOT_FOUND"
    NOT_YOURS = "NOT_YOUR_RESERVATION"
    CLOSED = "RESERVATION_CLOSED"
    FENCED = "FENCED"


@dataclass(frozen=True)
class CartRefused:
    """A reservation that was to be replaced cannot be."""

    reservation_id: UUID
    problem: CartProblem


@dataclass(frozen=True)
class Lost:
    """The reservation does not hold any more: it expired or was released."""


@dataclass(frozen=True)
class Shipped:
    """The ledger knows that the goods have left."""


@dataclass(frozen=True)
class NotThere:
    """The ledger knows of no such goods; units on hand by SKU where it says so."""

    on_hand: Mapping[str, int]


@dataclass(frozen=True)
class ReserveCall:
    """What the ledger is asked to hold, and for whom."""

    request_id: UUID
    reservation_id: UUID
    order_id: str
    on_behalf_of: str
    units: tuple[WantedUnits, ...]
    confirm: bool
    hold_seconds: float
    replaces: tuple[UUID, ...]
    fence: int
    channel: str = ""
    customer: str = ""


@dataclass(frozen=True)
class ReservationCall:
    """A verb on a reservation; no ``units`` means all that is open."""

    request_id: UUID
    reservation_id: UUID
    on_behalf_of: str
    fence: int
    units: tuple[WantedUnits, ...] = ()
    document: str = ""


@dataclass(frozen=True)
class ReservationUnits:
    """Units of one reservation."""

    reservation_id: UUID
    units: tuple[WantedUnits, ...]


@dataclass(frozen=True)
class ShipCall:
    """Units of many reservations that leave together, or not at all, by one document."""

    request_id: UUID
    reservations: tuple[ReservationUnits, ...]
    on_behalf_of: str
    fence: int
    document: str


@dataclass(frozen=True)
class Refused:
    """The ledger does not do it, now or ever: its published reason."""

    reason: str


@dataclass(frozen=True)
class Reassigned:
    """The ledger holds it where it was to be."""


@dataclass(frozen=True)
class ReservationMoves:
    """Units of one reservation that are to be held elsewhere, each with where."""

    reservation_id: UUID
    moves: tuple[LedgerMove, ...]
    fence: int


@dataclass(frozen=True)
class ReassignCall:
    """Units of many reservations that are to be held elsewhere, all or none."""

    request_id: UUID
    reservations: tuple[ReservationMoves, ...]


class BooksInDoubt(Unavailable):
    """The ledger moves nothing at a key until somebody has looked at its books: ask again then."""


class Stock(Protocol):
    """The ledger, as routing needs it.

    Every method raises ``Unavailable`` when the outcome is not known or the service is away: then
    the same call is made again. What the contract foresees as a refusal is a result.
    """

    async def available(
        self, skus: Sequence[str], excluding: Sequence[UUID], channel: str
    ) -> Availability:
        """What a channel may promise of these items, as if ``excluding`` did not exist."""
        ...

    async def in_doubt(self) -> Set[tuple[str, str]]:
        """The locations and SKUs at which nothing moves until somebody has looked at the books."""
        ...

    async def kept_at(self, skus: Sequence[str]) -> Mapping[str, Set[str]]:
        """The locations that keep each of these items, with or without any unit of it."""
        ...

    async def coming(
        self, skus: Sequence[str], excluding: Sequence[UUID], channel: str, days: Sequence[date]
    ) -> tuple[Coming, ...]:
        """What each of these days brings of items that may be promised on supply."""
        ...

    async def reserve(self, call: ReserveCall) -> Held | Short | Limited | CartRefused | Lost:
        """Hold all or nothing. ``Lost``: it was released before it was made."""
        ...

    async def confirm(self, call: ReservationCall) -> Held | Lost:
        """Make a hold last."""
        ...

    async def release(self, call: ReservationCall) -> None:
        """Take promises back; releasing what is closed or was never made succeeds.

        Raises ``BooksInDoubt``.
        """
        ...

    async def ship(self, call: ReservationCall) -> Shipped | NotThere:
        """Say that goods left. Raises ``BooksInDoubt``."""
        ...

    async def ship_together(self, call: ShipCall) -> Shipped | NotThere:
        """Say that goods of many reservations left, all or none. Raises ``BooksInDoubt``."""
        ...

    async def left(self, order_id: str, document: str) -> Set[UUID]:
        """The reservations of an order of which goods have left by this document."""
        ...

    async def reassign(self, call: ReassignCall) -> Reassigned | Refused:
        """Hold units elsewhere, all or none; a refusal stands, whenever it is asked again."""
        ...

    async def items(self, skus: Sequence[str]) -> tuple[Item, ...]:
        """The items that exist among these."""
        ...

    async def locations(self, location_ids: Sequence[str]) -> tuple[KnownLocation, ...]:
        """The locations that exist among these."""
        ...

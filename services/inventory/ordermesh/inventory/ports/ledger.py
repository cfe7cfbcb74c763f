"""Where balances, entries and movements are kept."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Balance, Cause, Ledger, PoolKey
from ordermesh.inventory.domain.movement import Document, Movement
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.ports.names import Names, Pair
from ordermesh.runtime.database import Transaction


@dataclass(frozen=True)
class Books:
    """Locked balances, the terms on which they are sold, and what was taken from pools there.

    At keys that are ``quarantined`` nothing moves.
    """

    balances: Mapping[StockKey, Balance]
    terms: Terms
    taken: Mapping[PoolKey, int] = field(default_factory=dict)
    quarantined: frozenset[StockKey] = frozenset()

    def opened(self) -> Ledger:
        """A ledger that starts from them."""
        return Ledger(self.balances, self.taken, self.quarantined)

    def after(self, ledger: Ledger) -> "Books":
        """The books when what was decided on them has been written."""
        taken = {place: ledger.taken(*place) for place in {*self.taken, *ledger.taken_here()}}
        balances = {**self.balances, **ledger.changed()}
        return Books(balances, self.terms, taken, self.quarantined)


@dataclass(frozen=True)
class BalanceRow:
    """A balance as it is listed, and the units that a caller without a channel may promise.

    ``incoming`` are units that are still to come, ``in_transit`` those that are on their way.
    """

    key: StockKey
    balance: Balance
    available: int
    incoming: int = 0
    in_transit: int = 0


class StockRow(NamedTuple):
    """A balance as a large read needs it, by surrogates."""

    item_id: int
    location_id: int
    on_hand: int
    reserved: int
    short: int
    is_quarantined: bool


class ToldBalance(NamedTuple):
    """A balance as watchers are told of it: without holds whose time has passed."""

    pair: Pair
    key: StockKey
    balance: Balance
    available: int


@dataclass(frozen=True)
class MovementFilter:
    """Which movements; what is not set lets everything pass."""

    sku: str = ""
    location_id: str = ""
    reservation_id: UUID | None = None
    order_id: str = ""


class LedgerStore(Protocol):
    """Where balances, entries and movements are kept."""

    async def open(self, tx: Transaction, wanted: Collection[Pair]) -> None:
        """Make the balances that do not exist. To be called before anything is locked."""
        ...

    async def lock(self, tx: Transaction, wanted: Collection[Pair], names: Names) -> Books:
        """Lock the balances in the order of their keys, in one statement, and read them."""
        ...

    async def lock_free(
        self, tx: Transaction, wanted: Collection[Pair]
    ) -> tuple[set[Pair], set[Pair]]:
        """Which have a balance, and which are locked now: others' locks are not waited for."""
        ...

    async def glance(self, tx: Transaction, wanted: Collection[Pair]) -> None:
        """Read balances without a lock, only to remember those that can be decided on so."""
        ...

    async def record(
        self,
        tx: Transaction,
        names: Names,
        ledger: Ledger,
        terms: Terms,
        documents: Mapping[Cause, Document],
        now: datetime,
    ) -> dict[Cause, UUID]:
        """Write what was decided, and tell the watchers; gives the movement of each cause.

        ``documents`` says what is behind each.
        """
        ...

    async def asked_for(self, tx: Transaction, request_id: UUID) -> tuple[UUID, bytes] | None:
        """The movement that a request made, and the digest of that; None where it made none."""
        ...

    async def tell(
        self, tx: Transaction, skus: Collection[str], location_ids: Collection[str]
    ) -> None:
        """Tell the watchers of all balances of items and locations that were switched on or off."""
        ...

    async def tell_at(self, tx: Transaction, wanted: Collection[Pair]) -> None:
        """Tell the watchers of balances that are locked."""
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

    async def told(
        self,
        tx: Transaction,
        skus: Collection[str],
        location_ids: Collection[str],
        after: Pair | None,
        size: int,
        channel: str = "",
    ) -> Sequence[ToldBalance]:
        """The next balances in the order of surrogates; empty collections mean all."""
        ...

    async def told_at(
        self, tx: Transaction, wanted: Collection[Pair], channel: str
    ) -> Sequence[ToldBalance]:
        """These balances, as far as they exist."""
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

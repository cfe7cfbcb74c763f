"""What the operations and queries need of the outside: a store, routing and the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from ordermesh.returns.domain.authorizing import Goal, SoldLine
from ordermesh.returns.domain.order_return import Disposal, Receipt, Return, ReturnState
from ordermesh.returns.domain.paid import Paid
from ordermesh.returns.domain.returnable import Returnable, ShippedLine
from ordermesh.runtime.database import Transaction


@dataclass(frozen=True, slots=True)
class ReturnFilter:
    """Which returns are wanted; "" and None let everything pass."""

    order_id: str = ""
    location_id: str = ""
    state: ReturnState | None = None


@dataclass(frozen=True, slots=True)
class ReturnRow:
    """A return at its place in the list."""

    number: int
    order_return: Return


class ReturnStore(Protocol):
    """What has left, and what comes back."""

    async def ship(self, tx: Transaction, lines: Sequence[ShippedLine]) -> None:
        """Keep what left. A line of a fulfillment order that is kept already changes nothing."""
        ...

    async def lock(self, tx: Transaction, order_id: str) -> None:
        """Let nobody else authorize or refund for the order until the transaction ends."""
        ...

    async def returnable(self, tx: Transaction, order_id: str) -> Sequence[Returnable]:
        """What has left of an order, in the order of line and item, and what of it came back."""
        ...

    async def paid(self, tx: Transaction, order_id: str) -> Mapping[tuple[str, str], Paid]:
        """What was paid, by order line and item, for what left instead of what was ordered."""
        ...

    async def load(self, tx: Transaction, return_id: str, *, lock: bool) -> Return | None:
        """One return, with a lock on it if wanted."""
        ...

    async def of_order(self, tx: Transaction, order_id: str) -> list[Return]:
        """All returns of an order, the oldest first."""
        ...

    async def page(
        self, tx: Transaction, wanted: ReturnFilter, after: int, size: int
    ) -> list[ReturnRow]:
        """The next returns that match, the oldest first."""
        ...

    async def insert(self, tx: Transaction, one: Return) -> None:
        """Store a new return."""
        ...

    async def save(self, tx: Transaction, before: Return, after: Return) -> None:
        """Write what is different. It was loaded with a lock in the same transaction."""
        ...


@dataclass(frozen=True, slots=True)
class Destination:
    """Where goods go, why there, and whether they are sold again there."""

    goal: Goal
    restocks: bool


class Routing(Protocol):
    """What routing is asked. Every call raises ``Unavailable`` where it does not answer."""

    async def sold_lines(self, order_id: str) -> dict[str, SoldLine]:
        """The lines of an order as they were sold, by id. Raises ``OrderNotFound``."""
        ...

    async def destination(
        self, order_id: str, units: Sequence[tuple[str, int]], location_id: str
    ) -> Destination:
        """Where units of items of an order go back to; ``location_id`` asks about one alone.

        Raises ``NoReturnLocation`` and ``OrderNotFound``.
        """
        ...


class LedgerRefused(Exception):
    """The ledger will not take what came back as it is; somebody must look."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The ledger refused: {reason}.")


class Ledger(Protocol):
    """What the ledger is told; telling twice is telling once.

    Raises ``Unavailable`` where it does not answer, ``LedgerRefused`` where it will not.
    """

    async def take_back(self, one: Return, receipt: Receipt) -> UUID:
        """Goods came back; gives the movement."""
        ...

    async def dispose(self, one: Return, disposal: Disposal) -> UUID:
        """It was decided about units that were kept apart; gives the movement."""
        ...

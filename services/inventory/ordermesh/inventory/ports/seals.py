"""Where seals are kept, and what is sealed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Balance
from ordermesh.inventory.domain.seal import Covered, Head, Sealed
from ordermesh.inventory.ports.names import Pair
from ordermesh.runtime.database import Transaction


class Unsealed(NamedTuple):
    """A change that waits for its seal, and the digest of its entries."""

    covered: Covered
    pair: Pair
    digest: bytes


@dataclass(frozen=True)
class Changes:
    """Changes in the order of their revisions, which are all up to ``revision``."""

    changes: Sequence[Unsealed]
    revision: int
    has_more: bool


class SealStore(Protocol):
    """Where seals are kept, and what is sealed."""

    async def is_behind(self, tx: Transaction) -> bool:
        """Whether changes wait for their seals."""
        ...

    async def claim(self, tx: Transaction) -> Head | None:
        """How far the books are sealed, locked; None while another process seals."""
        ...

    async def head(self, tx: Transaction) -> Head:
        """How far the books are sealed."""
        ...

    async def reach(self, tx: Transaction) -> tuple[Head, int]:
        """How far the books are said to be sealed, and the highest revision that has a seal."""
        ...

    async def unsealed(self, tx: Transaction, after: int) -> Changes:
        """The next changes of balances after a revision; a change without entries is left out."""
        ...

    async def add(
        self, tx: Transaction, changes: Sequence[Unsealed], made: Sequence[bytes], head: Head
    ) -> None:
        """Write the seals of changes, and how far they reach now."""
        ...

    async def balances_at(
        self,
        tx: Transaction,
        revision: int,
        skus: Collection[str],
        location_ids: Collection[str],
        after: StockKey | None,
        size: int,
    ) -> list[tuple[StockKey, Balance]]:
        """The next balances at a sealed revision, in the order of SKU and location.

        Empty collections mean all. What had no entry yet is left out.
        """
        ...

    async def page(self, tx: Transaction, after: int, size: int) -> Sequence[Sealed]:
        """The next seals after a revision, each with its entries as they are in the books."""
        ...

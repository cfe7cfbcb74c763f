"""Where seals are kept, and what is sealed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Balance
from ordermesh.inventory.domain.seal import Covered, Head, Sealed
from ordermesh.runtime.database import Transaction


@dataclass(frozen=True)
class Changes:
    """Changes in the order of their revisions: revision, key and the number of its last entry.

    They are all up to ``revision``.
    """

    rows: Sequence[tuple[int, StockKey, int]]
    revision: int


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

    async def changes(self, tx: Transaction, after: int, size: int) -> Changes:
        """The next changes of balances after a revision."""
        ...

    async def sealed(self, tx: Transaction, keys: Collection[StockKey]) -> dict[StockKey, int]:
        """Up to which entry keys are sealed."""
        ...

    async def entries(
        self, tx: Transaction, covered: Sequence[Covered]
    ) -> Sequence[Sequence[bytes]]:
        """The entries that each covers, as they are in the books."""
        ...

    async def add(self, tx: Transaction, sealed: Sequence[Sealed], head: Head) -> None:
        """Write seals, and how far they reach now."""
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

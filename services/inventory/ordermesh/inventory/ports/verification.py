"""What the check of the books reads."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from ordermesh.inventory.domain.verification import Chunk
from ordermesh.runtime.database import Transaction


class VerificationStore(Protocol):
    """What the check of the books reads."""

    async def size(self, tx: Transaction) -> int:
        """How many balances there are."""
        ...

    async def balances(self, tx: Transaction, after: int, size: int) -> Chunk:
        """The balances of the next items in the order of surrogates, at least so many."""
        ...

    async def last_item(self, tx: Transaction) -> int:
        """The highest surrogate of an item with a balance; 0 when there is none."""
        ...

    async def unguarded(self, tx: Transaction) -> Sequence[str]:
        """Tables of history that nothing keeps from being edited."""
        ...

    async def supplies(self, tx: Transaction, after: str, size: int) -> Chunk:
        """The next supplies in the order of their ids, and what lines wait for beside them."""
        ...

    async def reservations(self, tx: Transaction, after: UUID | None, size: int) -> Chunk:
        """The next reservations in the order of their ids."""
        ...

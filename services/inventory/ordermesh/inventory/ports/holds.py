"""Where the open holds of shoppers and callers are counted."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from ordermesh.inventory.domain.quotas import Hold
from ordermesh.runtime.database import Transaction


class HoldStore(Protocol):
    """Where the open holds of shoppers and callers are counted."""

    async def of_customers(
        self, tx: Transaction, customers: Collection[str], now: datetime
    ) -> list[Hold]:
        """What shoppers hold. They are locked before, so that nobody else adds to it."""
        ...

    async def of_callers(
        self, tx: Transaction, callers: Collection[str], now: datetime
    ) -> dict[str, int]:
        """How many reservations callers hold. It may be exceeded by what is decided meanwhile."""
        ...

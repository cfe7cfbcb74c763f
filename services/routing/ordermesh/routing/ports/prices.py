"""Where prices are kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from ordermesh.routing.domain.foresight.demand import Asked
from ordermesh.routing.domain.foresight.price_set import (
    LaborPrice,
    PriceSet,
    StockPrice,
    Suggested,
    Suggestion,
)
from ordermesh.routing.domain.foresight.prices import PriceBook
from ordermesh.runtime.database import Transaction

PRICES = "prices"
"""By which the count of renewals is known."""


class PriceStore(Protocol):
    """Where versions of prices are kept, which never change."""

    async def add(self, tx: Transaction, new: PriceSet) -> PriceSet:
        """Store the next version with all its prices; gives it with its number."""
        ...

    async def get(self, tx: Transaction, version: int = 0) -> PriceSet | None:
        """A version without its prices; 0: the newest."""
        ...

    async def book(self, tx: Transaction, version: int = 0) -> PriceBook | None:
        """The prices that orders pay in a version; 0: in the newest."""
        ...

    async def page(self, tx: Transaction, before: int, size: int) -> list[PriceSet]:
        """The versions before a number, the newest first, without their prices."""
        ...

    async def stock_page(
        self, tx: Transaction, version: int, wanted: tuple[str, str], after: int, size: int
    ) -> list[tuple[int, StockPrice]]:
        """The next prices of stock after a number, the dearest first.

        ``wanted`` are an item and a location, "" for any.
        """
        ...

    async def labor_page(
        self, tx: Transaction, version: int, after: int, size: int
    ) -> list[tuple[int, LaborPrice]]:
        """The next prices of labor after a number, the dearest first."""
        ...

    async def suggestion_page(
        self, tx: Transaction, version: int, kind: Suggested | None, after: int, size: int
    ) -> list[tuple[int, Suggestion]]:
        """The next suggestions after a number, the most valuable first."""
        ...


class DemandStore(Protocol):
    """What was asked for by the orders of before."""

    async def asked(self, tx: Transaction, since: datetime, size: int) -> tuple[Asked, ...]:
        """What the newest orders since then asked for, so many lines at most."""
        ...

    async def newest(self, tx: Transaction, since: datetime, size: int) -> Sequence[str]:
        """The newest orders since then, the newest first."""
        ...

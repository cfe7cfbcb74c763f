"""The prices that decisions look ahead with, kept in memory while there are no newer ones."""

from datetime import datetime

from ordermesh.routing.domain.foresight.prices import NO_PRICES, PriceBook, PricesNow
from ordermesh.routing.domain.record import Record
from ordermesh.routing.operations.memory import Memory
from ordermesh.routing.ports.prices import PRICES
from ordermesh.routing.ports.stores import Stores
from ordermesh.runtime.database import Transaction


class PricesInForce:
    """Reads prices, the newest of them once for each renewal."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._newest: tuple[int, PriceBook | None] = (-1, None)

    async def now(
        self, tx: Transaction, known: Memory, currency_code: str, now: datetime
    ) -> PricesNow:
        """The newest as they count now."""
        counted = dict(known.versions)[PRICES]
        if self._newest[0] != counted:
            self._newest = (counted, await self._stores.prices.book(tx))
        book = self._newest[1]
        return NO_PRICES if book is None else book.at(now, currency_code)

    async def then(self, tx: Transaction, record: Record, currency_code: str) -> PricesNow:
        """Those of a record as they counted then; none where they are not kept any more."""
        if record.prices is None:
            return NO_PRICES
        book = await self._stores.prices.book(tx, record.prices.version)
        return NO_PRICES if book is None else book.at(record.create_time, currency_code)

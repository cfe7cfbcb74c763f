"""The book of carriage that is in force, kept in memory."""

from ordermesh.routing.domain.carriage.book import Book
from ordermesh.routing.domain.carriage.exchange import conversions, in_one_currency
from ordermesh.routing.domain.network import NetworkLocation
from ordermesh.routing.ports.carriage import CARRIAGE
from ordermesh.routing.ports.stores import Stores
from ordermesh.routing.wire.carriage import book
from ordermesh.runtime.database import Transaction


class Books:
    """The book of what is in force, from memory while the database counts no change."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._version = -1
        self._book = Book()

    async def at(self, tx: Transaction, version: int) -> Book:
        """The book, when the transaction has counted so many changes already."""
        if version != self._version:
            self._book = book(await self._stores.carriage.in_force(tx), version)
            self._version = version
        return self._book

    async def now(self, tx: Transaction) -> Book:
        """The book as the transaction sees it."""
        return await self.at(tx, dict(await self._stores.network.versions(tx))[CARRIAGE])

    async def network(self, tx: Transaction, currency_code: str) -> tuple[NetworkLocation, ...]:
        """The network in one currency; raises ``CurrencyMismatch``."""
        network = await self._stores.network.all(tx)
        given = {entry.currency_code for entry in network if entry.ships}
        if given <= {currency_code}:
            return network
        changed = conversions(given, currency_code, await self.now(tx), await tx.now())
        ships = tuple(entry for entry in network if entry.ships)
        return in_one_currency(ships, currency_code, changed)

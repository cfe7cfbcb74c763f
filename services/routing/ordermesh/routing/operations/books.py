"""The book of carriage that is in force, kept in memory."""

from ordermesh.routing.domain.carriage.book import Book
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

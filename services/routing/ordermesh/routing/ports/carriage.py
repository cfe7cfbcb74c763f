"""What carriage needs from outside: somewhere to be kept, and places by postal code."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from ordermesh.routing.domain.carriage.postal_code import PostalCode, PostalCodeTable
from ordermesh.runtime.database import Transaction

CARRIAGE = "carriage"
"""The name under which changes of carriage are counted."""


@dataclass(frozen=True)
class StoredEntry:
    """A version of an entry: ``payload`` is its message.

    It is in force from ``revision`` of carriage on, until that of the next version.
    """

    kind: str
    id: str
    version: int
    payload: bytes
    create_time: datetime
    revision: int = 0


class CarriageStore(Protocol):
    """Where all versions of carriage are kept."""

    async def take_turns(self, tx: Transaction) -> int:
        """Count a change: whoever changes carriage goes one after the other. Gives the count."""
        ...

    async def in_force(self, tx: Transaction, revision: int = 0) -> tuple[StoredEntry, ...]:
        """The version of every entry that is, or was at a revision, in force; by kind and id."""
        ...

    async def get(self, tx: Transaction, kind: str, id_: str, version: int) -> StoredEntry | None:
        """A version of an entry; 0 is the newest."""
        ...

    async def page(
        self, tx: Transaction, kind: str, after: str, size: int, revision: int = 0
    ) -> list[StoredEntry]:
        """The versions in force of the next entries of a kind after an id."""
        ...

    async def add(self, tx: Transaction, entries: Sequence[StoredEntry]) -> None:
        """Keep versions."""
        ...


class PostalCodeStore(Protocol):
    """Where imported postal codes are kept."""

    async def in_use(self, tx: Transaction) -> dict[str, PostalCodeTable]:
        """The tables in use, by country."""
        ...

    async def page(
        self, tx: Transaction, after: tuple[str, int], size: int
    ) -> list[PostalCodeTable]:
        """The next tables after a country and version."""
        ...

    async def imported(
        self, tx: Transaction, import_id: UUID, *, lock: bool
    ) -> PostalCodeTable | None:
        """The table of an import."""
        ...

    async def open(self, tx: Transaction, table: PostalCodeTable) -> PostalCodeTable:
        """Keep a table as the next of its country; gives it with its version."""
        ...

    async def known(
        self, tx: Transaction, table: PostalCodeTable, keys: Collection[str]
    ) -> frozenset[str]:
        """Which of these the table has already."""
        ...

    async def add(
        self, tx: Transaction, table: PostalCodeTable, codes: Sequence[PostalCode]
    ) -> PostalCodeTable:
        """Keep the next part; gives the table as it is then."""
        ...

    async def use(self, tx: Transaction, table: PostalCodeTable) -> PostalCodeTable:
        """Take a table into use, in place of the one before."""
        ...

    async def find(self, tx: Transaction, table: PostalCodeTable, key: str) -> PostalCode | None:
        """Where a code is."""
        ...

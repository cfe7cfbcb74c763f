"""What carriage needs from outside: somewhere to be kept, and places by postal code."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ordermesh.runtime.database import Transaction


@dataclass(frozen=True)
class StoredEntry:
    """A version of an entry: ``payload`` is its message."""

    kind: str
    id: str
    version: int
    payload: bytes
    create_time: datetime


class CarriageStore(Protocol):
    """Where all versions of carriage are kept."""

    async def take_turns(self, tx: Transaction) -> None:
        """Count a change: whoever changes carriage goes one after the other."""
        ...

    async def version(self, tx: Transaction) -> int:
        """How often carriage has changed."""
        ...

    async def in_force(self, tx: Transaction) -> tuple[StoredEntry, ...]:
        """The newest version of every entry, by kind and id."""
        ...

    async def get(self, tx: Transaction, kind: str, id_: str, version: int) -> StoredEntry | None:
        """A version of an entry; 0 is the newest."""
        ...

    async def page(self, tx: Transaction, kind: str, after: str, size: int) -> list[StoredEntry]:
        """The newest versions of the next entries of a kind after an id."""
        ...

    async def add(self, tx: Transaction, entries: Sequence[StoredEntry]) -> None:
        """Keep versions."""
        ...

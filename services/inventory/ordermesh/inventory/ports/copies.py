"""The copy of what can be promised, outside of the database, that many readers share."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from ordermesh.api.inventory.v1 import AvailabilityVector, CopyChange
from ordermesh.client.copies import Head
from ordermesh.client.vectors import Vectors


class CopyLost(Exception):
    """The copy is not the one that we wrote: it was flushed, replaced or damaged."""


class CopyWriter(Protocol):
    """Who writes the copy. All raise ``CopyAway`` when nothing can be written now."""

    async def time(self) -> datetime:
        """The clock that ages go by."""
        ...

    async def begin(self, epoch: int, vectors: Vectors, revision: int, since: datetime) -> None:
        """Replace all that there is. ``since`` is a time at which nothing of it was missing."""
        ...

    async def write(
        self, vectors: Vectors, skus: Collection[str], change: CopyChange, since: datetime
    ) -> None:
        """Follow a change, which may be empty, with the vectors of the items that it changed.

        Raises ``CopyLost``; then nothing was written.
        """
        ...

    async def wrong_among(self, epoch: int, vectors: Vectors, skus: Sequence[str]) -> list[str]:
        """The items whose vectors, or what kits are made of, are missing or not as ours."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class CopyReader(Protocol):
    """Who reads the copy for callers that do not need the newest."""

    async def read(
        self, skus: Sequence[str]
    ) -> tuple[Head, Mapping[str, AvailabilityVector]] | None:
        """The vectors of all these items at one moment; None when they cannot be had at once."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...

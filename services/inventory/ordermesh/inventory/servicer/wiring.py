"""What the servicers work with, and how they follow the feed."""

from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message

from ordermesh.inventory.ports.copies import CopyReader
from ordermesh.inventory.ports.stores import Stores
from ordermesh.inventory.ports.verification import VerificationStore
from ordermesh.runtime.database import Database
from ordermesh.runtime.feed import Change, Feed
from ordermesh.runtime.idempotency import Mutations

M = TypeVar("M", bound=Message)

ROWS_MAX = 2_000
"""Changes that one message of a watch carries, so that it stays below the limit of messages."""


@dataclass(frozen=True)
class Wiring:
    """The parts that the composition root put together."""

    database: Database
    mutations: Mutations
    feed: Feed
    stores: Stores
    verification: VerificationStore
    time_zones: Collection[str]
    copies: CopyReader | None = None


async def follow(
    feed: Feed, topics: str | Collection[str], start_revision: int, read: Callable[[Change], M]
) -> AsyncIterator[tuple[int, list[M]]]:
    """Revisions, each with the changes up to it; without changes it is a mark of progress.

    ``topics`` are one or several. Raises ``RevisionCompacted``.
    """
    async for page in feed.watch(topics, start_revision):
        rows = [read(change) for change in page.changes]
        for start in range(0, len(rows) - ROWS_MAX, ROWS_MAX):
            end = start + ROWS_MAX
            yield page.changes[end - 1].revision, rows[start:end]
        rest = (len(rows) - 1) // ROWS_MAX * ROWS_MAX if rows else 0
        yield page.revision, rows[rest:]

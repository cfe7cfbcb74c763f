"""Pages of sources and of rows in quarantine."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from ordermesh.inventory.domain.quarantine import Quarantined
from ordermesh.inventory.domain.stock_source import SourceReport
from ordermesh.inventory.ports.feeds import QuarantineFilter
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction

Row = TypeVar("Row")


@dataclass(frozen=True)
class FeedPage(Generic[Row]):
    """Rows, whether more follow, and when they were read."""

    rows: Sequence[Row]
    has_more: bool
    now: datetime


async def list_sources(
    stores: Stores, tx: Transaction, after: str, size: int, *, stale_only: bool
) -> FeedPage[SourceReport]:
    """A page in the order of ids."""
    now = await tx.now()
    rows = await stores.sources.page(tx, after, size + 1, now if stale_only else None)
    return FeedPage(rows[:size], len(rows) > size, now)


async def list_quarantined(
    stores: Stores,
    tx: Transaction,
    wanted: QuarantineFilter,
    after: tuple[datetime, UUID] | None,
    size: int,
) -> FeedPage[Quarantined]:
    """A page, the oldest first."""
    rows = await stores.quarantine.page(tx, wanted, after, size + 1)
    return FeedPage(rows[:size], len(rows) > size, await tx.now())

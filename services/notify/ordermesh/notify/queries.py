"""Reading timelines."""

from collections.abc import Sequence
from dataclasses import dataclass

from ordermesh.notify.domain.timeline import Entry, Place
from ordermesh.notify.ports import TimelineStore
from ordermesh.runtime.database import Transaction


@dataclass(frozen=True)
class Page:
    """Entries, and whether more follow."""

    entries: Sequence[Entry]
    has_more: bool


async def get_timeline(
    store: TimelineStore, tx: Transaction, order_id: str, after: Place | None, size: int
) -> Page:
    """A page of an order's timeline, the oldest entries first."""
    found = await store.page(tx, order_id, after, size + 1)
    return Page(found[:size], len(found) > size)

"""What the operations and queries need of the outside: where timelines are kept."""

from collections.abc import Sequence
from typing import Protocol

from ordermesh.notify.domain.timeline import Entry, Place
from ordermesh.runtime.database import Transaction


class TimelineStore(Protocol):
    """Timelines, by order."""

    async def add(self, tx: Transaction, entry: Entry) -> None:
        """Keep an entry. One of an event that is kept already changes nothing."""
        ...

    async def page(
        self, tx: Transaction, order_id: str, after: Place | None, size: int
    ) -> Sequence[Entry]:
        """The next entries of an order, the oldest first."""
        ...

"""Timelines in the database."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Row, Uuid, literal, select, tuple_

from ordermesh.notify.domain.timeline import Entry, Place
from ordermesh.notify.store.tables import timeline_entry
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.instants import UtcTime
from ordermesh.runtime.tables import insert_new

_columns = timeline_entry.c


class SqlTimelineStore:
    """Timelines in a table."""

    async def add(self, tx: Transaction, entry: Entry) -> None:
        """Keep an entry. One of an event that is kept already changes nothing.

        The inbox forgets event ids after a while; what they became stays, and so does its key.
        """
        await tx.execute(
            insert_new(timeline_entry, tx.dialect).values(
                event_id=entry.place.event_id,
                order_id=entry.order_id,
                event_time=entry.place.event_time,
                sequence=entry.place.sequence,
                event_type=entry.event_type,
                source=entry.source,
                sentence=entry.sentence,
            )
        )

    async def page(
        self, tx: Transaction, order_id: str, after: Place | None, size: int
    ) -> Sequence[Entry]:
        """The next entries of an order, the oldest first."""
        place = tuple_(_columns.event_time, _columns.sequence, _columns.event_id)
        wanted = select(timeline_entry).where(_columns.order_id == order_id)
        if after is not None:
            wanted = wanted.where(
                place
                > tuple_(
                    literal(after.event_time, UtcTime()),
                    literal(after.sequence, BigInteger()),
                    literal(after.event_id, Uuid()),
                )
            )
        found = await tx.execute(wanted.order_by(*place).limit(size))
        return [_entry(row) for row in found]


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        order_id=row.order_id,
        place=Place(row.event_time, row.sequence, row.event_id),
        event_type=row.event_type,
        source=row.source,
        sentence=row.sentence,
    )

"""Pages of the feed as they are read: changes in the order of their revisions."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Row, bindparam, select

from ordermesh.kernel.errors import RuleViolated
from ordermesh.runtime.carrier import read_trace
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.tables import feed, leader

FEED = "feed"
"""The name of the feed in the table of leaders."""

STAMPED = "feed.stamped"
"""The doorbell of the watchers."""

PAGE_ROWS = 1_000


# Asked by every watcher all the time, so built once.
_PLACE = select(leader).where(leader.c.name == FEED)
_CHANGES = (
    select(feed)
    .where(feed.c.revision.between(bindparam("first"), bindparam("last")))
    .order_by(feed.c.revision)
    .limit(PAGE_ROWS)
)
_CHANGES_OF = _CHANGES.where(feed.c.topic.in_(bindparam("topics", expanding=True)))


class RevisionCompacted(RuleViolated):
    """The revision asked for is not kept any more, or is of another history of this database."""

    reason: ClassVar[str] = "REVISION_COMPACTED"


@dataclass(frozen=True)
class Change:
    """One change at its place in the feed."""

    revision: int
    topic: str
    key: str
    sequence: int
    payload: bytes
    trace: Mapping[str, str]
    create_time: datetime


@dataclass(frozen=True)
class Page:
    """Changes of what is followed; when it is applied, all up to ``revision`` has been given.

    Without changes it is a mark of progress.
    """

    revision: int
    changes: tuple[Change, ...]


async def read_page(
    tx: Transaction, topics: Collection[str] | None, start: int
) -> tuple[Page, bool]:
    """The next page from ``start`` on, and whether more may be waiting behind it.

    ``topics`` None means all; a ``start`` of 0 is from now on. Raises ``RevisionCompacted``.
    """
    place = (await tx.execute(_PLACE)).one()
    if start == 0:
        return Page(place.revision, ()), False
    if start <= place.compacted_revision or start > place.revision + 1:
        raise RevisionCompacted(
            f"Revision {start} is not kept. Load a fresh copy and watch from its revision.",
            {"oldestRevision": place.compacted_revision + 1},
        )
    if start > place.revision:
        return Page(place.revision, ()), False
    reach = {"first": start, "last": place.revision}
    if topics is None:
        found = await tx.execute(_CHANGES, reach)
    else:
        found = await tx.execute(_CHANGES_OF, {"topics": list(topics), **reach})
    changes = tuple(_change(row) for row in found)
    is_full = len(changes) == PAGE_ROWS
    return Page(changes[-1].revision if is_full else place.revision, changes), is_full


def _change(row: Row[Any]) -> Change:
    return Change(
        revision=row.revision,
        topic=row.topic,
        key=row.key,
        sequence=row.sequence,
        payload=row.payload,
        trace=read_trace(row.trace),
        create_time=row.create_time,
    )

"""Pages of the feed as they are read: changes in the order of their revisions."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    Select,
    bindparam,
    func,
    literal_column,
    select,
    union_all,
)

from ordermesh.kernel.errors import RuleViolated
from ordermesh.runtime.carrier import read_trace
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.packing import PACKED_MAX, unpack
from ordermesh.runtime.tables import feed, leader

FEED = "feed"
"""The name of the feed in the table of leaders."""

STAMPED = "feed.stamped"
"""The doorbell of the watchers."""

PAGE_CHANGES = 1_000

PAGE_BYTES = 3_500_000
"""How large the payloads of a page are together, unless one alone is larger: a page is one message
for who watches, and that may have four MiB."""

CHANGES = func.coalesce(feed.c.packed, literal_column("1", Integer))
"""How many changes a row holds."""

# Asked by every watcher all the time, so built once.
_PLACE = select(leader).where(leader.c.name == FEED)


def _rows(*conditions: ColumnElement[bool]) -> Select[Any]:
    """The next rows from a revision on, as many as fill a page."""
    numbered = (
        select(feed, func.sum(CHANGES).over(order_by=feed.c.revision).label("reach"))
        .where(feed.c.revision.between(bindparam("first"), bindparam("last")), *conditions)
        .order_by(feed.c.revision)
        .limit(PAGE_CHANGES)
        .subquery()
    )
    # Of the first row some may be left out, so one more may be needed to fill the page.
    held = func.coalesce(numbered.c.packed, literal_column("1", Integer))
    return (
        select(numbered)
        .where(numbered.c.reach - held <= PAGE_CHANGES + PACKED_MAX)
        .order_by(numbered.c.revision)
    )


_ROWS = _rows()
_ROWS_OF = _rows(feed.c.topic.in_(bindparam("topics", expanding=True)))


# Two questions, because each has an index of its own.
_REST = union_all(
    select(feed).where(feed.c.topic == bindparam("topic"), feed.c.revision > bindparam("after")),
    select(feed).where(feed.c.topic == bindparam("topic"), feed.c.revision.is_(None)),
)


class RevisionCompacted(RuleViolated):
    """The revision asked for is not kept any more, or is of another history of this database."""

    reason: ClassVar[str] = "REVISION_COMPACTED"


class Change(NamedTuple):
    """One change at its place in the feed; ``memo`` is for the service itself."""

    revision: int
    topic: str
    key: str
    sequence: int
    payload: bytes
    trace: Mapping[str, str]
    create_time: datetime
    memo: bytes = b""


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
        found = await tx.execute(_ROWS, reach)
    else:
        found = await tx.execute(_ROWS_OF, {"topics": list(topics), **reach})
    held = (change for row in found for change in _changes(row) if change.revision >= start)
    changes, is_full = cut(held)
    return Page(changes[-1].revision if is_full else place.revision, tuple(changes)), is_full


async def read_rest(tx: Transaction, topic: str, after: int) -> list[Change]:
    """All changes of a topic after a revision, also those that are not stamped, which come last.

    Their revisions are not to be used. For whom it is known that these are few.
    """
    found = await tx.execute(_REST, {"topic": topic, "after": after})
    return [change for row in found for change in _changes(row)]


def cut(changes: Iterable[Change]) -> tuple[list[Change], bool]:
    """As many of the changes as a page takes, and whether it is full: others may follow."""
    taken: list[Change] = []
    size = 0
    for change in changes:
        size += len(change.payload)
        if taken and size > PAGE_BYTES:
            return taken, True
        taken.append(change)
        if len(taken) == PAGE_CHANGES:
            return taken, True
    return taken, False


def _changes(row: Row[Any]) -> Iterator[Change]:
    """The changes that a row holds."""
    topic, trace, time = row.topic, read_trace(row.trace), row.create_time
    if row.packed is None:
        yield Change(row.revision or 0, topic, row.key, row.sequence, row.payload, trace, time)
        return
    revision = (row.revision or 0) - row.packed
    for key, payload, sequence, memo in unpack(row.payload):
        revision += 1
        yield Change(revision, topic, key, sequence, payload, trace, time, memo)

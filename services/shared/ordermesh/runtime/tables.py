"""The runtime's own tables, which lie beside each service's tables in the same schema."""

from functools import cache
from typing import cast

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    Uuid,
    func,
)
from sqlalchemy.dialects import postgresql, sqlite

from ordermesh.runtime.engines import Dialect
from ordermesh.runtime.instants import UtcTime

metadata = MetaData()

Number = BigInteger().with_variant(Integer, "sqlite")
"""A growing number. SQLite counts up only in a column that is called INTEGER."""

reply = Table(
    "reply",
    metadata,
    Column("request_id", Uuid, primary_key=True),
    Column("request_hash", LargeBinary, nullable=False),
    Column("method", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("reply", LargeBinary, nullable=True),  # the message; null when it was refused
    Column("refusal", Text, nullable=True),  # reason, sentence and rows of facts, as JSON
    Column("create_time", UtcTime, nullable=False),
    Index("reply_create_time", "create_time"),
)

work = Table(
    "work",
    metadata,
    Column("number", Number, Identity(always=True), primary_key=True),
    Column("work_id", Uuid, nullable=False, unique=True),
    Column("kind", String(64), nullable=False),
    Column("key", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("trace", Text, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("due_time", UtcTime, nullable=False),
    Column("lease_until", UtcTime, nullable=True),
    Column("fence", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("refusals", Integer, nullable=False),
    Column("alone", Boolean, nullable=False),  # a neighbour in its batch may be what fails
    Column("failing_since", UtcTime, nullable=True),
    Column("failure", Text, nullable=True),
    Column("dead_time", UtcTime, nullable=True),
)
Index("work_key", work.c.kind, work.c.key, work.c.number)
Index(
    "work_due",
    work.c.kind,
    work.c.alone,
    work.c.due_time,
    work.c.number,
    postgresql_where=work.c.dead_time.is_(None),
    sqlite_where=work.c.dead_time.is_(None),
)

feed = Table(
    "feed",
    metadata,
    Column("change_id", Number, Identity(always=True), primary_key=True),
    Column("revision", BigInteger, nullable=True, unique=True),
    Column("topic", String(64), nullable=False),
    Column("key", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    # So many changes of one transaction are packed into the payload, and ``revision`` is that of
    # the last of them. None: the row is one change, which its columns tell.
    Column("packed", Integer, nullable=True),
    Column("trace", Text, nullable=False),
    Column("create_time", UtcTime, nullable=False),
)
Index("feed_topic", feed.c.topic, feed.c.revision)
Index(
    "feed_unstamped",
    feed.c.change_id,
    postgresql_where=feed.c.revision.is_(None),
    sqlite_where=feed.c.revision.is_(None),
)
Index(
    # An event says what happened to a thing at one place of its history: once.
    "feed_event",
    feed.c.key,
    feed.c.sequence,
    unique=True,
    postgresql_where=feed.c.topic == "event",
    sqlite_where=feed.c.topic == "event",
)

leader = Table(
    "leader",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", Uuid, nullable=True),
    Column("lease_until", UtcTime, nullable=True),
    Column("fence", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),  # the highest that was stamped
    Column("compacted_revision", BigInteger, nullable=False),  # the highest that is gone
)

inbox = Table(
    "inbox",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    Column("source", String(64), nullable=False),
    Column("type", String(128), nullable=False),
    Column("receive_time", UtcTime, nullable=False),
    Index("inbox_receive_time", "receive_time"),
)


@cache
def insert_new(table: Table, dialect: Dialect) -> postgresql.Insert | sqlite.Insert:
    """An insert that leaves out the rows whose key exists already."""
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return insert(table).on_conflict_do_nothing()


@cache
def insert_now(
    table: Table, dialect: Dialect, *columns: str, is_new: bool = False
) -> postgresql.Insert | sqlite.Insert:
    """An insert of rows in which these columns are the instant of the database's clock.

    On SQLite they are among the values, ``Transaction.instants``. ``is_new`` leaves out the rows
    whose key exists already.
    """
    if dialect == "sqlite":
        return insert_new(table, dialect) if is_new else sqlite.insert(table)
    inserting = insert_new(table, dialect) if is_new else postgresql.insert(table)
    now = func.clock_timestamp(type_=UtcTime())
    return cast("postgresql.Insert", inserting.values(dict.fromkeys(columns, now)))

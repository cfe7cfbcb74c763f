"""The tables of notify. Personal data lies in ``recipient`` alone."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    Uuid,
)

from ordermesh.runtime.instants import UtcTime
from ordermesh.runtime.tables import Number

metadata = MetaData()

CallerText = Text().with_variant(Text(collation="C"), "postgresql")
"""An id that callers chose, compared byte by byte, so that both databases sort it alike."""

timeline_entry = Table(
    "timeline_entry",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("event_time", UtcTime, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("sentence", Text, nullable=False),
)
Index(
    "timeline_entry_order",
    timeline_entry.c.order_id,
    timeline_entry.c.event_time,
    timeline_entry.c.sequence,
    timeline_entry.c.event_id,
)

recipient = Table(
    "recipient",
    metadata,
    # Kept because returns tell of an order long after routing did, and do not know whose it is.
    Column("order_id", CallerText, primary_key=True),
    Column("order_name", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("update_time", UtcTime, nullable=False),
    Index("recipient_update_time", "update_time"),
)

notification = Table(
    "notification",
    metadata,
    Column("number", Number, Identity(always=True), primary_key=True),
    Column("notification_id", Uuid, nullable=False, unique=True),
    Column("order_id", CallerText, nullable=False),
    Column("kind", String(24), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("outcome", Text, nullable=False),
    Column("possible_duplicate", Boolean, nullable=False),
    Column("facts", JSON(none_as_null=True), nullable=True),  # null once they were forgotten
    Column("event_id", Uuid, nullable=False),
    Column("event_time", UtcTime, nullable=False),
    Column("attempt_count", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("refusals", Integer, nullable=False),
    Column("first_attempt_time", UtcTime, nullable=True),
    Column("due_time", UtcTime, nullable=True),
    Column("event_sequence", BigInteger, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
    Index("notification_order", "order_id", "number"),
    Index("notification_state", "state", "number"),
    Index("notification_update_time", "update_time"),
)

attempt = Table(
    "attempt",
    metadata,
    Column("notification_id", Uuid, ForeignKey("notification.notification_id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("begin_time", UtcTime, nullable=False),
    Column("end_time", UtcTime, nullable=True),
    Column("result", String(16), nullable=True),  # null: under way, or cut off
    Column("answer", Text, nullable=False),
    CheckConstraint("(result IS NULL) = (end_time IS NULL)", name="attempt_end"),
)

preference = Table(
    "preference",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # of channel and address
    Column("kind", String(24), primary_key=True),  # "" is all of them
    Column("channel", String(16), nullable=False),
    Column("opted_out", Boolean, nullable=False),
    Column("update_time", UtcTime, nullable=False),
)

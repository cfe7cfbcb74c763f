"""Counts and their lines."""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from ordermesh.inventory.store.tables.base import CallerText, metadata
from ordermesh.runtime.instants import UtcTime

count = Table(
    "count",
    metadata,
    Column("count_id", CallerText, primary_key=True),
    Column("location_id", Integer, ForeignKey("location.location_id"), nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("skus", JSON, nullable=False),  # that were asked for; none: all that are stocked
    Column("assigned_to", Text, nullable=False),
    Column("threshold_units", BigInteger, nullable=True),
    Column("threshold_percent", Integer, nullable=True),
    Column("document", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("on_behalf_of", Text, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("open_time", UtcTime, nullable=True),
    Column("close_time", UtcTime, nullable=True),
    CheckConstraint("(state > 2) = (close_time IS NOT NULL)", name="count_close"),
)

count_mark = Table(
    "count_mark",
    metadata,
    # The last count of a key that was accepted. One that agrees with the books has no entry.
    Column("item_id", Integer, ForeignKey("item.item_id"), primary_key=True, autoincrement=False),
    Column(
        "location_id",
        Integer,
        ForeignKey("location.location_id"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("sequence", BigInteger, nullable=False),  # of the last entry then
    Column("count_time", UtcTime, nullable=False),
)

count_line = Table(
    "count_line",
    metadata,
    Column("count_id", CallerText, ForeignKey("count.count_id"), primary_key=True),
    Column("item_id", Integer, ForeignKey("item.item_id"), primary_key=True, autoincrement=False),
    Column("state", SmallInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),  # when it was noted what should be found
    Column("expected", BigInteger, nullable=False),
    Column("tallies", JSON, nullable=False),
    Column("accepted_by", Text, nullable=False),
    Column("accept_time", UtcTime, nullable=True),
    Column("reason", SmallInteger, nullable=False),
    Column("settled_missing", BigInteger, nullable=False),
    Column("movement_id", Uuid, nullable=True),
    CheckConstraint("expected >= 0 AND settled_missing >= 0", name="count_line_units"),
    CheckConstraint("(state = 4) = (accept_time IS NOT NULL)", name="count_line_accept"),
)

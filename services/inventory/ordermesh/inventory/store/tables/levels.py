"""Levels of availability that were told last, and how far they were looked at."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, SmallInteger, Table

from ordermesh.inventory.store.tables.base import CallerText, metadata
from ordermesh.runtime.instants import UtcTime

availability_level = Table(
    "availability_level",
    metadata,
    Column("item_id", Integer, primary_key=True, autoincrement=False),
    Column("channel", CallerText, primary_key=True),
    Column("location_code", CallerText, primary_key=True),  # empty: all locations together
    Column("level", SmallInteger, nullable=True),  # null: it is not looked at any more
    Column("sequence", BigInteger, nullable=False),  # of the last event
)


level_watch = Table(
    "level_watch",
    metadata,
    # One row; who looks at levels holds its lock.
    Column("one", SmallInteger, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),  # of the feed, up to which was looked
    Column("control_version", BigInteger, nullable=False),  # whose changes were looked at
    Column("look_time", UtcTime, nullable=True),  # controls that began or ended until then were
    CheckConstraint("one = 1", name="level_watch_one"),
)

"""Channel controls, their history, and what was taken from pools."""

from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from ordermesh.inventory.store.tables.base import CallerText, metadata
from ordermesh.runtime.instants import UtcTime

control_version = Table(
    "control_version",
    metadata,
    # One row. The stamp is new with every change, so that a version that was rolled back, or is of
    # another copy of the database, is never taken for this one.
    Column("one", SmallInteger, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("stamp", Uuid, nullable=False),
    # Changes with items and locations, so that what was remembered of them is found to be old.
    Column("catalog_stamp", Uuid, nullable=False, server_default=str(UUID(int=0))),
    Column("last_number", Integer, nullable=False),  # ever given to a control
    Column("update_time", UtcTime, nullable=True),
    CheckConstraint("one = 1", name="control_version_one"),
)


control = Table(
    "control",
    metadata,
    # Never given to another one, because lines tell by it of which pool their units are.
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("control_id", CallerText, nullable=False, unique=True),
    Column("kind", SmallInteger, nullable=False),
    Column("value", BigInteger, nullable=False),
    Column("location_group", Text, nullable=False),
    Column("location_id", Text, nullable=False),
    Column("tag", Text, nullable=False),
    Column("sku", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("start_time", UtcTime, nullable=True),
    Column("end_time", UtcTime, nullable=True),
    Column("priority", Integer, nullable=False),
    Column("note", Text, nullable=False),
    Column("window_seconds", BigInteger, nullable=True),
    Column("version", BigInteger, nullable=False),  # of all controls, that put it as it is
    Column("update_time", UtcTime, nullable=False),
    CheckConstraint("value >= 0", name="control_value"),
)


control_change = Table(
    "control_change",
    metadata,
    # Append-only: what each version changed. A control that is deleted has no content.
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("control_id", CallerText, primary_key=True),
    Column("is_deleted", Boolean, nullable=False),
    Column("content", JSON(none_as_null=True), nullable=True),
    Column("caller", Text, nullable=False),
    Column("on_behalf_of", Text, nullable=False),
    Column("create_time", UtcTime, nullable=False),
)


pool_use = Table(
    "pool_use",
    metadata,
    # Read and written only by who holds the lock of the balance with this key.
    Column("number", Integer, primary_key=True, autoincrement=False),  # of the control
    Column("item_id", Integer, primary_key=True, autoincrement=False),
    Column("location_id", Integer, primary_key=True, autoincrement=False),
    Column("taken", BigInteger, nullable=False),
    CheckConstraint("taken >= 0", name="pool_use_taken"),
    # What was taken from all pools at locked balances.
    Index("pool_use_key", "item_id", "location_id"),
)

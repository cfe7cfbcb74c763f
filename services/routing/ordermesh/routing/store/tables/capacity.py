"""How much of the windows of locations is taken, and by which holds."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    Uuid,
    false,
)

from ordermesh.routing.store.tables.base import CallerText, metadata
from ordermesh.runtime.instants import UtcTime

capacity_window = Table(
    "capacity_window",
    metadata,
    Column("location_id", CallerText, primary_key=True),
    Column("capacity_id", CallerText, primary_key=True),
    Column("start_time", UtcTime, primary_key=True),
    Column("used", BigInteger, nullable=False),
    CheckConstraint("used >= 0", name="capacity_window_not_negative"),
    Index("capacity_window_start", "start_time"),
)

capacity_hold = Table(
    "capacity_hold",
    metadata,
    Column("hold_id", Uuid, primary_key=True),
    Column("location_id", CallerText, nullable=False),
    Column("state", String(16), nullable=False),
    Column("caller", Text, nullable=False),
    Column("expire_time", UtcTime, nullable=True),  # none: it waits
    Column("create_time", UtcTime, nullable=False),
    Column("change_time", UtcTime, nullable=False),
    Index("capacity_hold_expire", "state", "expire_time"),
    Index("capacity_hold_change", "change_time"),
)

capacity_share = Table(
    "capacity_share",
    metadata,
    Column(
        "hold_id", Uuid, ForeignKey("capacity_hold.hold_id", ondelete="CASCADE"), primary_key=True
    ),
    Column("location_id", CallerText, primary_key=True),
    Column("capacity_id", CallerText, primary_key=True),
    Column("start_time", UtcTime, primary_key=True),
    Column("amount", BigInteger, nullable=False),
    Column("is_given_back", Boolean, nullable=False, server_default=false()),
    Index("capacity_share_window", "location_id", "capacity_id", "start_time"),
)

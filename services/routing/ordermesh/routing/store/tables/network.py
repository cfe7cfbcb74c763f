"""How locations fulfill, and what is switched on and off."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    String,
    Table,
    Text,
    Uuid,
)

from ordermesh.routing.store.tables.base import CallerText, Number, metadata
from ordermesh.runtime.instants import UtcTime

network_location = Table(
    "network_location",
    metadata,
    Column("location_id", CallerText, primary_key=True),
    Column("methods", JSON, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("currency_code", String(3), nullable=False),
    Column("pick_fee", BigInteger, nullable=False),
    Column("labor_cost_per_unit", BigInteger, nullable=False),
    Column("labor_cost_per_line", BigInteger, nullable=False, server_default="0"),
    Column("handling_days", Integer, nullable=False),
    Column("return_handling", String(16), nullable=False),
    Column("update_time", UtcTime, nullable=False),
    Column("capabilities", JSON, nullable=False, server_default="[]"),
    Column("timetable", JSON, nullable=False, server_default="{}"),
    Column(
        "processing", JSON, nullable=False, server_default="[]"
    ),  # permille, days, minutes, weekday
    Column("reject_permille", Integer, nullable=False, server_default="0"),
    Column("capacities", JSON, nullable=False, server_default="[]"),
)

location_switch = Table(
    "location_switch",
    metadata,
    Column("number", Number, Identity(always=True), primary_key=True),
    Column("switch_id", Uuid, nullable=False, unique=True),
    Column("location_id", CallerText, nullable=False),
    Column("methods", JSON, nullable=False),
    Column("is_on", Boolean, nullable=False),
    Column("start_time", UtcTime, nullable=False),
    Column("end_time", UtcTime, nullable=True),  # none: until it is ended
    Column("reason", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("on_behalf_of", Text, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    CheckConstraint("end_time is null or end_time >= start_time", name="location_switch_ascends"),
    Index("location_switch_location", "location_id", "number"),
)

calendar = Table(
    "calendar",
    metadata,
    Column("calendar_id", CallerText, primary_key=True),
    Column("time_zone", String(64), nullable=False),
    Column("timetable", JSON, nullable=False),
    Column("update_time", UtcTime, nullable=False),
)

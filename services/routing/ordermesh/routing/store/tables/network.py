"""How locations fulfill, and what they have been given to do."""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Integer,
    String,
    Table,
)

from ordermesh.routing.store.tables.base import CallerText, metadata
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
    Column("capacity_units_per_day", BigInteger, nullable=True),
    Column("handling_days", Integer, nullable=False),
    Column("return_handling", String(16), nullable=False),
    Column("update_time", UtcTime, nullable=False),
)


capacity_use = Table(
    "capacity_use",
    metadata,
    Column("location_id", CallerText, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("units", BigInteger, nullable=False),
    CheckConstraint("units >= 0", name="capacity_use_not_negative"),
)

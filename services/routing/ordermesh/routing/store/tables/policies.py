"""Policies."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from ordermesh.routing.store.tables.base import CallerText, metadata
from ordermesh.runtime.instants import UtcTime

policy = Table(
    "policy",
    metadata,
    Column("policy_id", CallerText, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("currency_code", String(3), nullable=False),
    Column("zones", JSON, nullable=False),  # distance, freight per parcel, per kilogram, days
    Column("split_charge", BigInteger, nullable=False),
    Column("transit_day_cost", BigInteger, nullable=False),
    Column("late_day_cost", BigInteger, nullable=False),
    Column("carbon_price_per_kg", BigInteger, nullable=False),
    Column("unfilled_fixed", BigInteger, nullable=False),
    Column("unfilled_per_unit", BigInteger, nullable=False),
    Column("unfilled_per_kg", BigInteger, nullable=False),
    Column("parcel_grams_max", BigInteger, nullable=False),
    Column("shipments_max", Integer, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("state", String(16), nullable=False, server_default="ACTIVE"),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("body", JSON, nullable=False, server_default="{}"),  # windows, rules, tiers, stages
    Index("policy_state", "state"),
)

put_fact = Table(
    "put_fact",
    metadata,
    Column("location_id", CallerText, primary_key=True),
    Column("sku", CallerText, primary_key=True),  # empty: of the location, or of every item there
    Column("fact", String(64), primary_key=True),
    Column("value", BigInteger, nullable=False),
    Column("update_time", UtcTime, nullable=False),
    Index("put_fact_sku", "sku"),
)

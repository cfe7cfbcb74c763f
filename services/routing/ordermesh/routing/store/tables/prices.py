"""Prices of stock and labor, by version, and what they suggest."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from ordermesh.routing.store.tables.base import CallerText, Number, metadata
from ordermesh.runtime.instants import UtcTime

price_set = Table(
    "price_set",
    metadata,
    Column("version", Number, Identity(always=True), primary_key=True),
    Column("create_time", UtcTime, nullable=False),
    Column("currency_code", String(3), nullable=False),
    Column("fade_time", UtcTime, nullable=False),
    Column("end_time", UtcTime, nullable=False),
    Column("horizon_hours", Integer, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("days", Integer, nullable=False),
    Column("orders", Integer, nullable=False),
    Column("baskets", Integer, nullable=False),
    Column("futures", Integer, nullable=False),
    Column("orders_ahead", Integer, nullable=False),
    Column("error", Float, nullable=False),
    Column("naive_error", Float, nullable=False),
    Column("bias", Float, nullable=False),
    Column("tested_periods", Integer, nullable=False),
    Column("is_cut", Boolean, nullable=False),
    Column("cause", Text, nullable=False),
    Column("promotions", JSON, nullable=False),  # SKU, thousandths, until when
    Index("price_set_create_time", "create_time"),
)

SET = "price_set.version"


stock_price = Table(
    "stock_price",
    metadata,
    Column("version", Number, ForeignKey(SET, ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),  # the dearest first
    Column("sku", CallerText, nullable=False),
    Column("location_id", CallerText, nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("last_unit", BigInteger, nullable=False),
    Column("next_unit", BigInteger, nullable=False),
    Column("missing_permille", BigInteger, nullable=False),
    Column("idle_units", BigInteger, nullable=False),
)

labor_price = Table(
    "labor_price",
    metadata,
    Column("version", Number, ForeignKey(SET, ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),  # the dearest first
    Column("location_id", CallerText, nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("units", BigInteger, nullable=True),  # none: any number
    Column("hour_worth", BigInteger, nullable=True),  # none: no capacity says so
)

stock_suggestion = Table(
    "stock_suggestion",
    metadata,
    Column("version", Number, ForeignKey(SET, ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),  # the most valuable first
    Column("kind", String(16), nullable=False),
    Column("sku", CallerText, nullable=False),
    Column("from_location_id", CallerText, nullable=False),  # empty: it would be bought
    Column("to_location_id", CallerText, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("value", BigInteger, nullable=False),
)

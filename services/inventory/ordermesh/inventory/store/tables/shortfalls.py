"""Shortfalls."""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Table,
    Uuid,
)

from ordermesh.inventory.store.tables.base import CallerText, metadata
from ordermesh.runtime.instants import UtcTime

shortfall = Table(
    "shortfall",
    metadata,
    Column("shortfall_id", Uuid, primary_key=True),
    Column("item_id", Integer, nullable=False),
    Column("location_id", Integer, nullable=False),
    Column("reservation_id", Uuid, nullable=False),
    Column("order_id", CallerText, nullable=False),
    Column("line_ids", JSON, nullable=False),
    Column("quantity", BigInteger, nullable=False),  # when it was opened
    Column("open_quantity", BigInteger, nullable=False),
    Column("movement_id", Uuid, nullable=False),
    Column("open_time", UtcTime, nullable=False),
    Column("close_time", UtcTime, nullable=True),
    CheckConstraint(
        "quantity > 0 AND open_quantity >= 0 AND open_quantity <= quantity",
        name="shortfall_quantity",
    ),
    CheckConstraint("(open_quantity = 0) = (close_time IS NOT NULL)", name="shortfall_close"),
)

Index("shortfall_time", shortfall.c.open_time, shortfall.c.shortfall_id)

Index(
    "shortfall_open",
    shortfall.c.item_id,
    shortfall.c.location_id,
    postgresql_where=shortfall.c.close_time.is_(None),
    sqlite_where=shortfall.c.close_time.is_(None),
)

Index(
    "shortfall_order",
    shortfall.c.order_id,
    postgresql_where=shortfall.c.order_id != "",
    sqlite_where=shortfall.c.order_id != "",
)

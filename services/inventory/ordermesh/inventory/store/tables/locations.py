"""Locations."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    Identity,
    Integer,
    SmallInteger,
    Table,
    Text,
)

from ordermesh.inventory.store.tables.base import CallerText, metadata
from ordermesh.runtime.instants import UtcTime

location = Table(
    "location",
    metadata,
    Column("location_id", Integer, Identity(always=True), primary_key=True),
    Column("code", CallerText, nullable=False, unique=True),  # what callers call its id
    Column("name", Text, nullable=False),
    Column("type", SmallInteger, nullable=False),
    Column("address", JSON(none_as_null=True), nullable=True),
    Column("latitude", Double, nullable=False),
    Column("longitude", Double, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("groups", JSON, nullable=False),
    Column("is_disabled", Boolean, nullable=False),
    Column("external_references", JSON, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
)

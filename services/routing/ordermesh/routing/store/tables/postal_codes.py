"""Postal codes, country by country and import by import."""

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text, Uuid

from ordermesh.routing.store.tables.base import CallerText, metadata
from ordermesh.runtime.instants import UtcTime

postal_code_table = Table(
    "postal_code_table",
    metadata,
    Column("country_code", String(2), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("import_id", Uuid, nullable=False, unique=True),
    Column("source", Text, nullable=False),
    Column("significant", Integer, nullable=False),  # signs that are looked up; 0: all
    Column("state", String(16), nullable=False),
    Column("next_part", Integer, nullable=False),
    Column("postal_codes", BigInteger, nullable=False),  # how many
    Column("create_time", UtcTime, nullable=False),
)

postal_code = Table(
    "postal_code",
    metadata,
    Column("country_code", String(2), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("code", CallerText, primary_key=True),  # what it is found by
    Column("latitude", Integer, nullable=False),
    Column("longitude", Integer, nullable=False),
    Column("region", Text, nullable=False),
    Column("time_zone", String(64), nullable=False),
)

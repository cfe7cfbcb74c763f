"""Carriage: versions of carriers, zone tables, rate cards, lanes, emission factors and rates."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table

from ordermesh.routing.store.tables.base import CallerText, metadata
from ordermesh.runtime.instants import UtcTime

carriage = Table(
    "carriage",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("id", CallerText, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("revision", BigInteger, nullable=False),  # of carriage, since which it is in force
    Column("payload", LargeBinary, nullable=False),  # the message
    Column("create_time", UtcTime, nullable=False),
)

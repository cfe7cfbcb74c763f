"""Keys whose books were found wrong."""

from sqlalchemy import JSON, Column, Index, Integer, Table, Text, Uuid

from ordermesh.inventory.store.tables.base import metadata
from ordermesh.runtime.instants import UtcTime

quarantined_key = Table(
    "quarantined_key",
    metadata,
    Column("suspect_id", Uuid, primary_key=True),
    Column("item_id", Integer, nullable=False),
    Column("location_id", Integer, nullable=False),
    Column("findings", JSON, nullable=False),  # as they were found
    Column("found_time", UtcTime, nullable=False),
    Column("free_time", UtcTime, nullable=True),  # null while it is in quarantine
    Column("caller", Text, nullable=False, server_default=""),  # who freed it
    Column("on_behalf_of", Text, nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
)

Index("quarantined_key_time", quarantined_key.c.found_time, quarantined_key.c.suspect_id)

Index(
    "quarantined_key_open",
    quarantined_key.c.item_id,
    quarantined_key.c.location_id,
    unique=True,
    postgresql_where=quarantined_key.c.free_time.is_(None),
    sqlite_where=quarantined_key.c.free_time.is_(None),
)

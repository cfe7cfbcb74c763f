"""What systems outside tell of stock: sources, pictures, imports, and what is in quarantine."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
    false,
)

from ordermesh.inventory.store.tables.base import CallerText, metadata
from ordermesh.runtime.instants import UtcTime

stock_source = Table(
    "stock_source",
    metadata,
    Column("source_id", Integer, Identity(always=True), primary_key=True),
    Column("code", CallerText, nullable=False, unique=True),  # what callers call its id
    Column("kind", SmallInteger, nullable=False),
    Column("location_codes", JSON, nullable=False),
    Column("callers", JSON, nullable=False),
    Column("may_fall_below_reserved", Boolean, nullable=False),
    Column("jump_units", BigInteger, nullable=False),
    Column("jump_percent", Integer, nullable=False),
    Column("gap_policy", SmallInteger, nullable=False),
    Column("silence_seconds", BigInteger, nullable=True),
    Column("ahead_max", BigInteger, nullable=False, server_default="0"),
    Column("applied_sequence", BigInteger, nullable=False),
    Column("gaps", JSON, nullable=False),  # pairs of first and last, ascending
    Column("forgotten", BigInteger, nullable=False, server_default="0"),  # last of gaps given up
    Column("ahead", BigInteger, nullable=False),  # the highest watermark beyond what had come
    Column("heard_time", UtcTime, nullable=True),
    Column("create_time", UtcTime, nullable=False),
)

held_delta = Table(
    "held_delta",
    metadata,
    # Changes that wait for their predecessors, and numbers of changes that need not wait any more.
    Column("source_id", Integer, primary_key=True, autoincrement=False),
    Column("source_sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("delta", JSON, nullable=False),
    Column("is_settled", Boolean, nullable=False, server_default=false()),
)

picture_mark = Table(
    "picture_mark",
    metadata,
    # The latest picture of a key, or with item 0 of a whole location. A key has a row only where
    # it is needed: a partial picture showed it, or its picture was ahead of the source's changes.
    Column("source_id", Integer, primary_key=True, autoincrement=False),
    Column("location_id", Integer, primary_key=True, autoincrement=False),
    Column("item_id", Integer, primary_key=True, autoincrement=False),
    Column("watermark", BigInteger, nullable=True),
    Column("taken", UtcTime, nullable=True),
    # What other sources showed of a key.
    Index("picture_mark_place", "location_id", "item_id"),
)

quarantined_row = Table(
    "quarantined_row",
    metadata,
    Column("quarantine_id", Uuid, primary_key=True),
    Column("source_id", Integer, nullable=False),
    Column("import_id", Uuid, nullable=True),
    Column("reason", SmallInteger, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("content", JSON, nullable=False),  # the row as it came
    Column("source_sequence", BigInteger, nullable=True),  # of a change; null for a picture's row
    Column("watermark", BigInteger, nullable=True),
    Column("taken", UtcTime, nullable=True),
    Column("is_full", Boolean, nullable=False),  # it came with a full picture
    Column("document", Text, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("decide_time", UtcTime, nullable=True),
    Column("caller", Text, nullable=False),  # who decided
    Column("on_behalf_of", Text, nullable=False),
    Column("note", Text, nullable=False),
)

Index("quarantined_row_time", quarantined_row.c.create_time, quarantined_row.c.quarantine_id)

Index(
    "quarantined_row_open",
    quarantined_row.c.source_id,
    quarantined_row.c.source_sequence,
    postgresql_where=quarantined_row.c.state == 1,
    sqlite_where=quarantined_row.c.state == 1,
)

snapshot_import = Table(
    "snapshot_import",
    metadata,
    Column("import_id", Uuid, primary_key=True),
    Column("source_id", Integer, nullable=False),
    Column("location_codes", JSON, nullable=False),  # empty: it shows some keys only
    Column("watermark", BigInteger, nullable=True),
    Column("taken", UtcTime, nullable=True),
    Column("absent", SmallInteger, nullable=False),
    Column("document", Text, nullable=False),
    Column("next_frame", BigInteger, nullable=False),
    Column("outcomes", JSON, nullable=False),  # counts by outcome
    Column("troubles", JSON, nullable=False),  # counts by the reason of quarantine
    Column("state", SmallInteger, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
)

snapshot_frame = Table(
    "snapshot_frame",
    metadata,
    Column("import_id", Uuid, primary_key=True),
    Column("frame", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False),  # of its rows
    Column("outcomes", JSON, nullable=False),
    Column("troubles", JSON, nullable=False),
)

snapshot_key = Table(
    "snapshot_key",
    metadata,
    # What a picture named, while it is not completed: no other frame may name it again, and what is
    # absent may be zero.
    Column("import_id", Uuid, primary_key=True),
    Column("item_id", Integer, primary_key=True, autoincrement=False),
    Column("location_id", Integer, primary_key=True, autoincrement=False),
)

"""Seals, and how far the books are sealed."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
)

from ordermesh.inventory.store.tables.base import metadata

seal = Table(
    "seal",
    metadata,
    # Append-only, guarded by triggers. One row for each change that has entries; it is kept when
    # the feed is compacted, and says which entries each revision contains.
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("item_id", Integer, nullable=False),
    Column("location_id", Integer, nullable=False),
    Column("first_sequence", BigInteger, nullable=False),
    Column("last_sequence", BigInteger, nullable=False),
    Column("seal", LargeBinary, nullable=False),
    CheckConstraint("first_sequence > 0 AND first_sequence <= last_sequence", name="seal_entries"),
)
Index("seal_key", seal.c.item_id, seal.c.location_id, seal.c.revision, unique=True)

seal_head = Table(
    "seal_head",
    metadata,
    # One row. Whoever seals holds its lock.
    Column("place", SmallInteger, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
    Column("seal", LargeBinary, nullable=False),
    CheckConstraint("place = 1", name="seal_head_place"),
)

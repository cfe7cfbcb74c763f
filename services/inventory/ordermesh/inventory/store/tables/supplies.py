"""Goods that are expected."""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
)

from ordermesh.inventory.store.tables.base import CallerText, metadata
from ordermesh.runtime.instants import UtcTime

supply = Table(
    "supply",
    metadata,
    # Whoever changes a row holds the lock of the balance of its key.
    Column("supply_id", CallerText, primary_key=True),
    Column("kind", SmallInteger, nullable=False),
    Column("document", CallerText, nullable=False),
    Column("item_id", Integer, ForeignKey("item.item_id"), nullable=False),
    Column("location_id", Integer, ForeignKey("location.location_id"), nullable=False),
    Column("from_location_id", Integer, ForeignKey("location.location_id"), nullable=True),
    Column("quantity", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("lost", BigInteger, nullable=False),
    Column("promised", BigInteger, nullable=False),
    Column("earliest_time", UtcTime, nullable=True),
    Column("expected_time", UtcTime, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("confidence_percent", SmallInteger, nullable=False),
    Column("external_references", JSON, nullable=False),  # pairs of system and id
    Column("source_version", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),  # one more with every change
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
    CheckConstraint("quantity > 0 AND received >= 0 AND lost >= 0", name="supply_not_negative"),
    # No more is promised than is still to come, whatever is done in whatever order.
    CheckConstraint(
        "promised >= 0 AND promised <= CASE WHEN state <= 3 AND quantity > received + lost"
        " THEN quantity - received - lost ELSE 0 END",
        name="supply_promised",
    ),
)


Index(
    "supply_expected",
    supply.c.item_id,
    supply.c.location_id,
    postgresql_where=supply.c.state <= 3,
    sqlite_where=supply.c.state <= 3,
)


Index(
    "supply_document",
    supply.c.document,
    postgresql_where=supply.c.document != "",
    sqlite_where=supply.c.document != "",
)

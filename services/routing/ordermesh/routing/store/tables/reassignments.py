"""Orders that move together, all or none, and the runs that found them."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    Uuid,
)

from ordermesh.routing.store.tables.base import CallerText, metadata
from ordermesh.runtime.instants import UtcTime

reoptimization_run = Table(
    "reoptimization_run",
    metadata,
    Column("run_id", Uuid, primary_key=True),
    Column("maker", Uuid, nullable=False),  # only the last to come stores what moves
    Column("is_scheduled", Boolean, nullable=False),
    Column("is_begun", Boolean, nullable=False),  # nothing is added to what moves
    Column("seen", JSON(none_as_null=True), nullable=True),
    Column("create_time", UtcTime, nullable=False),
    Index("reoptimization_run_create", "create_time"),
)

reassignment = Table(
    "reassignment",
    metadata,
    Column("reassignment_id", Uuid, primary_key=True),
    Column("run_id", Uuid, nullable=False),
    Column("state", String(16), nullable=False),
    Column("why", Text, nullable=False),  # the ledger's reason, where it refused
    Column("currency_code", String(3), nullable=False),
    Column("cost_before", BigInteger, nullable=False),
    Column("cost_after", BigInteger, nullable=False),
    Column("charge", BigInteger, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("settle_time", UtcTime, nullable=True),
    Index("reassignment_run", "run_id"),
    Index("reassignment_settle", "settle_time"),
)

reassigned_order = Table(
    "reassigned_order",
    metadata,
    Column(
        "reassignment_id",
        Uuid,
        ForeignKey("reassignment.reassignment_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("order_id", CallerText, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("decision_id", Uuid, nullable=False),
    Column("closing", JSON, nullable=False),  # fulfillment orders that end
    Column("moves", JSON, nullable=False),  # reservation, line, SKU, from, to, units
)

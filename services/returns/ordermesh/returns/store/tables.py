"""The tables of returns: what has left, and what comes back."""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    Uuid,
)

from ordermesh.runtime.instants import UtcTime
from ordermesh.runtime.tables import Number

metadata = MetaData()

CallerText = Text().with_variant(Text(collation="C"), "postgresql")
"""An id that callers chose, compared byte by byte, so that both databases sort it alike."""

_RETURN = "order_return.return_id"

shipped_order = Table(
    "shipped_order",
    metadata,
    # One row for an order, which whoever decides about its returns locks.
    Column("order_id", CallerText, primary_key=True),
)

shipped_line = Table(
    "shipped_line",
    metadata,
    # Facts, not a running sum: what a shipment added can be told, and is never added twice.
    Column("fulfillment_order_id", CallerText, primary_key=True),
    Column("line_id", CallerText, primary_key=True),
    Column("sku", CallerText, primary_key=True),
    Column("order_id", CallerText, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    # Of what left instead of what was ordered: the price of so many units together, in 1e-4.
    Column("price_currency", String(3), nullable=True),
    Column("price_amount", BigInteger, nullable=True),
    Column("price_units", BigInteger, nullable=True),
    Column("event_sequence", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("quantity > 0", name="shipped_line_quantity"),
    Index("shipped_line_order", "order_id"),
)

order_return = Table(
    "order_return",
    metadata,
    Column("number", Number, Identity(always=True), primary_key=True),
    Column("return_id", CallerText, nullable=False, unique=True),
    Column("order_id", CallerText, nullable=False),
    Column("state", String(16), nullable=False),
    Column("refund_timing", String(16), nullable=False),
    Column("location_id", CallerText, nullable=False),
    Column("location_reason", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("event_sequence", BigInteger, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
    Index("order_return_order", "order_id", "number"),
    Index("order_return_state", "state", "number"),
    Index("order_return_location", "location_id", "number"),
)

return_line = Table(
    "return_line",
    metadata,
    Column("return_id", CallerText, ForeignKey(_RETURN), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("line_id", CallerText, nullable=False),
    Column("sku", CallerText, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("reason", String(24), nullable=False),
    Column("price_currency", String(3), nullable=True),
    Column("price_amount", BigInteger, nullable=True),  # in 1e-4, of so many units together
    Column("price_units", BigInteger, nullable=True),
    Column("received", BigInteger, nullable=False),
    Column("restocked", BigInteger, nullable=False),
    Column("blocked", BigInteger, nullable=False),
    Column("discarded", BigInteger, nullable=False),
    CheckConstraint("quantity > 0", name="return_line_quantity"),
    CheckConstraint("received >= 0 AND received <= quantity", name="return_line_received"),
    CheckConstraint(
        "restocked >= 0 AND blocked >= 0 AND discarded >= 0"
        " AND restocked + blocked + discarded <= received",
        name="return_line_disposed",
    ),
)

receipt = Table(
    "receipt",
    metadata,
    Column("return_id", CallerText, ForeignKey(_RETURN), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("location_id", CallerText, nullable=False),
    Column("units", JSON, nullable=False),  # line, SKU, quantity, grade, disposition
    Column("caller", Text, nullable=False),
    Column("on_behalf_of", Text, nullable=False),
    Column("receive_time", UtcTime, nullable=False),
    Column("movement_id", Uuid, nullable=True),  # null until the ledger knows
    Column("ledger_refusals", Integer, nullable=False),
)

disposal = Table(
    "disposal",
    metadata,
    Column("return_id", CallerText, ForeignKey(_RETURN), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("units", JSON, nullable=False),  # line, SKU, quantity, disposition, location
    Column("caller", Text, nullable=False),
    Column("on_behalf_of", Text, nullable=False),
    Column("dispose_time", UtcTime, nullable=False),
    Column("movement_id", Uuid, nullable=True),
    Column("ledger_refusals", Integer, nullable=False),
)

refund = Table(
    "refund",
    metadata,
    Column("return_id", CallerText, ForeignKey(_RETURN), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("refund_id", Uuid, nullable=False, unique=True),
    Column("currency", String(3), nullable=False),
    Column("amount", BigInteger, nullable=True),
    Column("units", JSON, nullable=False),  # line, SKU, quantity
    Column("due_time", UtcTime, nullable=False),
)

return_change = Table(
    "return_change",
    metadata,
    # Append-only, guarded by triggers.
    Column("return_id", CallerText, ForeignKey(_RETURN), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("caller", Text, nullable=True),  # null: the service itself
    Column("on_behalf_of", Text, nullable=False),
    Column("change_time", UtcTime, nullable=False),
)

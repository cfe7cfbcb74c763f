"""The work of locations."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    Uuid,
)

from ordermesh.routing.store.tables.base import CallerText, Number, metadata
from ordermesh.routing.store.tables.orders import ORDER
from ordermesh.runtime.instants import UtcTime

fulfillment_order = Table(
    "fulfillment_order",
    metadata,
    Column("number", Number, Identity(always=True), primary_key=True),
    Column("fulfillment_order_id", CallerText, nullable=False, unique=True),
    Column("order_id", CallerText, ForeignKey(ORDER, ondelete="CASCADE"), nullable=False),
    Column("location_id", CallerText, nullable=False),
    Column("decision_id", Uuid, nullable=False),
    Column("state", String(16), nullable=False),
    Column("hold", String(16), nullable=False),
    Column("capacity_hold_id", Uuid, nullable=True),
    Column("promise_days", Integer, nullable=False),
    Column("parcels", JSON, nullable=False),  # carrier, tracking number, weight in grams
    Column("reject_reason", String(16), nullable=True),
    Column("ship_request_id", Uuid, nullable=True),
    Column("deliver_time", UtcTime, nullable=True),
    Column("version", BigInteger, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
    Column("method", String(16), nullable=False, server_default="SHIP"),
    Column("pickup_location_id", CallerText, nullable=False, server_default=""),
    Column("available_time", UtcTime, nullable=True),  # none: its goods are in hand
    Column("answer_seconds", Integer, nullable=True),  # none: it waits for its location
    Column("answer_time", UtcTime, nullable=True),
    Column("hub_location_id", CallerText, nullable=False, server_default=""),
    Column("expected_release_time", UtcTime, nullable=True),  # as the decision expected it
    Column("expected_ready_time", UtcTime, nullable=True),
    Column("expected_ship_time", UtcTime, nullable=True),
    Column("expected_arrival_time", UtcTime, nullable=True),
    Column("expected_promise_time", UtcTime, nullable=True),
    Column("release_time", UtcTime, nullable=True),  # as it was
    Column("ready_time", UtcTime, nullable=True),
    Column("ship_time", UtcTime, nullable=True),
    Index("fulfillment_order_order", "order_id", "number"),
    Index("fulfillment_order_location", "location_id", "state", "number"),
    Index("fulfillment_order_state", "state", "number"),
)


fulfillment_line = Table(
    "fulfillment_line",
    metadata,
    Column(
        "fulfillment_order_id",
        CallerText,
        ForeignKey("fulfillment_order.fulfillment_order_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("number", SmallInteger, primary_key=True),
    Column("line_id", CallerText, nullable=False),
    Column("sku", CallerText, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("reservation_id", Uuid, nullable=True),
    Column("held", BigInteger, nullable=False),
    Column("instead_of", CallerText, nullable=False, server_default=""),  # what was ordered
    Column("units_each", Integer, nullable=False, server_default="1"),  # for one of that
    Column("brought_by", CallerText, nullable=False, server_default=""),  # other work
    Column("ordered_price_currency", String(3), nullable=True),  # of one of what was ordered
    Column("ordered_price_amount", BigInteger, nullable=True),
)


exclusion = Table(
    "exclusion",
    metadata,
    Column("order_id", CallerText, ForeignKey(ORDER, ondelete="CASCADE"), primary_key=True),
    Column("line_id", CallerText, primary_key=True),
    Column("location_id", CallerText, primary_key=True),
    Column("reason", String(16), nullable=False),
    Column("note", Text, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("end_time", UtcTime, nullable=True),  # none: for good
)

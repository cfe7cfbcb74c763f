"""The tables: the network, copies of inventory's nouns, policies, orders, decisions and work.

Callers' ids are compared byte by byte, so that both databases sort them alike. Amounts are in 1e-4
of the currency beside them, places in millionths of a degree.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from ordermesh.runtime.instants import UtcTime

metadata = MetaData()

CallerText = Text().with_variant(Text(collation="C"), "postgresql")
"""An id that callers chose. SQLite compares bytes of itself."""

Number = BigInteger().with_variant(Integer, "sqlite")
"""A growing number. SQLite counts up only in a column that is called INTEGER."""

network_location = Table(
    "network_location",
    metadata,
    Column("location_id", CallerText, primary_key=True),
    Column("methods", JSON, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("currency_code", String(3), nullable=False),
    Column("pick_fee", BigInteger, nullable=False),
    Column("labor_cost_per_unit", BigInteger, nullable=False),
    Column("capacity_units_per_day", BigInteger, nullable=True),
    Column("handling_days", Integer, nullable=False),
    Column("return_handling", String(16), nullable=False),
    Column("update_time", UtcTime, nullable=False),
)

followed_item = Table(
    "followed_item",
    metadata,
    Column("sku", CallerText, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("weight_grams", BigInteger, nullable=False),
    Column("value_currency", String(3), nullable=True),
    Column("value_amount", BigInteger, nullable=True),
    Column("is_sellable", Boolean, nullable=False),
    Column("components", JSON, nullable=False),  # pairs of SKU and quantity
    Column("may_split", Boolean, nullable=False),
)

followed_location = Table(
    "followed_location",
    metadata,
    Column("location_id", CallerText, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("latitude", Integer, nullable=False),
    Column("longitude", Integer, nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("is_disabled", Boolean, nullable=False),
)

follower = Table(
    "follower",
    metadata,
    Column("feed", String(16), primary_key=True),
    Column("revision", BigInteger, nullable=False),  # 0: nothing is known
    Column("heard_time", UtcTime, nullable=True),
)

knowledge = Table(
    "knowledge",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("version", BigInteger, nullable=False),  # one more with every change
)

policy = Table(
    "policy",
    metadata,
    Column("policy_id", CallerText, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("currency_code", String(3), nullable=False),
    Column("zones", JSON, nullable=False),  # distance, freight per parcel, per kilogram, days
    Column("split_charge", BigInteger, nullable=False),
    Column("transit_day_cost", BigInteger, nullable=False),
    Column("late_day_cost", BigInteger, nullable=False),
    Column("carbon_price_per_kg", BigInteger, nullable=False),
    Column("unfilled_fixed", BigInteger, nullable=False),
    Column("unfilled_per_unit", BigInteger, nullable=False),
    Column("unfilled_per_kg", BigInteger, nullable=False),
    Column("parcel_grams_max", BigInteger, nullable=False),
    Column("shipments_max", Integer, nullable=False),
    Column("create_time", UtcTime, nullable=False),
)

customer_order = Table(
    "customer_order",
    metadata,
    Column("number", Number, Identity(always=True), primary_key=True),
    Column("order_id", CallerText, nullable=False, unique=True),
    Column("origin", Uuid, nullable=False),
    Column("channel", CallerText, nullable=False),
    Column("channel_order_id", CallerText, nullable=False),
    Column("external_refs", JSON, nullable=False),  # pairs of system and id
    Column("state", String(16), nullable=False),
    Column("country_code", String(2), nullable=False),
    Column("region", Text, nullable=False),
    Column("postal_code", Text, nullable=False),
    Column("latitude", Integer, nullable=False),
    Column("longitude", Integer, nullable=False),
    Column("method", String(16), nullable=False),
    Column("order_time", UtcTime, nullable=False),
    Column("promise_days", Integer, nullable=False),
    Column("policy_id", Text, nullable=False),
    Column("acceptance", String(16), nullable=False),
    Column("caller", Text, nullable=False),
    Column("on_behalf_of", Text, nullable=False),
    Column("reservation_ids", JSON, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("event_sequence", BigInteger, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
    Column("customer", Text, nullable=False, server_default=""),  # a key, no personal data
    UniqueConstraint("channel", "channel_order_id", name="customer_order_channel"),
    Index("customer_order_state", "state", "number"),
)

_ORDER = "customer_order.order_id"

order_line = Table(
    "order_line",
    metadata,
    Column("order_id", CallerText, ForeignKey(_ORDER, ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("line_id", CallerText, nullable=False),
    Column("sku", CallerText, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("price_currency", String(3), nullable=True),
    Column("price_amount", BigInteger, nullable=True),
    Column("keep_together", Boolean, nullable=False),
    Column("may_split", Boolean, nullable=False),
    Column("sourced", BigInteger, nullable=False),
    Column("shipped", BigInteger, nullable=False),
    Column("cancelled", BigInteger, nullable=False),
    Column("unfilled", BigInteger, nullable=False),
    Column("unfilled_reason", String(64), nullable=False),
    Column("unfilled_facts", JSON, nullable=False, server_default="{}"),
    CheckConstraint(
        "shipped <= sourced and sourced + cancelled + unfilled <= quantity",
        name="order_line_adds_up",
    ),
)

order_component = Table(
    "order_component",
    metadata,
    Column("order_id", CallerText, ForeignKey(_ORDER, ondelete="CASCADE"), primary_key=True),
    Column("line_number", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("sku", CallerText, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("share_amount", BigInteger, nullable=True),  # in the currency of the line's price
)

contact = Table(
    "contact",
    metadata,
    Column("order_id", CallerText, ForeignKey(_ORDER, ondelete="CASCADE"), primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("address_lines", JSON, nullable=False),
    Column("language", Text, nullable=False),
)

saga = Table(
    "saga",
    metadata,
    Column("order_id", CallerText, ForeignKey(_ORDER, ondelete="CASCADE"), primary_key=True),
    Column("request_id", Uuid, nullable=False),
    Column("is_conditional", Boolean, nullable=False),
    Column("answer_by", UtcTime, nullable=False),
    Column("checkout_ids", JSON, nullable=False),
    Column("step", String(16), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("plans", Integer, nullable=False),
    Column("caps", JSON, nullable=False),  # SKU, location, available
    Column("replaced_ids", JSON, nullable=False),
    Column("unfilled", JSON, nullable=False),  # line, quantity, reason
    Column("decision_id", Uuid, nullable=True),
    Column("source_request_id", Uuid, nullable=True),
    Column("policy_id", Text, nullable=False),
    Column("policy_version", Integer, nullable=False),
)

decision = Table(
    "decision",
    metadata,
    Column("number", Number, Identity(always=True), primary_key=True),
    Column("decision_id", Uuid, nullable=False, unique=True),
    Column("order_id", CallerText, nullable=False),
    Column("request_id", Uuid, nullable=True),  # the request that asked for it
    Column("method", String(32), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("payload", LargeBinary, nullable=False),  # the message
    Index("decision_order", "order_id", "number"),
    Index("decision_request", "request_id"),
)

fulfillment_order = Table(
    "fulfillment_order",
    metadata,
    Column("number", Number, Identity(always=True), primary_key=True),
    Column("fulfillment_order_id", CallerText, nullable=False, unique=True),
    Column("order_id", CallerText, ForeignKey(_ORDER, ondelete="CASCADE"), nullable=False),
    Column("location_id", CallerText, nullable=False),
    Column("decision_id", Uuid, nullable=False),
    Column("state", String(16), nullable=False),
    Column("hold", String(16), nullable=False),
    Column("capacity_day", Date, nullable=True),
    Column("promise_days", Integer, nullable=False),
    Column("parcels", JSON, nullable=False),  # carrier, tracking number, weight in grams
    Column("reject_reason", String(16), nullable=True),
    Column("ship_request_id", Uuid, nullable=True),
    Column("deliver_time", UtcTime, nullable=True),
    Column("version", BigInteger, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
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
)

exclusion = Table(
    "exclusion",
    metadata,
    Column("order_id", CallerText, ForeignKey(_ORDER, ondelete="CASCADE"), primary_key=True),
    Column("line_id", CallerText, primary_key=True),
    Column("location_id", CallerText, primary_key=True),
    Column("reason", String(16), nullable=False),
    Column("note", Text, nullable=False),
    Column("create_time", UtcTime, nullable=False),
)

capacity_use = Table(
    "capacity_use",
    metadata,
    Column("location_id", CallerText, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("units", BigInteger, nullable=False),
    CheckConstraint("units >= 0", name="capacity_use_not_negative"),
)

refusal = Table(
    "refusal",
    metadata,
    Column("request_id", Uuid, primary_key=True),
    Column("kind", String(16), nullable=False),  # of error
    Column("reason", String(64), nullable=False),
    Column("sentence", Text, nullable=False),
    Column("rows", JSON, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Index("refusal_create_time", "create_time"),
)

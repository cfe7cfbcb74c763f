"""Orders, with their sagas and whom to tell."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
)

from ordermesh.routing.store.tables.base import CallerText, Number, metadata
from ordermesh.runtime.instants import UtcTime

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
    Column("is_business", Boolean, nullable=False, server_default=false()),
    Column("method", String(16), nullable=False),
    Column("order_time", UtcTime, nullable=False),
    Column("promise_days", Integer, nullable=False),
    Column("promise_time", UtcTime, nullable=True),
    Column("promise_permille", Integer, nullable=False, server_default="0"),
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
    Column("traits", JSON, nullable=False, server_default="{}"),  # what was said, by name
    Column("pickup_location_id", CallerText, nullable=False, server_default=""),
    Column("queue", CallerText, nullable=False, server_default=""),  # as in the traits
    Column("auto_cancel_time", UtcTime, nullable=True),
    Column("auto_cancel_rule_id", Text, nullable=False, server_default=""),
    Column("holds", JSON, nullable=False, server_default="[]"),
    Column("is_held", Boolean, nullable=False, server_default=false()),  # a hold is left
    UniqueConstraint("channel", "channel_order_id", name="customer_order_channel"),
    Index("customer_order_state", "state", "number"),
)
Index(
    "customer_order_queue",
    customer_order.c.queue,
    customer_order.c.number,
    postgresql_where=customer_order.c.queue != "",
    sqlite_where=customer_order.c.queue != "",
)
Index(
    "customer_order_held",
    customer_order.c.number,
    postgresql_where=customer_order.c.is_held,
    sqlite_where=customer_order.c.is_held,
)


ORDER = "customer_order.order_id"


order_line = Table(
    "order_line",
    metadata,
    Column("order_id", CallerText, ForeignKey(ORDER, ondelete="CASCADE"), primary_key=True),
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
    Column("accepts_substitutes", Boolean, nullable=False, server_default=false()),
    Column("substituted", BigInteger, nullable=False, server_default="0"),
    CheckConstraint(
        "shipped <= sourced and sourced + cancelled + unfilled <= quantity",
        name="order_line_adds_up",
    ),
)


order_component = Table(
    "order_component",
    metadata,
    Column("order_id", CallerText, ForeignKey(ORDER, ondelete="CASCADE"), primary_key=True),
    Column("line_number", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("sku", CallerText, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("share_amount", BigInteger, nullable=True),  # in the currency of the line's price
)


contact = Table(
    "contact",
    metadata,
    Column("order_id", CallerText, ForeignKey(ORDER, ondelete="CASCADE"), primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("address_lines", JSON, nullable=False),
    Column("language", Text, nullable=False),
)


saga = Table(
    "saga",
    metadata,
    Column("order_id", CallerText, ForeignKey(ORDER, ondelete="CASCADE"), primary_key=True),
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
    Column("intended", JSON(none_as_null=True), nullable=True),  # actions of rules, and since when
)

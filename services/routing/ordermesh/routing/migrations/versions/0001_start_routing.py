"""Start routing: the network, copies of inventory's nouns, policies, orders, decisions and work.

A mesh begins with one policy, so that orders can be sourced before anybody has saved another. Its
rates are illustrative: they are nobody's.
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_CALLER_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_ORDER = "customer_order.order_id"

_TABLES = (
    "network_location",
    "followed_item",
    "followed_location",
    "follower",
    "knowledge",
    "policy",
    "customer_order",
    "order_line",
    "order_component",
    "contact",
    "saga",
    "exclusion",
    "decision",
    "refusal",
    "capacity_use",
    "fulfillment_order",
    "fulfillment_line",
)

_ZONES = (
    # kilometres, freight per parcel, freight per kilogram, days; amounts in 1e-4 USD
    (240, 62_000, 3_000, 1),
    (480, 66_000, 4_000, 2),
    (965, 71_000, 5_500, 2),
    (1600, 78_000, 7_800, 3),
    (2250, 85_000, 10_000, 4),
    (2900, 93_000, 12_200, 4),
    (20_100, 102_000, 14_500, 5),
)


def upgrade() -> None:
    """Make the tables and the first policy."""
    _make_network()
    _make_policies()
    _make_orders()
    _make_lines()
    _make_sagas()
    _make_decisions()
    _make_work()


def _make_network() -> None:
    """Make what is known of the network and of inventory."""
    op.create_table(
        "network_location",
        sa.Column("location_id", _CALLER_TEXT, primary_key=True),
        sa.Column("methods", sa.JSON, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("currency_code", sa.String(3), nullable=False),
        sa.Column("pick_fee", sa.BigInteger, nullable=False),
        sa.Column("labor_cost_per_unit", sa.BigInteger, nullable=False),
        sa.Column("capacity_units_per_day", sa.BigInteger, nullable=True),
        sa.Column("handling_days", sa.Integer, nullable=False),
        sa.Column("update_time", UtcTime, nullable=False),
    )
    op.create_table(
        "followed_item",
        sa.Column("sku", _CALLER_TEXT, primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("weight_grams", sa.BigInteger, nullable=False),
        sa.Column("value_currency", sa.String(3), nullable=True),
        sa.Column("value_amount", sa.BigInteger, nullable=True),
        sa.Column("is_sellable", sa.Boolean, nullable=False),
        sa.Column("components", sa.JSON, nullable=False),  # pairs of SKU and quantity
        sa.Column("may_split", sa.Boolean, nullable=False),
    )
    op.create_table(
        "followed_location",
        sa.Column("location_id", _CALLER_TEXT, primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("latitude", sa.Integer, nullable=False),
        sa.Column("longitude", sa.Integer, nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("is_disabled", sa.Boolean, nullable=False),
    )
    op.create_table(
        "follower",
        sa.Column("feed", sa.String(16), primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),  # 0: nothing is known
        sa.Column("heard_time", UtcTime, nullable=True),
    )
    versions = op.create_table(
        "knowledge",
        sa.Column("name", sa.String(16), primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),  # one more with every change
    )
    op.bulk_insert(
        versions,
        [{"name": name, "version": 0} for name in ("items", "locations", "network", "policies")],
    )


def _make_policies() -> None:
    """Make the policies, with the one that a new mesh begins with."""
    policies = op.create_table(
        "policy",
        sa.Column("policy_id", _CALLER_TEXT, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("currency_code", sa.String(3), nullable=False),
        sa.Column(
            "zones", sa.JSON, nullable=False
        ),  # distance, freight per parcel, per kilogram, days
        sa.Column("split_charge", sa.BigInteger, nullable=False),
        sa.Column("transit_day_cost", sa.BigInteger, nullable=False),
        sa.Column("late_day_cost", sa.BigInteger, nullable=False),
        sa.Column("carbon_price_per_kg", sa.BigInteger, nullable=False),
        sa.Column("unfilled_fixed", sa.BigInteger, nullable=False),
        sa.Column("unfilled_per_unit", sa.BigInteger, nullable=False),
        sa.Column("unfilled_per_kg", sa.BigInteger, nullable=False),
        sa.Column("parcel_grams_max", sa.BigInteger, nullable=False),
        sa.Column("shipments_max", sa.Integer, nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
    )
    op.bulk_insert(
        policies,
        [
            {
                "policy_id": "default",
                "version": 1,
                "name": "Illustrative rates",
                "currency_code": "USD",
                "zones": [list(zone) for zone in _ZONES],
                "split_charge": 20_000,
                "transit_day_cost": 3_000,
                "late_day_cost": 35_000,
                "carbon_price_per_kg": 1_000,
                "unfilled_fixed": 400_000,
                "unfilled_per_unit": 60_000,
                "unfilled_per_kg": 20_000,
                "parcel_grams_max": 0,
                "shipments_max": 0,
                "create_time": datetime(2026, 1, 1, tzinfo=UTC),
            }
        ],
    )


def _make_orders() -> None:
    """Make orders."""
    op.create_table(
        "customer_order",
        sa.Column("number", _NUMBER, sa.Identity(always=True), primary_key=True),
        sa.Column("order_id", _CALLER_TEXT, nullable=False, unique=True),
        sa.Column("origin", sa.Uuid, nullable=False),
        sa.Column("channel", _CALLER_TEXT, nullable=False),
        sa.Column("channel_order_id", _CALLER_TEXT, nullable=False),
        sa.Column("external_refs", sa.JSON, nullable=False),  # pairs of system and id
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("country_code", sa.String(2), nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("postal_code", sa.Text, nullable=False),
        sa.Column("latitude", sa.Integer, nullable=False),
        sa.Column("longitude", sa.Integer, nullable=False),
        sa.Column("method", sa.String(16), nullable=False),
        sa.Column("order_time", UtcTime, nullable=False),
        sa.Column("promise_days", sa.Integer, nullable=False),
        sa.Column("policy_id", sa.Text, nullable=False),
        sa.Column("acceptance", sa.String(16), nullable=False),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("on_behalf_of", sa.Text, nullable=False),
        sa.Column("reservation_ids", sa.JSON, nullable=False),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("event_sequence", sa.BigInteger, nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
        sa.Column("update_time", UtcTime, nullable=False),
        sa.UniqueConstraint("channel", "channel_order_id", name="customer_order_channel"),
        sa.Index("customer_order_state", "state", "number"),
    )


def _make_lines() -> None:
    """Make the lines of orders."""
    op.create_table(
        "order_line",
        sa.Column(
            "order_id", _CALLER_TEXT, sa.ForeignKey(_ORDER, ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("line_id", _CALLER_TEXT, nullable=False),
        sa.Column("sku", _CALLER_TEXT, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("price_currency", sa.String(3), nullable=True),
        sa.Column("price_amount", sa.BigInteger, nullable=True),
        sa.Column("keep_together", sa.Boolean, nullable=False),
        sa.Column("may_split", sa.Boolean, nullable=False),
        sa.Column("sourced", sa.BigInteger, nullable=False),
        sa.Column("shipped", sa.BigInteger, nullable=False),
        sa.Column("cancelled", sa.BigInteger, nullable=False),
        sa.Column("unfilled", sa.BigInteger, nullable=False),
        sa.Column("unfilled_reason", sa.String(64), nullable=False),
        sa.CheckConstraint(
            "shipped <= sourced and sourced + cancelled + unfilled <= quantity",
            name="order_line_adds_up",
        ),
    )
    op.create_table(
        "order_component",
        sa.Column(
            "order_id", _CALLER_TEXT, sa.ForeignKey(_ORDER, ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("line_number", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("sku", _CALLER_TEXT, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column(
            "share_amount", sa.BigInteger, nullable=True
        ),  # in the currency of the line's price
    )


def _make_sagas() -> None:
    """Make what belongs to an order."""
    op.create_table(
        "contact",
        sa.Column(
            "order_id", _CALLER_TEXT, sa.ForeignKey(_ORDER, ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("phone", sa.Text, nullable=False),
        sa.Column("address_lines", sa.JSON, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
    )
    op.create_table(
        "saga",
        sa.Column(
            "order_id", _CALLER_TEXT, sa.ForeignKey(_ORDER, ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("request_id", sa.Uuid, nullable=False),
        sa.Column("is_conditional", sa.Boolean, nullable=False),
        sa.Column("answer_by", UtcTime, nullable=False),
        sa.Column("checkout_ids", sa.JSON, nullable=False),
        sa.Column("step", sa.String(16), nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("plans", sa.Integer, nullable=False),
        sa.Column("caps", sa.JSON, nullable=False),  # SKU, location, available
        sa.Column("replaced_ids", sa.JSON, nullable=False),
        sa.Column("unfilled", sa.JSON, nullable=False),  # line, quantity, reason
        sa.Column("decision_id", sa.Uuid, nullable=True),
        sa.Column("source_request_id", sa.Uuid, nullable=True),
        sa.Column("policy_id", sa.Text, nullable=False),
        sa.Column("policy_version", sa.Integer, nullable=False),
    )
    op.create_table(
        "exclusion",
        sa.Column(
            "order_id", _CALLER_TEXT, sa.ForeignKey(_ORDER, ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("line_id", _CALLER_TEXT, primary_key=True),
        sa.Column("location_id", _CALLER_TEXT, primary_key=True),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
    )


def _make_decisions() -> None:
    """Make decisions, and what came of requests."""
    op.create_table(
        "decision",
        sa.Column("number", _NUMBER, sa.Identity(always=True), primary_key=True),
        sa.Column("decision_id", sa.Uuid, nullable=False, unique=True),
        sa.Column("order_id", _CALLER_TEXT, nullable=False),
        sa.Column("request_id", sa.Uuid, nullable=True),  # the request that asked for it
        sa.Column("method", sa.String(32), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),  # the message
        sa.Index("decision_order", "order_id", "number"),
        sa.Index("decision_request", "request_id"),
    )
    op.create_table(
        "refusal",
        sa.Column("request_id", sa.Uuid, primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),  # of error
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("rows", sa.JSON, nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
        sa.Index("refusal_create_time", "create_time"),
    )
    op.create_table(
        "capacity_use",
        sa.Column("location_id", _CALLER_TEXT, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.CheckConstraint("units >= 0", name="capacity_use_not_negative"),
    )


def _make_work() -> None:
    """Make the work of locations."""
    op.create_table(
        "fulfillment_order",
        sa.Column("number", _NUMBER, sa.Identity(always=True), primary_key=True),
        sa.Column("fulfillment_order_id", _CALLER_TEXT, nullable=False, unique=True),
        sa.Column(
            "order_id", _CALLER_TEXT, sa.ForeignKey(_ORDER, ondelete="CASCADE"), nullable=False
        ),
        sa.Column("location_id", _CALLER_TEXT, nullable=False),
        sa.Column("decision_id", sa.Uuid, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("hold", sa.String(16), nullable=False),
        sa.Column("capacity_day", sa.Date, nullable=True),
        sa.Column("promise_days", sa.Integer, nullable=False),
        sa.Column("parcels", sa.JSON, nullable=False),  # carrier, tracking number, weight in grams
        sa.Column("reject_reason", sa.String(16), nullable=True),
        sa.Column("ship_request_id", sa.Uuid, nullable=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
        sa.Column("update_time", UtcTime, nullable=False),
        sa.Index("fulfillment_order_order", "order_id", "number"),
        sa.Index("fulfillment_order_location", "location_id", "state", "number"),
        sa.Index("fulfillment_order_state", "state", "number"),
    )
    op.create_table(
        "fulfillment_line",
        sa.Column(
            "fulfillment_order_id",
            _CALLER_TEXT,
            sa.ForeignKey("fulfillment_order.fulfillment_order_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("number", sa.SmallInteger, primary_key=True),
        sa.Column("line_id", _CALLER_TEXT, nullable=False),
        sa.Column("sku", _CALLER_TEXT, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("reservation_id", sa.Uuid, nullable=True),
        sa.Column("held", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for name in reversed(_TABLES):
        op.drop_table(name)

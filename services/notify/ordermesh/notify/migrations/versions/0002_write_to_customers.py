"""Write to customers: whom orders are for, notifications with their attempts, preferences."""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_CALLER_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "recipient",
        sa.Column("order_id", _CALLER_TEXT, primary_key=True),
        sa.Column("order_name", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("update_time", UtcTime, nullable=False),
    )
    op.create_index("recipient_update_time", "recipient", ["update_time"])
    op.create_table(
        "notification",
        sa.Column("number", _NUMBER, sa.Identity(always=True), primary_key=True),
        sa.Column("notification_id", sa.Uuid, nullable=False, unique=True),
        sa.Column("order_id", _CALLER_TEXT, nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("possible_duplicate", sa.Boolean, nullable=False),
        sa.Column("facts", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("event_time", UtcTime, nullable=False),
        sa.Column("attempt_count", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("refusals", sa.Integer, nullable=False),
        sa.Column("first_attempt_time", UtcTime, nullable=True),
        sa.Column("due_time", UtcTime, nullable=True),
        sa.Column("event_sequence", sa.BigInteger, nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
        sa.Column("update_time", UtcTime, nullable=False),
    )
    op.create_index("notification_order", "notification", ["order_id", "number"])
    op.create_index("notification_state", "notification", ["state", "number"])
    op.create_index("notification_update_time", "notification", ["update_time"])
    op.create_table(
        "attempt",
        sa.Column(
            "notification_id",
            sa.Uuid,
            sa.ForeignKey("notification.notification_id"),
            primary_key=True,
        ),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("begin_time", UtcTime, nullable=False),
        sa.Column("end_time", UtcTime, nullable=True),
        sa.Column("result", sa.String(16), nullable=True),
        sa.Column("answer", sa.Text, nullable=False),
        sa.CheckConstraint("(result IS NULL) = (end_time IS NULL)", name="attempt_end"),
    )
    op.create_table(
        "preference",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("kind", sa.String(24), primary_key=True),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("opted_out", sa.Boolean, nullable=False),
        sa.Column("update_time", UtcTime, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for name in ("preference", "attempt", "notification", "recipient"):
        op.drop_table(name)

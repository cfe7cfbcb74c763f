"""Start the shipments: what left for each order line, by fulfillment order."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_CALLER_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table, and the index by which an order's lines are found."""
    op.create_table(
        "shipped_line",
        sa.Column("fulfillment_order_id", _CALLER_TEXT, primary_key=True),
        sa.Column("line_id", _CALLER_TEXT, primary_key=True),
        sa.Column("sku", _CALLER_TEXT, primary_key=True),
        sa.Column("order_id", _CALLER_TEXT, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.CheckConstraint("quantity > 0", name="shipped_line_quantity"),
    )
    op.create_index("shipped_line_order", "shipped_line", ["order_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("shipped_line")

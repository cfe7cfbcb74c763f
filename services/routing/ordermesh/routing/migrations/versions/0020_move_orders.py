"""Orders move together, all or none."""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_CALLER_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "reassignment",
        sa.Column("reassignment_id", sa.Uuid, primary_key=True),
        sa.Column("run_id", sa.Uuid, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("currency_code", sa.String(3), nullable=False),
        sa.Column("cost_before", sa.BigInteger, nullable=False),
        sa.Column("cost_after", sa.BigInteger, nullable=False),
        sa.Column("charge", sa.BigInteger, nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
        sa.Column("settle_time", UtcTime, nullable=True),
    )
    op.create_index("reassignment_run", "reassignment", ["run_id"])
    op.create_index("reassignment_settle", "reassignment", ["settle_time"])
    op.create_table(
        "reassigned_order",
        sa.Column(
            "reassignment_id",
            sa.Uuid,
            sa.ForeignKey("reassignment.reassignment_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("order_id", _CALLER_TEXT, primary_key=True),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("decision_id", sa.Uuid, nullable=False),
        sa.Column("closing", sa.JSON, nullable=False),
        sa.Column("moves", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("reassigned_order")
    op.drop_table("reassignment")

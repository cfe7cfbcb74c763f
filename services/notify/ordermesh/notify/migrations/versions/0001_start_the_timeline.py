"""Start the timeline: one row for each event that is told."""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and the index in whose order it is read."""
    op.create_table(
        "timeline_entry",
        sa.Column("event_id", sa.Uuid, primary_key=True),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("event_time", UtcTime, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("event_type", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("sentence", sa.Text, nullable=False),
    )
    op.create_index(
        "timeline_entry_order",
        "timeline_entry",
        ["order_id", "event_time", "sequence", "event_id"],
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("timeline_entry")

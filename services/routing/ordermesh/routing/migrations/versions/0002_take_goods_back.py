"""Take goods back: what locations do with returns, and when goods reached the customer."""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; no location takes anything back until it is told to."""
    with op.batch_alter_table("network_location") as table:
        table.add_column(
            sa.Column("return_handling", sa.String(16), nullable=False, server_default="NONE")
        )
    with op.batch_alter_table("fulfillment_order") as table:
        table.add_column(sa.Column("deliver_time", UtcTime, nullable=True))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("fulfillment_order") as table:
        table.drop_column("deliver_time")
    with op.batch_alter_table("network_location") as table:
        table.drop_column("return_handling")

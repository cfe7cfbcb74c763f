"""Goods are brought together at hubs."""

import sqlalchemy as sa
from alembic import op

from ordermesh.routing.store.tables.base import CallerText

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; nothing of before was brought anywhere."""
    with op.batch_alter_table("fulfillment_order") as table:
        table.add_column(
            sa.Column("hub_location_id", CallerText, nullable=False, server_default="")
        )
    with op.batch_alter_table("fulfillment_line") as table:
        table.add_column(sa.Column("brought_by", CallerText, nullable=False, server_default=""))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("fulfillment_line") as table:
        table.drop_column("brought_by")
    with op.batch_alter_table("fulfillment_order") as table:
        table.drop_column("hub_location_id")

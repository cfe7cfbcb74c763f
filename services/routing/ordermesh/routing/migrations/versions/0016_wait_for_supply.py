"""Work may wait for goods that are still to come, of items that may be promised so."""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, and have items listed again: copies of before do not know it."""
    with op.batch_alter_table("fulfillment_order") as work:
        work.add_column(sa.Column("available_time", UtcTime, nullable=True))
    with op.batch_alter_table("followed_item") as item:
        item.add_column(
            sa.Column("may_wait", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.execute("update follower set revision = 0")


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("followed_item") as item:
        item.drop_column("may_wait")
    with op.batch_alter_table("fulfillment_order") as work:
        work.drop_column("available_time")

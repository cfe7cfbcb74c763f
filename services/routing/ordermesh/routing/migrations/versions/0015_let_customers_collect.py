"""Let customers collect orders: orders know where, and work knows how its goods leave."""

import sqlalchemy as sa
from alembic import op

from ordermesh.routing.store.tables.base import CallerText

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Orders of before were all sent."""
    for table in ("customer_order", "fulfillment_order"):
        with op.batch_alter_table(table) as changed:
            changed.add_column(
                sa.Column("pickup_location_id", CallerText, nullable=False, server_default="")
            )
    with op.batch_alter_table("fulfillment_order") as work:
        work.add_column(sa.Column("method", sa.String(16), nullable=False, server_default="SHIP"))


def downgrade() -> None:
    """Forget where."""
    with op.batch_alter_table("fulfillment_order") as work:
        work.drop_column("method")
    for table in ("fulfillment_order", "customer_order"):
        with op.batch_alter_table(table) as changed:
            changed.drop_column("pickup_location_id")

"""Rules move orders to queues, and cancel what is unfilled, at once or after a while."""

import sqlalchemy as sa
from alembic import op

from ordermesh.routing.store.tables.base import CallerText
from ordermesh.runtime.instants import UtcTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; orders of before are in the queues that they named."""
    with op.batch_alter_table("customer_order") as table:
        table.add_column(sa.Column("queue", CallerText, nullable=False, server_default=""))
        table.add_column(sa.Column("auto_cancel_time", UtcTime, nullable=True))
        table.add_column(
            sa.Column("auto_cancel_rule_id", sa.Text(), nullable=False, server_default="")
        )
    orders = sa.table("customer_order", sa.column("queue"), sa.column("traits", sa.JSON()))
    said = orders.c.traits["queue"].as_string()
    op.execute(orders.update().where(said != "").values(queue=said))
    op.create_index(
        "customer_order_queue",
        "customer_order",
        ["queue", "number"],
        postgresql_where=sa.text("queue <> ''"),
        sqlite_where=sa.text("queue <> ''"),
    )
    with op.batch_alter_table("saga") as table:
        table.add_column(sa.Column("intended", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("saga") as table:
        table.drop_column("intended")
    op.drop_index("customer_order_queue", "customer_order")
    with op.batch_alter_table("customer_order") as table:
        table.drop_column("auto_cancel_rule_id")
        table.drop_column("auto_cancel_time")
        table.drop_column("queue")

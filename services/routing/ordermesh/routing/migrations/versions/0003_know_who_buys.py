"""Know who buys, by a key of the caller's, and why a limit left something unfilled."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; nobody is named in orders of before."""
    with op.batch_alter_table("customer_order") as table:
        table.add_column(sa.Column("customer", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("order_line") as table:
        table.add_column(
            sa.Column("unfilled_facts", sa.JSON(), nullable=False, server_default="{}")
        )


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("order_line") as table:
        table.drop_column("unfilled_facts")
    with op.batch_alter_table("customer_order") as table:
        table.drop_column("customer")

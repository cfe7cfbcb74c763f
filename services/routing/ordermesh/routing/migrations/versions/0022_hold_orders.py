"""Rules hold orders, which then wait to be released."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; nothing of before is held."""
    with op.batch_alter_table("customer_order") as table:
        table.add_column(sa.Column("holds", sa.JSON(), nullable=False, server_default="[]"))
        table.add_column(
            sa.Column("is_held", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.create_index(
        "customer_order_held",
        "customer_order",
        ["number"],
        postgresql_where=sa.text("is_held"),
        sqlite_where=sa.text("is_held"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_index("customer_order_held", "customer_order")
    with op.batch_alter_table("customer_order") as table:
        table.drop_column("is_held")
        table.drop_column("holds")

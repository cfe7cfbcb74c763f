"""Work knows what is paid for what it sends instead of what was ordered."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; of work of before only its decision knows."""
    with op.batch_alter_table("fulfillment_line") as table:
        table.add_column(sa.Column("ordered_price_currency", sa.String(3), nullable=True))
        table.add_column(sa.Column("ordered_price_amount", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("fulfillment_line") as table:
        table.drop_column("ordered_price_amount")
        table.drop_column("ordered_price_currency")

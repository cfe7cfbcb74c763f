"""Know what was paid for what left instead of what was ordered, and in which order it left."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; of what has left nobody knows."""
    with op.batch_alter_table("shipped_line") as table:
        table.add_column(sa.Column("price_currency", sa.String(3), nullable=True))
        table.add_column(sa.Column("price_amount", sa.BigInteger, nullable=True))
        table.add_column(sa.Column("price_units", sa.BigInteger, nullable=True))
        table.add_column(
            sa.Column("event_sequence", sa.BigInteger, nullable=False, server_default="0")
        )


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("shipped_line") as table:
        for name in ("event_sequence", "price_units", "price_amount", "price_currency"):
            table.drop_column(name)

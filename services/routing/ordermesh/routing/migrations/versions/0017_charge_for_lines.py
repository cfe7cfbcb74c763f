"""Locations may charge for each order line."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; until now no line cost anything."""
    with op.batch_alter_table("network_location") as table:
        table.add_column(
            sa.Column("labor_cost_per_line", sa.BigInteger(), nullable=False, server_default="0")
        )


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("network_location") as table:
        table.drop_column("labor_cost_per_line")

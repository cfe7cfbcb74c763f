"""Orders know whether they go to a business."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; orders of before went to homes."""
    with op.batch_alter_table("customer_order") as table:
        table.add_column(
            sa.Column("is_business", sa.Boolean(), nullable=False, server_default=sa.false())
        )


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("customer_order") as table:
        table.drop_column("is_business")

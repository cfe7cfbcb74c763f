"""Copies of items know what is only tracked, and may be promised wherever it is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, and have items listed again: copies of before do not know it."""
    with op.batch_alter_table("followed_item") as item:
        item.add_column(
            sa.Column("is_untracked", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.execute("update follower set revision = 0")


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("followed_item") as item:
        item.drop_column("is_untracked")

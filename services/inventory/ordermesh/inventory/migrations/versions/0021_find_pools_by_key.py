"""Find what was taken from pools at a key without going through all that was taken."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("pool_use_key", "pool_use", ["item_id", "location_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("pool_use_key", "pool_use")

"""Pack the changes of one transaction into one row of the feed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what was written before is one change a row, as it says."""
    op.add_column("feed", sa.Column("packed", sa.Integer, nullable=True))


def downgrade() -> None:
    """Drop it, where nothing is packed: a server of before could not read it."""
    packed = sa.text("SELECT count(*) FROM feed WHERE packed IS NOT NULL")
    if op.get_bind().execute(packed).scalar_one():
        raise RuntimeError("The feed holds packed changes, which servers of before cannot read.")
    op.drop_column("feed", "packed")

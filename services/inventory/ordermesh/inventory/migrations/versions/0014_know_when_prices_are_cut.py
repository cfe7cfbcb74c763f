"""Items know when their price is cut, and whether units of a line leave from one location."""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; no price of an item of before is cut."""
    op.add_column("item", sa.Column("markdown_time", UtcTime, nullable=True))
    op.add_column(
        "item", sa.Column("keep_together", sa.Boolean, nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_column("item", "keep_together")
    op.drop_column("item", "markdown_time")

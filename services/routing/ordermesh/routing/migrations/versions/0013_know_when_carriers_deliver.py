"""Know when carriers deliver."""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_CALLER_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "calendar",
        sa.Column("calendar_id", _CALLER_TEXT, primary_key=True),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("timetable", sa.JSON, nullable=False),
        sa.Column("update_time", UtcTime, nullable=False),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("calendar")

"""A location that rejected a line may have it again after a while."""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Keep until when; what was rejected before is so for good."""
    with op.batch_alter_table("exclusion") as table:
        table.add_column(sa.Column("end_time", UtcTime, nullable=True))


def downgrade() -> None:
    """Forget it."""
    with op.batch_alter_table("exclusion") as table:
        table.drop_column("end_time")

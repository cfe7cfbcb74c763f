"""It is kept who makes a run over open orders, and where the next one begins."""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; what runs that are over have begun is known without it."""
    op.create_table(
        "reoptimization_run",
        sa.Column("run_id", sa.Uuid, primary_key=True),
        sa.Column("maker", sa.Uuid, nullable=False),
        sa.Column("is_scheduled", sa.Boolean, nullable=False),
        sa.Column("is_begun", sa.Boolean, nullable=False),
        sa.Column("seen", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("create_time", UtcTime, nullable=False),
    )
    op.create_index("reoptimization_run_create", "reoptimization_run", ["create_time"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("reoptimization_run")

"""A stamp that tells what items and locations say from all that they said before."""

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; nothing is remembered under its first value."""
    op.add_column(
        "control_version",
        sa.Column("catalog_stamp", sa.Uuid, nullable=False, server_default=str(uuid.UUID(int=0))),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_column("control_version", "catalog_stamp")

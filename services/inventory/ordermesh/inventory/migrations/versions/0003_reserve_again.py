"""Remember of a reservation that its expired lines were reserved again."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column(
        "reservation",
        sa.Column("is_renewed", sa.Boolean, nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("reservation") as table:
        table.drop_column("is_renewed")

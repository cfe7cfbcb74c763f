"""Remember of a reservation that what had expired of it was released, and stays so."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column(
        "reservation",
        sa.Column("is_given_up", sa.Boolean, nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("reservation") as table:
        table.drop_column("is_given_up")

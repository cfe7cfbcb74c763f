"""Work is offered, and goes to another location when nobody answers."""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; work of before waits for its locations."""
    with op.batch_alter_table("fulfillment_order") as table:
        table.add_column(sa.Column("answer_seconds", sa.Integer(), nullable=True))
        table.add_column(sa.Column("answer_time", UtcTime, nullable=True))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("fulfillment_order") as table:
        table.drop_column("answer_time")
        table.drop_column("answer_seconds")

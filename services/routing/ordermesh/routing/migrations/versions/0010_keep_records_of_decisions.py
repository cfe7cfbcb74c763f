"""Keep what each decision was made from, so that it can be made again."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; decisions of before have no record."""
    op.create_table(
        "decision_record",
        sa.Column("decision_id", sa.Uuid(), primary_key=True),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("decision_record")

"""Facts that rules ask for and routing does not see for itself."""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_CALLER_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "put_fact",
        sa.Column("location_id", _CALLER_TEXT, primary_key=True),
        sa.Column("sku", _CALLER_TEXT, primary_key=True),
        sa.Column("fact", sa.String(64), primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.Column("update_time", UtcTime, nullable=False),
    )
    op.create_index("put_fact_sku", "put_fact", ["sku"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("put_fact")

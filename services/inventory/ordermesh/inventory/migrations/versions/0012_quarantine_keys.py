"""Quarantine keys: nothing moves where the books were found wrong."""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the mark that comes with the locked row, and the table that says why."""
    op.add_column(
        "balance",
        sa.Column("is_quarantined", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "quarantined_key",
        sa.Column("suspect_id", sa.Uuid, primary_key=True),
        sa.Column("item_id", sa.Integer, nullable=False),
        sa.Column("location_id", sa.Integer, nullable=False),
        sa.Column("findings", sa.JSON, nullable=False),
        sa.Column("found_time", UtcTime, nullable=False),
        sa.Column("free_time", UtcTime, nullable=True),
        sa.Column("caller", sa.Text, nullable=False, server_default=""),
        sa.Column("on_behalf_of", sa.Text, nullable=False, server_default=""),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
    )
    op.create_index("quarantined_key_time", "quarantined_key", ["found_time", "suspect_id"])
    op.create_index(
        "quarantined_key_open",
        "quarantined_key",
        ["item_id", "location_id"],
        unique=True,
        postgresql_where=sa.text("free_time IS NULL"),
        sqlite_where=sa.text("free_time IS NULL"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("quarantined_key")
    op.drop_column("balance", "is_quarantined")

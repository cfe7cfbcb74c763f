"""Copies of items and locations know what rules ask for: tags, handling, size, groups, country."""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, and have everything listed again: copies of before know nothing of it."""
    with op.batch_alter_table("followed_item") as table:
        table.add_column(sa.Column("tags", sa.JSON(), nullable=False, server_default="[]"))
        table.add_column(sa.Column("handling", sa.JSON(), nullable=False, server_default="[]"))
        table.add_column(sa.Column("size", sa.JSON(none_as_null=True), nullable=True))
        table.add_column(sa.Column("markdown_time", UtcTime, nullable=True))
        table.add_column(
            sa.Column("keep_together", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    with op.batch_alter_table("followed_location") as table:
        table.add_column(sa.Column("tags", sa.JSON(), nullable=False, server_default="[]"))
        table.add_column(sa.Column("groups", sa.JSON(), nullable=False, server_default="[]"))
        table.add_column(sa.Column("country_code", sa.String(2), nullable=False, server_default=""))
    op.execute("update follower set revision = 0")


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("followed_location") as table:
        for name in ("country_code", "groups", "tags"):
            table.drop_column(name)
    with op.batch_alter_table("followed_item") as table:
        for name in ("keep_together", "markdown_time", "size", "handling", "tags"):
            table.drop_column(name)

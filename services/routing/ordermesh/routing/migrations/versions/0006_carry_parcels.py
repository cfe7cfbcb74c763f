"""Carriage has versions, and locations are known with the region and postal code they are in."""

import sqlalchemy as sa
from alembic import op

from ordermesh.routing.store.tables.base import CallerText
from ordermesh.runtime.instants import UtcTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and have locations listed again: copies of before know no addresses."""
    op.create_table(
        "carriage",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("id", CallerText, primary_key=True),
        sa.Column("version", sa.Integer(), primary_key=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
    )
    with op.batch_alter_table("followed_location") as table:
        table.add_column(sa.Column("region", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("postal_code", sa.Text(), nullable=False, server_default=""))
    op.execute("insert into knowledge (name, version) values ('carriage', 0)")
    op.execute("update follower set revision = 0")


def downgrade() -> None:
    """Drop them."""
    op.execute("delete from knowledge where name = 'carriage'")
    with op.batch_alter_table("followed_location") as table:
        for name in ("postal_code", "region"):
            table.drop_column(name)
    op.drop_table("carriage")

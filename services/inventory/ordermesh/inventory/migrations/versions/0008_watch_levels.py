"""Watch levels of availability, so that each crossing is told once."""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_CALLER_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "availability_level",
        sa.Column("item_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("channel", _CALLER_TEXT, primary_key=True),
        sa.Column("location_code", _CALLER_TEXT, primary_key=True),
        sa.Column("level", sa.SmallInteger, nullable=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
    )
    watch = op.create_table(
        "level_watch",
        sa.Column("one", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("control_version", sa.BigInteger, nullable=False),
        sa.Column("look_time", UtcTime, nullable=True),
        sa.CheckConstraint("one = 1", name="level_watch_one"),
    )
    op.bulk_insert(watch, [{"one": 1, "revision": 0, "control_version": 0}])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("level_watch")
    op.drop_table("availability_level")

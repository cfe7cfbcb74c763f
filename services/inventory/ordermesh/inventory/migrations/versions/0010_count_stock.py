"""Count stock: counts, and what is counted of them."""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_CALLER_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "count",
        sa.Column("count_id", _CALLER_TEXT, primary_key=True),
        sa.Column("location_id", sa.Integer, sa.ForeignKey("location.location_id"), nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("skus", sa.JSON, nullable=False),
        sa.Column("assigned_to", sa.Text, nullable=False),
        sa.Column("threshold_units", sa.BigInteger, nullable=True),
        sa.Column("threshold_percent", sa.Integer, nullable=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("on_behalf_of", sa.Text, nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
        sa.Column("open_time", UtcTime, nullable=True),
        sa.Column("close_time", UtcTime, nullable=True),
        sa.CheckConstraint("(state > 2) = (close_time IS NOT NULL)", name="count_close"),
    )
    op.create_table(
        "count_line",
        sa.Column("count_id", _CALLER_TEXT, sa.ForeignKey("count.count_id"), primary_key=True),
        sa.Column(
            "item_id",
            sa.Integer,
            sa.ForeignKey("item.item_id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("expected", sa.BigInteger, nullable=False),
        sa.Column("tallies", sa.JSON, nullable=False),
        sa.Column("accepted_by", sa.Text, nullable=False),
        sa.Column("accept_time", UtcTime, nullable=True),
        sa.Column("reason", sa.SmallInteger, nullable=False),
        sa.Column("settled_missing", sa.BigInteger, nullable=False),
        sa.Column("movement_id", sa.Uuid, nullable=True),
        sa.CheckConstraint("expected >= 0 AND settled_missing >= 0", name="count_line_units"),
        sa.CheckConstraint("(state = 4) = (accept_time IS NOT NULL)", name="count_line_accept"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("count_line")
    op.drop_table("count")

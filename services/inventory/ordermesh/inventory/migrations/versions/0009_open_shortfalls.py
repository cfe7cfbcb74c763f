"""Open shortfalls: promises that have no unit behind them, named one by one."""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_CALLER_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table. No balance is short yet: nothing could have made it so."""
    op.create_table(
        "shortfall",
        sa.Column("shortfall_id", sa.Uuid, primary_key=True),
        sa.Column("item_id", sa.Integer, nullable=False),
        sa.Column("location_id", sa.Integer, nullable=False),
        sa.Column("reservation_id", sa.Uuid, nullable=False),
        sa.Column("order_id", _CALLER_TEXT, nullable=False),
        sa.Column("line_ids", sa.JSON, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("open_quantity", sa.BigInteger, nullable=False),
        sa.Column("movement_id", sa.Uuid, nullable=False),
        sa.Column("open_time", UtcTime, nullable=False),
        sa.Column("close_time", UtcTime, nullable=True),
        sa.CheckConstraint(
            "quantity > 0 AND open_quantity >= 0 AND open_quantity <= quantity",
            name="shortfall_quantity",
        ),
        sa.CheckConstraint(
            "(open_quantity = 0) = (close_time IS NOT NULL)", name="shortfall_close"
        ),
    )
    op.create_index("shortfall_time", "shortfall", ["open_time", "shortfall_id"])
    for name, columns, condition in (
        ("shortfall_open", ["item_id", "location_id"], "close_time IS NULL"),
        ("shortfall_order", ["order_id"], "order_id <> ''"),
    ):
        where = sa.text(condition)
        op.create_index(name, "shortfall", columns, postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    """Drop it."""
    op.drop_table("shortfall")

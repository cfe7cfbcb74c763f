"""Keep demand by mode, and lots and serial numbers beside lines and entries."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_CALLER_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the columns: what was recorded before holds units, and of no known lot."""
    op.add_column(
        "item", sa.Column("reservation_mode", sa.SmallInteger, nullable=False, server_default="0")
    )
    op.add_column(
        "reservation_line", sa.Column("mode", sa.SmallInteger, nullable=False, server_default="3")
    )
    op.add_column(
        "reservation_line", sa.Column("lot_id", _CALLER_TEXT, nullable=False, server_default="")
    )
    op.add_column("reservation_line", sa.Column("serial_numbers", sa.JSON, nullable=True))
    op.add_column("entry", sa.Column("lot_id", _CALLER_TEXT, nullable=False, server_default=""))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("entry", "lot_id")
    for name in ("serial_numbers", "lot_id", "mode"):
        op.drop_column("reservation_line", name)
    op.drop_column("item", "reservation_mode")

"""Goods that are expected, and reservation lines that wait for them."""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_CALLER_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table of supplies, and tell lines what they wait for."""
    op.create_table(
        "supply",
        sa.Column("supply_id", _CALLER_TEXT, primary_key=True),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("document", _CALLER_TEXT, nullable=False),
        sa.Column("item_id", sa.Integer, sa.ForeignKey("item.item_id"), nullable=False),
        sa.Column("location_id", sa.Integer, sa.ForeignKey("location.location_id"), nullable=False),
        sa.Column(
            "from_location_id", sa.Integer, sa.ForeignKey("location.location_id"), nullable=True
        ),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("received", sa.BigInteger, nullable=False),
        sa.Column("lost", sa.BigInteger, nullable=False),
        sa.Column("promised", sa.BigInteger, nullable=False),
        sa.Column("earliest_time", UtcTime, nullable=True),
        sa.Column("expected_time", UtcTime, nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("confidence_percent", sa.SmallInteger, nullable=False),
        sa.Column("external_references", sa.JSON, nullable=False),
        sa.Column("source_version", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
        sa.Column("update_time", UtcTime, nullable=False),
        sa.CheckConstraint(
            "quantity > 0 AND received >= 0 AND lost >= 0", name="supply_not_negative"
        ),
        sa.CheckConstraint(
            "promised >= 0 AND promised <= CASE WHEN state <= 3 AND quantity > received + lost"
            " THEN quantity - received - lost ELSE 0 END",
            name="supply_promised",
        ),
    )
    _make_partial_index("supply_expected", "supply", ["item_id", "location_id"], "state <= 3")
    _make_partial_index("supply_document", "supply", ["document"], "document <> ''")
    op.add_column(
        "item",
        sa.Column("is_promised_on_supply", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.add_column("reservation_line", sa.Column("supply_id", _CALLER_TEXT, nullable=True))
    op.add_column("reservation_line", sa.Column("needed_by_time", UtcTime, nullable=True))
    op.add_column("reservation_line", sa.Column("broken_time", UtcTime, nullable=True))
    _make_partial_index(
        "reservation_line_supply",
        "reservation_line",
        ["supply_id"],
        "supply_id IS NOT NULL AND state <= 2",
    )


def _make_partial_index(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    """Forget them."""
    op.drop_index("reservation_line_supply", "reservation_line")
    for name in ("broken_time", "needed_by_time", "supply_id"):
        op.drop_column("reservation_line", name)
    op.drop_column("item", "is_promised_on_supply")
    op.drop_table("supply")

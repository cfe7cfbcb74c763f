"""Prices of stock and labor are kept, by version, and what they suggest."""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_CALLER_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _version() -> sa.Column[int]:
    key = sa.ForeignKey("price_set.version", ondelete="CASCADE")
    return sa.Column("version", _NUMBER, key, primary_key=True)


def upgrade() -> None:
    """Make the tables; there are no prices yet."""
    op.create_table(
        "price_set",
        sa.Column("version", _NUMBER, sa.Identity(always=True), primary_key=True),
        sa.Column("create_time", UtcTime, nullable=False),
        sa.Column("currency_code", sa.String(3), nullable=False),
        sa.Column("fade_time", UtcTime, nullable=False),
        sa.Column("end_time", UtcTime, nullable=False),
        sa.Column("horizon_hours", sa.Integer, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("days", sa.Integer, nullable=False),
        sa.Column("orders", sa.Integer, nullable=False),
        sa.Column("baskets", sa.Integer, nullable=False),
        sa.Column("futures", sa.Integer, nullable=False),
        sa.Column("orders_ahead", sa.Integer, nullable=False),
        sa.Column("error", sa.Float, nullable=False),
        sa.Column("naive_error", sa.Float, nullable=False),
        sa.Column("bias", sa.Float, nullable=False),
        sa.Column("tested_periods", sa.Integer, nullable=False),
        sa.Column("is_cut", sa.Boolean, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("promotions", sa.JSON, nullable=False),
    )
    op.create_index("price_set_create_time", "price_set", ["create_time"])
    op.create_table(
        "stock_price",
        _version(),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("sku", _CALLER_TEXT, nullable=False),
        sa.Column("location_id", _CALLER_TEXT, nullable=False),
        sa.Column("price", sa.BigInteger, nullable=False),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.Column("last_unit", sa.BigInteger, nullable=False),
        sa.Column("next_unit", sa.BigInteger, nullable=False),
        sa.Column("missing_permille", sa.BigInteger, nullable=False),
        sa.Column("idle_units", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "labor_price",
        _version(),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("location_id", _CALLER_TEXT, nullable=False),
        sa.Column("price", sa.BigInteger, nullable=False),
        sa.Column("units", sa.BigInteger, nullable=True),
        sa.Column("hour_worth", sa.BigInteger, nullable=True),
    )
    op.create_table(
        "stock_suggestion",
        _version(),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("sku", _CALLER_TEXT, nullable=False),
        sa.Column("from_location_id", _CALLER_TEXT, nullable=False),
        sa.Column("to_location_id", _CALLER_TEXT, nullable=False),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.execute("insert into knowledge (name, version) values ('prices', 0)")


def downgrade() -> None:
    """Drop them."""
    op.execute("delete from knowledge where name = 'prices'")
    op.drop_table("stock_suggestion")
    op.drop_table("labor_price")
    op.drop_table("stock_price")
    op.drop_table("price_set")

"""Take goods back: returns with their lines, receipts, later decisions, refunds and history."""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_CALLER_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables, and guard the history."""
    op.create_table("shipped_order", sa.Column("order_id", _CALLER_TEXT, primary_key=True))
    op.execute("INSERT INTO shipped_order SELECT DISTINCT order_id FROM shipped_line")
    _make_returns()
    _make_parts()
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_edit_of_history() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'history is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER return_change_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
            " ON return_change FOR EACH STATEMENT EXECUTE FUNCTION refuse_edit_of_history()"
        )
    else:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                "CREATE TRIGGER return_change_no_"
                + verb.lower()
                + " BEFORE "
                + verb
                + " ON return_change BEGIN SELECT RAISE(ABORT, 'history is append-only'); END"
            )


def _make_returns() -> None:
    op.create_table(
        "order_return",
        sa.Column("number", _NUMBER, sa.Identity(always=True), primary_key=True),
        sa.Column("return_id", _CALLER_TEXT, nullable=False, unique=True),
        sa.Column("order_id", _CALLER_TEXT, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("refund_timing", sa.String(16), nullable=False),
        sa.Column("location_id", _CALLER_TEXT, nullable=False),
        sa.Column("location_reason", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("event_sequence", sa.BigInteger, nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
        sa.Column("update_time", UtcTime, nullable=False),
    )
    for column in ("order_id", "state", "location_id"):
        name = f"order_return_{column.removesuffix('_id')}"
        op.create_index(name, "order_return", [column, "number"])
    op.create_table(
        "return_line",
        *_key(),
        sa.Column("line_id", _CALLER_TEXT, nullable=False),
        sa.Column("sku", _CALLER_TEXT, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String(24), nullable=False),
        sa.Column("price_currency", sa.String(3), nullable=True),
        sa.Column("price_amount", sa.BigInteger, nullable=True),
        sa.Column("price_units", sa.BigInteger, nullable=True),
        sa.Column("received", sa.BigInteger, nullable=False),
        sa.Column("restocked", sa.BigInteger, nullable=False),
        sa.Column("blocked", sa.BigInteger, nullable=False),
        sa.Column("discarded", sa.BigInteger, nullable=False),
        sa.CheckConstraint("quantity > 0", name="return_line_quantity"),
        sa.CheckConstraint("received >= 0 AND received <= quantity", name="return_line_received"),
        sa.CheckConstraint(
            "restocked >= 0 AND blocked >= 0 AND discarded >= 0"
            " AND restocked + blocked + discarded <= received",
            name="return_line_disposed",
        ),
    )


def _make_parts() -> None:
    for name, time in (("receipt", "receive_time"), ("disposal", "dispose_time")):
        place = [sa.Column("location_id", _CALLER_TEXT, nullable=False)]
        op.create_table(
            name,
            *_key(),
            *(place if name == "receipt" else []),
            sa.Column("units", sa.JSON, nullable=False),
            sa.Column("caller", sa.Text, nullable=False),
            sa.Column("on_behalf_of", sa.Text, nullable=False),
            sa.Column(time, UtcTime, nullable=False),
            sa.Column("movement_id", sa.Uuid, nullable=True),
            sa.Column("ledger_refusals", sa.Integer, nullable=False),
        )
    op.create_table(
        "refund",
        *_key(),
        sa.Column("refund_id", sa.Uuid, nullable=False, unique=True),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=True),
        sa.Column("units", sa.JSON, nullable=False),
        sa.Column("due_time", UtcTime, nullable=False),
    )
    op.create_table(
        "return_change",
        *_key(),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("caller", sa.Text, nullable=True),
        sa.Column("on_behalf_of", sa.Text, nullable=False),
        sa.Column("change_time", UtcTime, nullable=False),
    )


def _key() -> tuple[sa.Column[str], sa.Column[int]]:
    return (
        sa.Column(
            "return_id", _CALLER_TEXT, sa.ForeignKey("order_return.return_id"), primary_key=True
        ),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    )


def downgrade() -> None:
    """Drop them."""
    for name in ("return_change", "refund", "disposal", "receipt", "return_line", "order_return"):
        op.drop_table(name)
    op.drop_table("shipped_order")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_edit_of_history()")

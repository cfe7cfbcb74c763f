"""Start the ledger: items, locations, balances, entries, movements and reservations.

Entries and movements are history: they are appended and never edited. Triggers hold that on both
databases, because a grant can be given to the wrong user and SQLite has none.
"""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_CALLER_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

_HISTORY = ("entry", "movement")


def upgrade() -> None:
    """Make the tables, their indexes and the triggers."""
    _make_items()
    _make_locations()
    _make_ledger()
    _make_reservations()
    if op.get_bind().dialect.name == "postgresql":
        _guard_history_on_postgresql()
    else:
        _guard_history_on_sqlite()


def _make_items() -> None:
    op.create_table(
        "item",
        sa.Column("item_id", sa.Integer, sa.Identity(always=True), primary_key=True),
        sa.Column("sku", _CALLER_TEXT, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("unit", sa.SmallInteger, nullable=False),
        sa.Column("weight_grams", sa.BigInteger, nullable=False),
        sa.Column("size", sa.JSON, nullable=True),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("handling", sa.JSON, nullable=False),
        sa.Column("value", sa.JSON, nullable=True),
        sa.Column("is_kit", sa.Boolean, nullable=False),
        sa.Column("may_split", sa.Boolean, nullable=False),
        sa.Column("kit_version", sa.Integer, nullable=False),
        sa.Column("is_unsellable", sa.Boolean, nullable=False),
        sa.Column("external_references", sa.JSON, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
        sa.Column("update_time", UtcTime, nullable=False),
    )
    op.create_table(
        "kit_component",
        sa.Column("kit_item_id", sa.Integer, sa.ForeignKey("item.item_id"), primary_key=True),
        sa.Column("kit_version", sa.Integer, primary_key=True),
        sa.Column("place", sa.SmallInteger, primary_key=True),
        sa.Column("item_id", sa.Integer, sa.ForeignKey("item.item_id"), nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.CheckConstraint("quantity > 0", name="kit_component_quantity"),
    )
    op.create_index("kit_component_item", "kit_component", ["item_id"])


def _make_locations() -> None:
    op.create_table(
        "location",
        sa.Column("location_id", sa.Integer, sa.Identity(always=True), primary_key=True),
        sa.Column("code", _CALLER_TEXT, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("type", sa.SmallInteger, nullable=False),
        sa.Column("address", sa.JSON, nullable=True),
        sa.Column("latitude", sa.Double, nullable=False),
        sa.Column("longitude", sa.Double, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("is_disabled", sa.Boolean, nullable=False),
        sa.Column("external_references", sa.JSON, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
        sa.Column("update_time", UtcTime, nullable=False),
    )


def _make_ledger() -> None:
    op.create_table(
        "balance",
        sa.Column(
            "item_id",
            sa.Integer,
            sa.ForeignKey("item.item_id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column(
            "location_id",
            sa.Integer,
            sa.ForeignKey("location.location_id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("on_hand", sa.BigInteger, nullable=False),
        sa.Column("reserved", sa.BigInteger, nullable=False),
        sa.Column("short", sa.BigInteger, nullable=False),
        sa.Column("blocked", sa.BigInteger, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.CheckConstraint(
            "on_hand >= 0 AND reserved >= 0 AND blocked >= 0 AND sequence >= 0",
            name="balance_not_negative",
        ),
        sa.CheckConstraint(
            "short = CASE WHEN reserved > on_hand THEN reserved - on_hand ELSE 0 END",
            name="balance_short",
        ),
        postgresql_with={"fillfactor": 70},
    )
    op.create_table(
        "movement",
        sa.Column("movement_id", sa.Uuid, primary_key=True),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("reason", sa.SmallInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("on_behalf_of", sa.Text, nullable=False),
        sa.Column("reservation_id", sa.Uuid, nullable=True),
        sa.Column("order_id", _CALLER_TEXT, nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
    )
    op.create_index("movement_time", "movement", ["create_time", "movement_id"])
    _make_partial_index("movement_reservation", "movement", "reservation_id", "IS NOT NULL")
    _make_partial_index("movement_order", "movement", "order_id", "<> ''")
    op.create_table(
        "entry",
        sa.Column("item_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("location_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("from_account", sa.SmallInteger, nullable=False),
        sa.Column("to_account", sa.SmallInteger, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("movement_id", sa.Uuid, nullable=False),
        sa.Column("reservation_id", sa.Uuid, nullable=True),
        sa.Column("serial_numbers", sa.JSON, nullable=True),
        sa.CheckConstraint("quantity > 0", name="entry_quantity"),
        sa.CheckConstraint("from_account <> to_account", name="entry_accounts"),
    )
    op.create_index("entry_movement", "entry", ["movement_id"])


def _make_reservations() -> None:
    op.create_table(
        "reservation",
        sa.Column("reservation_id", sa.Uuid, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("order_id", _CALLER_TEXT, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("last_number", sa.Integer, nullable=False),
        sa.Column("granted", sa.BigInteger, nullable=False),
        sa.Column("event_sequence", sa.BigInteger, nullable=False),
        sa.Column("is_tombstone", sa.Boolean, nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
    )
    op.create_index("reservation_time", "reservation", ["create_time", "reservation_id"])
    _make_partial_index("reservation_order", "reservation", "order_id", "<> ''")
    op.create_table(
        "reservation_line",
        sa.Column(
            "reservation_id",
            sa.Uuid,
            sa.ForeignKey("reservation.reservation_id"),
            primary_key=True,
        ),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("line_id", _CALLER_TEXT, nullable=False),
        sa.Column("item_id", sa.Integer, nullable=False),
        sa.Column("location_id", sa.Integer, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("expire_time", UtcTime, nullable=True),
        sa.Column("close_time", UtcTime, nullable=True),
        sa.Column("kit_item_id", sa.Integer, nullable=True),
        sa.Column("quantity_per_kit", sa.BigInteger, nullable=False),
        sa.CheckConstraint("quantity > 0", name="reservation_line_quantity"),
        sa.CheckConstraint(
            "(state = 1) = (expire_time IS NOT NULL)", name="reservation_line_expire"
        ),
        sa.CheckConstraint("(state > 2) = (close_time IS NOT NULL)", name="reservation_line_close"),
        postgresql_with={"fillfactor": 85},
    )
    op.create_index("reservation_line_key", "reservation_line", ["item_id", "location_id"])
    op.create_index(
        "reservation_line_overdue",
        "reservation_line",
        ["expire_time", "item_id", "location_id"],
        postgresql_where=sa.text("state = 1"),
        sqlite_where=sa.text("state = 1"),
    )


def _make_partial_index(name: str, table: str, column: str, condition: str) -> None:
    where = sa.text(column + " " + condition)
    op.create_index(name, table, [column], postgresql_where=where, sqlite_where=where)


def _guard_history_on_sqlite() -> None:
    for table in _HISTORY:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                "CREATE TRIGGER "
                + table
                + "_no_"
                + verb.lower()
                + " BEFORE "
                + verb
                + " ON "
                + table
                + " BEGIN SELECT RAISE(ABORT, 'history is append-only'); END"
            )


def _guard_history_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_edit_of_history() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'history is append-only'; END $$"
    )
    for table in _HISTORY:
        op.execute(
            "CREATE TRIGGER "
            + table
            + "_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON "
            + table
            + " FOR EACH STATEMENT EXECUTE FUNCTION refuse_edit_of_history()"
        )


def downgrade() -> None:
    """Drop them."""
    for name in ("reservation_line", "reservation", "entry", "movement", "balance", "location"):
        op.drop_table(name)
    op.drop_table("kit_component")
    op.drop_table("item")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_edit_of_history()")

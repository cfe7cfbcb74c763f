"""Control channels: rules about what may be sold, their history, pools, and who bought what."""

import uuid

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_CALLER_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables, and the columns that name channels and buyers."""
    _make_controls()
    version = op.create_table(
        "control_version",
        sa.Column("one", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("stamp", sa.Uuid, nullable=False),
        sa.Column("last_number", sa.Integer, nullable=False),
        sa.Column("update_time", UtcTime, nullable=True),
        sa.CheckConstraint("one = 1", name="control_version_one"),
    )
    op.bulk_insert(version, [{"one": 1, "version": 0, "stamp": uuid.UUID(int=0), "last_number": 0}])
    op.create_table(
        "pool_use",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("item_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("location_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("taken", sa.BigInteger, nullable=False),
        sa.CheckConstraint("taken >= 0", name="pool_use_taken"),
    )
    op.add_column("location", sa.Column("groups", sa.JSON, nullable=False, server_default="[]"))
    op.add_column("movement", _number("control_version"))
    op.add_column("reservation", _name("channel", _CALLER_TEXT))
    op.add_column("reservation", _name("customer", sa.Text()))
    op.add_column("reservation", _number("control_version"))
    op.add_column("reservation_line", sa.Column("pool", sa.Integer, nullable=True))
    op.create_index(
        "reservation_customer",
        "reservation",
        ["customer"],
        postgresql_where=sa.text("customer <> ''"),
        sqlite_where=sa.text("customer <> ''"),
    )


def _name(name: str, column_type: sa.types.TypeEngine[str]) -> sa.Column[str]:
    return sa.Column(name, column_type, nullable=False, server_default="")


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")


def _make_controls() -> None:
    op.create_table(
        "control",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("control_id", _CALLER_TEXT, nullable=False, unique=True),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.Column("location_group", sa.Text, nullable=False),
        sa.Column("location_id", sa.Text, nullable=False),
        sa.Column("tag", sa.Text, nullable=False),
        sa.Column("sku", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("start_time", UtcTime, nullable=True),
        sa.Column("end_time", UtcTime, nullable=True),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("window_seconds", sa.BigInteger, nullable=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("update_time", UtcTime, nullable=False),
        sa.CheckConstraint("value >= 0", name="control_value"),
    )
    op.create_table(
        "control_change",
        sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("control_id", _CALLER_TEXT, primary_key=True),
        sa.Column("is_deleted", sa.Boolean, nullable=False),
        sa.Column("content", sa.JSON, nullable=True),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("on_behalf_of", sa.Text, nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_index("reservation_customer", "reservation")
    with op.batch_alter_table("reservation_line") as table:
        table.drop_column("pool")
    with op.batch_alter_table("reservation") as table:
        for name in ("channel", "customer", "control_version"):
            table.drop_column(name)
    with op.batch_alter_table("movement") as table:
        table.drop_column("control_version")
    with op.batch_alter_table("location") as table:
        table.drop_column("groups")
    for name in ("pool_use", "control_version", "control_change", "control"):
        op.drop_table(name)

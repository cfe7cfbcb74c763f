"""Hear systems outside: sources, their pictures and imports, and a quarantine for their rows.

An entry says which source told of it and by which number, so that a picture that is older than a
change does not undo it. Both are null for everything else, and only numbered entries are indexed.
"""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_CALLER_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the columns and the tables."""
    op.add_column("entry", sa.Column("source_id", sa.Integer, nullable=True))
    op.add_column("entry", sa.Column("source_sequence", sa.BigInteger, nullable=True))
    op.create_index(
        "entry_source",
        "entry",
        ["source_id", "item_id", "location_id", "source_sequence"],
        postgresql_where=sa.text("source_sequence IS NOT NULL"),
        sqlite_where=sa.text("source_sequence IS NOT NULL"),
    )
    _make_sources()
    _make_quarantine()
    _make_imports()


def _make_sources() -> None:
    op.create_table(
        "stock_source",
        sa.Column("source_id", sa.Integer, sa.Identity(always=True), primary_key=True),
        sa.Column("code", _CALLER_TEXT, nullable=False, unique=True),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("location_codes", sa.JSON, nullable=False),
        sa.Column("callers", sa.JSON, nullable=False),
        sa.Column("may_fall_below_reserved", sa.Boolean, nullable=False),
        sa.Column("jump_units", sa.BigInteger, nullable=False),
        sa.Column("jump_percent", sa.Integer, nullable=False),
        sa.Column("gap_policy", sa.SmallInteger, nullable=False),
        sa.Column("silence_seconds", sa.BigInteger, nullable=True),
        sa.Column("applied_sequence", sa.BigInteger, nullable=False),
        sa.Column("gaps", sa.JSON, nullable=False),
        sa.Column("ahead", sa.BigInteger, nullable=False),
        sa.Column("heard_time", UtcTime, nullable=True),
        sa.Column("create_time", UtcTime, nullable=False),
    )
    op.create_table(
        "held_delta",
        sa.Column("source_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("source_sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("delta", sa.JSON, nullable=False),
    )
    op.create_table(
        "picture_mark",
        sa.Column("source_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("location_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("item_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("watermark", sa.BigInteger, nullable=True),
        sa.Column("taken", UtcTime, nullable=True),
    )


def _make_quarantine() -> None:
    op.create_table(
        "quarantined_row",
        sa.Column("quarantine_id", sa.Uuid, primary_key=True),
        sa.Column("source_id", sa.Integer, nullable=False),
        sa.Column("import_id", sa.Uuid, nullable=True),
        sa.Column("reason", sa.SmallInteger, nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("source_sequence", sa.BigInteger, nullable=True),
        sa.Column("watermark", sa.BigInteger, nullable=True),
        sa.Column("taken", UtcTime, nullable=True),
        sa.Column("is_full", sa.Boolean, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
        sa.Column("decide_time", UtcTime, nullable=True),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("on_behalf_of", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_index("quarantined_row_time", "quarantined_row", ["create_time", "quarantine_id"])
    op.create_index(
        "quarantined_row_open",
        "quarantined_row",
        ["source_id", "source_sequence"],
        postgresql_where=sa.text("state = 1"),
        sqlite_where=sa.text("state = 1"),
    )


def _make_imports() -> None:
    op.create_table(
        "snapshot_import",
        sa.Column("import_id", sa.Uuid, primary_key=True),
        sa.Column("source_id", sa.Integer, nullable=False),
        sa.Column("location_codes", sa.JSON, nullable=False),
        sa.Column("watermark", sa.BigInteger, nullable=True),
        sa.Column("taken", UtcTime, nullable=True),
        sa.Column("absent", sa.SmallInteger, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("next_frame", sa.BigInteger, nullable=False),
        sa.Column("outcomes", sa.JSON, nullable=False),
        sa.Column("troubles", sa.JSON, nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
        sa.Column("update_time", UtcTime, nullable=False),
    )
    op.create_table(
        "snapshot_frame",
        sa.Column("import_id", sa.Uuid, primary_key=True),
        sa.Column("frame", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("outcomes", sa.JSON, nullable=False),
        sa.Column("troubles", sa.JSON, nullable=False),
    )
    op.create_table(
        "snapshot_key",
        sa.Column("import_id", sa.Uuid, primary_key=True),
        sa.Column("item_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("location_id", sa.Integer, primary_key=True, autoincrement=False),
    )


def downgrade() -> None:
    """Drop them."""
    for name in (
        "snapshot_key",
        "snapshot_frame",
        "snapshot_import",
        "quarantined_row",
        "picture_mark",
        "held_delta",
        "stock_source",
    ):
        op.drop_table(name)
    op.drop_index("entry_source", "entry")
    for name in ("source_sequence", "source_id"):
        op.drop_column("entry", name)

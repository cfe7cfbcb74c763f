"""Seal the books: a chain over all changes, and which entries each revision contains."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and guard the seals as history is guarded."""
    op.create_table(
        "seal",
        sa.Column("revision", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("item_id", sa.Integer, nullable=False),
        sa.Column("location_id", sa.Integer, nullable=False),
        sa.Column("first_sequence", sa.BigInteger, nullable=False),
        sa.Column("last_sequence", sa.BigInteger, nullable=False),
        sa.Column("seal", sa.LargeBinary, nullable=False),
        sa.CheckConstraint(
            "first_sequence > 0 AND first_sequence <= last_sequence", name="seal_entries"
        ),
    )
    op.create_index("seal_key", "seal", ["item_id", "location_id", "revision"], unique=True)
    head = op.create_table(
        "seal_head",
        sa.Column("place", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("seal", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("place = 1", name="seal_head_place"),
    )
    op.bulk_insert(head, [{"place": 1, "revision": 0, "seal": bytes(32)}])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER seal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON seal"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_edit_of_history()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            "CREATE TRIGGER seal_no_"
            + verb.lower()
            + " BEFORE "
            + verb
            + " ON seal BEGIN SELECT RAISE(ABORT, 'history is append-only'); END"
        )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("seal_head")
    op.drop_table("seal")

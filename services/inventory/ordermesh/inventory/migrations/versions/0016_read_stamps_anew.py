"""Stamps as they are by now, for a statement that has waited for locks since it began."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the function. On SQLite nobody changes anything while somebody writes."""
    if op.get_bind().dialect.name == "postgresql":
        # A volatile function sees what was committed when it is called, and not what was when the
        # statement began that calls it.
        op.execute(
            "CREATE FUNCTION stamps_by_now() RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS"
            " $$ BEGIN RETURN (SELECT ARRAY[stamp, catalog_stamp] FROM control_version); END $$"
        )


def downgrade() -> None:
    """Drop it."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION stamps_by_now()")

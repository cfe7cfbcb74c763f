"""It is counted how often facts about locations have changed, so that promises know."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Begin to count."""
    op.execute("insert into knowledge (name, version) values ('facts', 0)")


def downgrade() -> None:
    """Count no more."""
    op.execute("delete from knowledge where name = 'facts'")

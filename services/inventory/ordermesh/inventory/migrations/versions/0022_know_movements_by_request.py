"""Know a movement of stock by its request, and seal all that a movement says."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Raises where anything is sealed already: no release has sealed anything the other way."""
    _refuse_seals(
        "This ledger was sealed by a version before 0.1.0, otherwise than ledgers are now, and"
        " cannot be taken over. Begin with an empty database (on files: with another"
        " --directory), and bring the stock over with `ordermesh import`."
    )
    op.add_column("movement", sa.Column("request_id", sa.Uuid, nullable=True))
    op.add_column("movement", sa.Column("request_digest", sa.LargeBinary, nullable=True))
    is_requested = sa.text("request_id IS NOT NULL")
    op.create_index(
        "movement_request",
        "movement",
        ["request_id"],
        unique=True,
        postgresql_where=is_requested,
        sqlite_where=is_requested,
    )


def downgrade() -> None:
    """As ``upgrade``."""
    _refuse_seals("This ledger is sealed in a way that versions of before do not know.")
    op.drop_index("movement_request", "movement")
    op.drop_column("movement", "request_digest")
    op.drop_column("movement", "request_id")


def _refuse_seals(sentence: str) -> None:
    if op.get_bind().execute(sa.text("SELECT count(*) FROM seal")).scalar_one():
        raise RuntimeError(sentence)

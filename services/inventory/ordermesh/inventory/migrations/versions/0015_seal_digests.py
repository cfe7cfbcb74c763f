"""Seal digests that whoever makes a change makes of its entries, instead of the entries."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing but the meaning of a seal changes. Raises where anything is sealed already.

    No release has sealed anything the other way.
    """
    _refuse_seals(
        "This ledger was sealed by a version before 0.1.0, otherwise than ledgers are now, and"
        " cannot be taken over. Begin with an empty database (on files: with another"
        " --directory), and bring the stock over with `ordermesh import`."
    )


def downgrade() -> None:
    """As ``upgrade``."""
    _refuse_seals("This ledger is sealed in a way that versions of before do not know.")


def _refuse_seals(sentence: str) -> None:
    if op.get_bind().execute(sa.text("SELECT count(*) FROM seal")).scalar_one():
        raise RuntimeError(sentence)

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
    _refuse_seals()


def downgrade() -> None:
    """As ``upgrade``."""
    _refuse_seals()


def _refuse_seals() -> None:
    if op.get_bind().execute(sa.text("SELECT count(*) FROM seal")).scalar_one():
        raise RuntimeError(
            "The books were sealed by a version before 0.1.0, otherwise than they are now. Begin"
            " a new ledger, and bring the stock over as a snapshot."
        )

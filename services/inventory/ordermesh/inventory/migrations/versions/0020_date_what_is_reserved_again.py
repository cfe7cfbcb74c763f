"""Remember when a reservation was reserved again: what limits allow in a window counts from then.

``is_renewed`` stays, for those who still run what came before. What was reserved again before this
counts from when it was made, as it did.
"""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("reservation", sa.Column("renew_time", UtcTime, nullable=True))


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("reservation") as table:
        table.drop_column("renew_time")

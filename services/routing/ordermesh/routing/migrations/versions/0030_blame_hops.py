"""Work keeps when each step was expected, and when it was done, so that a delay has its reason."""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_TIMES = (
    "expected_release_time",
    "expected_ready_time",
    "expected_ship_time",
    "expected_arrival_time",
    "expected_promise_time",
    "release_time",
    "ready_time",
    "ship_time",
)


def upgrade() -> None:
    """Add the columns; of work of before nobody knows."""
    with op.batch_alter_table("fulfillment_order") as table:
        for name in _TIMES:
            table.add_column(sa.Column(name, UtcTime, nullable=True))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("fulfillment_order") as table:
        for name in reversed(_TIMES):
            table.drop_column(name)

"""Know what customers were promised; line fees, which were never charged, go."""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Orders of before were promised nothing."""
    with op.batch_alter_table("customer_order") as table:
        table.add_column(sa.Column("promise_time", UtcTime, nullable=True))
        table.add_column(
            sa.Column("promise_permille", sa.Integer, nullable=False, server_default="0")
        )
    with op.batch_alter_table("network_location") as table:
        table.drop_column("line_fee")


def downgrade() -> None:
    """Forget it."""
    with op.batch_alter_table("network_location") as table:
        table.add_column(sa.Column("line_fee", sa.BigInteger, nullable=False, server_default="0"))
    with op.batch_alter_table("customer_order") as table:
        table.drop_column("promise_permille")
        table.drop_column("promise_time")

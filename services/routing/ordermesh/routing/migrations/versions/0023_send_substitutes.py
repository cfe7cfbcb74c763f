"""Something else may be sent than was ordered."""

import sqlalchemy as sa
from alembic import op

from ordermesh.routing.store.tables.base import CallerText

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; nothing of before was replaced."""
    with op.batch_alter_table("order_line") as table:
        table.add_column(
            sa.Column(
                "accepts_substitutes", sa.Boolean(), nullable=False, server_default=sa.false()
            )
        )
        table.add_column(
            sa.Column("substituted", sa.BigInteger(), nullable=False, server_default="0")
        )
    with op.batch_alter_table("fulfillment_line") as table:
        table.add_column(sa.Column("instead_of", CallerText, nullable=False, server_default=""))
        table.add_column(sa.Column("units_each", sa.Integer(), nullable=False, server_default="1"))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("fulfillment_line") as table:
        table.drop_column("units_each")
        table.drop_column("instead_of")
    with op.batch_alter_table("order_line") as table:
        table.drop_column("substituted")
        table.drop_column("accepts_substitutes")

"""Know when locations work, what they can do, and for how long they are switched on or off."""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COLUMNS = ("capabilities", "timetable", "processing", "reject_permille", "line_fee")

_CALLER_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Locations of before always work; nothing is switched."""
    with op.batch_alter_table("network_location") as table:
        table.add_column(sa.Column("capabilities", sa.JSON, nullable=False, server_default="[]"))
        table.add_column(sa.Column("timetable", sa.JSON, nullable=False, server_default="{}"))
        table.add_column(sa.Column("processing", sa.JSON, nullable=False, server_default="[]"))
        table.add_column(
            sa.Column("reject_permille", sa.Integer, nullable=False, server_default="0")
        )
        table.add_column(sa.Column("line_fee", sa.BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "location_switch",
        sa.Column("number", _NUMBER, sa.Identity(always=True), primary_key=True),
        sa.Column("switch_id", sa.Uuid, nullable=False, unique=True),
        sa.Column("location_id", _CALLER_TEXT, nullable=False),
        sa.Column("methods", sa.JSON, nullable=False),
        sa.Column("is_on", sa.Boolean, nullable=False),
        sa.Column("start_time", UtcTime, nullable=False),
        sa.Column("end_time", UtcTime, nullable=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("on_behalf_of", sa.Text, nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
        sa.CheckConstraint(
            "end_time is null or end_time >= start_time", name="location_switch_ascends"
        ),
    )
    op.create_index("location_switch_location", "location_switch", ["location_id", "number"])


def downgrade() -> None:
    """Forget them."""
    op.drop_table("location_switch")
    with op.batch_alter_table("network_location") as table:
        for column in _COLUMNS:
            table.drop_column(column)

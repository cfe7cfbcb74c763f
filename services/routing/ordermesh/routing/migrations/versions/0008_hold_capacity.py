"""Hold capacity by window, in orders, units or minutes.

What was limited by the day still is, by a capacity named ``units-a-day``. What was taken of today
is forgotten: work of before takes nothing.
"""

import json

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_CALLER_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

_LOCATION = sa.table(
    "network_location",
    sa.column("location_id", sa.Text),
    sa.column("capacity_units_per_day", sa.BigInteger),
    sa.column("capacities", sa.JSON),
)


def upgrade() -> None:
    """Make the tables, and carry limits over."""
    _make_tables()
    op.drop_table("capacity_use")
    with op.batch_alter_table("network_location") as table:
        table.add_column(sa.Column("capacities", sa.JSON, nullable=False, server_default="[]"))
    connection = op.get_bind()
    limited = connection.execute(
        sa.select(_LOCATION).where(_LOCATION.c.capacity_units_per_day.is_not(None))
    ).all()
    for row in limited:
        connection.execute(
            sa.update(_LOCATION)
            .where(_LOCATION.c.location_id == row.location_id)
            .values(capacities=[_a_day(row.capacity_units_per_day)])
        )
    with op.batch_alter_table("network_location") as table:
        table.drop_column("capacity_units_per_day")
    with op.batch_alter_table("fulfillment_order") as table:
        table.drop_column("capacity_day")
        table.add_column(sa.Column("capacity_hold_id", sa.Uuid, nullable=True))


def _make_tables() -> None:
    op.create_table(
        "capacity_window",
        sa.Column("location_id", _CALLER_TEXT, primary_key=True),
        sa.Column("capacity_id", _CALLER_TEXT, primary_key=True),
        sa.Column("start_time", UtcTime, primary_key=True),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.CheckConstraint("used >= 0", name="capacity_window_not_negative"),
    )
    op.create_index("capacity_window_start", "capacity_window", ["start_time"])
    op.create_table(
        "capacity_hold",
        sa.Column("hold_id", sa.Uuid, primary_key=True),
        sa.Column("location_id", _CALLER_TEXT, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("expire_time", UtcTime, nullable=True),
        sa.Column("create_time", UtcTime, nullable=False),
        sa.Column("change_time", UtcTime, nullable=False),
    )
    op.create_index("capacity_hold_expire", "capacity_hold", ["state", "expire_time"])
    op.create_index("capacity_hold_change", "capacity_hold", ["change_time"])
    op.create_table(
        "capacity_share",
        sa.Column(
            "hold_id",
            sa.Uuid,
            sa.ForeignKey("capacity_hold.hold_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("location_id", _CALLER_TEXT, primary_key=True),
        sa.Column("capacity_id", _CALLER_TEXT, primary_key=True),
        sa.Column("start_time", UtcTime, primary_key=True),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("is_given_back", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.create_index(
        "capacity_share_window", "capacity_share", ["location_id", "capacity_id", "start_time"]
    )


def _a_day(limit: int) -> dict[str, object]:
    return {
        "id": "units-a-day",
        "unit": "UNITS",
        "limit": limit,
        "methods": [],
        "weekdays": [],
        "window": [0, 1440],
        "minutes": [0, 0],
        "at_limit": "LEAVE_OUT",
    }


def downgrade() -> None:
    """Go back to units a day; other capacities are forgotten."""
    with op.batch_alter_table("fulfillment_order") as table:
        table.drop_column("capacity_hold_id")
        table.add_column(sa.Column("capacity_day", sa.Date, nullable=True))
    with op.batch_alter_table("network_location") as table:
        table.add_column(sa.Column("capacity_units_per_day", sa.BigInteger, nullable=True))
    connection = op.get_bind()
    for row in connection.execute(sa.select(_LOCATION.c.location_id, _LOCATION.c.capacities)).all():
        stored = row.capacities if isinstance(row.capacities, list) else json.loads(row.capacities)
        limits = [one["limit"] for one in stored if one["id"] == "units-a-day"]
        if limits:
            connection.execute(
                sa.update(_LOCATION)
                .where(_LOCATION.c.location_id == row.location_id)
                .values(capacity_units_per_day=limits[0])
            )
    with op.batch_alter_table("network_location") as table:
        table.drop_column("capacities")
    for name in ("capacity_share", "capacity_hold", "capacity_window"):
        op.drop_table(name)
    op.create_table(
        "capacity_use",
        sa.Column("location_id", _CALLER_TEXT, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.CheckConstraint("units >= 0", name="capacity_use_not_negative"),
    )

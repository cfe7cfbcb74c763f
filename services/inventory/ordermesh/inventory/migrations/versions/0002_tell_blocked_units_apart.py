"""Tell blocked units apart: damaged, in inspection, missing.

Until now all of them were kept apart "until somebody decides", which is what inspection is: their
entries keep their account and their balances become units in inspection.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KEPT = ("item_id", "location_id", "on_hand", "reserved", "short", "sequence")
_SHORT = "short = CASE WHEN reserved > on_hand THEN reserved - on_hand ELSE 0 END"


def upgrade() -> None:
    """Give balances a column for each kind, and the checks of all of them."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("balance_not_negative", "balance", type_="check")
        op.alter_column("balance", "blocked", new_column_name="inspection")
        for name in ("damaged", "missing"):
            op.add_column(
                "balance", sa.Column(name, sa.BigInteger, nullable=False, server_default="0")
            )
            op.alter_column("balance", name, server_default=None)
        op.create_check_constraint(
            "balance_not_negative", "balance", "on_hand >= 0 AND reserved >= 0 AND sequence >= 0"
        )
        op.create_check_constraint(
            "balance_blocked", "balance", "damaged >= 0 AND inspection >= 0 AND missing >= 0"
        )
        return
    # SQLite cannot change a check: the table is made anew. Nothing refers to it.
    _make_anew(
        {"damaged": "0", "inspection": "blocked", "missing": "0"},
        {
            "balance_not_negative": "on_hand >= 0 AND reserved >= 0 AND sequence >= 0",
            "balance_blocked": "damaged >= 0 AND inspection >= 0 AND missing >= 0",
        },
    )


def downgrade() -> None:
    """Keep blocked units in one column again."""
    op.execute("UPDATE balance SET inspection = damaged + inspection + missing")
    one = "on_hand >= 0 AND reserved >= 0 AND blocked >= 0 AND sequence >= 0"
    if op.get_bind().dialect.name == "postgresql":
        for name in ("balance_not_negative", "balance_blocked"):
            op.drop_constraint(name, "balance", type_="check")
        for name in ("damaged", "missing"):
            op.drop_column("balance", name)
        op.alter_column("balance", "inspection", new_column_name="blocked")
        op.create_check_constraint("balance_not_negative", "balance", one)
        return
    _make_anew({"blocked": "inspection"}, {"balance_not_negative": one})


def _make_anew(figures: dict[str, str], checks: dict[str, str]) -> None:
    """The table with these columns, each filled from an expression, and these checks."""
    op.create_table(
        "balance_anew",
        sa.Column(
            "item_id",
            sa.Integer,
            sa.ForeignKey("item.item_id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column(
            "location_id",
            sa.Integer,
            sa.ForeignKey("location.location_id"),
            primary_key=True,
            autoincrement=False,
        ),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in _KEPT[2:]),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in figures),
        *(sa.CheckConstraint(check, name=name) for name, check in checks.items()),
        sa.CheckConstraint(_SHORT, name="balance_short"),
    )
    anew = sa.table("balance_anew", *(sa.column(name) for name in (*_KEPT, *figures)))
    columns: list[sa.ColumnElement[Any]] = [
        *(sa.column(name) for name in _KEPT),
        *(sa.literal_column(expression) for expression in figures.values()),
    ]
    source = sa.select(*columns).select_from(sa.table("balance"))
    op.execute(anew.insert().from_select([*_KEPT, *figures], source))
    op.drop_table("balance")
    op.rename_table("balance_anew", "balance")

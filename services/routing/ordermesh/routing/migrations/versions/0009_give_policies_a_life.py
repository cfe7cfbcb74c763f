"""Policies have states, windows, rules, tiers and stages; orders say more of themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. Of each policy the newest version stays in force, as it was."""
    with op.batch_alter_table("policy") as table:
        table.add_column(sa.Column("state", sa.String(16), nullable=False, server_default="ACTIVE"))
        table.add_column(sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("body", sa.JSON(), nullable=False, server_default="{}"))
        table.create_index("policy_state", ["state"])
    policy = sa.table(
        "policy",
        sa.column("policy_id", sa.Text),
        sa.column("version", sa.Integer),
        sa.column("state", sa.Text),
    )
    newer = policy.alias("newer")
    op.execute(
        sa.update(policy)
        .values(state="ARCHIVED")
        .where(
            sa.exists().where(
                newer.c.policy_id == policy.c.policy_id, newer.c.version > policy.c.version
            )
        )
    )
    with op.batch_alter_table("customer_order") as table:
        table.add_column(sa.Column("traits", sa.JSON(), nullable=False, server_default="{}"))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("customer_order") as table:
        table.drop_column("traits")
    with op.batch_alter_table("policy") as table:
        table.drop_index("policy_state")
        for name in ("body", "priority", "state"):
            table.drop_column(name)

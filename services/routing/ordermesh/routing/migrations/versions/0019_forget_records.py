"""Records of decisions know how old they are, so that they can be forgotten."""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column: records are as old as their decisions."""
    with op.batch_alter_table("decision_record") as table:
        table.add_column(sa.Column("create_time", UtcTime, nullable=True))
    op.execute(
        "update decision_record set create_time = (select decision.create_time from decision"
        " where decision.decision_id = decision_record.decision_id)"
    )
    op.execute("delete from decision_record where create_time is null")
    with op.batch_alter_table("decision_record") as table:
        table.alter_column("create_time", existing_type=UtcTime, nullable=False)
    op.create_index("decision_record_create_time", "decision_record", ["create_time"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("decision_record_create_time", "decision_record")
    with op.batch_alter_table("decision_record") as table:
        table.drop_column("create_time")

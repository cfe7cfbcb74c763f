"""Remember when a key was last counted, so that an older picture does not undo a count that agreed.

A count that agrees with the books makes no entry, so the entries do not tell of it.
"""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and fill it with the counts of before.

    Of them it is not known which entry was the last when they were accepted, so it is the last one
    when they began.
    """
    op.create_table(
        "count_mark",
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
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("count_time", UtcTime, nullable=False),
    )
    op.execute(
        """
        INSERT INTO count_mark (item_id, location_id, sequence, count_time)
        SELECT line.item_id, head.location_id, MAX(line.sequence), MAX(line.accept_time)
        FROM count_line AS line JOIN "count" AS head ON head.count_id = line.count_id
        WHERE line.state = 4
        GROUP BY line.item_id, head.location_id
        """
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("count_mark")

"""Start the runtime's tables: a server needs replies, work, a feed, a leader and an inbox.

They are in a chain of their own, because all services have them and none owns them.
"""

import sqlalchemy as sa
from alembic import op

from ordermesh.runtime.instants import UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables, and the row of the feed's leader."""
    op.create_table(
        "reply",
        sa.Column("request_id", sa.Uuid, primary_key=True),
        sa.Column("request_hash", sa.LargeBinary, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("reply", sa.LargeBinary, nullable=True),
        sa.Column("refusal", sa.Text, nullable=True),
        sa.Column("create_time", UtcTime, nullable=False),
    )
    op.create_index("reply_create_time", "reply", ["create_time"])
    _make_work()
    _make_feed()
    op.create_table(
        "inbox",
        sa.Column("event_id", sa.Uuid, primary_key=True),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("type", sa.String(128), nullable=False),
        sa.Column("receive_time", UtcTime, nullable=False),
    )
    op.create_index("inbox_receive_time", "inbox", ["receive_time"])


def _make_work() -> None:
    op.create_table(
        "work",
        sa.Column("number", _NUMBER, sa.Identity(always=True), primary_key=True),
        sa.Column("work_id", sa.Uuid, nullable=False, unique=True),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("trace", sa.Text, nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
        sa.Column("due_time", UtcTime, nullable=False),
        sa.Column("lease_until", UtcTime, nullable=True),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("refusals", sa.Integer, nullable=False),
        sa.Column("alone", sa.Boolean, nullable=False),
        sa.Column("failing_since", UtcTime, nullable=True),
        sa.Column("failure", sa.Text, nullable=True),
        sa.Column("dead_time", UtcTime, nullable=True),
    )
    op.create_index("work_key", "work", ["kind", "key", "number"])
    op.create_index(
        "work_due",
        "work",
        ["kind", "alone", "due_time", "number"],
        postgresql_where=sa.text("dead_time IS NULL"),
        sqlite_where=sa.text("dead_time IS NULL"),
    )


def _make_feed() -> None:
    op.create_table(
        "feed",
        sa.Column("change_id", _NUMBER, sa.Identity(always=True), primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=True, unique=True),
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("trace", sa.Text, nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
    )
    op.create_index("feed_topic", "feed", ["topic", "revision"])
    op.create_index(
        "feed_unstamped",
        "feed",
        ["change_id"],
        postgresql_where=sa.text("revision IS NULL"),
        sqlite_where=sa.text("revision IS NULL"),
    )
    op.create_index(
        "feed_event",
        "feed",
        ["key", "sequence"],
        unique=True,
        postgresql_where=sa.text("topic = 'event'"),
        sqlite_where=sa.text("topic = 'event'"),
    )
    leader = op.create_table(
        "leader",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("holder", sa.Uuid, nullable=True),
        sa.Column("lease_until", UtcTime, nullable=True),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("compacted_revision", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(leader, [{"name": "feed", "fence": 0, "revision": 0, "compacted_revision": 0}])


def downgrade() -> None:
    """Drop them."""
    for name in ("inbox", "leader", "feed", "work", "reply"):
        op.drop_table(name)

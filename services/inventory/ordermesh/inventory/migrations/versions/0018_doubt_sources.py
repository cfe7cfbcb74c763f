"""Doubt numbers that were forgotten, settle what pictures show of held changes, compare sources.

Up to ``forgotten`` a source had more gaps than are kept. A held change that a picture showed is
settled, and only its number waits. No picture is too far ahead unless that is asked for. Marks of
pictures are also looked for by what they show.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_GAPS_KEPT = 1_000
"""A source with so many gaps may have had more."""


def upgrade() -> None:
    """Add the columns and the index."""
    op.add_column(
        "stock_source", sa.Column("ahead_max", sa.BigInteger, nullable=False, server_default="0")
    )
    op.add_column(
        "stock_source", sa.Column("forgotten", sa.BigInteger, nullable=False, server_default="0")
    )
    op.add_column(
        "held_delta", sa.Column("is_settled", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.create_index("picture_mark_place", "picture_mark", ["location_id", "item_id"])
    source = sa.table(
        "stock_source",
        sa.column("source_id", sa.Integer),
        sa.column("gaps", sa.JSON),
        sa.column("forgotten", sa.BigInteger),
    )
    connection = op.get_bind()
    for source_id, gaps in connection.execute(sa.select(source.c.source_id, source.c.gaps)).all():
        if len(gaps) >= _GAPS_KEPT:
            connection.execute(
                sa.update(source)
                .where(source.c.source_id == source_id)
                .values(forgotten=gaps[0][0] - 1)
            )


def downgrade() -> None:
    """Drop them. Held changes that were settled are held no more."""
    op.execute("DELETE FROM held_delta WHERE is_settled")
    op.drop_index("picture_mark_place", "picture_mark")
    op.drop_column("held_delta", "is_settled")
    op.drop_column("stock_source", "forgotten")
    op.drop_column("stock_source", "ahead_max")

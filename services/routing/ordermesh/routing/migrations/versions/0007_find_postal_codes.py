"""Postal codes of any country are imported."""

import sqlalchemy as sa
from alembic import op

from ordermesh.routing.store.tables.base import CallerText
from ordermesh.runtime.instants import UtcTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "postal_code_table",
        sa.Column("country_code", sa.String(2), primary_key=True),
        sa.Column("version", sa.Integer(), primary_key=True),
        sa.Column("import_id", sa.Uuid(), nullable=False, unique=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("significant", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("next_part", sa.Integer(), nullable=False),
        sa.Column("postal_codes", sa.BigInteger(), nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
    )
    op.create_table(
        "postal_code",
        sa.Column("country_code", sa.String(2), primary_key=True),
        sa.Column("version", sa.Integer(), primary_key=True),
        sa.Column("code", CallerText, primary_key=True),
        sa.Column("latitude", sa.Integer(), nullable=False),
        sa.Column("longitude", sa.Integer(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("postal_code")
    op.drop_table("postal_code_table")

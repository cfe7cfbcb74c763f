"""What has left, in the database."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    MetaData,
    Table,
    Text,
    func,
    select,
)

from ordermesh.returns.domain.returnable import Returnable, ShippedLine
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.tables import insert_new

metadata = MetaData()

CallerText = Text().with_variant(Text(collation="C"), "postgresql")
"""An id that callers chose, compared byte by byte, so that both databases sort it alike."""

shipped_line = Table(
    "shipped_line",
    metadata,
    # Facts, not a running sum: what a shipment added can be told, and is never added twice.
    Column("fulfillment_order_id", CallerText, primary_key=True),
    Column("line_id", CallerText, primary_key=True),
    Column("sku", CallerText, primary_key=True),
    Column("order_id", CallerText, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    CheckConstraint("quantity > 0", name="shipped_line_quantity"),
    Index("shipped_line_order", "order_id"),
)
_columns = shipped_line.c


class SqlShipmentStore:
    """What has left, in a table."""

    async def add(self, tx: Transaction, lines: Sequence[ShippedLine]) -> None:
        """Keep what left. A line of a fulfillment order that is kept already changes nothing."""
        if lines:
            rows = [asdict(line) for line in lines]
            await tx.execute(insert_new(shipped_line, tx.dialect).values(rows))

    async def returnable(self, tx: Transaction, order_id: str) -> Sequence[Returnable]:
        """What has left of an order, in the order of line and item."""
        found = await tx.execute(
            select(_columns.line_id, _columns.sku, func.sum(_columns.quantity).label("quantity"))
            .where(_columns.order_id == order_id)
            .group_by(_columns.line_id, _columns.sku)
            .order_by(_columns.line_id, _columns.sku)
        )
        return [Returnable(row.line_id, row.sku, int(row.quantity)) for row in found]

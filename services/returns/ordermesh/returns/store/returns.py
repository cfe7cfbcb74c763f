"""Returns, and what has left, in the database."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, Table, case, func, insert, select, tuple_, update

from ordermesh.returns.domain.order_return import EXPECTING, Disposal, Receipt, Return
from ordermesh.returns.domain.paid import Paid, paid_for
from ordermesh.returns.domain.returnable import Returnable, ShippedLine
from ordermesh.returns.ports import ReturnFilter, ReturnRow
from ordermesh.returns.store import rows
from ordermesh.returns.store.tables import (
    disposal,
    order_return,
    receipt,
    refund,
    return_change,
    return_line,
    shipped_line,
    shipped_order,
)
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.tables import insert_new

_PARTS = (return_line, receipt, disposal, refund, return_change)


class SqlReturnStore:
    """Returns in their tables."""

    async def ship(self, tx: Transaction, lines: Sequence[ShippedLine]) -> None:
        """Keep what left. A line of a fulfillment order that is kept already changes nothing."""
        if not lines:
            return
        orders = sorted({line.order_id for line in lines})
        await tx.execute(
            insert_new(shipped_order, tx.dialect).values([{"order_id": one} for one in orders])
        )
        # Row by row: of an order of many kits they are more than one statement can carry.
        values = [rows.shipped_values(line) for line in lines]
        await tx.execute(insert_new(shipped_line, tx.dialect), values)

    async def lock(self, tx: Transaction, order_id: str) -> None:
        """Let nobody else authorize or refund for the order until the transaction ends."""
        await tx.execute(
            select(shipped_order).where(shipped_order.c.order_id == order_id).with_for_update()
        )

    async def returnable(self, tx: Transaction, order_id: str) -> Sequence[Returnable]:
        """What has left of an order, in the order of line and item, and what of it came back."""
        found = await tx.execute(
            select(
                shipped_line.c.line_id,
                shipped_line.c.sku,
                func.sum(shipped_line.c.quantity).label("units"),
            )
            .where(shipped_line.c.order_id == order_id)
            .group_by(shipped_line.c.line_id, shipped_line.c.sku)
            .order_by(shipped_line.c.line_id, shipped_line.c.sku)
        )
        expects = order_return.c.state.in_(sorted(EXPECTING))
        back = await tx.execute(
            select(
                return_line.c.line_id,
                return_line.c.sku,
                func.sum(
                    case((expects, return_line.c.quantity - return_line.c.received), else_=0)
                ).label("expected"),
                func.sum(return_line.c.received).label("received"),
            )
            .select_from(return_line.join(order_return))
            .where(order_return.c.order_id == order_id)
            .group_by(return_line.c.line_id, return_line.c.sku)
        )
        ways = {(row.line_id, row.sku): (int(row.expected), int(row.received)) for row in back}
        return [
            Returnable(
                row.line_id, row.sku, int(row.units), *ways.get((row.line_id, row.sku), (0, 0))
            )
            for row in found
        ]

    async def paid(self, tx: Transaction, order_id: str) -> Mapping[tuple[str, str], Paid]:
        """What was paid, by order line and item, for what left instead of what was ordered."""
        of_order = shipped_line.c.order_id == order_id
        pair = (shipped_line.c.line_id, shipped_line.c.sku)
        priced = select(*pair).where(of_order, shipped_line.c.price_amount.is_not(None))
        found = await tx.execute(
            select(shipped_line)
            .where(of_order, tuple_(*pair).in_(priced))
            .order_by(shipped_line.c.event_sequence, shipped_line.c.fulfillment_order_id)
        )
        return paid_for(map(rows.shipped, found))

    async def load(self, tx: Transaction, return_id: str, *, lock: bool) -> Return | None:
        """One return, with a lock on it if wanted."""
        wanted = select(order_return).where(order_return.c.return_id == return_id)
        row = (await tx.execute(wanted.with_for_update() if lock else wanted)).one_or_none()
        return None if row is None else (await self._whole(tx, [row]))[0].order_return

    async def of_order(self, tx: Transaction, order_id: str) -> list[Return]:
        """All returns of an order, the oldest first."""
        wanted = select(order_return).where(order_return.c.order_id == order_id)
        found = await tx.execute(wanted.order_by(order_return.c.number))
        return [row.order_return for row in await self._whole(tx, found.all())]

    async def page(
        self, tx: Transaction, wanted: ReturnFilter, after: int, size: int
    ) -> list[ReturnRow]:
        """The next returns that match, the oldest first."""
        statement = select(order_return).where(order_return.c.number > after)
        if wanted.order_id:
            statement = statement.where(order_return.c.order_id == wanted.order_id)
        if wanted.location_id:
            statement = statement.where(order_return.c.location_id == wanted.location_id)
        if wanted.state is not None:
            statement = statement.where(order_return.c.state == wanted.state)
        found = await tx.execute(statement.order_by(order_return.c.number).limit(size))
        return await self._whole(tx, found.all())

    async def insert(self, tx: Transaction, one: Return) -> None:
        """Store a new return."""
        await tx.execute(insert(order_return).values(rows.return_values(one)))
        await tx.execute(insert(return_line), rows.line_values(one))
        await self._append(tx, None, one)

    async def save(self, tx: Transaction, before: Return, after: Return) -> None:
        """Write what is different. It was loaded with a lock in the same transaction."""
        name = after.return_id
        await tx.execute(
            update(order_return)
            .where(order_return.c.return_id == name)
            .values(rows.return_values(after))
        )
        lines = zip(rows.line_values(before), rows.line_values(after), strict=True)
        for was, line in lines:
            if line != was:
                await tx.execute(
                    update(return_line)
                    .where(return_line.c.return_id == name, return_line.c.number == line["number"])
                    .values(line)
                )
        for earlier, later in zip(before.receipts, after.receipts, strict=False):
            if earlier != later:
                await self._mark(tx, receipt, name, later)
        for old, new in zip(before.disposals, after.disposals, strict=False):
            if old != new:
                await self._mark(tx, disposal, name, new)
        await self._append(tx, before, after)

    async def _mark(
        self, tx: Transaction, table: Table, return_id: str, one: Receipt | Disposal
    ) -> None:
        """Note that the ledger knows of it, or that it refused."""
        await tx.execute(
            update(table)
            .where(table.c.return_id == return_id, table.c.number == one.number)
            .values(movement_id=one.movement_id, ledger_refusals=one.ledger_refusals)
        )

    async def _append(self, tx: Transaction, before: Return | None, after: Return) -> None:
        """Write the parts that are new: none of them is ever taken away."""
        name = after.return_id

        def known(part: str) -> int:
            return 0 if before is None else len(getattr(before, part))

        new: list[tuple[Any, list[dict[str, Any]]]] = [
            (
                receipt,
                [rows.receipt_values(name, one) for one in after.receipts[known("receipts") :]],
            ),
            (
                disposal,
                [rows.disposal_values(name, one) for one in after.disposals[known("disposals") :]],
            ),
            (
                refund,
                [
                    rows.refund_values(name, number, one)
                    for number, one in enumerate(after.refunds, start=1)
                    if number > known("refunds")
                ],
            ),
            (
                return_change,
                [
                    rows.change_values(name, number, one)
                    for number, one in enumerate(after.history, start=1)
                    if number > known("history")
                ],
            ),
        ]
        for table, values in new:
            if values:
                await tx.execute(insert(table), values)

    async def _whole(self, tx: Transaction, found: Sequence[Row[Any]]) -> list[ReturnRow]:
        names = [row.return_id for row in found]
        parts: dict[str, dict[str, list[Row[Any]]]] = {
            name: {table.name: [] for table in _PARTS} for name in names
        }
        for table in _PARTS if names else ():
            by_return: dict[str, list[Row[Any]]] = defaultdict(list)
            statement = select(table).where(table.c.return_id.in_(names)).order_by(table.c.number)
            for row in await tx.execute(statement):
                by_return[row.return_id].append(row)
            for name, own in by_return.items():
                parts[name][table.name] = own
        return [ReturnRow(row.number, rows.whole(row, parts[row.return_id])) for row in found]

"""Counts in the database."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import FromClause, Row, or_, select, update

from ordermesh.inventory.domain.count import (
    Count,
    CountLine,
    CountLineState,
    CountState,
    Expectation,
    LastCount,
    Tally,
    Threshold,
)
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.ledger import AdjustmentReason
from ordermesh.inventory.ports.counts import CountFilter
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.store.keys import texts
from ordermesh.inventory.store.looking_back import corrected
from ordermesh.inventory.store.tables.counts import count, count_line, count_mark
from ordermesh.inventory.store.tables.items import item
from ordermesh.inventory.store.tables.ledger import balance
from ordermesh.inventory.store.tables.locations import location
from ordermesh.runtime.bulk import insert_rows, update_rows
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.tables import insert_new

_NAMED: FromClause = count.join(location, location.c.location_id == count.c.location_id)


class SqlCountStore:
    """Counts in tables: a header, and a row for each line."""

    async def get(self, tx: Transaction, count_id: str, *, lock: bool) -> Count | None:
        """One count with its lines, locked where it is to be changed."""
        if lock:
            await tx.execute(
                select(count.c.count_id).where(count.c.count_id == count_id).with_for_update()
            )
        found = await tx.execute(
            select(count, location.c.code).select_from(_NAMED).where(count.c.count_id == count_id)
        )
        header = found.one_or_none()
        if header is None:
            return None
        rows = await tx.execute(
            select(count_line, item.c.sku)
            .join(item, item.c.item_id == count_line.c.item_id)
            .where(count_line.c.count_id == count_id)
            .order_by(item.c.sku)
        )
        return _count(header, [_line(row) for row in rows])

    async def add(self, tx: Transaction, one: Count, names: Names) -> bool:
        """Write a new count; False where one of its id exists."""
        added = await tx.execute(
            insert_new(count, tx.dialect).values(
                count_id=one.count_id,
                location_id=names.location_ids[one.location_id],
                state=int(one.state),
                skus=list(one.skus),
                assigned_to=one.assigned_to,
                threshold_units=one.threshold.units,
                threshold_percent=one.threshold.percent,
                document=one.document,
                note=one.note,
                caller=one.actor.caller,
                on_behalf_of=one.actor.on_behalf_of,
                create_time=one.create_time,
                open_time=one.open_time,
                close_time=one.close_time,
            )
        )
        return added.rowcount == 1

    async def save(self, tx: Transaction, before: Count, after: Count, names: Names) -> None:
        """Write what became of a count."""
        if (before.state, before.open_time) != (after.state, after.open_time):
            await tx.execute(
                update(count)
                .where(count.c.count_id == after.count_id)
                .values(
                    state=int(after.state),
                    open_time=after.open_time,
                    close_time=after.close_time,
                )
            )
        known = {line.sku: line for line in before.lines}
        new = [line for line in after.lines if line.sku not in known]
        await insert_rows(tx, count_line, [_line_row(after, line, names) for line in new])
        for line in after.lines:
            if line.sku in known and line != known[line.sku]:
                row = _line_row(after, line, names)
                await tx.execute(
                    update(count_line)
                    .where(
                        count_line.c.count_id == row.pop("count_id"),
                        count_line.c.item_id == row.pop("item_id"),
                    )
                    .values(**row)
                )

    async def expected(
        self, tx: Transaction, location_id: int, skus: Collection[str] | None, size: int
    ) -> Mapping[str, Expectation]:
        """What the books expect of items at a location; None means of all that it stocks.

        At most ``size`` of them. What has no record has nothing.
        """
        statement = (
            select(item.c.sku, balance.c.sequence, balance.c.on_hand, balance.c.missing)
            .join(item, item.c.item_id == balance.c.item_id)
            .where(balance.c.location_id == location_id)
        )
        if skus is None:
            statement = statement.where(
                or_(balance.c.on_hand > 0, balance.c.reserved > 0, balance.c.missing > 0)
            )
        else:
            statement = statement.where(item.c.sku.in_(texts(tx.dialect, skus)))
        found = {
            row.sku: Expectation(row.sequence, row.on_hand + row.missing)
            for row in await tx.execute(statement.order_by(item.c.sku).limit(size))
        }
        return {**dict.fromkeys(skus or (), Expectation(0, 0)), **found}

    async def corrected(
        self, tx: Transaction, since: Mapping[StockKey, int], names: Names
    ) -> dict[StockKey, int]:
        """By how many units the books were corrected since entries, although no goods moved."""
        return await corrected(tx, since, names)

    async def remember(
        self, tx: Transaction, counted: Mapping[StockKey, LastCount], names: Names
    ) -> None:
        """Note that keys were counted to the end, also where the books said so already."""
        rows: list[dict[str, Any]] = [
            {
                "item_id": names.item_ids[key.sku],
                "location_id": names.location_ids[key.location_id],
                "sequence": last.sequence,
                "count_time": last.time,
            }
            for key, last in sorted(counted.items())
        ]
        if rows:
            # A key without a balance has no lock, so two counts of it may come at once.
            await tx.execute(insert_new(count_mark, tx.dialect).values(rows))
            await update_rows(tx, count_mark, ("item_id", "location_id"), rows)

    async def page(
        self,
        tx: Transaction,
        wanted: CountFilter,
        after: str,
        size: int,
    ) -> list[Count]:
        """The next counts without their lines, in the order of ids."""
        statement = select(count, location.c.code).select_from(_NAMED)
        if wanted.location_id:
            statement = statement.where(location.c.code == wanted.location_id)
        if wanted.state is not None:
            statement = statement.where(count.c.state == int(wanted.state))
        if after:
            statement = statement.where(count.c.count_id > after)
        found = await tx.execute(statement.order_by(count.c.count_id).limit(size))
        return [_count(row, ()) for row in found]


def _count(row: Row[Any], lines: Sequence[CountLine]) -> Count:
    return Count(
        count_id=row.count_id,
        location_id=row.code,
        state=CountState(row.state),
        threshold=Threshold(row.threshold_units, row.threshold_percent),
        skus=tuple(row.skus),
        actor=Actor(row.caller, row.on_behalf_of),
        create_time=row.create_time,
        assigned_to=row.assigned_to,
        document=row.document,
        note=row.note,
        open_time=row.open_time,
        close_time=row.close_time,
        lines=tuple(lines),
    )


def _line(row: Row[Any]) -> CountLine:
    return CountLine(
        sku=row.sku,
        state=CountLineState(row.state),
        expected=Expectation(row.sequence, row.expected),
        tallies=tuple(_tally(*written) for written in row.tallies),
        accepted_by=row.accepted_by,
        accept_time=row.accept_time,
        reason=AdjustmentReason(row.reason),
        settled_missing=row.settled_missing,
        movement_id=row.movement_id,
    )


def _tally(counter: str, units: int, sequence: int, expected: int, count_time: str) -> Tally:
    return Tally(
        counter, units, Expectation(sequence, expected), datetime.fromisoformat(count_time)
    )


def _line_row(one: Count, line: CountLine, names: Names) -> dict[str, Any]:
    return {
        "count_id": one.count_id,
        "item_id": names.item_ids[line.sku],
        "state": int(line.state),
        "sequence": line.expected.sequence,
        "expected": line.expected.units,
        "tallies": [
            [
                tally.counter,
                tally.units,
                tally.expected.sequence,
                tally.expected.units,
                tally.count_time.isoformat(),
            ]
            for tally in line.tallies
        ],
        "accepted_by": line.accepted_by,
        "accept_time": line.accept_time,
        "reason": int(line.reason),
        "settled_missing": line.settled_missing,
        "movement_id": line.movement_id,
    }

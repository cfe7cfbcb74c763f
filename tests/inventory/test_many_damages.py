"""What recomputes the books of very many calls is shown to notice whatever is wrong with them."""

from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select, text, update

from ordermesh.api.inventory.v1 import BlockedKind
from ordermesh.inventory.store.tables.counts import count_line
from ordermesh.kernel.clock import SystemClock
from ordermesh.runtime.database import Database, Transaction
from tests.dialects import on_sqlite
from tests.inventory.conftest import MIGRATIONS
from tests.inventory.damaging import lift_guards
from tests.inventory.desk import Desk
from tests.inventory.expecting import Expecting
from tests.inventory.many.auditing import Auditor
from tests.inventory.many.running import Run
from tests.inventory.messages import control
from tests.inventory.shop import Shop

OPERATIONS = 500

DAMAGES = {
    "a balance that no entry explains": "update balance set damaged = damaged + 1",
    "a balance that counts too many entries": "update balance set sequence = sequence + 1",
    "an entry that is gone": "delete from entry where sequence = 2",
    "an entry that moves more": "update entry set quantity = quantity + 1 where sequence = 1",
    "an entry without its movement": "delete from movement where kind = 1",
    "a promise that is larger than its entry": (
        "update reservation_line set quantity = quantity + 1 where state = 2 and mode = 3"
    ),
    "a line that is gone": "delete from reservation_line where state = 4",
    "a reservation that was granted more": (
        "update reservation set granted = granted + 1 where granted > 0"
    ),
    "a deficit that hits nobody": "delete from shortfall where close_time is null",
    "a supply that is promised to nobody": (
        "update supply set promised = promised - 1 where promised > 0"
    ),
    "a pool of which more was taken": "update pool_use set taken = taken + 1",
    "an answer that is gone": "delete from reply where method = '/inventory/Ship'",
    "a refusal that became another": (
        "update reply set refusal = replace(refusal, 'STOCK', 'STUFF') where refusal is not null"
    ),
    "a revision that is gone": "delete from feed where change_id = 5",
    "a change that is told otherwise": (
        "update feed set payload = (select payload from feed as told where told.topic = feed.topic"
        " and told.packed = feed.packed order by change_id limit 1) where topic = 'availability'"
    ),
    "entries that are not sealed": "delete from seal where first_sequence = 1",
    "a customer who bought too much": "update reservation set order_id = 'O', customer = 'C'",
    "a change of a source that came twice": (
        "update entry set source_sequence = 1 where source_sequence is not null"
    ),
    "goods that came and are not in the books": (
        "update entry set movement_id = (select movement_id from movement where kind = 4 limit 1)"
        " where movement_id in (select movement_id from movement where kind = 1)"
    ),
}
"""What is done to the tables, and what that is called."""

HISTORIES = {
    "a closed line that changed": "update reservation_line set line_id = '9' where state = 4",
    "a line that opened again": (
        "update reservation_line set state = 2, close_time = null where state in (3, 4)"
    ),
    "an entry of another lot": "update entry set lot_id = 'L' where sequence = 1",
}
"""Damages that only who has seen the tables before can notice."""


class Undone(Exception):
    """The damage was seen, and is taken back."""


@dataclass
class Damaging:
    """Damages the tables, lets an auditor look, and takes the damage back."""

    database: Database
    auditor: Auditor

    async def is_noticed(self, do: Callable[[Transaction], Any], *, remembers: bool) -> bool:
        """Whether the auditor says that something is wrong."""
        found: list[bool] = []
        auditor = replace(self.auditor, lines=deepcopy(self.auditor.lines))
        auditor.entries = dict(self.auditor.entries) if remembers else {}
        if not remembers:
            auditor.lines.before = {}

        async def damaging(tx: Transaction) -> None:
            await lift_guards(tx)
            await tx.execute(text("pragma ignore_check_constraints = on"))
            assert await do(tx), f"nothing was damaged by {do}"
            try:
                await auditor.examine(tx)
            except AssertionError:
                found.append(True)
            raise Undone

        with suppress(Undone):
            await self.database.run(damaging)
        return bool(found)


def edit(statement: str) -> Callable[[Transaction], Any]:
    """Edits tables; gives how many rows that were."""

    async def do(tx: Transaction) -> int:
        """Edit."""
        result = await tx.execute(text(statement))
        return int(result.rowcount)

    return do


async def count_more(tx: Transaction) -> int:
    """Somebody counted one unit more than the books were brought to."""
    is_moved = count_line.c.movement_id.is_not(None)
    rows = (await tx.execute(select(count_line).where(is_moved))).all()
    for row in rows:
        *before, (counter, units, *rest) = row.tallies
        await tx.execute(
            update(count_line)
            .where(count_line.c.movement_id == row.movement_id)
            .values(tallies=[*before, [counter, units + 1, *rest]])
        )
    return len(rows)


async def prepare(shop: Shop) -> None:
    """What chance may leave out: a promise without a unit behind it, one that waits for supply, one
    from a pool, two orders of what is limited, and a count that found less.
    """
    expecting = await Expecting.open(shop, "LAMP", "VASE", "RING")
    await shop.receive({"LAMP at E": 2, "RING at E": 2, "RING at A": 3})
    await shop.reserve({"LAMP at E": 2}, confirm=True)
    await shop.block(("LAMP at E", 1, BlockedKind.BLOCKED_KIND_MISSING))
    await expecting.put(expecting.supply("VASES", "VASE at E", 3, 2))
    await expecting.reserve({"VASE at E": 2}, hold_seconds=14_000)
    await shop.put_controls(control("rings", "pool", 2, sku="RING", channel="market"))
    await shop.reserve({"RING at E": 1}, confirm=True, channel="market")
    await shop.put_controls(control("limit_per_order SKU-0", "limit_per_order", 2, sku="SKU-0"))
    for order_id in ("first", "second"):
        await shop.reserve({"SKU-0 at A": 2}, confirm=True, order_id=order_id)
    desk = Desk(shop)
    await desk.plan("rings", "RING", threshold_units=1)
    await desk.open("rings")
    await desk.submit("Ann", {"RING": 2}, "rings")


async def nothing(tx: Transaction) -> bool:
    """Nothing is damaged."""
    return await tx.now() is not None


@on_sqlite
async def test_whatever_is_wrong_is_noticed(migrated_url: Callable[[str], str]) -> None:
    database = await Database.open(migrated_url(MIGRATIONS), clock=SystemClock())
    run = Run(database, database, OPERATIONS, lambda _: None)
    await run.open()
    await prepare(run.world.shop)
    await run.auditor.begin()
    await run.go_on(OPERATIONS)
    await run.finish()
    movements = dict(run.record.movements)
    await run.check()
    record = replace(run.record, movements=movements)
    auditor = replace(run.auditor, record=record)
    damaging = Damaging(database, auditor)

    assert not await damaging.is_noticed(nothing, remembers=True)
    passed_by = [
        name
        for name, statement in DAMAGES.items()
        if not await damaging.is_noticed(edit(statement), remembers=False)
    ]
    passed_by += [
        name
        for name, statement in HISTORIES.items()
        if not await damaging.is_noticed(edit(statement), remembers=True)
    ]
    if not await damaging.is_noticed(count_more, remembers=False):
        passed_by.append("a count that found more")
    for picture in run.telling.pictures.values():
        for row in picture.rows.values():
            row.on_hand += 1
    if not await damaging.is_noticed(nothing, remembers=False):
        passed_by.append("a picture that showed more")
    await database.close()
    assert not passed_by

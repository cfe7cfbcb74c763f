"""What the check of the books reads for a page does not grow with the books."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import create_async_engine

from ordermesh.inventory.domain.ledger import MovementKind
from ordermesh.inventory.store.seals import SqlSealStore
from ordermesh.inventory.store.tables.ledger import entry, movement
from ordermesh.inventory.store.tables.seals import seal
from ordermesh.runtime.bulk import insert_rows
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.engines import Dialect
from ordermesh.runtime.prepared import Prepared
from tests.inventory.shop import Shop

KEYS, ENTRIES = 10, 3_000
"""So many keys, with so many entries each."""

PAGE = 200

Statement = tuple[str, Any]


@contextmanager
def watched(database: Database) -> Iterator[list[Statement]]:
    """The statements that are executed inside of the block, with their parameters."""
    statements: list[Statement] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if statement.lstrip().startswith("SELECT"):
            statements.append((statement, parameters))

    as_it_is = Transaction.rows

    async def noted(tx: Transaction, prepared: Prepared, values: Mapping[str, Any]) -> Any:
        if tx.dialect == "postgresql":
            # Past SQLAlchemy, which tells nobody.
            statements.append(prepared.text(values))
        return await as_it_is(tx, prepared, values)

    for engine in database.engines():
        event.listen(engine, "before_cursor_execute", note)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Transaction, "rows", noted)
            yield statements
    finally:
        for engine in database.engines():
            event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
async def grown(shop: Shop) -> Shop:
    """Books that have grown, whose statistics the database has made."""
    await shop.put_items(*(f"SKU-{number}" for number in range(KEYS)))
    ids = [UUID(int=number + 1) for number in range(KEYS * ENTRIES)]
    # The keys take turns, as they do when many sell at once.
    keys = [(number % KEYS + 1, number // KEYS + 1) for number in range(len(ids))]
    now = shop.wiring.database.clock.now()
    movements = [
        {
            "movement_id": movement_id,
            "kind": int(MovementKind.RECEIVED),
            "document": "",
            "reason": 0,
            "note": "",
            "caller": "developer",
            "on_behalf_of": "",
            "order_id": "",
            "control_version": 0,
            "create_time": now,
        }
        for movement_id in ids
    ]
    entries = [
        {
            "item_id": item_id,
            "location_id": 1,
            "sequence": sequence,
            "from_account": 5,
            "to_account": 1,
            "quantity": 1,
            "movement_id": movement_id,
        }
        for (item_id, sequence), movement_id in zip(keys, ids, strict=True)
    ]
    seals = [
        {
            "revision": revision,
            "item_id": item_id,
            "location_id": 1,
            "first_sequence": sequence,
            "last_sequence": sequence,
            "seal": b"",
        }
        for revision, (item_id, sequence) in enumerate(keys, start=1)
    ]

    async def fill(tx: Transaction) -> None:
        for table, rows in ((movement, movements), (entry, entries), (seal, seals)):
            await insert_rows(tx, table, rows)

    async def look_over(tx: Transaction) -> None:
        await tx.execute(text("ANALYZE"))

    await shop.wiring.database.run(fill)
    await shop.wiring.database.run(look_over)
    return shop


async def plans(url: str, explain: str, statements: Sequence[Statement]) -> list[list[Any]]:
    """What the database tells of each statement, row by row."""
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        found = [
            [row[-1] for row in await connection.exec_driver_sql(f"{explain} {one}", parameters)]
            for one, parameters in statements
        ]
    await engine.dispose()
    return found


def rows_read(plan: Mapping[str, Any]) -> int:
    """Rows that a node of a plan of PostgreSQL and those below it gave, or looked at in vain."""
    names = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter")
    own = sum(plan.get(name, 0) for name in names) * plan["Actual Loops"]
    return int(own) + sum(rows_read(below) for below in plan.get("Plans", ()))


@pytest.mark.parametrize("after", [0, KEYS * ENTRIES // 2, KEYS * ENTRIES - PAGE])
async def test_a_page_of_seals_costs_what_it_has_however_much_there_is(
    grown: Shop, database_url: str, after: int, dialect: Dialect
) -> None:
    database, seals = grown.wiring.database, SqlSealStore()

    async def page(tx: Transaction) -> int:
        return len([one for one in await seals.page(tx, after, PAGE) if one.entries])

    with watched(database) as statements:
        assert await database.read(page) == PAGE

    assert len(statements) == 2
    if dialect == "postgresql":
        for (told,) in await plans(database_url, "EXPLAIN (ANALYZE, FORMAT JSON)", statements):
            plan = json.loads(told) if isinstance(told, str) else told
            assert rows_read(plan[0]["Plan"]) <= 12 * PAGE, json.dumps(plan, indent=1)
    else:
        for steps in await plans(database_url, "EXPLAIN QUERY PLAN", statements):
            assert not [one for one in steps if one.startswith("SCAN") and "VIRTUAL" not in one], (
                steps
            )

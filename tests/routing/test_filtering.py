"""Orders of a queue and orders on hold are found by their indexes, which hold no others."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.dialects import sqlite

from ordermesh.routing.ports.stores import OrderFilter
from ordermesh.routing.store.filtering import conditions_of
from ordermesh.routing.store.tables.orders import customer_order
from ordermesh.runtime.database import Transaction
from tests.dialects import on_sqlite
from tests.routing.house import House

pytestmark = on_sqlite


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (OrderFilter(queue="vip"), "customer_order_queue"),
        (OrderFilter(is_held=True), "customer_order_held"),
    ],
)
async def test_few_of_many_orders_are_found_by_their_index(
    house: House, wanted: OrderFilter, index: str
) -> None:
    statement = (
        select(customer_order.c.order_id)
        .where(customer_order.c.number > 7, *conditions_of(wanted))
        .order_by(customer_order.c.number)
    )
    asked = statement.compile(
        dialect=sqlite.dialect(),
        compile_kwargs={"literal_binds": True},
    )
    database = house.database
    assert database is not None

    async def plan(tx: Transaction) -> str:
        rows = await tx.execute(text(f"EXPLAIN QUERY PLAN {asked}"))
        return " ".join(row.detail for row in rows)

    assert f"INDEX {index} " in await database.read(plan)

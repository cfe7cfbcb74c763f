"""How many statements an operation takes does not depend on how many lines it has."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from ordermesh.api.inventory.v1 import ReserveBulkRequest
from ordermesh.inventory.store.tables.everything import metadata
from ordermesh.runtime.database import Database
from ordermesh.runtime.migrate import check
from tests.inventory.conftest import MIGRATIONS
from tests.inventory.messages import item, leaving, location, selection
from tests.inventory.shop import Shop


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that are executed inside of the block; many rows at once count once."""
    statements: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        statements.append(statement)

    engines = database.engines()
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


async def statements_of(shop: Shop, call: Awaitable[object]) -> list[str]:
    with counted(shop.wiring.database) as statements:
        await call
    return statements


@pytest.fixture
async def stocked(shop: Shop) -> Shop:
    await shop.stock({f"SKU-{n} at {place}": 50 for n in range(40) for place in "AB"})
    return shop


def lines(count: int) -> dict[str, int]:
    return {f"SKU-{n} at A": 2 for n in range(count)}


async def test_the_number_of_statements_does_not_grow_with_the_lines(stocked: Shop) -> None:
    async def reserved(count: int) -> str:
        return (await stocked.reserve(lines(count), confirm=True)).reservation_id

    async def selected(count: int, verb: Callable[..., Awaitable[object]]) -> Awaitable[object]:
        return verb(await reserved(count), *(selection(str(n), 1) for n in range(1, count + 1)))

    async def moved(count: int) -> Awaitable[object]:
        moves = [(selection(str(n), 1), "B") for n in range(1, count + 1)]
        return stocked.reassign(await reserved(count), *moves)

    async def together(count: int) -> Awaitable[object]:
        made = [await stocked.reserve({key: 2}, confirm=True) for key in lines(count)]
        parts = [leaving(one.reservation_id, selection("1", 1)) for one in made]
        return stocked.ship_bulk(*parts)

    async def replaced(count: int) -> Awaitable[object]:
        return stocked.reserve(lines(count), replaces=[await reserved(count)])

    async def plain(call: Awaitable[object]) -> Awaitable[object]:
        return call

    calls: dict[str, Callable[[int], Awaitable[Awaitable[object]]]] = {
        "receive": lambda n: plain(stocked.receive(lines(n))),
        "transfer": lambda n: plain(stocked.transfer(*((key, "C", 1) for key in lines(n)))),
        "reserve": lambda n: plain(stocked.reserve(lines(n))),
        "replace": replaced,
        "release": lambda n: selected(n, stocked.release),
        "ship": lambda n: selected(n, stocked.ship),
        "ship together": together,
        "reassign": moved,
        "put items": lambda n: plain(
            stocked.put_items(*(item(f"SKU-{k}", name=f"after {n}") for k in range(n)))
        ),
        "put kits": lambda n: plain(
            stocked.put_items(*(item(f"KIT-{n}-{k}", {"SKU-1": 1}) for k in range(n)))
        ),
        "put locations": lambda n: plain(
            stocked.put_locations(*(location(f"PLACE-{n}-{k}") for k in range(n)))
        ),
    }
    # What a location is called is asked for once.
    await stocked.transfer(("SKU-0 at A", "C", 1))
    for name, call in calls.items():
        few = await statements_of(stocked, await call(2))
        many = await statements_of(stocked, await call(30))
        assert len(few) == len(many), name
        assert len(many) <= 30, name


async def test_many_who_come_too_late_cost_the_database_no_more_than_one(stocked: Shop) -> None:
    async def too_late(count: int) -> None:
        wishes = [stocked.wish({"SKU-1 at A": 51}) for _ in range(count)]
        with stocked.calling("Reserve"):
            reply = await stocked.reservations.ReserveBulk(
                ReserveBulkRequest(requests=wishes), stocked.no_context
            )
        assert all(one.HasField("refusal") for one in reply.verdicts)

    few = await statements_of(stocked, too_late(2))
    many = await statements_of(stocked, too_late(40))

    assert len(few) == len(many)


async def test_reads_take_a_constant_number_of_statements(stocked: Shop) -> None:
    few = await statements_of(stocked, stocked.availability(["SKU-1"], ["A"]))
    many = await statements_of(stocked, stocked.availability([f"SKU-{n}" for n in range(40)]))

    assert abs(len(few) - len(many)) <= 1
    assert len(await statements_of(stocked, stocked.all_reservations())) <= 5


async def test_the_tables_are_what_the_migrations_make(database_url: str) -> None:
    await check(database_url, script_location=MIGRATIONS)
    assert {"balance", "entry", "reservation_line"} <= metadata.tables.keys()

"""The catalog is read once, and again as soon as anybody has changed it."""

import asyncio

import pytest
from sqlalchemy import text

from ordermesh.inventory.__main__ import assemble
from ordermesh.inventory.domain.errors.catalog import UnknownSku
from ordermesh.inventory.store import catalog
from ordermesh.kernel.ids import RandomIds
from ordermesh.runtime.database import Transaction
from tests.dialects import on_postgresql
from tests.fakes import FakeClock
from tests.inventory.conftest import NOWHERE
from tests.inventory.messages import control, item, location
from tests.inventory.shop import Shop
from tests.inventory.test_statements import statements_of


@pytest.fixture
async def other(shop: Shop, clock: FakeClock) -> Shop:
    """Another process on the same database, which remembers on its own."""
    wiring = assemble(shop.wiring.database, clock, RandomIds(), NOWHERE)
    return Shop(wiring, clock)


async def test_what_another_process_changes_is_seen_at_once(shop: Shop, other: Shop) -> None:
    await shop.stock({"MUG at A": 5, "MUG at B": 3})
    assert await other.available("MUG at A") == 5

    await shop.put_items(item("MUG", unsellable=True))
    assert await other.available("MUG at A") == 0
    await shop.put_items(item("MUG"))
    assert await other.available("MUG at A") == 5
    await shop.put_locations(location("B", disabled=True))
    assert list((await other.availability(["MUG"])).available.quantities) == [5, 0]
    await shop.put_items(item("PAIR", {"MUG": 2}))
    assert await other.available("PAIR at A") == 2
    await shop.put_items(item("PAIR", {"MUG": 5}))
    assert await other.available("PAIR at A") == 1
    await shop.put_controls(control("C", "safety_stock", 4, sku="MUG"))
    assert await other.available("MUG at A") == 1


async def test_an_item_that_was_unknown_is_known_when_it_is_there(shop: Shop, other: Shop) -> None:
    with pytest.raises(UnknownSku):
        await other.available("CUP at A")

    await shop.stock({"CUP at A": 2})

    assert await other.available("CUP at A") == 2


async def test_a_second_question_asks_the_catalog_nothing(shop: Shop) -> None:
    await shop.stock({f"SKU-{n} at {place}": n for n in range(5) for place in "ABC"})
    await shop.put_items(item("SET", {"SKU-1": 1, "SKU-2": 1}))
    names = ["SET", *(f"SKU-{n}" for n in range(5))]

    first = await statements_of(shop, shop.availability(names))
    second = await statements_of(shop, shop.availability(names))

    assert len(second) < len(first)
    assert not [one for one in second if "FROM item" in one or "FROM location" in one]
    assert await shop.available("SET at A") == 1


async def test_holds_that_are_overdue_or_left_out_count_as_free(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    held = await shop.reserve({"MUG at A": 2}, hold_seconds=60)
    assert await shop.available("MUG at A") == 3
    assert await shop.available("MUG at A", [held.reservation_id]) == 5

    await shop.let_pass(61)

    assert await shop.available("MUG at A") == 5


async def test_no_more_is_remembered_than_there_is_room_for(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "ITEMS_MAX", 2)
    await shop.stock({f"SKU-{n} at A": n for n in range(6)})

    for _ in range(2):
        found = await asyncio.gather(*(shop.available(f"SKU-{n} at A") for n in range(6)))
        assert found == list(range(6))


@on_postgresql
async def test_overdue_holds_are_looked_for_by_their_index_whatever_the_parameters(
    shop: Shop,
) -> None:
    """Plans for any value are what the database goes over to after a few executions."""

    async def plan(tx: Transaction) -> str:
        statement, values = catalog._GLANCE.text({"now": await tx.now()})
        given = ", ".join(f"'{value}'" for value in values)
        for setting in ("plan_cache_mode = force_generic_plan", "enable_seqscan = off"):
            await tx.execute(text(f"SET LOCAL {setting}"))
        await tx.execute(text(f"PREPARE glance AS {statement}"))
        found = await tx.execute(text(f"EXPLAIN EXECUTE glance({given})"))
        return "\n".join(found.scalars())

    assert "reservation_line_overdue" in await shop.wiring.database.run(plan)

"""Holds whose time has passed are given up for others as they are needed, many in one batch."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import select

from ordermesh.api.inventory.v1 import ReserveRequest
from ordermesh.inventory.domain.reservation import LineState, Reservation
from ordermesh.inventory.operations import overdue
from ordermesh.inventory.store.reservations import SqlReservationStore
from ordermesh.inventory.store.tables.reservations import line
from ordermesh.runtime.database import Transaction
from tests.inventory.bulk import bulk, held_for, reasons, wish
from tests.inventory.messages import reserve_lines
from tests.inventory.outside import Outside, delta
from tests.inventory.shop import Shop
from tests.inventory.test_background import events
from tests.inventory.test_statements import counted

pytestmark = pytest.mark.usefixtures("reserving")


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few carts are more than are read at once."""
    monkeypatch.setattr(overdue, "PAGE_LINES", 8)


async def states(shop: Shop, carts: Sequence[ReserveRequest]) -> list[LineState]:
    """What the books say of the first lines of carts, which are told otherwise once overdue."""

    async def read(tx: Transaction) -> dict[str, int]:
        found = await tx.execute(select(line.c.reservation_id, line.c.state, line.c.number))
        return {str(row.reservation_id): row.state for row in found if row.number == 1}

    found = await shop.wiring.database.read(read)
    return [LineState(found[one.reservation_id]) for one in carts]


async def test_a_crowd_where_all_is_overdue_is_served_by_one_transaction(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, transactions = shop.wiring.database.run, list[object]()

    async def noting(work: Any, **how: Any) -> Any:
        transactions.append(work)
        return await run(work, **how)

    await shop.stock({"MUG at A": 20, "CUP at A": 20})
    both = reserve_lines([("1", "MUG at A", 1), ("2", "CUP at A", 1)])
    carts = [held_for(wish(lines=both), 10) for _ in range(20)]
    assert set(reasons(await bulk(shop, *carts))) == {""}
    await shop.let_pass(11)

    monkeypatch.setattr(shop.wiring.database, "run", noting)
    with counted(shop.wiring.database) as statements:
        crowd = [wish(place) for _ in range(21) for place in ("MUG at A", "CUP at A")]
        verdicts = await bulk(shop, *crowd)

    assert reasons(verdicts) == [""] * 40 + ["INSUFFICIENT_STOCK"] * 2
    assert len(transactions) == 1
    looks = [one for one in statements if "reservation_line.expire_time <=" in one]
    assert len(looks) <= 2 * 3  # the lines of two keys, three pages each
    assert set(await states(shop, carts)) == {LineState.EXPIRED}
    assert await shop.is_sound()


async def test_the_oldest_holds_go_first_and_no_more_than_are_needed(shop: Shop) -> None:
    await shop.stock({"MUG at A": 12})
    carts = [held_for(wish(), 40 - number) for number in range(12)]
    await bulk(shop, *carts)
    await shop.let_pass(41)

    verdicts = await bulk(shop, wish(), wish("MUG at A", 13), wish("MUG at A", 2), wish())

    assert reasons(verdicts) == ["", "INSUFFICIENT_STOCK", "", ""]
    assert await states(shop, carts) == [LineState.HELD] * 8 + [LineState.EXPIRED] * 4
    assert await shop.is_sound()


async def test_one_who_wants_all_of_many_pages_gets_it(shop: Shop) -> None:
    await shop.stock({"MUG at A": 25, "CUP at A": 5})
    carts = [held_for(wish(), 40 - number) for number in range(25)]
    cups = [held_for(wish("CUP at A"), 20 + 3 * number) for number in range(5)]
    await bulk(shop, *carts, *cups)
    await shop.let_pass(41)

    await shop.reserve({"MUG at A": 25, "CUP at A": 5})

    assert {*await states(shop, carts), *await states(shop, cups)} == {LineState.EXPIRED}
    assert await shop.is_sound()


async def test_a_cart_that_its_owner_replaces_is_left_to_its_owner(shop: Shop) -> None:
    await shop.stock({"MUG at A": 12})
    carts = [held_for(wish(), 40 - number) for number in range(12)]
    await bulk(shop, *carts)
    await shop.let_pass(41)
    oldest = carts[-1]

    again = wish("MUG at A", 2, replaces_reservation_ids=[oldest.reservation_id])
    verdicts = await bulk(shop, again, wish("MUG at A", 10))

    assert reasons(verdicts) == ["RESERVATION_CLOSED", ""]
    assert (await states(shop, carts)).count(LineState.EXPIRED) == 10
    assert await shop.is_sound()


async def test_two_lines_of_one_hold_that_go_one_after_the_other_are_told_as_one(
    shop: Shop,
) -> None:
    await shop.stock({"MUG at A": 1, "CUP at A": 1})
    both = reserve_lines([("1", "MUG at A", 1), ("2", "CUP at A", 1)])
    cart = held_for(wish(lines=both), 10)
    await bulk(shop, cart)
    await shop.let_pass(11)

    assert reasons(await bulk(shop, wish("MUG at A"), wish("CUP at A"))) == ["", ""]

    (told,) = await events(shop)
    assert told.aggregate_id == cart.reservation_id
    assert await states(shop, [cart]) == [LineState.EXPIRED]
    assert await shop.is_sound()


async def sell(shop: Shop, units: int) -> None:
    outside = Outside(shop)
    await outside.put_source()
    await outside.tell(delta(1, "MUG at A", units))


@pytest.mark.parametrize(
    "fact",
    [lambda shop: shop.adjust("MUG at A", delta=-2), lambda shop: sell(shop, 2)],
    ids=["units are gone", "a till sold them"],
)
async def test_a_fact_takes_no_more_of_overdue_holds_than_it_needs_and_reads_no_more(
    shop: Shop, fact: Callable[[Shop], Awaitable[object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages, read = list[int](), SqlReservationStore.overdue

    async def noting(*arguments: Any) -> list[Reservation]:
        page = await read(*arguments)
        pages.append(len(page))
        return page

    monkeypatch.setattr(SqlReservationStore, "overdue", noting)
    await shop.stock({"MUG at A": 20})
    carts = [held_for(wish(), 40 - number) for number in range(20)]
    await bulk(shop, *carts)
    await shop.let_pass(41)

    await fact(shop)

    assert await states(shop, carts) == [LineState.HELD] * 18 + [LineState.EXPIRED] * 2
    assert (await shop.balance("MUG at A")).short == 0
    assert pages == [8]
    assert await shop.is_sound()

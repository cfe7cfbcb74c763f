"""What the locks of PostgreSQL are worth: shown by what happens without them."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from functools import partial

from sqlalchemy import select

from ordermesh.inventory.__main__ import assemble
from ordermesh.inventory.store.tables.items import item
from ordermesh.inventory.store.tables.ledger import balance
from ordermesh.kernel.clock import SystemClock
from ordermesh.kernel.errors import Conflict
from ordermesh.kernel.ids import RandomIds
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.engines import PostgresTimeouts
from tests.dialects import on_postgresql
from tests.fakes import FakeClock
from tests.inventory.conftest import NOWHERE
from tests.inventory.messages import selection
from tests.inventory.reading import deadlocks, insist
from tests.inventory.shop import Shop


@on_postgresql
async def test_the_counter_of_deadlocks_counts_one_that_was_planted(
    shop: Shop, database_url: str
) -> None:
    await shop.stock({"MUG at A": 1, "CUP at A": 1})
    timeouts = PostgresTimeouts(lock=5_000, statement=5_000)
    database = await Database.open(database_url, clock=SystemClock(), timeouts=timeouts)
    both_hold_one = asyncio.Barrier(2)
    attempts = Counter[str]()

    async def lock_in_order(skus: Sequence[str]) -> None:
        async def work(tx: Transaction) -> None:
            attempts[skus[0]] += 1
            for number, sku in enumerate(skus):
                if number and attempts[skus[0]] == 1:
                    await both_hold_one.wait()
                await tx.execute(
                    select(balance)
                    .join(item, item.c.item_id == balance.c.item_id)
                    .where(item.c.sku == sku)
                    .with_for_update(of=balance)
                )

        await database.run(work)

    await asyncio.gather(
        lock_in_order(["MUG", "CUP"]), lock_in_order(["CUP", "MUG"]), return_exceptions=True
    )
    await database.close()

    assert await deadlocks(database_url) == 1


async def test_a_reservation_and_its_expiry_at_one_instant_never_cross(shop: Shop) -> None:
    rounds = 15
    await shop.stock({f"SKU-{number} at A": 1 for number in range(rounds)})
    for number in range(rounds):
        place = f"SKU-{number} at A"
        held = await shop.reserve({place: 1}, hold_seconds=10)
        await shop.let_pass(11 if number % 2 else 0)

        confirmed, taken = await asyncio.gather(
            insist(partial(shop.confirm, held.reservation_id)),
            insist(partial(shop.reserve, {place: 1})),
            return_exceptions=True,
        )

        assert isinstance(confirmed, BaseException) != isinstance(taken, BaseException)
    assert await shop.is_sound()


async def test_verbs_about_one_reservation_at_once_close_each_line_once(shop: Shop) -> None:
    await shop.stock({"MUG at A": 100, "CUP at A": 100, "MUG at B": 100})
    for _ in range(8):
        made = await shop.reserve({"MUG at A": 3, "CUP at A": 2}, confirm=True)
        outcomes = await asyncio.gather(
            shop.ship(made.reservation_id, selection("1", 2)),
            shop.release(made.reservation_id, selection("1"), selection("2", 1)),
            shop.reassign(made.reservation_id, (selection("1", 1), "B")),
            shop.ship(made.reservation_id, selection("2", 1)),
            return_exceptions=True,
        )

        unexpected = [
            one
            for one in outcomes
            if isinstance(one, BaseException)
            and getattr(one, "reason", "") != "RESERVATION_CLOSED"
            and not isinstance(one, Conflict)
        ]
        assert unexpected == []
        lines = (await shop.reservation(made.reservation_id)).lines
        assert sum(line.quantity for line in lines) == 5
    assert await shop.is_sound()


async def test_two_that_put_and_receive_the_same_new_things_do_not_lose_any(shop: Shop) -> None:
    skus = [f"SKU-{number}" for number in range(20)]
    await shop.put_items(*skus)

    async def receive(order: Sequence[str]) -> None:
        stock = {f"{sku} at A": 1 for sku in order}
        await insist(lambda: shop.receive(stock))

    await asyncio.gather(*(receive(skus[n:] + skus[:n]) for n in range(0, 20, 3)))

    assert (await shop.balance("SKU-0 at A")).on_hand == 7
    assert await shop.is_sound()


@on_postgresql
async def test_changes_of_the_same_keys_in_any_order_never_deadlock(
    database_url: str, clock: FakeClock
) -> None:
    # Patient, because a lock that times out would hide a deadlock from the server's counter.
    timeouts = PostgresTimeouts(lock=5_000, statement=5_000)
    database = await Database.open(database_url, clock=clock, timeouts=timeouts)
    shop = Shop(assemble(database, clock, RandomIds(), NOWHERE), clock)
    await shop.put_locations("A", "B")
    skus = [f"SKU-{number}" for number in range(12)]
    await shop.stock({f"{sku} at {place}": 100 for sku in skus for place in "AB"})

    async def change(number: int) -> None:
        turned = skus[number % 12 :] + skus[: number % 12]
        if number % 2:
            await insist(lambda: shop.receive({f"{sku} at A": 1 for sku in turned}))
        else:
            await insist(lambda: shop.transfer(*((f"{sku} at A", "B", 1) for sku in turned)))

    await asyncio.gather(*(change(number) for number in range(48)))

    assert (await shop.balance("SKU-0 at A")).on_hand == 100
    assert await shop.is_sound()
    await database.close()
    assert await deadlocks(database_url) == 0

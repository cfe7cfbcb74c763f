"""What is decided on what is remembered stands only where all is still so, and is never a no."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select, update

from ordermesh.api.inventory.v1 import ReserveBulkRequest
from ordermesh.inventory.domain.errors.control import PurchaseLimit
from ordermesh.inventory.domain.errors.reservation import ReservationIdTaken
from ordermesh.inventory.domain.errors.stock import (
    InsufficientStock,
    KeyQuarantined,
    NotStockedHere,
)
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.ledger import Account, Cause, MovementKind
from ordermesh.inventory.domain.movement import Document
from ordermesh.inventory.operations.foreseeing import get_to_know, unseen_keys
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.servicer import reserving
from ordermesh.inventory.servicer.reserving import Reserving
from ordermesh.inventory.store.tables.ledger import balance
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.idempotency import RequestIdReused
from tests.dialects import on_postgresql, on_sqlite
from tests.eventually import eventually
from tests.inventory.caller import NO_CONTEXT
from tests.inventory.messages import control, item, location, new_id
from tests.inventory.processes import Open, Process
from tests.inventory.reading import deadlocks, insist
from tests.inventory.shop import Shop

MUG = StockKey("MUG", "A")

pytestmark = pytest.mark.usefixtures("patient")


@on_postgresql
async def test_what_was_seen_before_is_not_looked_at_again(first: Process) -> None:
    held = await first.reserve({"MUG at A": 2, "MUG at B": 3})

    assert first.outcomes == {"stood": 1}
    assert [line.quantity for line in held.lines] == [2, 3]
    assert (await first.balance("MUG at A")).reserved == 3
    assert await first.is_sound()


@on_postgresql
async def test_what_was_not_seen_before_is_looked_at_beside_what_was(
    first: Process, another: Open
) -> None:
    await (await another()).stock({"CUP at A": 5})
    await first.reserve({"MUG at A": 1, "MUG at B": 1})
    first.outcomes.clear()
    wishes = [first.wish({"MUG at A": 1}), first.wish({"CUP at A": 1}), first.wish({"MUG at B": 1})]
    with first.calling("ReserveBulk"):
        reply = await first.reservations.ReserveBulk(
            ReserveBulkRequest(requests=wishes), NO_CONTEXT
        )

    assert [verdict.HasField("reply") for verdict in reply.verdicts] == [True, True, True]
    assert first.outcomes == {"stood": 1}
    assert (await first.balance("CUP at A")).reserved == 1
    assert await first.is_sound()


def glances(process: Process, monkeypatch: pytest.MonkeyPatch) -> list[set[StockKey]]:
    """The keys that a process glances at from now on."""
    seen: list[set[StockKey]] = []

    async def noted(stores: Any, tx: Transaction, keys: Any) -> None:
        seen.append(set(keys))
        await get_to_know(stores, tx, keys)

    monkeypatch.setattr(reserving, "get_to_know", noted)
    return seen


@on_postgresql
async def test_what_was_not_seen_before_is_glanced_at_once(
    first: Process, another: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await another()).stock({"CUP at A": 5})
    seen = glances(first, monkeypatch)

    for _ in range(3):
        await first.reserve({"MUG at A": 1, "CUP at A": 1})

    # With an item that is new, what was seen of others is forgotten.
    assert seen == [{StockKey("CUP", "A")}, {MUG}]
    assert first.outcomes == {"stood": 3}
    assert (await first.balance("CUP at A")).reserved == 3
    assert await first.is_sound()


@on_postgresql
async def test_what_cannot_be_decided_at_a_glance_is_glanced_at_no_more(
    first: Process, another: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    await first.put_items(item("NEW"))
    seen = glances(first, monkeypatch)
    for _ in range(3):
        with pytest.raises(NotStockedHere):
            await first.reserve({"NEW at A": 1})
    assert seen == [{StockKey("NEW", "A")}]

    await (await another()).stock({"NEW at A": 5})
    first.outcomes.clear()
    for _ in range(3):
        await first.reserve({"NEW at A": 1})

    # What a look has found there is remembered.
    assert len(seen) == 1
    assert first.outcomes == {"stood": 2}
    assert (await first.balance("NEW at A")).reserved == 3
    assert await first.is_sound()


@on_postgresql
async def test_what_changes_after_a_glance_is_not_sold_twice(
    first: Process, another: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    rival = await another()
    await rival.stock({"CUP at A": 1})

    async def overtaken(stores: Any, tx: Transaction, keys: Any) -> None:
        await get_to_know(stores, tx, keys)
        await rival.reserve({"CUP at A": 1})

    monkeypatch.setattr(reserving, "get_to_know", overtaken)
    monkeypatch.setattr(
        reserving, "unseen_keys", lambda stores, wishes: ours(first, stores, wishes)
    )

    with pytest.raises(InsufficientStock):
        await first.reserve({"CUP at A": 1})
    assert first.outcomes == {"NotAsRemembered": 1}
    assert await first.is_sound()


def ours(process: Process, stores: Any, wishes: Any) -> set[StockKey]:
    """What a process has not seen; of others nothing is."""
    return unseen_keys(stores, wishes) if stores is process.wiring.stores else set()


@on_postgresql
async def test_what_is_decided_beside_a_look_waits_for_it(first: Process, another: Open) -> None:
    await (await another()).stock({"CUP at A": 50, "MUG at A": 90})
    await first.reserve({"MUG at A": 1})
    first.outcomes.clear()
    reserving = Reserving(first.wiring)
    both = [first.wish({"CUP at A": 1, "MUG at A": 1}, best_effort=True) for _ in range(20)]
    one = [first.wish({"MUG at A": 1}) for _ in range(20)]
    with first.calling("ReserveBulk"):
        looks = asyncio.create_task(reserving.verdicts(both))
        await eventually(lambda: reserving.is_looking or looks.done())
        foreseen = await reserving.verdicts(one)

    assert all(verdict.HasField("reply") for verdict in [*foreseen, *await looks])
    # Who takes what there is needs a look, and took mugs; what was decided after it stands.
    assert first.outcomes == {"stood": 1}
    assert (await first.balance("MUG at A")).reserved == 42
    assert await first.is_sound()


@on_sqlite
async def test_on_sqlite_everything_is_looked_at(first: Process) -> None:
    await first.reserve({"MUG at A": 2})

    assert first.outcomes == {}


@on_postgresql
async def test_what_another_process_sold_is_not_sold_again(first: Process, another: Open) -> None:
    second = await another()
    await second.reserve({"MUG at A": 8})

    with pytest.raises(InsufficientStock) as refusal:
        await first.reserve({"MUG at A": 2})

    assert first.outcomes == {"NotAsRemembered": 1}
    assert refusal.value.facts()["available"] == "1" or "1" in str(refusal.value.rows)
    assert (await first.balance("MUG at A")).reserved == 9
    assert await first.is_sound()


@on_postgresql
async def test_memory_may_not_say_no(first: Process, another: Open) -> None:
    second = await another()
    await second.receive({"MUG at A": 10})

    await first.reserve({"MUG at A": 15})

    assert (await first.balance("MUG at A")).reserved == 16
    assert await first.is_sound()


@on_postgresql
async def test_holds_that_have_passed_are_found_by_looking(first: Process) -> None:
    await first.reserve({"MUG at A": 9}, hold_seconds=1)
    await asyncio.sleep(1.1)

    await first.reserve({"MUG at A": 9})

    assert await first.is_sound()


@on_postgresql
@pytest.mark.parametrize(
    "change",
    [
        lambda shop: shop.put_items(item("MUG", unsellable=True)),
        lambda shop: shop.put_locations(location("A", disabled=True)),
        lambda shop: shop.put_controls(control("floor", "safety_stock", 9, sku="MUG")),
    ],
    ids=["the item is not sold any more", "the location is closed", "a control holds it back"],
)
async def test_what_another_process_switched_counts_at_once(
    first: Process, another: Open, change: Callable[[Shop], Awaitable[object]]
) -> None:
    await change(await another())

    with pytest.raises(InsufficientStock):
        await first.reserve({"MUG at A": 1})

    assert first.outcomes == {"NotAsRemembered": 1}
    assert (await first.balance("MUG at A")).reserved == 1


@on_postgresql
async def test_a_key_that_went_into_quarantine_is_not_sold(first: Process) -> None:
    async def seize(tx: Transaction) -> None:
        await tx.execute(update(balance).values(is_quarantined=True))

    await first.wiring.database.run(seize)

    with pytest.raises(KeyQuarantined):
        await first.reserve({"MUG at A": 1})

    assert first.outcomes == {"NotAsRemembered": 1}
    assert (await first.balance("MUG at A")).reserved == 1


@on_postgresql
async def test_a_limit_on_purchases_needs_a_look_at_what_was_bought(
    first: Process, another: Open
) -> None:
    second = await another()
    await second.put_controls(control("one", "limit_per_customer", 1, sku="MUG"))
    await first.reserve({"MUG at A": 1}, customer="Ada")

    with pytest.raises(PurchaseLimit):
        await first.reserve({"MUG at A": 1}, customer="Ada")

    assert first.outcomes == {"NotAsRemembered": 1}


@on_postgresql
async def test_controls_that_are_remembered_decide_as_those_that_are_read(first: Process) -> None:
    await first.put_controls(control("floor", "buffer_units", 5, sku="MUG", channel="web"))
    await first.reserve({"MUG at A": 1}, channel="web")
    first.outcomes.clear()
    await first.reserve({"MUG at A": 3}, channel="web")
    assert first.outcomes == {"stood": 1}

    with pytest.raises(InsufficientStock):
        await first.reserve({"MUG at A": 1}, channel="web")

    await first.reserve({"MUG at A": 5})
    assert await first.is_sound()


@on_postgresql
async def test_the_same_request_again_gets_the_first_answer(first: Process) -> None:
    request_id, reservation_id = new_id(), new_id()
    ask = partial(
        first.reserve, {"MUG at A": 2}, request_id=request_id, reservation_id=reservation_id
    )
    made = await ask()

    assert await ask() == made
    with pytest.raises(RequestIdReused):
        await first.reserve({"MUG at A": 3}, request_id=request_id, reservation_id=reservation_id)
    with pytest.raises(ReservationIdTaken):
        await first.reserve({"MUG at A": 2}, reservation_id=reservation_id)
    assert (await first.balance("MUG at A")).reserved == 3
    assert await first.is_sound()


@on_postgresql
async def test_the_clock_of_the_database_decides_whatever_is_believed(first: Process) -> None:
    database = first.wiring.database
    database.note_now(datetime.now(UTC) + timedelta(hours=1))

    held = await first.reserve({"MUG at A": 1}, hold_seconds=60)

    async def read(tx: Transaction) -> Any:
        return (await tx.execute(select(func.clock_timestamp()))).scalar_one()

    now = await database.read(read)
    assert first.outcomes == {"NotAsRemembered": 1}
    assert abs(held.create_time.ToDatetime(tzinfo=UTC) - now) < timedelta(seconds=10)


@on_postgresql
async def test_what_was_decided_on_what_failed_fails_with_it(
    first: Process, another: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first batch meets a change of another process while the second is being decided."""
    second, database = await another(), first.wiring.database
    send, is_held, go_on = database._send, asyncio.Event(), asyncio.Event()

    async def held_up(*sent: Any) -> None:
        is_held.set()
        await go_on.wait()
        await send(*sent)

    monkeypatch.setattr(database, "_send", held_up)
    one = asyncio.create_task(first.reserve({"MUG at A": 2}))
    await is_held.wait()
    crowd = [asyncio.create_task(first.reserve({"MUG at A": 1})) for _ in range(16)]
    await asyncio.sleep(0.05)
    await second.reserve({"MUG at A": 4})
    go_on.set()
    outcomes = await asyncio.gather(one, *crowd, return_exceptions=True)

    made = [one for one in outcomes if not isinstance(one, BaseException)]
    assert {type(one) for one in outcomes if isinstance(one, BaseException)} == {InsufficientStock}
    assert sum(line.quantity for one in made for line in one.lines) == 5
    assert first.outcomes["NotAsRemembered"] == 2
    assert (await first.balance("MUG at A")).reserved == 10
    assert await first.is_sound()


@on_postgresql
async def test_what_was_rolled_back_is_not_remembered(first: Process) -> None:
    """Its number is given to another entry later, which would make it look as if it stood."""
    stores, names = first.wiring.stores, Names()

    async def fail(tx: Transaction) -> None:
        await stores.items.look_up(tx, ["MUG"], names)
        await stores.locations.look_up(tx, ["A"], names)
        pairs = names.pairs([MUG])
        books = await stores.ledger.lock(tx, pairs, names)
        ledger, now = books.opened(), await tx.now()
        cause = Cause(MovementKind.RECEIVED)
        ledger.bring(cause, MUG, Account.SUPPLIER, 1_000)
        document = {cause: Document(Actor("developer"))}
        await stores.ledger.record(tx, names, ledger, books.terms, document, now)
        assert (await stores.ledger.lock(tx, pairs, names)).balances[MUG].on_hand == 1_010
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await first.wiring.database.run(fail)
    await first.adjust("MUG at A", delta=-1)

    with pytest.raises(InsufficientStock):
        await first.reserve({"MUG at A": 9})

    assert stores.recollection.balances[MUG].on_hand == 9
    assert await first.is_sound()


@on_postgresql
async def test_through_new_connections_everything_is_looked_at_again(first: Process) -> None:
    """The database may have been restored, and an entry's number stand for another entry."""
    database: Any = first.wiring.database
    await database._engines.writer.dispose()
    await database._sender.close()

    await first.reserve({"MUG at A": 1})
    await first.reserve({"MUG at A": 1})
    await first.reserve({"MUG at A": 1})

    assert first.outcomes == {"NotAsRemembered": 1, "MustLook": 1, "stood": 1}
    assert await first.is_sound()


@on_postgresql
async def test_two_processes_that_sell_the_same_sell_it_once(
    first: Process, another: Open, database_url: str
) -> None:
    second = await another()
    await first.receive({"MUG at A": 91, "MUG at B": 91})
    # What the first knows when both begin is true for one of them, and false for the other.
    for _ in range(2):
        await first.reserve({"MUG at A": 1, "MUG at B": 1})
    assert first.outcomes["stood"] > 0

    async def buy(process: Process, places: tuple[str, str]) -> bool:
        try:
            await insist(lambda: process.reserve({f"MUG at {place}": 1 for place in places}))
        except InsufficientStock:
            return False
        return True

    buyers = [
        buy(process, places)
        for _ in range(60)
        for process, places in ((first, ("A", "B")), (second, ("B", "A")))
    ]
    sold = await asyncio.gather(*buyers)

    assert sum(sold) == 98
    assert (await first.balance("MUG at A")).reserved == 101
    assert await first.is_sound()
    assert await deadlocks(database_url) == 0


@on_postgresql
async def test_after_misses_in_a_row_it_looks_for_a_while(first: Process, another: Open) -> None:
    second = await another()
    await first.receive({"MUG at A": 100})
    for _ in range(8):
        await first.reserve({"MUG at A": 1})
        await second.adjust("MUG at A", delta=1)

    assert 2 <= first.outcomes["NotAsRemembered"] <= 4
    assert sum(first.outcomes.values()) <= 5

"""A run that is asked for again: made once, told whole, and gone on with by the next."""

import asyncio
from dataclasses import replace
from typing import cast
from uuid import uuid4

import grpc
import pytest

from ordermesh.client.testing import refused
from ordermesh.kernel.clock import SystemClock
from ordermesh.kernel.errors import Unavailable
from ordermesh.kernel.ids import RandomIds
from ordermesh.routing.operations import reoptimizing
from ordermesh.routing.operations.comparing import Comparing, Gathered
from ordermesh.routing.operations.records import Records
from ordermesh.routing.operations.reoptimized import Run
from ordermesh.routing.operations.reoptimizing import AGAIN_SECONDS, ReoptimizeOrders
from ordermesh.routing.peers.inventory import InventoryStock
from ordermesh.routing.ports.batches import Replanning
from ordermesh.routing.ports.runs import Seen
from ordermesh.routing.ports.stock import ReassignCall
from ordermesh.routing.store.everything import sql_stores
from ordermesh.routing.store.orders import SqlOrderStore
from ordermesh.routing.store.runs import SqlRunStore
from ordermesh.runtime.answers import PeerFault
from ordermesh.runtime.failpoints import points_of
from ordermesh.runtime.waiting import Waiters
from tests.eventually import eventually
from tests.routing.house import House, line, new_id
from tests.routing.reoptimizing import bought, fates, places, reoptimize

SEEN = Seen("USD", 3, 120_000, 100_000, has_more=True, next_after=7)


async def misplaced(house: House) -> None:
    """Two orders that would each be better off elsewhere, and need nothing of each other."""
    await house.stock({"MUG at WEST": 1, "LAMP at WEST": 1})
    await bought(house, "O-1", "EAST", line("1", "MUG"))
    await bought(house, "O-2", "EAST", line("1", "LAMP"))


async def better(house: House) -> None:
    """There is stock where they would be better off."""
    await house.receive({"MUG at EAST": 1, "LAMP at EAST": 1})


async def test_a_run_that_moved_nothing_moves_nothing_when_it_is_asked_for_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await misplaced(house)
    request_id = new_id()

    def cut_off(*_: object) -> None:
        raise ConnectionError("the pod is gone")

    with monkeypatch.context() as patched:
        patched.setattr(reoptimizing, "outcome_of", cut_off)
        with pytest.raises(grpc.aio.AioRpcError):
            await reoptimize(house, request_id=request_id)
    await better(house)

    again = await reoptimize(house, request_id=request_id)

    assert (again.moved_orders, len(again.orders)) == (0, 0)
    assert again.compared_orders == 2
    assert again.cost_after == again.cost_before
    assert again.cost_before.units > 0
    assert await places(house, "O-1", "O-2") == {"O-1": {"WEST"}, "O-2": {"WEST"}}
    assert set(fates(await reoptimize(house)).values()) == {"MOVED"}


async def test_a_rehearsal_keeps_no_run_from_being_made(house: House) -> None:
    await misplaced(house)
    await better(house)

    rehearsed = await reoptimize(house, validate_only=True)

    assert set(fates(rehearsed).values()) == {"TO_BE_MOVED"}
    assert set(fates(await reoptimize(house)).values()) == {"MOVED"}


async def test_who_asks_again_while_orders_are_stored_is_told_all_that_will_move(
    house: House,
) -> None:
    await misplaced(house)
    await better(house)
    request_id, stored, asked = new_id(), asyncio.Event(), asyncio.Event()

    async def wait(point: str) -> None:
        if point == "reassignment stored" and not stored.is_set():
            stored.set()
            await asked.wait()

    house.at = wait
    first = asyncio.create_task(reoptimize(house, request_id=request_id))
    await stored.wait()
    again = await reoptimize(house, request_id=request_id)
    asked.set()

    # The first had stored one of two moves; it stores no other once somebody was told of one.
    ((moved, fate),) = fates(again).items()
    assert fate == "MOVED"
    assert await first == again
    (other,) = {"O-1", "O-2"} - {moved}
    assert await places(house, moved, other) == {moved: {"EAST"}, other: {"WEST"}}
    assert set(fates(await reoptimize(house)).values()) == {"MOVED", "BEST_WHERE_IT_IS"}
    assert await house.books_balance()


async def test_who_was_overtaken_and_cannot_wait_is_told_to_ask_again(house: House) -> None:
    database, clock, run = house.database, SystemClock(), uuid4()
    assert database is not None
    stores = sql_stores()

    class Overtaken:
        """While orders are looked at, another call comes for the same run."""

        async def gather(self, _orders_max: int, _after: int) -> Gathered:
            assert database is not None
            await database.run(lambda tx: stores.runs.take(tx, run, uuid4(), is_scheduled=False))
            return Gathered()

    reoptimize = ReoptimizeOrders(
        database,
        clock,
        RandomIds(),
        stores,
        cast("Records", None),
        cast("Comparing", Overtaken()),
        cast("Replanning", None),
        Waiters(clock),
        points_of("routing"),
    )

    with pytest.raises(Unavailable) as away:
        await reoptimize.run(Run(10, 1.0), clock.now(), run)
    assert away.value.retry_after == AGAIN_SECONDS

    # The other has come to its end, and both are told the same.
    await database.run(lambda tx: stores.runs.begun(tx, run, SEEN))
    told = await reoptimize.run(Run(10, 1.0), clock.now(), run)
    assert (told.compared, told.cost_after, told.bound) == (3, SEEN.cost_before, SEEN.bound)
    assert (told.has_more, told.next_after, told.orders) == (True, 7, ())


async def test_the_next_run_on_schedule_begins_where_the_last_one_stopped(house: House) -> None:
    database, store = house.database, SqlRunStore()
    assert database is not None
    done, open_, asked = uuid4(), uuid4(), uuid4()
    assert await database.read(store.position) == 0

    await database.run(lambda tx: store.take(tx, done, uuid4(), is_scheduled=True))
    await database.run(lambda tx: store.begun(tx, done, SEEN))
    # One that was asked for, and one that was cut off, are not part of the turn.
    await database.run(lambda tx: store.take(tx, asked, uuid4(), is_scheduled=False))
    await database.run(lambda tx: store.begun(tx, asked, Seen("USD", 0, 0, None, False, 99)))
    await database.run(lambda tx: store.take(tx, open_, uuid4(), is_scheduled=True))

    assert await database.read(store.position) == 7
    found = await database.read(lambda tx: store.get(tx, done))
    assert found is not None
    assert found.seen == SEEN


async def test_the_turn_of_the_schedule_survives_a_restart(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await misplaced(house)
    database, store, run = house.database, SqlRunStore(), uuid4()
    assert database is not None
    ((_, oldest),) = await database.read(lambda tx: SqlOrderStore().unbegun(tx, 0, 1))
    await database.run(lambda tx: store.take(tx, run, uuid4(), is_scheduled=True))
    await database.run(lambda tx: store.begun(tx, run, replace(SEEN, next_after=oldest)))
    asked: list[int] = []
    gather = Comparing.gather

    async def noted(self: Comparing, orders_max: int, after: int = 0) -> Gathered:
        asked.append(after)
        return await gather(self, orders_max, after)

    monkeypatch.setattr(Comparing, "gather", noted)
    await house.stop_routing()
    house.reoptimize_seconds = 0.1
    await house.start_routing()

    async def have_begun() -> bool:
        return len(asked) > 1

    await eventually(have_begun)
    # The first looks at the newest order alone, and after that it is the oldest one's turn.
    assert asked[:2] == [oldest, 0]


async def test_of_several_that_make_a_run_only_the_last_stores_anything(house: House) -> None:
    database, store = house.database, SqlRunStore()
    assert database is not None
    run, one, other = uuid4(), uuid4(), uuid4()

    await database.run(lambda tx: store.take(tx, run, one, is_scheduled=False))
    assert await database.run(lambda tx: store.is_made_by(tx, run, one))
    await database.run(lambda tx: store.take(tx, run, other, is_scheduled=False))
    assert not await database.run(lambda tx: store.is_made_by(tx, run, one))
    assert await database.run(lambda tx: store.is_made_by(tx, run, other))
    await database.run(lambda tx: store.begun(tx, run, None))
    late = await database.run(lambda tx: store.take(tx, run, one, is_scheduled=False))

    assert (late.is_begun, late.seen) == (True, None)
    assert not await database.run(lambda tx: store.is_made_by(tx, run, other))


async def test_who_is_not_let_in_has_not_been_refused(house: House) -> None:
    async def turned_away(*_: object, **__: object) -> None:
        raise denied

    denied = refused("NOT_PERMITTED", code=grpc.StatusCode.PERMISSION_DENIED, service="inventory")
    house.mesh.reservations.ReassignBulk = turned_away  # type: ignore[assignment]  # a proxy's answer

    # The call before may have moved the stock, and its answer may have been lost.
    with pytest.raises(PeerFault, match="PERMISSION_DENIED"):
        await InventoryStock(house.mesh).reassign(ReassignCall(uuid4(), ()))

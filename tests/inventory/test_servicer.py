"""The service as its callers see it: over gRPC, with statuses and reasons."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import grpc
import pytest

from ordermesh.api.event.v1 import WatchEventsRequest
from ordermesh.api.inventory.v1 import (
    BalanceChange,
    ConfirmRequest,
    GetReservationRequest,
    ListBalancesRequest,
    ListItemsRequest,
    PutItemsRequest,
    PutLocationsRequest,
    ReceiveStockRequest,
    ReleaseRequest,
    ReservationExpired,
    ReserveRequest,
    ReserveResponse,
    ShipRequest,
    StockLine,
    VerifyLedgerRequest,
    VerifyLedgerResponse,
    WatchAvailabilityRequest,
    WatchItemsRequest,
    WatchLocationsRequest,
)
from ordermesh.client.errors import refusal_of
from ordermesh.client.mesh import Mesh
from ordermesh.inventory.__main__ import define
from ordermesh.inventory.settings import InventorySettings
from ordermesh.kernel.clock import SystemClock
from ordermesh.runtime.database import Database
from tests.dialects import on_postgresql
from tests.inventory.messages import item, key, location, new_id, reserve_lines, selection
from tests.servers import Served, serving

R = TypeVar("R")
Request = TypeVar("Request")

ROUNDS = 200
CLIENTS = 64


async def stock(mesh: Mesh, **places: int) -> None:
    """Put items and locations from MUG_A=5 and the like, and receive so many."""
    wanted = {" at ".join(name.split("_")): count for name, count in places.items()}
    skus = sorted({place.split(" at ")[0] for place in wanted})
    locations = sorted({place.split(" at ")[1] for place in wanted})
    await mesh.items.PutItems(
        PutItemsRequest(request_id=new_id(), items=[item(sku) for sku in skus])
    )
    await mesh.locations.PutLocations(
        PutLocationsRequest(request_id=new_id(), locations=[location(one) for one in locations])
    )
    lines = [StockLine(key=key(place), quantity=count) for place, count in wanted.items()]
    await mesh.ledger.ReceiveStock(ReceiveStockRequest(request_id=new_id(), lines=lines))


def reserve_request(wanted: dict[str, int], **fields: object) -> ReserveRequest:
    request = ReserveRequest(
        request_id=new_id(), reservation_id=new_id(), lines=reserve_lines(wanted)
    )
    for name, value in fields.items():
        setattr(request, name, value)
    return request


async def insist(method: Callable[[Request], Awaitable[R]], request: Request) -> R:
    """Send the same request again while others are in the way or nobody knows what became of it."""
    while True:
        try:
            return await method(request)
        except grpc.aio.AioRpcError as error:
            if error.code() not in (
                grpc.StatusCode.ABORTED,
                grpc.StatusCode.DEADLINE_EXCEEDED,
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                grpc.StatusCode.UNAVAILABLE,
            ):
                raise
            await asyncio.sleep(random.random() / 20)


async def outcome(mesh: Mesh, request: ReserveRequest) -> ReserveResponse | grpc.aio.AioRpcError:
    try:
        return await insist(mesh.reservations.Reserve, request)
    except grpc.aio.AioRpcError as error:
        return error


async def verified(mesh: Mesh) -> VerifyLedgerResponse:
    replies = [reply async for reply in mesh.ledger.VerifyLedger(VerifyLedgerRequest())]
    assert [list(reply.findings) for reply in replies if reply.findings] == []
    return replies[-1]


async def test_of_two_orders_for_the_last_unit_exactly_one_wins_each_time(
    no_deadlocks: None, served: Served
) -> None:
    mesh = served.mesh
    await stock(mesh, **{f"SKU-{number}_A": 1 for number in range(ROUNDS)})
    async with served.as_caller("storefront") as one, served.as_caller("marketplace") as two:
        for number in range(ROUNDS):
            place = f"SKU-{number} at A"
            outcomes = await asyncio.gather(
                outcome(one, reserve_request({place: 1}, order_id="ONE")),
                outcome(two, reserve_request({place: 1}, order_id="TWO")),
            )

            errors = [each for each in outcomes if isinstance(each, grpc.aio.AioRpcError)]
            assert [error.code() for error in errors] == [grpc.StatusCode.FAILED_PRECONDITION]
            refusal = refusal_of(errors[0])
            assert refusal is not None
            assert (refusal.reason, refusal.domain) == ("INSUFFICIENT_STOCK", "inventory.ordermesh")
            assert refusal.metadata == {
                "sku": f"SKU-{number}", "locationId": "A", "wanted": "1", "available": "0",
            }  # fmt: skip

    last = await verified(mesh)
    assert (last.done, last.balanced, last.units_oversold) == (True, True, 0)


async def test_many_clients_on_few_keys_sell_exactly_what_is_there(
    no_deadlocks: None, served: Served
) -> None:
    mesh = served.mesh
    keys = [f"HOT-{number} at A" for number in range(3)]
    await stock(mesh, **{f"HOT-{number}_A": 50 for number in range(3)})

    async def buy(number: int) -> int:
        chance = random.Random(number)
        granted = 0
        for _ in range(4):
            chosen = chance.sample(keys, chance.randint(1, 3))
            wanted = {place: chance.randint(1, 2) for place in chosen}
            reply = await outcome(mesh, reserve_request(wanted, confirm=True))
            if isinstance(reply, ReserveResponse):
                granted += sum(line.quantity for line in reply.reservation.lines)
            else:
                refusal = refusal_of(reply)
                assert refusal is not None
                assert refusal.reason == "INSUFFICIENT_STOCK"
        return granted

    granted = sum(await asyncio.gather(*(buy(number) for number in range(CLIENTS))))

    balances = (await mesh.ledger.ListBalances(ListBalancesRequest())).balances
    assert sum(balance.reserved for balance in balances) == granted
    assert all(balance.reserved <= balance.on_hand for balance in balances)
    # Whoever wanted one unit of a key was refused only when none was left.
    assert sum(balance.available for balance in balances) <= 2 * len(keys)
    assert (await verified(mesh)).balanced


async def test_orders_whose_lines_cross_do_not_deadlock(no_deadlocks: None, served: Served) -> None:
    mesh = served.mesh
    skus = [f"SKU-{number}" for number in range(6)]
    await stock(mesh, **{f"{sku}_A": 10_000 for sku in skus})

    async def work(number: int) -> None:
        chance = random.Random(number)
        for _ in range(4):
            chosen = chance.sample(skus, 4)
            request = reserve_request({f"{sku} at A": 1 for sku in chosen}, confirm=True)
            made = (await insist(mesh.reservations.Reserve, request)).reservation
            if chance.random() < 0.5:
                release = ReleaseRequest(request_id=new_id(), reservation_id=made.reservation_id)
                await insist(mesh.reservations.Release, release)
            else:
                ship = ShipRequest(
                    request_id=new_id(),
                    reservation_id=made.reservation_id,
                    lines=[selection(str(line)) for line in (3, 1, 4, 2)],
                )
                await insist(mesh.reservations.Ship, ship)

    await asyncio.gather(*(work(number) for number in range(24)))

    assert (await verified(mesh)).balanced


async def test_the_same_request_sent_many_times_at_once_has_one_effect(served: Served) -> None:
    mesh = served.mesh
    await stock(mesh, MUG_A=10)
    request = reserve_request({"MUG at A": 3})

    replies = await asyncio.gather(*(outcome(mesh, request) for _ in range(16)))

    assert all(reply == replies[0] for reply in replies)
    balances = (await mesh.ledger.ListBalances(ListBalancesRequest())).balances
    assert [balance.reserved for balance in balances] == [3]


async def test_watches_give_what_changed_with_its_revision(served: Served) -> None:
    mesh = served.mesh
    await stock(mesh, MUG_A=10)
    await mesh.reservations.Reserve(reserve_request({"MUG at A": 3}))

    seen: list[BalanceChange] = []
    async for reply in mesh.availability.WatchAvailability(
        WatchAvailabilityRequest(start_revision=1)
    ):
        seen += reply.balances
        if len(seen) == 2:
            break
    figures = [(one.on_hand, one.reserved, one.available, one.sequence) for one in seen]
    assert figures == [(10, 0, 10, 1), (10, 3, 7, 2)]

    items = await anext(aiter(mesh.items.WatchItems(WatchItemsRequest(start_revision=1))))
    assert [(one.sku, one.revision) for one in items.items] == [("MUG", 1)]
    places = await anext(
        aiter(mesh.locations.WatchLocations(WatchLocationsRequest(start_revision=1)))
    )
    assert [(one.location_id, one.revision) for one in places.locations] == [("A", 2)]
    assert places.revision >= 2


async def test_a_revision_that_is_not_there_is_refused_by_watches(served: Served) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await anext(
            aiter(
                served.mesh.availability.WatchAvailability(
                    WatchAvailabilityRequest(start_revision=99)
                )
            )
        )

    refusal = refusal_of(error.value)
    assert refusal is not None
    assert refusal.reason == "REVISION_COMPACTED"
    assert refusal.metadata == {"oldestRevision": "1"}


async def test_an_item_knows_its_revision_a_moment_after_it_was_put(served: Served) -> None:
    await stock(served.mesh, MUG_A=1)

    async with asyncio.timeout(10):
        while True:
            (one,) = (await served.mesh.items.ListItems(ListItemsRequest())).items
            if one.revision:
                break

    assert one.revision == 1


async def test_a_hold_that_was_not_confirmed_is_swept_and_told(served: Served) -> None:
    mesh = served.mesh
    await stock(mesh, MUG_A=10)
    request = reserve_request({"MUG at A": 3}, order_id="SLOW")
    request.hold_duration.FromSeconds(1)
    await mesh.reservations.Reserve(request)

    async with asyncio.timeout(20):
        async for reply in mesh.events("inventory").WatchEvents(
            WatchEventsRequest(start_revision=1, order_id="SLOW")
        ):
            if reply.events:
                break
    (told,) = reply.events
    payload = ReservationExpired.FromString(told.event.payload)
    assert told.event.type == "ordermesh.reservation.expired.v1"
    assert told.event.sequence == 1
    assert (payload.reservation_id, payload.order_id) == (request.reservation_id, "SLOW")
    assert [line.quantity for line in payload.lines] == [3]
    balances = (await mesh.ledger.ListBalances(ListBalancesRequest())).balances
    assert [(balance.reserved, balance.available) for balance in balances] == [(0, 10)]


async def test_a_caller_without_the_role_is_refused(served: Served) -> None:
    async with served.as_caller("notify") as notify:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await notify.reservations.Reserve(reserve_request({"MUG at A": 1}))

    assert error.value.code() is grpc.StatusCode.PERMISSION_DENIED
    refusal = refusal_of(error.value)
    assert refusal is not None
    assert refusal.reason == "NOT_PERMITTED"


async def test_routing_acts_for_the_owner_of_a_cart(served: Served) -> None:
    await stock(served.mesh, MUG_A=1)
    async with served.as_caller("storefront") as storefront, served.as_caller("routing") as routing:
        cart = reserve_request({"MUG at A": 1})
        await storefront.reservations.Reserve(cart)
        order = reserve_request({"MUG at A": 1}, on_behalf_of="storefront", order_id="X")
        order.replaces_reservation_ids.append(cart.reservation_id)

        made = (await routing.reservations.Reserve(order)).reservation
        confirm = ConfirmRequest(request_id=new_id(), reservation_id=made.reservation_id, fence=3)
        confirmed = (await routing.reservations.Confirm(confirm)).reservation

    assert (confirmed.owner, confirmed.fence) == ("storefront", 3)


@on_postgresql
async def test_two_services_on_one_database_sell_each_unit_once(
    no_deadlocks: None, served: Served, database_url: str
) -> None:
    async with second_server(database_url) as other:
        await stock(served.mesh, MUG_A=40)
        meshes = (served.mesh, other.mesh)
        outcomes = await asyncio.gather(
            *(outcome(meshes[n % 2], reserve_request({"MUG at A": 1})) for n in range(60))
        )
        sold = [one for one in outcomes if isinstance(one, ReserveResponse)]
        assert len(sold) == 40
        assert (await verified(other.mesh)).balanced


@asynccontextmanager
async def second_server(database_url: str) -> AsyncIterator[Served]:
    clock = SystemClock()
    database = await Database.open(database_url, clock=clock)
    async with serving(define(database, clock, InventorySettings(port=0))) as opened:
        yield opened


async def test_a_reservation_that_nobody_made_is_not_found(served: Served) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await served.mesh.reservations.GetReservation(
            GetReservationRequest(reservation_id=new_id())
        )

    assert error.value.code() is grpc.StatusCode.NOT_FOUND

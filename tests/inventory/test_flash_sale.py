"""A flash sale over gRPC: many buyers at one moment for the ring-fenced units of one SKU."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count
from random import Random

import grpc
import pytest

from ordermesh.api.inventory.v1 import (
    PutControlsRequest,
    PutItemsRequest,
    PutLocationsRequest,
    ReceiveStockRequest,
    ReserveRequest,
    ReserveResponse,
    StockLine,
    VerifyLedgerRequest,
)
from ordermesh.client import CoalescingReserver, Mesh, refusal_of
from tests.dialects import on_postgresql
from tests.inventory.messages import control, item, key, location, new_id, reserve_lines
from tests.servers import Served

PLACE = "MUG at A"
PATIENCE_SECONDS = 60.0
"""How long a buyer waits in line before asking again."""

AGAIN = frozenset(
    {
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
)
"""Answers after which a buyer asks again, with the same request id."""


@dataclass(frozen=True)
class Buyer:
    """Who buys one unit, and through which channel."""

    channel: str
    customer: str


@dataclass(frozen=True)
class Bought:
    """What became of a buyer: nothing, or why not; after how long, and how many tries."""

    buyer: Buyer
    refusal: str
    seconds: float
    tries: int


async def open_sale(mesh: Mesh, pools: Mapping[str, int]) -> None:
    """As many units as all pools hold; one for each customer."""
    await mesh.items.PutItems(PutItemsRequest(request_id=new_id(), items=[item("MUG")]))
    places = [location("A")]
    await mesh.locations.PutLocations(PutLocationsRequest(request_id=new_id(), locations=places))
    lines = [StockLine(key=key(PLACE), quantity=sum(pools.values()))]
    await mesh.ledger.ReceiveStock(ReceiveStockRequest(request_id=new_id(), lines=lines))
    controls = [
        control(f"flash-{channel}", "pool", units, channel=channel, sku="MUG")
        for channel, units in pools.items()
    ]
    controls.append(control("one-each", "limit_per_customer", 1, sku="MUG"))
    await mesh.controls.PutControls(PutControlsRequest(request_id=new_id(), controls=controls))


Reserve = Callable[[ReserveRequest], Awaitable[ReserveResponse]]
"""Makes one call of ``Reserve``, alone or together with others of the same shop."""


async def buy(reserve: Reserve, buyer: Buyer) -> Bought:
    request = ReserveRequest(
        request_id=new_id(),
        reservation_id=new_id(),
        lines=reserve_lines({PLACE: 1}),
        channel=buyer.channel,
        customer=buyer.customer,
        confirm=True,
    )
    random = Random(buyer.customer)
    began = time.perf_counter()
    for tries in count(1):
        try:
            await reserve(request)
        except grpc.aio.AioRpcError as error:
            refusal = refusal_of(error)
            if error.code() in AGAIN:
                # As the server asks, and longer each time, but not all at one moment.
                asked = refusal.retry_after if refusal and refusal.retry_after else 0.0
                await asyncio.sleep(asked + random.uniform(0.5, 1.0) * min(2.0, 0.1 * 2**tries))
                continue
            reason = refusal.reason if refusal else error.code().name
            return Bought(buyer, reason, time.perf_counter() - began, tries)
        return Bought(buyer, "", time.perf_counter() - began, tries)
    raise AssertionError("Somebody gave up.")


async def hold_sale(
    served: Served,
    pools: Mapping[str, int],
    buyer_count: int,
    connections: int,
    *,
    is_coalesced: bool,
) -> list[Bought]:
    """Everybody buys at one moment, in shops with a connection each; every tenth comes twice."""
    await open_sale(served.mesh, pools)
    channels = list(pools)
    buyers = [
        Buyer(channels[number % len(channels)], f"customer-{number - number % 10 // 9}")
        for number in range(buyer_count)
    ]
    async with AsyncExitStack() as stack:
        shops: list[Reserve] = []
        for number in range(connections):
            mesh = await stack.enter_async_context(
                Mesh(served.targets, caller=f"shop-{number}", timeout=PATIENCE_SECONDS)
            )
            if is_coalesced:
                reserver = await stack.enter_async_context(CoalescingReserver(mesh.reservations))
                shops.append(partial(reserver.reserve, timeout=PATIENCE_SECONDS))
            else:
                shops.append(mesh.reservations.Reserve)
        return await asyncio.gather(
            *(buy(shops[number % connections], one) for number, one in enumerate(buyers))
        )


async def check(served: Served, pools: Mapping[str, int], results: list[Bought]) -> None:
    sold = Counter(one.buyer.channel for one in results if not one.refusal)
    assert sold == pools
    customers = Counter(one.buyer.customer for one in results if not one.refusal)
    assert max(customers.values()) == 1
    refused = {one.refusal for one in results if one.refusal}
    assert refused <= {"INSUFFICIENT_STOCK", "PURCHASE_LIMIT"}
    verdicts = [one async for one in served.mesh.ledger.VerifyLedger(VerifyLedgerRequest())]
    assert verdicts[-1].balanced
    assert verdicts[-1].units_oversold == 0


@pytest.mark.usefixtures("no_deadlocks")
async def test_a_flash_sale_sells_every_pool_and_not_one_unit_more(served: Served) -> None:
    pools = {"web": 30, "app": 20, "marketplace": 10}

    results = await hold_sale(served, pools, buyer_count=300, connections=3, is_coalesced=False)

    assert len(results) == 300
    await check(served, pools, results)


@pytest.mark.slow
@pytest.mark.usefixtures("no_deadlocks")
@on_postgresql
async def test_five_thousand_buyers_for_a_thousand_units_over_three_channels(
    served: Served,
) -> None:
    pools = {"web": 500, "app": 300, "marketplace": 200}
    began = time.perf_counter()

    results = await hold_sale(served, pools, buyer_count=5_000, connections=8, is_coalesced=True)

    spent = time.perf_counter() - began
    await check(served, pools, results)
    seconds = sorted(one.seconds for one in results)
    reasons = Counter(one.refusal or "SOLD" for one in results)
    print(  # noqa: T201 - what the proof is run for
        f"\nflash sale: 5,000 buyers, {dict(reasons)} in {spent:.1f} s;"
        f" p50 {seconds[2_500]:.2f} s, p99 {seconds[4_950]:.2f} s from click to answer,"
        f" {sum(one.tries for one in results)} calls"
    )

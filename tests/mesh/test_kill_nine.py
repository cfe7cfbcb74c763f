"""Each service is killed in the middle of the story, and the story still ends well.

They die one after the other while orders are submitted, while they are shipped, and while some of
them come back. Who follows their events loses none.
"""

import asyncio
import itertools
import os
import signal
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import grpc
import pytest
from rich.progress import Progress

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.api.inventory.v1 import (
    ListBalancesRequest,
    ListMovementsRequest,
    Movement,
)
from ordermesh.api.returns.v1 import GetReturnableRequest, Return
from ordermesh.api.routing.v1 import Order
from ordermesh.cli.afterwards import Afterwards, chosen_for_delivery, deliver_some, return_some
from ordermesh.cli.calls import CALLER, all_pages, in_flight, patiently
from ordermesh.cli.loader import SAMPLE, Loader
from ordermesh.cli.place import PORTS, MeshDirectory
from ordermesh.cli.processes import MeshProcesses
from ordermesh.cli.story import (
    Outcome,
    Verification,
    double_shipped,
    read_timeline,
    settle,
    ship_all,
    unexplained,
    verify,
)
from ordermesh.cli.up import running_mesh
from ordermesh.client import Mesh, follow
from ordermesh.client.history.calls import History
from ordermesh.client.history.checking import check
from ordermesh.client.history.recording import Recorder
from ordermesh.sample.retailer import build_retailer
from tests.mesh.conftest import SECONDS_MAX, until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

ORDERS = 30
FULFILLED = "ordermesh.order.fulfilled.v1"
RECEIVED = "ordermesh.order.received.v1"
VICTIMS = list(PORTS)
RETURNED_EVERY = 3
"""Of so many orders that left, one comes back."""

retailer = build_retailer(seed=5, orders=ORDERS)


class Killer:
    """Kills one service after the other while so many things happen."""

    def __init__(self, processes: MeshProcesses, happenings: int) -> None:
        self._processes = processes
        self._happened = itertools.count(1)
        self._dies = {
            1 + happenings * number // len(VICTIMS): victim for number, victim in enumerate(VICTIMS)
        }

    def happened(self) -> None:
        victim = self._dies.get(next(self._happened))
        if victim is not None:
            os.kill(self._processes.children[victim].process.pid, signal.SIGKILL)


async def test_the_story_ends_well_though_every_service_is_killed(
    directory: MeshDirectory, nothing_left: None
) -> None:
    said: list[str] = []
    history = History()
    recorder = Recorder(history, CALLER)
    async with (
        running_mesh(directory, on_free_ports=True, tell=said.append) as processes,
        Mesh(processes.targets, caller=CALLER, interceptors=[recorder]) as mesh,
        following(mesh) as heard,
    ):
        outcome = await tell_story(mesh, processes)
        afterwards = await take_back(mesh, processes, outcome)

        assert processes.deaths == dict.fromkeys(VICTIMS, 3), said
        assert len(outcome.orders) == ORDERS
        assert unexplained(outcome) == []
        assert double_shipped(outcome) == []
        assert {order.state for order in outcome.orders.values()} <= {
            Order.STATE_FULFILLED,
            Order.STATE_UNFILLABLE,
        }
        checked = await verified(mesh)
        assert (checked.balanced, checked.units_oversold, checked.findings) == (True, 0, ())
        await assert_the_ledger_moved_each_order_once(mesh, outcome, afterwards)
        await assert_everybody_was_told_once(mesh, outcome)
        for victim in VICTIMS:
            await assert_nothing_was_missed(mesh, victim, heard[victim])
    assert check(history).violations == ()


async def verified(mesh: Mesh) -> Verification:
    """The check of the books, begun again where the service is only just coming back."""
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            try:
                return await verify(mesh)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
            await asyncio.sleep(0.2)


async def tell_story(mesh: Mesh, processes: MeshProcesses) -> Outcome:
    loader = Loader(mesh, retailer.currency_code, Progress(disable=True), SAMPLE)
    await loader.put_items(retailer.items)
    await loader.put_network(retailer.locations, retailer.network)
    await loader.receive_stock(retailer.stock)
    killer = Killer(processes, ORDERS)
    replies = await loader.submit_orders(retailer.orders, killer.happened)
    assert loader.loaded.refused == []
    outcome = await settle(mesh, replies)
    await deaths(processes, 1)
    killer = Killer(processes, ORDERS // 2)
    await ship_all(mesh, outcome, killer.happened)
    await deaths(processes, 2)
    return outcome


async def take_back(mesh: Mesh, processes: MeshProcesses, outcome: Outcome) -> Afterwards:
    """Some orders arrive, and some of what left comes back; all die once more in the meantime."""
    afterwards = Afterwards()
    await deliver_some(mesh, chosen_for_delivery(outcome), afterwards)
    left = sorted({work.order_id for work in outcome.shipped.values()})[::RETURNED_EVERY]
    killer = Killer(processes, len(left))
    await return_some(mesh, left, afterwards, killer.happened)
    await deaths(processes, 3)
    assert {one.order_id for one in afterwards.returns.values()} == set(left)
    assert {one.state for one in afterwards.returns.values()} == {Return.STATE_COMPLETED}
    return afterwards


@asynccontextmanager
async def following(mesh: Mesh) -> AsyncIterator[Mapping[str, list[EventEnvelope]]]:
    """What consumers of each victim's feed hear, across its deaths."""
    heard: dict[str, list[EventEnvelope]] = {victim: [] for victim in VICTIMS}

    async def listen(victim: str) -> None:
        async for batch in follow(mesh, victim):
            heard[victim].extend(batch.events)

    listening = [asyncio.create_task(listen(victim)) for victim in VICTIMS]
    try:
        yield heard
    finally:
        for task in listening:
            task.cancel()
        for task in listening:
            with suppress(asyncio.CancelledError):
                await task


async def assert_nothing_was_missed(mesh: Mesh, victim: str, heard: list[EventEnvelope]) -> None:
    """Each thing's events were heard once, in order, without a gap, as the feed has them."""
    kept: list[str] = []

    async def read_again() -> None:
        async for batch in follow(mesh, victim):
            kept.extend(event.event_id for event in batch.events)

    reading = asyncio.create_task(read_again())
    # In this story no hold expires, and inventory tells of nothing else.
    is_telling = victim != "inventory"
    await until(lambda: bool(kept) == is_telling and [one.event_id for one in heard] == kept)
    reading.cancel()

    sequences: dict[tuple[str, str], list[int]] = defaultdict(list)
    for event in heard:
        sequences[event.aggregate_type, event.aggregate_id].append(event.sequence)
    assert all(found == list(range(1, len(found) + 1)) for found in sequences.values())
    assert len({event.event_id for event in heard}) == len(heard)


async def deaths(processes: MeshProcesses, wanted: int) -> None:
    """Wait until every victim has died so often and serves again."""
    await until(
        lambda: all(
            processes.deaths.get(victim, 0) >= wanted
            and processes.children[victim].process.returncode is None
            for victim in VICTIMS
        )
    )


async def assert_the_ledger_moved_each_order_once(
    mesh: Mesh, outcome: Outcome, afterwards: Afterwards
) -> None:
    returned: dict[str, Counter[str]] = defaultdict(Counter)
    for one in afterwards.returns.values():
        for line in one.lines:
            returned[one.order_id][line.sku] += line.received_quantity

    async def check(order_id: str) -> None:
        request = ListMovementsRequest(order_id=order_id, page_size=1000)
        page = await patiently(mesh.ledger.ListMovements, request)
        moved: dict[int, Counter[str]] = defaultdict(Counter)
        for movement in page.movements:
            for entry in movement.entries:
                moved[movement.kind][entry.key.sku] += entry.quantity
        assert moved[Movement.KIND_SHIPPED] == shipped_units(outcome, order_id)
        assert moved[Movement.KIND_RETURNED] == returned[order_id]

    await in_flight(outcome.orders, check)

    async def read(token: str) -> tuple[Sequence[int], str]:
        page = await patiently(
            mesh.ledger.ListBalances, ListBalancesRequest(page_size=1000, page_token=token)
        )
        return [balance.reserved for balance in page.balances], page.next_page_token

    assert sum([reserved async for reserved in all_pages(read)]) == 0


async def assert_everybody_was_told_once(mesh: Mesh, outcome: Outcome) -> None:
    """Wait until notify and returns have heard everything, and look that nothing came twice."""

    async def check(order: Order) -> None:
        async with asyncio.timeout(SECONDS_MAX):
            while True:
                told = Counter(
                    entry.event_type for entry in await read_timeline(mesh, order.order_id)
                )
                request = GetReturnableRequest(order_id=order.order_id)
                reply = await patiently(mesh.returns.GetReturnable, request)
                left: Counter[str] = Counter()
                for line in reply.lines:
                    left[line.sku] += line.shipped_quantity
                wanted = shipped_units(outcome, order.order_id)
                has_ended = order.state != Order.STATE_FULFILLED or told[FULFILLED]
                if told[RECEIVED] and has_ended and left == wanted:
                    break
                await asyncio.sleep(0.1)
        assert told[RECEIVED] == 1
        assert told[FULFILLED] == (order.state == Order.STATE_FULFILLED)
        assert left == wanted

    await in_flight(outcome.orders.values(), check)


def shipped_units(outcome: Outcome, order_id: str) -> Counter[str]:
    units: Counter[str] = Counter()
    for work in outcome.shipped.values():
        if work.order_id == order_id:
            for line in work.lines:
                units[line.sku] += line.quantity
    return units

"""Calls in the simulated network: the real stubs and interceptors, and what the network does."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import grpc
import pytest

from ordermesh.api.inventory.v1 import ListItemsRequest, PutItemsRequest
from ordermesh.client.errors import refusal_of
from tests.routing.house import item
from tests.simulation.history import History
from tests.simulation.loop import SimulatedLoop
from tests.simulation.mesh import Machines
from tests.simulation.network import FAIR, Fate
from tests.simulation.quiet import quietly

ID = "0b2f7e0e-7a43-4a39-8f43-1e6f6f4a9d10"


class _Weather:
    """Fair, but for what is scripted."""

    def __init__(self) -> None:
        self.requests: list[Fate] = []
        self.replies: list[Fate] = []

    def request(self, sender: str, receiver: str) -> Fate:
        return self.requests.pop(0) if self.requests and sender == "shop" else FAIR

    def reply(self, sender: str, receiver: str) -> Fate:
        return self.replies.pop(0) if self.replies and receiver == "shop" else FAIR


Story = Callable[[Machines, _Weather], Awaitable[None]]


@pytest.fixture
def told(tmp_path: Path) -> Callable[[Story], None]:
    """Tells a story to inventory alone, as a process called shop."""

    def tell(story: Story) -> None:
        with quietly():
            _tell(story, tmp_path)

    return tell


def _tell(story: Story, folder: Path) -> None:
    loop = SimulatedLoop(Random(1))
    weather = _Weather()
    machines = Machines("1", loop, History(loop.time), weather, folder)

    async def run() -> None:
        machines.nodes["inventory"].start()
        await asyncio.sleep(1.0)
        shop = machines.process("shop")
        await loop.create_task(_awaited(story, machines, weather), context=shop.context())

    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(run())
    finally:
        machines.nodes["inventory"].kill()
        loop.bury()
        asyncio.set_event_loop(None)
        loop.close()


async def _awaited(story: Story, machines: Machines, weather: _Weather) -> None:
    await story(machines, weather)


def _put() -> PutItemsRequest:
    return PutItemsRequest(request_id=ID, items=[item("MUG")])


def test_a_reply_that_was_lost_is_asked_for_again_and_nothing_is_done_twice(
    told: Callable[[Story], None],
) -> None:
    async def story(machines: Machines, weather: _Weather) -> None:
        mesh = machines.mesh("developer")
        weather.replies = [Fate(lost=True)]
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await mesh.items.PutItems(_put(), timeout=1.0)
        assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await mesh.items.PutItems(_put(), timeout=1.0)
        found = await mesh.items.ListItems(ListItemsRequest())
        assert [one.sku for one in found.items] == ["MUG"]

    told(story)


def test_a_request_that_comes_twice_has_one_answer(told: Callable[[Story], None]) -> None:
    async def story(machines: Machines, weather: _Weather) -> None:
        mesh = machines.mesh("developer")
        weather.requests = [Fate(twice=True)]
        reply = await mesh.items.PutItems(_put(), timeout=1.0)
        await asyncio.sleep(1.0)
        assert reply == await mesh.items.PutItems(_put(), timeout=1.0)
        answers = [one for one in machines.history.happenings if one.what == "answers"]
        assert len(answers) == 3

    told(story)


def test_a_refusal_comes_with_its_facts(told: Callable[[Story], None]) -> None:
    async def story(machines: Machines, weather: _Weather) -> None:
        wrong = PutItemsRequest(request_id="no id", items=[item("MUG")])
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await machines.mesh("developer").items.PutItems(wrong)
        refusal = refusal_of(raised.value)
        assert refusal is not None
        assert "request_id" in refusal.violations

    told(story)


def test_what_was_acknowledged_outlives_the_process(told: Callable[[Story], None]) -> None:
    async def story(machines: Machines, weather: _Weather) -> None:
        mesh, node = machines.mesh("developer"), machines.nodes["inventory"]
        await mesh.items.PutItems(_put(), timeout=1.0)
        node.kill()
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await mesh.items.ListItems(ListItemsRequest())
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
        node.start_again()
        await asyncio.sleep(1.0)
        found = await mesh.items.ListItems(ListItemsRequest())
        assert [one.sku for one in found.items] == ["MUG"]

    told(story)


def test_a_full_disk_refuses_and_is_forgiven(told: Callable[[Story], None]) -> None:
    async def story(machines: Machines, weather: _Weather) -> None:
        mesh, disk = machines.mesh("developer"), machines.nodes["inventory"].disk
        disk.is_full = True
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await mesh.items.PutItems(_put(), timeout=3.0)
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
        disk.is_full = False
        await mesh.items.PutItems(_put(), timeout=3.0)

    told(story)

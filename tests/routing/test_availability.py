"""Decisions of one moment read the ledger together, and none of them can tell."""

import asyncio
import uuid
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from opentelemetry import trace

from ordermesh.api.inventory.v1 import (
    Control,
    ControlKind,
    GetAvailabilityRequest,
    GetAvailabilityResponse,
)
from ordermesh.client.mesh import Mesh
from ordermesh.routing.peers import availability
from ordermesh.routing.peers.availability import AvailabilityReader
from ordermesh.routing.ports.stock import Availability
from ordermesh.runtime.answers import PeerFault
from tests.routing.house import House
from tests.spans import Spans, record

SAFETY_STOCK = ControlKind.CONTROL_KIND_SAFETY_STOCK


@dataclass
class Counted:
    """A mesh whose questions about availability are counted on their way."""

    mesh: Mesh
    asked: list[list[str]] = field(default_factory=list)

    @property
    def availability(self) -> SimpleNamespace:
        return SimpleNamespace(GetAvailability=self._ask)

    async def _ask(self, request: GetAvailabilityRequest, **fields: Any) -> GetAvailabilityResponse:
        self.asked.append(list(request.skus))
        return await self.mesh.availability.GetAvailability(request, **fields)


def reader(house: House) -> tuple[AvailabilityReader, Counted]:
    counted = Counted(house.mesh)
    return AvailabilityReader(cast("Mesh", counted)), counted


@pytest.fixture
def spans() -> Spans:
    return record()


async def test_questions_of_one_moment_become_few_and_each_sees_its_own_items(house: House) -> None:
    names = [f"ITEM-{number}" for number in range(12)]
    await house.stock({f"{name} at NEAR": number + 1 for number, name in enumerate(names)})
    await house.stock({"ITEM-3 at EAST": 7})
    reading, counted = reader(house)

    found = await asyncio.gather(
        *(reading.read([names[one], names[(one + 1) % 12]], (), "web") for one in range(12))
    )

    assert len(counted.asked) <= 3
    for one, answer in enumerate(found):
        other = (one + 1) % 12
        expected = {"NEAR": {names[one]: one + 1, names[other]: other + 1}}
        if 3 in (one, other):
            expected["EAST"] = {names[one]: 7 * (one == 3), names[other]: 7 * (other == 3)}
        assert answer.units == expected
        assert answer.revision > 0


async def test_an_item_that_nobody_knows_fails_nobody_else(house: House) -> None:
    await house.stock({"MUG at NEAR": 5})
    reading, _ = reader(house)

    first, unknown, last = await asyncio.gather(
        reading.read(["MUG"], (), "web"),
        reading.read(["MUG", "NOBODY-KNOWS"], (), "web"),
        reading.read(["MUG"], (), "web"),
        return_exceptions=True,
    )

    assert isinstance(first, Availability)
    assert isinstance(last, Availability)
    assert first.units == last.units == {"NEAR": {"MUG": 5}}
    assert isinstance(unknown, PeerFault)


async def test_each_channel_is_told_what_it_may_sell(house: House) -> None:
    await house.stock({"MUG at NEAR": 5})
    back = Control(control_id="1", kind=SAFETY_STOCK, value=2, sku="MUG", channel="shop")
    await house.control(back)
    reading, counted = reader(house)

    web, shop = await asyncio.gather(
        reading.read(["MUG"], (), "web"), reading.read(["MUG"], (), "shop")
    )

    assert web.units == {"NEAR": {"MUG": 5}}
    assert shop.units == {"NEAR": {"MUG": 3}}
    assert counted.asked == [["MUG"], ["MUG"]]


async def test_reservations_that_are_taken_out_are_taken_out_for_nobody_else(house: House) -> None:
    await house.stock({"MUG at NEAR": 5})
    held = await house.reserve("MUG at NEAR", 4)
    reading, _ = reader(house)

    alone, other = await asyncio.gather(
        reading.read(["MUG"], [uuid.UUID(held)], "web"), reading.read(["MUG"], (), "web")
    )

    assert alone.units == {"NEAR": {"MUG": 5}}
    assert other.units == {"NEAR": {"MUG": 1}}


async def test_more_items_than_a_question_may_name_are_asked_for_in_parts(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(availability, "SKUS_MAX", 2)
    names = ["A", "B", "C", "D", "E"]
    await house.stock({f"{name} at NEAR": place for place, name in enumerate(names)})
    reading, counted = reader(house)

    found = await reading.read(names, (), "web")

    assert counted.asked == [["A", "B"], ["C", "D"], ["E"]]
    assert found.units == {"NEAR": {"A": 0, "B": 1, "C": 2, "D": 3, "E": 4}}
    assert await reading.read([], (), "web") == Availability({}, 0)


async def test_a_trace_is_followed_into_what_was_read_for_several(
    house: House, spans: Spans
) -> None:
    await house.stock({"MUG at NEAR": 5})
    reading, _ = reader(house)
    tracer = trace.get_tracer("test")

    with tracer.start_as_current_span("alone") as alone:
        await reading.read(["MUG"], (), "web")
    with tracer.start_as_current_span("first") as first:
        one = asyncio.ensure_future(reading.read(["MUG"], (), "web"))
        await asyncio.sleep(0)
    with tracer.start_as_current_span("second") as second:
        await asyncio.gather(one, reading.read(["MUG"], (), "web"))

    lone, shared = spans.named("read availability")
    assert lone.parent is not None
    assert lone.parent.span_id == alone.get_span_context().span_id
    assert [link.context.span_id for link in shared.links] == [
        first.get_span_context().span_id,
        second.get_span_context().span_id,
    ]


async def test_who_does_not_wait_any_more_spoils_nothing(house: House) -> None:
    await house.stock({"MUG at NEAR": 5, "CUP at NEAR": 2})
    reading, counted = reader(house)
    first = asyncio.ensure_future(reading.read(["MUG"], (), "web"))
    gone = asyncio.ensure_future(reading.read(["CUP"], (), "web"))
    last = asyncio.ensure_future(reading.read(["MUG"], (), "web"))
    await asyncio.sleep(0)

    gone.cancel()

    assert (await first).units == (await last).units == {"NEAR": {"MUG": 5}}
    assert len(counted.asked) <= 2

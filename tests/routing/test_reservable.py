"""Orders in more parts than one reservation has lines."""

from functools import partial
from typing import Any

import pytest

from ordermesh.api.inventory.v1 import ReservationMode
from ordermesh.api.routing.v1 import Order, SplitLimit
from ordermesh.client.errors import Refusal
from ordermesh.inventory.domain import answers
from ordermesh.routing.domain.reservable import reservable
from ordermesh.routing.operations import deciding
from tests.eventually import eventually
from tests.routing.house import ALWAYS, IF_SOURCED, House, answered, item, line, refused
from tests.routing.looks import total
from tests.routing.policing import rule, save

PLACES = ("NEAR", "EAST", "SOUTH")


@pytest.fixture
def four_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reservation has four lines."""
    monkeypatch.setattr(deciding, "reservable", partial(reservable, lines_max=4))


async def test_an_order_in_a_thousand_parts_is_sourced_whole(house: House) -> None:
    skus = [f"SKU-{number}" for number in range(334)]
    await house.items(*skus)
    for place in PLACES:
        await house.receive({f"{sku} at {place}": 1 for sku in skus})

    # Each line is in three parts, one at each location.
    await house.submit("O-1", *(line(sku, sku, 3) for sku in skus))

    await eventually(lambda: is_decided(house, "O-1"))
    order = await house.order("O-1")
    assert order.state == Order.STATE_RELEASED
    assert {one.sourced_quantity for one in order.lines} == {3}
    assert [len(one.lines) for one in await house.work("O-1")] == [334] * 3
    for one in await house.work("O-1"):
        await house.ship(one)
    assert (await house.order("O-1")).state == Order.STATE_FULFILLED


@pytest.mark.usefixtures("four_lines")
async def test_what_a_reservation_has_no_lines_for_is_left_and_said(house: House) -> None:
    await house.items("MUG", "CUP", "TEA")
    await house.receive({f"MUG at {place}": 1 for place in PLACES} | {"CUP at NEAR": 9})
    await house.receive({"TEA at NEAR": 1, "TEA at EAST": 1})

    reply = await house.submit("O-1", line("1", "MUG", 3), line("2", "CUP", 2), line("3", "TEA", 2))

    mugs, cups, tea = reply.order.lines
    assert (mugs.sourced_quantity, mugs.unfilled_quantity) == (0, 3)
    assert mugs.unfilled_reason == "TOO_MANY_PARTS"
    assert (cups.sourced_quantity, tea.sourced_quantity) == (2, 2)
    assert [(one.sku, one.unfilled) for one in reply.decision.unfilled_lines] == [("MUG", 3)]
    assert total([reply.decision.cost]) == total(one.amount for one in reply.decision.cost_terms)
    assert await house.balance("MUG at NEAR") == (1, 0, 1)


@pytest.mark.usefixtures("four_lines")
async def test_a_line_that_is_left_is_sourced_when_it_is_asked_for_again(house: House) -> None:
    await house.items("MUG", "CUP", "TEA")
    await house.receive({f"MUG at {place}": 1 for place in PLACES} | {"CUP at NEAR": 9})
    await house.receive({"TEA at NEAR": 1, "TEA at EAST": 1})
    await house.submit("O-1", line("1", "MUG", 3), line("2", "CUP", 2), line("3", "TEA", 2))
    for one in await house.work("O-1"):
        await house.accept(one)

    await house.source("O-1")

    assert [one.sourced_quantity for one in (await house.order("O-1")).lines] == [3, 2, 2]


@pytest.mark.usefixtures("four_lines")
async def test_an_order_that_must_be_whole_is_refused_for_its_parts(house: House) -> None:
    await house.items("MUG", "CUP")
    await house.receive({f"MUG at {place}": 1 for place in PLACES})
    await house.receive({"CUP at NEAR": 1, "CUP at EAST": 1})
    lines = [line("1", "MUG", 3), line("2", "CUP", 2)]

    refusal = await refused(house.submit("O-1", *lines, acceptance=IF_SOURCED))

    assert refusal.reason == "CANNOT_BE_SOURCED"
    assert refusal.metadata["rule"] == "TOO_MANY_PARTS"
    assert await house.balance("CUP at NEAR") == (1, 0, 1)


@pytest.mark.usefixtures("four_lines")
async def test_of_an_order_that_ships_complete_nothing_is_sent(house: House) -> None:
    await save(house, rules=[rule("whole", split_limit=SplitLimit(ship_complete=True))])
    await house.items("MUG", "CUP")
    await house.receive({f"MUG at {place}": 1 for place in PLACES})
    await house.receive({"CUP at NEAR": 1, "CUP at EAST": 1})

    reply = await house.submit("O-1", line("1", "MUG", 3), line("2", "CUP", 2))

    assert reply.order.state == Order.STATE_UNFILLABLE
    assert {one.unfilled_reason for one in reply.order.lines} == {"TOO_MANY_PARTS"}
    assert not reply.decision.plan.shipments


@pytest.mark.parametrize("acceptance", [ALWAYS, IF_SOURCED])
async def test_what_the_ledger_finds_too_large_is_not_asked_for_ever(
    house: House, monkeypatch: pytest.MonkeyPatch, acceptance: Any
) -> None:
    # Items that say how they are reserved are not among the plain ones, whose answers always fit.
    await house.items(item("MUG", reservation_mode=ReservationMode.RESERVATION_MODE_RESERVE))
    await house.receive({"MUG at NEAR": 5})
    monkeypatch.setattr(answers, "RESERVATION_BYTES_MAX", 10)

    reply = await answered(house.submit("O-1", line("1", "MUG"), acceptance=acceptance))

    if isinstance(reply, Refusal):
        assert reply.reason == "CANNOT_BE_SOURCED"
    else:
        assert [one.unfilled_reason for one in reply.order.lines] == ["TOO_MANY_PARTS"]
    assert await house.balance("MUG at NEAR") == (5, 0, 5)


async def is_decided(house: House, order_id: str) -> bool:
    return (await house.order(order_id)).state != Order.STATE_RECEIVED

"""Goods that are still to come: promised behind those in hand, held against supply, and proved."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import grpc
import pytest

from ordermesh.api.inventory.v1 import (
    CancelSupplyRequest,
    PutSuppliesRequest,
    ReceiveSupplyRequest,
    Supply,
    SupplyReceipt,
)
from ordermesh.api.order.v1 import Destination
from ordermesh.api.routing import v1
from ordermesh.client import proof
from ordermesh.routing.domain.coming import Coming, by_steps, days_ahead, name_of
from tests.eventually import eventually
from tests.routing.house import IF_SOURCED, House, item, key, line, new_id, refused
from tests.routing.looks import has_work_at
from tests.routing.policing import save
from tests.routing.test_explaining import decided
from tests.routing.test_pickup import cents, tier

MONDAY = date(2026, 11, 23)


def test_what_a_day_brings_is_what_was_not_there_the_days_before() -> None:
    there = {"A": {"MUG": 2}}
    dated = [{"A": {"MUG": 2}}, {"A": {"MUG": 5}, "B": {"MUG": 1}}, {"A": {"MUG": 4}}]
    days = [MONDAY + timedelta(days=ahead) for ahead in range(3)]

    assert by_steps(days, there, dated) == (Coming(days[1], {"A": {"MUG": 3}, "B": {"MUG": 1}}),)


def test_the_days_that_are_asked_about_are_as_many_as_the_ledger_answers() -> None:
    now = datetime(2026, 11, 23, 23, 59, tzinfo=UTC)
    days = days_ahead(now)
    assert len(days) == 31
    assert days[0] == date(2026, 11, 24)
    assert list(days) == sorted(set(days))


def test_what_comes_is_never_called_like_a_location() -> None:
    assert name_of("A", MONDAY, {"A"}) == "A@2026-11-23"
    assert name_of("A", MONDAY, {"A", "A@2026-11-23"}) == "A@2026-11-23*"


async def expect(house: House, place: str, quantity: int, *, days: int, **fields: Any) -> None:
    """So much is expected there, surely, within so many days."""
    supply = Supply(
        **{
            "supply_id": f"PO {place}",
            "kind": Supply.KIND_PURCHASE_ORDER,
            "key": key(place),
            "quantity": quantity,
            "state": Supply.STATE_CONFIRMED,
            "confidence_percent": 100,
            **fields,
        }
    )
    supply.expected_time.FromDatetime(datetime.now(UTC) + timedelta(days=days))
    await house.mesh.supplies.PutSupplies(
        PutSuppliesRequest(request_id=new_id(), supplies=[supply])
    )


@pytest.fixture
async def shop(house: House) -> House:
    """Mugs may be promised on supply, lamps may not; routing is told of supply that breaks."""
    await house.stop_inventory()
    await house.start_inventory()

    async def is_back() -> bool:
        try:
            await house.items(item("MUG", promised_on_supply=True), item("LAMP"))
        except grpc.aio.AioRpcError:
            return False
        return True

    await eventually(is_back)
    return house


def parts(decision: v1.Decision) -> dict[tuple[str, bool], int]:
    """Units by location, and whether they are still to come."""
    return {
        (one.location_id, one.HasField("available_time")): sum(each.quantity for each in one.lines)
        for one in decision.plan.shipments
    }


async def test_what_may_not_be_promised_on_supply_is_not(shop: House) -> None:
    await shop.receive({"LAMP at NEAR": 1})
    await expect(shop, "LAMP at NEAR", 9, days=2)

    said = await refused(shop.submit("O-1", line("1", "LAMP", 3), acceptance=IF_SOURCED))

    assert said.reason == "INSUFFICIENT_STOCK"
    assert said.rows()[0]["available"] == "1"


async def test_more_than_ever_comes_is_not_promised(shop: House) -> None:
    await shop.receive({"MUG at NEAR": 1})
    await expect(shop, "MUG at NEAR", 2, days=2)
    said = await refused(shop.submit("O-1", line("1", "MUG", 4), acceptance=IF_SOURCED))
    assert said.reason == "INSUFFICIENT_STOCK"

    await shop.submit("O-2", line("1", "MUG", 4))
    assert parts(await decided(shop, "O-2")) == {("NEAR", False): 1, ("NEAR", True): 2}


async def test_src_6_stock_in_hand_beats_backorder(shop: House) -> None:
    await shop.receive({"MUG at SOUTH": 5})
    await expect(shop, "MUG at NEAR", 3, days=1)
    ranked = [tier("UNFILLED_UNITS"), tier("BACKORDERED_UNITS"), tier("UNITS_BY_RANK")]
    await save(shop, "ranked", tiers=ranked)

    await shop.submit("O-1", line("1", "MUG", 5), policy_id="ranked")

    assert parts(await decided(shop)) == {("SOUTH", False): 5}


async def test_what_is_in_hand_far_away_is_taken_before_what_comes_nearby(shop: House) -> None:
    await shop.receive({"MUG at WEST": 3})
    await expect(shop, "MUG at NEAR", 9, days=1)

    await shop.submit("O-1", line("1", "MUG", 5))

    assert parts(await decided(shop)) == {("WEST", False): 3, ("NEAR", True): 2}


async def test_days_of_waiting_are_days_late(shop: House) -> None:
    await expect(shop, "MUG at NEAR", 9, days=5)

    await shop.submit("O-1", line("1", "MUG", 2), promise_days=3)

    decision = await decided(shop)
    (shipment,) = decision.plan.shipments
    assert 6 <= shipment.days <= 10
    kind = v1.CostTerm.KIND_LATE
    (late,) = [cents(one.amount) for one in decision.cost_terms if one.kind == kind]
    assert late > 0
    assert late % (shipment.days - 3) == 0


async def test_goods_that_are_still_to_come_are_held_and_leave_when_they_have_come(
    shop: House,
) -> None:
    await shop.receive({"MUG at NEAR": 2})
    await expect(shop, "MUG at NEAR", 3, days=5)
    await shop.submit("O-1", line("1", "MUG", 5), acceptance=IF_SOURCED)

    work = {one.HasField("available_time"): one for one in await shop.work("O-1")}
    (reservation,) = await shop.reservations("O-1")
    waiting = {bool(one.supply_id): one.quantity for one in reservation.lines}
    assert waiting == {False: 2, True: 3}
    # Nobody else is promised the same units.
    said = await refused(shop.submit("O-2", line("1", "MUG"), acceptance=IF_SOURCED))
    assert said.reason == "INSUFFICIENT_STOCK"

    await shop.accept(work[False])
    await shop.ship(work[False])
    await shop.accept(work[True])
    assert (await refused(shop.ship(work[True]))).reason == "INSUFFICIENT_STOCK"
    await shop.mesh.supplies.ReceiveSupply(
        ReceiveSupplyRequest(
            request_id=new_id(),
            receipts=[SupplyReceipt(supply_id="PO MUG at NEAR", quantity=3)],
        )
    )
    await shop.ship(work[True])
    assert (await shop.order("O-1")).state == v1.Order.STATE_FULFILLED
    assert await shop.balance("MUG at NEAR") == (0, 0, 0)


async def test_an_order_moves_when_its_supply_will_not_come(shop: House) -> None:
    await expect(shop, "MUG at NEAR", 3, days=5)
    await shop.submit("O-1", line("1", "MUG", 2))
    assert parts(await decided(shop)) == {("NEAR", True): 2}
    await shop.receive({"MUG at EAST": 9})

    await shop.mesh.supplies.CancelSupply(
        CancelSupplyRequest(request_id=new_id(), supply_id="PO MUG at NEAR")
    )

    await eventually(lambda: has_work_at(shop, "O-1", "EAST"))
    assert await shop.balance("MUG at EAST") == (9, 2, 7)
    assert await shop.books_balance()


async def test_a_decision_on_supply_is_proved_and_made_again(shop: House) -> None:
    await shop.receive({"MUG at NEAR": 2})
    await expect(shop, "MUG at NEAR", 3, days=5)
    await shop.submit("O-1", line("1", "MUG", 4))
    decision = await decided(shop)
    name = decision.decision_id

    exported = await shop.mesh.sourcing.ExportDecision(v1.ExportDecisionRequest(decision_id=name))
    record = json.loads(exported.record_json)
    proof.check(record)
    (later,) = [one for one in record["problem"]["candidates"] if one["available_from"]]
    assert (later["source_id"], later["available"]) == ("NEAR", [["MUG", 3]])
    replay = v1.ReplayDecisionRequest(decision_id=name)
    assert (await shop.mesh.sourcing.ReplayDecision(replay)).identical
    # Another policy counts on the supply of then, whatever has become of it.
    await shop.mesh.supplies.CancelSupply(
        CancelSupplyRequest(request_id=new_id(), supply_id="PO MUG at NEAR")
    )
    under = v1.ReplayDecisionRequest(decision_id=name, policy_id="default")
    again = (await shop.mesh.sourcing.ReplayDecision(under)).decision
    assert parts(again) == parts(decision) == {("NEAR", False): 2, ("NEAR", True): 2}


async def promised(house: House, sku: str, quantity: int) -> v1.PromiseOption:
    request = v1.GetPromiseRequest(
        lines=[v1.SourcingLine(line_id="1", sku=sku, quantity=quantity)],
        destination=Destination(country_code="US", postal_code="60601"),
        objectives=[v1.PromiseObjective.PROMISE_OBJECTIVE_CHEAPEST],
    )
    (option,) = (await house.mesh.promises.GetPromise(request)).options
    return option


async def test_a_promise_counts_on_supply_only_where_an_order_would(shop: House) -> None:
    await shop.receive({"LAMP at NEAR": 1, "MUG at NEAR": 1})
    await expect(shop, "LAMP at NEAR", 9, days=5)
    await expect(shop, "MUG at NEAR", 2, days=5)

    lamps = await promised(shop, "LAMP", 2)
    assert [(one.sku, one.quantity) for one in lamps.unpromised_lines] == [("LAMP", 1)]
    in_hand = await promised(shop, "MUG", 1)
    mugs = await promised(shop, "MUG", 3)
    assert not in_hand.unpromised_lines
    assert not mugs.unpromised_lines
    assert [one.location_id for one in mugs.shipments] == ["NEAR", "NEAR"]
    waits = date.fromisoformat(mugs.window.date) - date.fromisoformat(in_hand.window.date)
    assert 5 <= waits.days <= 7

    await shop.submit("O-1", line("1", "MUG", 3), promise_time=mugs.window.latest_time)
    assert parts(await decided(shop)) == {("NEAR", False): 1, ("NEAR", True): 2}

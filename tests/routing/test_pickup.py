"""Orders that customers collect: what the place has, and what transfer lanes bring there."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

from ordermesh.api.order.v1 import FulfillmentMethod
from ordermesh.api.routing import v1
from ordermesh.client import proof
from tests.routing.house import IF_SOURCED, House, entry, line, new_id, refused, usd
from tests.routing.policing import save
from tests.routing.test_explaining import at, decided, explained

SHIP = FulfillmentMethod.FULFILLMENT_METHOD_SHIP
PICK_UP = FulfillmentMethod.FULFILLMENT_METHOD_PICK_UP
CURBSIDE = FulfillmentMethod.FULFILLMENT_METHOD_CURBSIDE

WEDNESDAY = datetime(2026, 11, 25, 18, tzinfo=UTC)


def collected(place: str = "SOUTH", **fields: Any) -> dict[str, Any]:
    """An order that is collected there."""
    return {"method": PICK_UP, "destination": None, "pickup_location_id": place, **fields}


def transfer(from_id: str, to_id: str = "SOUTH", **fields: Any) -> v1.CarriageEntry:
    """A lorry that leaves every day, takes a day, and costs 3.00 and 0.10 for each unit."""
    return v1.CarriageEntry(
        transfer_lane=v1.TransferLane(
            **{
                "lane_id": f"{from_id}-{to_id}",
                "from_location_id": from_id,
                "to_location_id": to_id,
                "cadence_hours": 24,
                "transit": v1.ZoneTransit(zone=1, unit=v1.ZoneTransit.UNIT_DAYS, amount=1),
                "fixed_cost": usd(3),
                "cost_per_unit": usd(0.1),
                **fields,
            }
        )
    )


async def lanes(house: House, *entries: v1.CarriageEntry) -> None:
    await house.mesh.carriage.PutCarriage(
        v1.PutCarriageRequest(request_id=new_id(), entries=entries)
    )


async def store(house: House, **fields: Any) -> None:
    """A store in the south at which customers collect; nothing costs anything but picking."""
    methods = fields.pop("methods", [SHIP, PICK_UP])
    await house.network(entry("SOUTH", methods=methods, priority=3, handling_days=0, **fields))


def units(decision: v1.Decision) -> dict[str, int]:
    return {
        one.location_id: sum(each.quantity for each in one.lines) for one in decision.plan.shipments
    }


def cents(amount: Money) -> int:
    return amount.units * 100 + amount.nanos // 10_000_000


def tier(name: str) -> v1.Tier:
    term = v1.WeightedTerm.Term.Value(f"TERM_{name}")
    return v1.Tier(terms=[v1.WeightedTerm(term=term, weight_thousandths=1000)])


def freight(decision: v1.Decision) -> int:
    kind = v1.CostTerm.KIND_FREIGHT
    return sum(cents(one.amount) for one in decision.cost_terms if one.kind == kind)


async def test_nothing_is_collected_where_nothing_is_handed_over(house: House) -> None:
    await house.stock({"MUG at SOUTH": 5, "MUG at NEAR": 5})
    await lanes(house, transfer("NEAR"))

    said = await refused(house.submit("O-1", line("1", "MUG"), **collected(acceptance=IF_SOURCED)))
    assert said.reason == "CANNOT_BE_SOURCED"

    await house.submit("O-2", line("1", "MUG"), **collected())
    assert (await house.order("O-2")).state == v1.Order.STATE_UNFILLABLE
    told = await explained(house, await decided(house, "O-2"), "SOUTH", "NEAR")
    assert "PICK_UP is not one of its methods" in at(told, "SOUTH").removals[0].fact
    assert at(told, "NEAR").removals[0].fact.startswith("SOUTH: PICK_UP")


async def test_what_is_short_is_not_sent_from_elsewhere_without_a_lane(house: House) -> None:
    await store(house)
    await house.stock({"MUG at SOUTH": 1, "MUG at NEAR": 5})

    said = await refused(
        house.submit("O-1", line("1", "MUG", 2), **collected(acceptance=IF_SOURCED))
    )
    assert said.reason == "INSUFFICIENT_STOCK"
    await house.submit("O-2", line("1", "MUG", 2), **collected())

    decision = await decided(house, "O-2")
    assert units(decision) == {"SOUTH": 1}
    near = at(await explained(house, decision, "NEAR"), "NEAR")
    assert [(one.rule, one.fact) for one in near.removals] == [
        ("OUT_OF_REACH", "it is collected at SOUTH")
    ]


async def test_src_28_the_chosen_pickup_point_supplies_everything_under_any_policy(
    house: House,
) -> None:
    await store(house, pick_fee=usd(9))
    await house.stock({"MUG at SOUTH": 15, "MUG at NEAR": 50, "MUG at EAST": 50})
    await lanes(house, transfer("NEAR"), transfer("EAST"))
    fewest = [tier("UNFILLED_UNITS"), tier("SHIPMENTS"), tier("COST")]
    ranked = [tier("UNFILLED_UNITS"), tier("UNITS_BY_RANK")]
    await save(house, "fewest", tiers=fewest)
    await save(house, "ranked", tiers=ranked)

    for policy_id in ("default", "fewest", "ranked"):
        order_id = f"O-{policy_id}"
        await house.submit(order_id, line("1", "MUG", 5), **collected(policy_id=policy_id))
        decision = await decided(house, order_id)
        assert decision.policy_id == policy_id
        assert units(decision) == {"SOUTH": 5}
        (parcel,) = decision.plan.shipments[0].parcels
        assert (parcel.service_id, parcel.carrier_id, parcel.co2e_milligrams) == ("pickup", "", 0)
        assert freight(decision) == 0


async def test_what_the_place_lacks_is_brought_and_the_lane_is_paid_once(house: House) -> None:
    await store(house, pick_fee=usd(0))
    await house.stock({"MUG at SOUTH": 3, "MUG at NEAR": 9, "LAMP at NEAR": 9})
    await lanes(house, transfer("NEAR"))

    lines = (line("1", "MUG", 5), line("2", "LAMP", 2))
    await house.submit("O-1", *lines, **collected(acceptance=IF_SOURCED))

    decision = await decided(house)
    assert units(decision) == {"NEAR": 4, "SOUTH": 3}
    assert freight(decision) == 300 + 4 * 10
    parcels = {one.location_id: one.parcels for one in decision.plan.shipments}
    assert [one.service_id for one in parcels["NEAR"]] == ["/NEAR-SOUTH"]
    assert [one.carrier_id for one in parcels["NEAR"]] == [""]
    work = {
        one.location_id: (one.method, one.pickup_location_id) for one in await house.work("O-1")
    }
    assert work == {"NEAR": (SHIP, "SOUTH"), "SOUTH": (PICK_UP, "SOUTH")}
    order = await house.order("O-1")
    assert (order.method, order.pickup_location_id) == (PICK_UP, "SOUTH")
    assert await house.balance("MUG at NEAR") == (9, 2, 7)
    assert await house.balance("MUG at SOUTH") == (3, 3, 0)


async def test_a_transfer_is_proved_and_replayed_like_any_other_way(house: House) -> None:
    await store(house, pick_fee=usd(0))
    await house.stock({"MUG at SOUTH": 1, "MUG at NEAR": 9})
    await lanes(house, transfer("NEAR"))
    await house.submit("O-1", line("1", "MUG", 4), **collected())
    decision = await decided(house)

    name = decision.decision_id
    exported = await house.mesh.sourcing.ExportDecision(v1.ExportDecisionRequest(decision_id=name))
    record = json.loads(exported.record_json)
    proof.check(record)
    (lane,) = [one for one in record["problem"]["tariffs"] if one["per_unit"]]
    lane["per_unit"] += 1
    record["certificate"]["problem_hash"] = proof.digest(record["problem"])
    record["seal"] = proof.digest({k: v for k, v in record.items() if k != "seal"})
    with pytest.raises(proof.Refused, match="freight"):
        proof.check(record)
    replay = v1.ReplayDecisionRequest(decision_id=name)
    assert (await house.mesh.sourcing.ReplayDecision(replay)).identical
    under = v1.ReplayDecisionRequest(decision_id=name, policy_id="default")
    again = (await house.mesh.sourcing.ReplayDecision(under)).decision
    assert units(again) == units(decision) == {"NEAR": 3, "SOUTH": 1}


async def test_the_runs_of_a_lane_say_on_which_day_it_can_be_collected(house: House) -> None:
    await store(house)
    await house.stock({"MUG at NEAR": 9})
    await house.network(entry("NEAR", handling_days=0))
    question = v1.SourcingQuestion(
        lines=[v1.SourcingLine(line_id="1", sku="MUG", quantity=1)],
        method=PICK_UP,
        pickup_location_id="SOUTH",
    )

    async def days(**fields: Any) -> int:
        await lanes(house, transfer("NEAR", **fields))
        decision = (await house.source("", question=question)).decision
        (shipment,) = decision.plan.shipments
        return shipment.days

    # A whole cadence passes where nobody knows when a run leaves, and a day on the way.
    assert await days() == 2
    assert await days(cadence_hours=72) == 4
    soon = Timestamp()
    soon.GetCurrentTime()
    soon.FromSeconds(soon.seconds + 60)
    hours = v1.ZoneTransit(zone=1, unit=v1.ZoneTransit.UNIT_HOURS, amount=48)
    assert await days(cadence_hours=720, run_time=soon, transit=hours) == 2


async def test_curbside_is_a_method_of_its_own(house: House) -> None:
    await store(house)
    await house.stock({"MUG at SOUTH": 5})
    await house.submit("O-1", line("1", "MUG"), **collected(method=CURBSIDE))
    assert (await house.order("O-1")).state == v1.Order.STATE_UNFILLABLE

    await store(house, methods=[CURBSIDE])
    await house.submit("O-2", line("1", "MUG"), **collected(method=CURBSIDE))
    (work,) = await house.work("O-2")
    assert (work.location_id, work.method) == ("SOUTH", CURBSIDE)


async def test_collecting_takes_of_the_capacity_for_collecting_alone(house: House) -> None:
    room = v1.Capacity(
        capacity_id="counter", unit=v1.CapacityUnit.CAPACITY_UNIT_UNITS, limit=2, methods=[PICK_UP]
    )
    await store(house, capacities=[room])
    await house.stock({"MUG at SOUTH": 9})

    await house.submit("O-1", line("1", "MUG", 3), **collected())
    assert units(await decided(house, "O-1")) == {"SOUTH": 2}
    await house.submit("O-2", line("1", "MUG"), **collected())
    (unfilled,) = (await house.order("O-2")).lines
    assert unfilled.unfilled_reason == "NO_CAPACITY"
    await house.submit("O-3", line("1", "MUG", 3))
    assert units(await decided(house, "O-3")) == {"SOUTH": 3}


async def promised(house: House, quantity: int, **fields: Any) -> v1.PromiseOption:
    request = v1.GetPromiseRequest(
        lines=[v1.SourcingLine(line_id="1", sku="MUG", quantity=quantity)],
        pickup_location_id="SOUTH",
        **fields,
    )
    (option,) = (await house.mesh.promises.GetPromise(request)).options
    return option


async def test_the_promise_of_a_pickup_counts_on_what_lanes_bring(house: House) -> None:
    await store(house, pick_fee=usd(0))
    await house.stock({"MUG at SOUTH": 1, "MUG at NEAR": 3})
    without = await promised(house, 3)
    assert [one.quantity for one in without.unpromised_lines] == [2]
    await lanes(house, transfer("NEAR"))

    here = await promised(house, 1)
    brought = await promised(house, 3)
    too_many = await promised(house, 9)

    assert [one.location_id for one in here.shipments] == ["SOUTH"]
    assert {one.location_id for one in brought.shipments} == {"SOUTH", "NEAR"}
    assert not brought.unpromised_lines
    # A day until the warehouse has handed over, a day until the run, and one on the way.
    waits = brought.window.latest_time.seconds - here.window.latest_time.seconds
    assert 2 * 86_400 <= waits <= 3 * 86_400 + 900
    assert too_many.unpromised_lines
    assert not too_many.HasField("window")

    await house.submit(
        "O-1",
        line("1", "MUG", 3),
        **collected(promise_time=brought.window.latest_time, acceptance=IF_SOURCED),
    )
    decision = await decided(house)
    assert units(decision) == {"SOUTH": 1, "NEAR": 2}
    assert cents(decision.cost) == cents(brought.cost)

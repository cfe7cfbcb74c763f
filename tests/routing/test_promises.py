"""What can be promised, over gRPC: for products, carts and pickup, and until when it is true."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.dayofweek_pb2 import DayOfWeek

from ordermesh.api.order.v1 import Destination, FulfillmentMethod
from ordermesh.api.routing import v1
from tests.dialects import on_sqlite
from tests.routing.conftest import INVENTORY, ROUTING
from tests.routing.freight import card, carrier, exchange, put, zones
from tests.routing.house import IF_SOURCED, House, entry, new_id, refused, usd
from tests.routing.house import line as order_line
from tests.routing.policing import number, rule, save, text
from tests.routing.requests import a_day
from tests.routing.test_network import ShiftedClock, switch

NOON = datetime(2026, 11, 25, 18, tzinfo=UTC)
"""Wednesday noon in Chicago."""

CHICAGO = Destination(country_code="US", postal_code="60601")
BOTH = [
    FulfillmentMethod.FULFILLMENT_METHOD_SHIP,
    FulfillmentMethod.FULFILLMENT_METHOD_PICK_UP,
]
WEEK = v1.Timetable(
    hours=[
        v1.OpenHours(weekday=day, open_minute=540, close_minute=1020) for day in (1, 2, 3, 4, 5)
    ],
    cut_offs=[v1.CutOff(weekday=day, minute=840) for day in range(1, 8)],
    carrier_pickups=[v1.CarrierPickup(weekday=day, minute=990) for day in (1, 2, 3, 4, 5)],
)

pytestmark = on_sqlite


@pytest.fixture
async def timed(migrated_url: Callable[[str], str]) -> AsyncIterator[tuple[House, ShiftedClock]]:
    """A house at noon of a Wednesday, with mugs near and lamps far."""
    clock = ShiftedClock(NOON)
    opened = House(migrated_url(INVENTORY), migrated_url(ROUTING), clock)
    await opened.open()
    await opened.network(entry("NEAR", methods=BOTH, handling_days=0, timetable=WEEK))
    await opened.stock({"MUG at NEAR": 5, "MUG at EAST": 5, "LAMP at EAST": 5, "LAMP at NEAR": 0})
    yield opened, clock
    await opened.close()


def line(sku: str, quantity: int = 1) -> v1.SourcingLine:
    return v1.SourcingLine(line_id=sku, sku=sku, quantity=quantity)


async def ask(house: House, *lines: v1.SourcingLine, **fields: Any) -> v1.GetPromiseResponse:
    goal = {} if "pickup_location_id" in fields else {"destination": CHICAGO}
    request = v1.GetPromiseRequest(**{"lines": lines, **goal, **fields})
    return await house.mesh.promises.GetPromise(request)


async def fastest(house: House, *lines: v1.SourcingLine, **fields: Any) -> v1.PromiseOption:
    objectives = [v1.PromiseObjective.PROMISE_OBJECTIVE_FASTEST]
    (option,) = (await ask(house, *lines, objectives=objectives, **fields)).options
    return option


def instant(stamp: Any) -> datetime:
    found: datetime = stamp.ToDatetime(tzinfo=UTC)
    return found


async def test_who_asks_wrongly_is_told_so(timed: tuple[House, ShiftedClock]) -> None:
    house, _ = timed
    asked = house.mesh.promises.GetPromise
    nowhere = Destination(country_code="XX", postal_code="1")
    mug = [line("MUG")]
    wrong = {
        "FIELD_VIOLATION": v1.GetPromiseRequest(lines=mug),
        "UNKNOWN_SKU": v1.GetPromiseRequest(lines=[line("UFO")], destination=CHICAGO),
        "UNKNOWN_DESTINATION": v1.GetPromiseRequest(lines=mug, destination=nowhere),
        "NOT_IN_NETWORK": v1.GetPromiseRequest(lines=mug, pickup_location_id="MOON"),
        "DUPLICATE_ENTRY": v1.GetPromiseRequest(lines=mug * 2, destination=CHICAGO),
        "POLICY_NOT_FOUND": v1.GetPromiseRequest(lines=mug, destination=CHICAGO, policy_id="none"),
    }
    for reason, request in wrong.items():
        assert (await refused(asked(request))).reason == reason
    sure = v1.GetPromiseRequest(lines=mug, destination=CHICAGO, confidence_permille=1000)
    assert "confidence_permille" in (await refused(asked(sure))).violations


async def test_before_the_cut_off_it_is_there_tomorrow_and_after_it_a_day_later(
    timed: tuple[House, ShiftedClock],
) -> None:
    house, clock = timed
    before = await ask(house, line("MUG"))
    assert [one.window.date for one in before.options] == ["2026-11-26"] * 4
    first = before.options[0].shipments[0]
    assert first.location_id == "NEAR"
    assert instant(first.ready_time) == datetime(2026, 11, 25, 22, 30, tzinfo=UTC)
    # The answer is true until the cut-off at two in the afternoon.
    until = instant(before.proof.expire_time)
    cut_off = datetime(2026, 11, 25, 20, tzinfo=UTC)
    assert cut_off - timedelta(minutes=2) <= until < cut_off

    clock.set(until - timedelta(seconds=30))
    again = await fastest(house, line("MUG"))
    assert again.window == before.options[0].window
    clock.set(datetime(2026, 11, 25, 20, 0, 1, tzinfo=UTC))
    after = await fastest(house, line("MUG"))
    assert after.window.date == "2026-11-27"


async def test_the_proof_names_what_changes_it(timed: tuple[House, ShiftedClock]) -> None:
    house, _ = timed
    first = (await ask(house, line("MUG"))).proof
    assert (await ask(house, line("MUG"))).proof.network_version == first.network_version
    assert (first.policy_id, first.policy_version) == ("default", 1)

    await house.receive({"MUG at NEAR": 1})
    await house.network(entry("WEST", priority=9))

    second = (await ask(house, line("MUG"))).proof
    assert second.network_version > first.network_version
    assert second.ledger_revision > first.ledger_revision


async def test_a_switch_to_come_ends_what_is_true(timed: tuple[House, ShiftedClock]) -> None:
    house, _ = timed
    storm = NOON + timedelta(minutes=30)
    request = switch("EAST")
    request.start_time.FromDatetime(storm)
    await house.mesh.network.SwitchLocation(request)
    proof = (await ask(house, line("MUG"))).proof
    assert instant(proof.expire_time) == storm


SOON = NOON + timedelta(minutes=20)


def at_once(at: datetime) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(at)
    return made


async def a_season(house: House) -> None:
    await save(house, priority=3, windows=[v1.TimeWindow(start_time=at_once(SOON))])


async def a_rule_that_ends(house: House) -> None:
    ends = v1.TimeWindow(end_time=at_once(SOON))
    await save(house, rules=[rule("R", text("ORDER_CHANNEL", "web"), windows=[ends])])


async def new_rates(house: House) -> None:
    await put(house, zones(), carrier(), card(valid_from_time=at_once(SOON)))


async def another_exchange(house: House) -> None:
    await put(house, exchange("EUR/USD", 1_100_000_000, effective_time=at_once(SOON)))


@pytest.mark.parametrize("coming", [a_season, a_rule_that_ends, new_rates, another_exchange])
async def test_what_is_to_begin_or_end_ends_what_is_true(
    timed: tuple[House, ShiftedClock], coming: Callable[[House], Any]
) -> None:
    house, _ = timed
    await house.network(entry("NEAR", methods=BOTH, timetable=WEEK))
    await coming(house)

    for fields in ({}, {"pickup_location_id": "NEAR"}):
        proof = (await ask(house, line("MUG"), **fields)).proof
        assert instant(proof.expire_time) <= SOON
        assert fields or instant(proof.expire_time) == SOON


async def test_where_a_rule_goes_by_the_clock_nothing_is_true_for_long(
    timed: tuple[House, ShiftedClock],
) -> None:
    house, _ = timed
    late = rule("R", number("LOCATION_CUTOFF_MINUTES", at_most=60))
    await save(house, rules=[late])

    proof = (await ask(house, line("MUG"))).proof

    lasts = instant(proof.expire_time) - instant(proof.create_time)
    assert timedelta() < lasts <= timedelta(minutes=1)


async def a_fact(house: House) -> None:
    outage = v1.FlagFact.FLAG_FACT_LOCATION_HAS_OUTAGE
    fact = v1.PlaceFact(location_id="NEAR", flag=outage, value=1)
    await house.mesh.policies.PutFacts(v1.PutFactsRequest(request_id=new_id(), facts=[fact]))


async def carriage(house: House) -> None:
    await put(house, zones())


async def a_policy(house: House) -> None:
    await save(house, "gold")


@pytest.mark.parametrize("change", [a_fact, carriage, a_policy])
async def test_whatever_changes_a_promise_is_counted(
    timed: tuple[House, ShiftedClock], change: Callable[[House], Any]
) -> None:
    house, _ = timed
    before = (await ask(house, line("MUG"))).proof.network_version

    await change(house)

    assert (await ask(house, line("MUG"))).proof.network_version > before


async def test_each_objective_has_its_own_best(timed: tuple[House, ShiftedClock]) -> None:
    house, _ = timed
    await house.network(entry("EAST", handling_days=0, pick_fee=usd(0)))
    options = (await ask(house, line("MUG"), line("LAMP"))).options
    by_name = {v1.PromiseObjective.Name(one.objective): one for one in options}
    fewest = by_name["PROMISE_OBJECTIVE_FEWEST_PARCELS"]
    greenest = by_name["PROMISE_OBJECTIVE_GREENEST"]
    assert [one.location_id for one in fewest.shipments] == ["EAST"]
    assert fewest.parcel_count == 1
    assert greenest.co2e_grams == min(one.co2e_grams for one in options)
    assert all(one.cost.units > 0 for one in options)
    assert not any(one.unpromised_lines for one in options)
    soonest = by_name["PROMISE_OBJECTIVE_FASTEST"].window.date
    assert soonest == min(one.window.date for one in options)


async def test_what_cannot_be_promised_is_in_the_answer(
    timed: tuple[House, ShiftedClock],
) -> None:
    house, _ = timed
    option = await fastest(house, line("MUG", 11), line("LAMP"))
    (missing,) = option.unpromised_lines
    assert (missing.sku, missing.quantity, missing.reason) == ("MUG", 1, "INSUFFICIENT_STOCK")
    for name in ("NEAR", "EAST", "SOUTH", "WEST"):
        await house.mesh.network.SwitchLocation(switch(name))
    nothing = await fastest(house, line("MUG"))
    assert [one.reason for one in nothing.unpromised_lines] == ["NO_LOCATION"]
    assert not nothing.HasField("window")


async def test_pages_of_products_are_answered_item_by_item(
    timed: tuple[House, ShiftedClock],
) -> None:
    house, _ = timed
    reply = await house.mesh.promises.GetItemPromises(
        v1.GetItemPromisesRequest(skus=["LAMP", "MUG"], destination=CHICAGO)
    )
    assert [one.sku for one in reply.promises] == ["LAMP", "MUG"]
    places = [one.option.shipments[0].location_id for one in reply.promises]
    assert places == ["EAST", "NEAR"]
    assert reply.promises[1].option.window.date == "2026-11-26"


async def test_what_lies_in_a_store_is_ready_for_collection_while_it_is_open(
    timed: tuple[House, ShiftedClock],
) -> None:
    house, clock = timed
    minutes = [v1.ProcessingTime(permille=900, minutes=50)]
    near = entry("NEAR", methods=BOTH, handling_days=0, timetable=WEEK, processing=minutes)
    await house.network(near)
    ready = await fastest(house, line("MUG"), pickup_location_id="NEAR")
    assert instant(ready.window.latest_time) == datetime(2026, 11, 25, 19, tzinfo=UTC)
    assert not ready.window.is_in_days
    assert (ready.cost.units, ready.cost.nanos) == (1, 850_000_000)
    clock.set(datetime(2026, 11, 25, 23, 30, tzinfo=UTC))
    late = await fastest(house, line("MUG"), pickup_location_id="NEAR")
    assert instant(late.window.latest_time) == datetime(2026, 11, 26, 16, tzinfo=UTC)


async def test_why_something_cannot_be_collected_is_said(
    timed: tuple[House, ShiftedClock],
) -> None:
    house, _ = timed

    async def reasons(location_id: str, *lines: v1.SourcingLine) -> set[str]:
        option = await fastest(house, *lines, pickup_location_id=location_id)
        return {one.reason for one in option.unpromised_lines}

    assert await reasons("EAST", line("MUG")) == {"PICK_UP is not one of its methods"}
    assert await reasons("NEAR", line("MUG", 6)) == {"INSUFFICIENT_STOCK"}
    near = entry("NEAR", methods=BOTH, handling_days=0, timetable=WEEK, capacities=[a_day(2)])
    await house.network(near)
    (full,) = await reasons("NEAR", line("MUG", 3))
    assert full.startswith("units-a-day: 2 of 2 units left until 2026-11-26 00:00")


async def test_holidays_and_weekends_are_in_the_promise(
    timed: tuple[House, ShiftedClock],
) -> None:
    house, _ = timed
    table = v1.Timetable()
    table.CopyFrom(WEEK)
    table.holiday_country_code = "US"
    late = entry("NEAR", methods=BOTH, handling_days=1, timetable=table)
    others = [entry(name, methods=[]) for name in ("EAST", "SOUTH", "WEST")]
    await house.network(late, *others)
    # Thursday is Thanksgiving: a day of handling ends on Friday, and a day of transit on Saturday.
    option = await fastest(house, line("MUG"))
    assert option.window.date == "2026-11-28"
    assert DayOfWeek.Name(datetime(2026, 11, 28, tzinfo=UTC).isoweekday()) == "SATURDAY"


async def submitted(house: House, order_id: str, **fields: Any) -> v1.Order:
    reply = await house.submit(order_id, order_line("1", "MUG"), **fields)
    return reply.order


async def test_a_promise_that_is_passed_on_is_kept_by_whoever_can_keep_it(
    timed: tuple[House, ShiftedClock],
) -> None:
    house, clock = timed
    # From EAST it is dearer, but sent at once; from NEAR only until the cut-off.
    await house.network(entry("EAST", handling_days=0, pick_fee=usd(5)))
    promise = (await fastest(house, line("MUG"))).window
    assert promise.date == "2026-11-26"
    order = await submitted(house, "O-1", promise_time=promise.latest_time)
    (work,) = await house.work("O-1")
    assert work.location_id == "NEAR"
    assert order.promise_time == promise.latest_time
    assert order.promise_confidence_permille == 900

    clock.set(datetime(2026, 11, 25, 20, 0, 1, tzinfo=UTC))
    later = (await fastest(house, line("MUG"))).window
    assert later.date == "2026-11-27"
    await submitted(house, "O-2", promise_time=later.latest_time)
    assert (await house.order("O-2")).state == v1.Order.STATE_RELEASED


async def test_what_would_be_late_for_a_promise_is_not_sent_and_the_fact_is_told(
    timed: tuple[House, ShiftedClock],
) -> None:
    house, clock = timed
    promise = (await fastest(house, line("MUG"))).window
    clock.set(datetime(2026, 11, 25, 20, 0, 1, tzinfo=UTC))

    refusal = await refused(
        submitted(house, "O-1", promise_time=promise.latest_time, acceptance=IF_SOURCED)
    )

    assert refusal.reason == "CANNOT_BE_SOURCED"
    await submitted(house, "O-2", promise_time=promise.latest_time)
    reply = await house.source("O-2", validate_only=True)
    near = next(one for one in reply.decision.candidates if one.location_id == "NEAR")
    assert near.removed_by == "PAST_PROMISE"
    assert near.fact == "arrives after 2 days, promised in 1"


async def test_an_order_is_not_promised_before_it_is_made(
    timed: tuple[House, ShiftedClock],
) -> None:
    house, _ = timed
    early = (await fastest(house, line("MUG"))).window.latest_time
    early.FromDatetime(NOON - timedelta(days=1))
    refusal = await refused(submitted(house, "O-1", promise_time=early))
    assert (refusal.reason, list(refusal.violations)) == ("FIELD_VIOLATION", ["promise_time"])
    sure = submitted(house, "O-1", promise_time=early, promise_confidence_permille=1000)
    assert "promise_confidence_permille" in (await refused(sure)).violations


async def test_a_location_that_often_rejects_costs_what_sourcing_again_would(
    timed: tuple[House, ShiftedClock],
) -> None:
    house, _ = timed
    cheapest = [v1.PromiseObjective.PROMISE_OBJECTIVE_CHEAPEST]
    before = (await ask(house, line("MUG"), objectives=cheapest)).options[0]
    near = entry("NEAR", methods=BOTH, handling_days=0, timetable=WEEK, reject_permille=50)
    await house.network(near)

    after = (await ask(house, line("MUG"), objectives=cheapest)).options[0]

    # A twentieth of a split (2.00), the freight of the nearest zone (6.20) and a pick (1.40).
    cents = [one.cost.units * 100 + one.cost.nanos // 10_000_000 for one in (before, after)]
    assert cents[1] - cents[0] == 48

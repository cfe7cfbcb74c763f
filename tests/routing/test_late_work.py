"""What is told of late work over the API: what was expected, what happened, and who is to blame."""

from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console

from ordermesh.api.order.v1 import Destination, FulfillmentMethod
from ordermesh.api.routing import v1
from ordermesh.cli.show import work_table
from tests.eventually import eventually
from tests.routing.house import House, line, new_id, usd
from tests.routing.test_consolidating import a_hub
from tests.routing.test_delivered import deliver
from tests.routing.test_pickup import collected, lanes, store, transfer

DAY = timedelta(days=1)
CHICAGO = Destination(country_code="US", region="IL", postal_code="60601")


def stamp(time: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(time)
    return message


def when(message: Timestamp) -> datetime:
    return message.ToDatetime(tzinfo=UTC)


async def only(house: House, order_id: str = "O-1") -> v1.FulfillmentOrder:
    (work,) = await house.work(order_id)
    return work


async def ship(house: House, work: v1.FulfillmentOrder, **fields: Any) -> v1.FulfillmentOrder:
    request = v1.ShipFulfillmentOrderRequest(
        request_id=new_id(),
        fulfillment_order_id=work.fulfillment_order_id,
        parcels=[v1.Parcel(carrier="UPS", tracking_number="1Z")],
        **fields,
    )
    return (await house.mesh.fulfillments.ShipFulfillmentOrder(request)).fulfillment_order


def charges(work: v1.FulfillmentOrder) -> dict[int, timedelta]:
    found = {one.hop: one.delay_duration.ToTimedelta() for one in work.lateness.hops}
    assert sum(found.values(), timedelta()) == work.lateness.delay_duration.ToTimedelta()
    return {hop: delay for hop, delay in found.items() if delay}


async def test_work_without_a_promise_is_never_late(house: House) -> None:
    await house.stock({"MUG at NEAR": 5})
    await house.submit("O-1", line("1", "MUG"))
    work = await ship(house, await only(house))

    delivered = await deliver(house, work, deliver_time=stamp(datetime.now(UTC) + 90 * DAY))

    assert not delivered.HasField("lateness")
    assert not delivered.expected.HasField("promise_time")
    assert delivered.expected.HasField("arrival_time")


async def test_work_that_is_sourced_again_too_late_blames_the_decision(house: House) -> None:
    await house.stock({"MUG at NEAR": 5, "MUG at EAST": 5})
    ago = stamp(datetime.now(UTC) - 30 * DAY)
    await house.submit("O-1", line("1", "MUG"), order_time=ago, promise_days=5)
    await house.reject(await only(house))

    async def is_sourced_again() -> bool:
        *_, last = await house.work("O-1")
        is_free = last.state == v1.FulfillmentOrder.STATE_RELEASED
        return is_free and last.location_id == "EAST"

    await eventually(is_sourced_again)
    rejected, again = await house.work("O-1")

    assert not rejected.HasField("lateness")
    assert again.lateness.hop_to_blame == v1.Hop.HOP_DECISION
    assert charges(again)[v1.Hop.HOP_DECISION] > 20 * DAY
    assert again.lateness.slack_duration.ToTimedelta() == timedelta()


async def test_a_late_carrier_is_told_from_late_work(house: House) -> None:
    await house.stock({"MUG at NEAR": 5})
    await house.submit("O-1", line("1", "MUG"), promise_days=9)
    planned = await only(house)
    assert planned.HasField("release_time")
    assert not planned.HasField("lateness")
    expected = planned.expected
    assert expected.release_time.ToNanoseconds() == planned.create_time.ToNanoseconds()
    times = [expected.release_time, expected.ready_time, expected.ship_time, expected.arrival_time]
    assert [when(one) for one in times] == sorted(when(one) for one in times)
    promised = when(expected.promise_time)

    sent = await ship(house, planned, ready_time=planned.release_time)
    assert when(sent.ship_time) >= when(sent.ready_time) == when(planned.release_time)
    delivered = await deliver(house, sent, deliver_time=stamp(promised + 2 * DAY))

    assert charges(delivered) == {v1.Hop.HOP_TRANSIT: 2 * DAY}
    assert delivered.lateness.hop_to_blame == v1.Hop.HOP_TRANSIT
    assert delivered.lateness.slack_duration.ToTimedelta() == promised - when(expected.arrival_time)
    assert [one.hop for one in delivered.lateness.hops] == [
        v1.Hop.HOP_DECISION,
        v1.Hop.HOP_RELEASE,
        v1.Hop.HOP_HANDLING,
        v1.Hop.HOP_CARRIER,
        v1.Hop.HOP_TRANSIT,
    ]
    assert (await only(house)).lateness == delivered.lateness


def test_a_delay_is_printed_with_its_hops() -> None:
    late = v1.FulfillmentOrder(fulfillment_order_id="F-1", state=v1.FulfillmentOrder.STATE_SHIPPED)
    late.lateness.delay_duration.FromTimedelta(timedelta(days=1, hours=2))
    late.lateness.slack_duration.FromTimedelta(timedelta(hours=5))
    for hop, delay in ((v1.Hop.HOP_RELEASE, 0), (v1.Hop.HOP_HANDLING, 20), (v1.Hop.HOP_TRANSIT, 6)):
        one = late.lateness.hops.add(hop=hop)
        one.delay_duration.FromTimedelta(timedelta(hours=delay))
    late.lateness.hop_to_blame = v1.Hop.HOP_HANDLING
    console = Console(width=200)

    with console.capture() as printed:
        console.print(work_table([late, v1.FulfillmentOrder(fulfillment_order_id="F-2")]))

    words = "F-1 is 1 day, 2:00:00 late: handling 20:00:00, transit 6:00:00 (slack 5:00:00)"
    assert words in printed.get()
    assert "F-2 is" not in printed.get()


async def test_what_is_expected_is_what_would_be_promised(house: House) -> None:
    await house.stock({"MUG at NEAR": 5})
    asked = v1.GetPromiseRequest(
        channel="web",
        destination=CHICAGO,
        objectives=[v1.PromiseObjective.PROMISE_OBJECTIVE_CHEAPEST],
        lines=[v1.SourcingLine(line_id="1", sku="MUG", quantity=1)],
    )
    (promise,) = (await house.mesh.promises.GetPromise(asked)).options

    await house.submit("O-1", line("1", "MUG"), promise_time=promise.window.latest_time)

    expected = (await only(house)).expected
    assert expected.arrival_time == promise.window.latest_time == expected.promise_time


async def test_what_a_lane_brings_to_be_collected_has_a_way_and_what_lies_there_has_none(
    house: House,
) -> None:
    await store(house, pick_fee=usd(0))
    await house.stock({"MUG at SOUTH": 3, "MUG at NEAR": 9, "LAMP at NEAR": 9})
    await lanes(house, transfer("NEAR"))
    lines = (line("1", "MUG", 5), line("2", "LAMP", 2))
    await house.submit("O-1", *lines, **collected(promise_days=5))

    work = {one.location_id: one for one in await house.work("O-1")}

    here, brought = work["SOUTH"].expected, work["NEAR"].expected
    assert here.ready_time == here.ship_time == here.arrival_time
    assert when(brought.arrival_time) >= when(brought.ship_time) + DAY
    assert here.promise_time == brought.promise_time
    assert work["SOUTH"].method == FulfillmentMethod.FULFILLMENT_METHOD_PICK_UP
    taken = await ship(house, work["SOUTH"])
    assert taken.lateness.delay_duration.ToTimedelta() == timedelta()
    assert [one.hop for one in taken.lateness.hops] == [
        v1.Hop.HOP_DECISION,
        v1.Hop.HOP_RELEASE,
        v1.Hop.HOP_HANDLING,
    ]


async def test_the_customer_waits_for_the_hub_and_not_for_those_who_bring_goods_to_it(
    house: House,
) -> None:
    await a_hub(house)
    await house.stock({"MUG at EAST": 5, "TEA at SOUTH": 5})
    await house.submit("O-1", line("1", "MUG"), line("2", "TEA"), promise_days=9)

    legs = [one for one in await house.work("O-1") if one.hub_location_id]
    (hub,) = [one for one in await house.work("O-1") if not one.hub_location_id]

    assert len(legs) == 2
    assert not any(one.HasField("expected") for one in legs)
    assert when(hub.expected.ship_time) == when(hub.expected.release_time) > when(hub.create_time)
    assert not hub.HasField("release_time")

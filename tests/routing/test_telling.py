"""What routing tells: events without gaps, traces that join, and nobody's personal data."""

import asyncio

from sqlalchemy import select

from ordermesh.api.event.v1 import DeliverRequest, EventEnvelope, WatchEventsRequest
from ordermesh.api.inventory.v1 import ReservationExpired, SupplyBroken
from ordermesh.api.order.v1 import Contact
from ordermesh.api.routing.v1 import FulfillmentOrderShipped, Order, OrderSourced
from ordermesh.routing.store.tables.everything import metadata
from ordermesh.runtime import tables as runtime_tables
from ordermesh.runtime.database import Transaction
from tests.dialects import on_sqlite
from tests.eventually import eventually
from tests.routing.house import IF_SOURCED, House, line, new_id, refused
from tests.spans import Spans

pytestmark = on_sqlite

SECRET = "Ada-Lovelace-4711"


async def events_of(house: House, order_id: str, count: int) -> list[EventEnvelope]:
    """The first so many events about an order."""
    found: list[EventEnvelope] = []
    call = house.mesh.events("routing").WatchEvents(
        WatchEventsRequest(start_revision=1, order_id=order_id)
    )
    async with asyncio.timeout(20):
        async for page in call:
            found.extend(revised.event for revised in page.events)
            if len(found) >= count:
                break
    call.cancel()
    return found


async def test_the_story_of_an_order_is_told_in_order_without_gaps(house: House) -> None:
    await house.stock({"MUG at NEAR": 1, "LAMP at EAST": 1, "LAMP at WEST": 1})
    await house.submit("O-1", line("1", "MUG"), line("2", "LAMP"))
    mug, lamp = sorted(await house.work("O-1"), key=lambda one: one.location_id, reverse=True)
    assert (mug.location_id, lamp.location_id) == ("NEAR", "EAST")
    await house.accept(mug)
    await house.ship(mug)
    await house.reject(lamp)
    await eventually(lambda: has_events(house, 6))
    await house.cancel("O-1")

    events = await events_of(house, "O-1", 8)

    assert [event.type.removeprefix("ordermesh.") for event in events] == [
        "order.received.v1",
        "order.sourced.v1",
        "fulfillment_order.accepted.v1",
        "fulfillment_order.shipped.v1",
        "fulfillment_order.rejected.v1",
        "order.sourced.v1",
        "order.cancelled.v1",
        "order.fulfilled.v1",
    ]
    assert [event.sequence for event in events] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert {(event.aggregate_type, event.aggregate_id) for event in events} == {("order", "O-1")}
    sourced = OrderSourced.FromString(events[1].payload)
    assert {one.location_id for one in sourced.fulfillment_orders} == {"NEAR", "EAST"}
    assert sourced.order.state == Order.STATE_RELEASED
    shipped = FulfillmentOrderShipped.FromString(events[3].payload)
    assert shipped.fulfillment_order.parcels[0].tracking_number == "1Z"


async def has_events(house: House, count: int) -> bool:
    return len(await events_of(house, "O-1", count)) >= count


async def test_an_order_that_was_not_made_is_never_told_of(house: House) -> None:
    await house.stock({"MUG at NEAR": 1})
    await refused(house.submit("O-1", line("1", "MUG", 5), acceptance=IF_SOURCED))

    await house.submit("O-1", line("1", "MUG", 1), acceptance=IF_SOURCED)

    events = await events_of(house, "O-1", 2)
    assert [(event.sequence, event.type) for event in events] == [
        (1, "ordermesh.order.received.v1"),
        (2, "ordermesh.order.sourced.v1"),
    ]


async def test_a_hold_that_expired_wakes_its_order_and_is_made_anew(house: House) -> None:
    await house.stock({"MUG at NEAR": 1})
    await house.submit("O-1", line("1", "MUG"))
    (reservation,) = await house.reservations("O-1")
    event = EventEnvelope(
        event_id=new_id(),
        type="ordermesh.reservation.expired.v1",
        source="inventory",
        aggregate_type="reservation",
        aggregate_id=reservation.reservation_id,
        sequence=1,
        payload_type="ordermesh.api.inventory.v1.ReservationExpired",
        payload=ReservationExpired(
            reservation_id=reservation.reservation_id, order_id="O-1"
        ).SerializeToString(),
        order_id="O-1",
    )
    event.event_time.GetCurrentTime()

    reply = await house.mesh.inbox("routing").Deliver(DeliverRequest(events=[event]))
    again = await house.mesh.inbox("routing").Deliver(DeliverRequest(events=[event]))

    assert (reply.recorded_count, again.recorded_count) == (1, 0)
    # The order has its stock for good, so there is nothing to do for it.
    assert (await house.order("O-1")).state == Order.STATE_RELEASED
    assert await house.balance("MUG at NEAR") == (1, 1, 0)


async def test_an_order_whose_supply_is_broken_is_looked_at_again(house: House) -> None:
    await house.stock({"MUG at NEAR": 1})
    await house.submit("O-1", line("1", "MUG"))
    (reservation,) = await house.reservations("O-1")
    events = [
        EventEnvelope(
            event_id=new_id(),
            type="ordermesh.supply.broken.v1",
            source="inventory",
            aggregate_type="reservation",
            aggregate_id=reservation.reservation_id,
            sequence=sequence,
            payload_type="ordermesh.api.inventory.v1.SupplyBroken",
            payload=SupplyBroken(
                reservation_id=reservation.reservation_id, order_id=order_id
            ).SerializeToString(),
            order_id=order_id,
        )
        for sequence, order_id in enumerate(("O-1", "NOBODY", ""), start=1)
    ]
    for event in events:
        event.event_time.GetCurrentTime()

    reply = await house.mesh.inbox("routing").Deliver(DeliverRequest(events=events))

    assert reply.recorded_count == len(events)
    assert (await house.order("O-1")).state == Order.STATE_RELEASED


async def test_submit_source_and_reserve_are_one_trace(house: House, spans: Spans) -> None:
    await house.stock({"MUG at NEAR": 5})

    await house.submit("O-1", line("1", "MUG", 2))

    (source,) = spans.named("source")
    (reserve,) = spans.named("reserve")
    (submit,) = [
        span
        for span in spans.all()
        if span.name.endswith("OrderService/SubmitOrder") and span.kind.name == "SERVER"
    ]
    traces = {span.context.trace_id for span in (source, reserve, submit) if span.context}
    assert len(traces) == 1
    told = dict(source.attributes or {})
    assert told["ordermesh.order_id"] == "O-1"
    assert told["ordermesh.sourcing.method"] == "EXACT"
    assert told["ordermesh.sourcing.status"] == "OPTIMAL"
    assert told["ordermesh.sourcing.objective"] == told["ordermesh.sourcing.bound"]
    assert told["ordermesh.sourcing.gap"] == 0.0
    assert told["ordermesh.sourcing.candidates"] == 4
    assert dict(submit.attributes or {})["ordermesh.order_id"] == "O-1"


async def test_the_trace_of_goods_that_leave_names_the_order(house: House, spans: Spans) -> None:
    await house.stock({"MUG at NEAR": 5})
    await house.submit("O-1", line("1", "MUG", 2))
    (work,) = await house.work("O-1")

    await house.ship(work)

    (ship,) = spans.named("ship")
    (call,) = [
        span
        for span in spans.all()
        if span.name.endswith("FulfillmentService/ShipFulfillmentOrder")
        and span.kind.name == "SERVER"
    ]
    for span in (ship, call):
        assert dict(span.attributes or {})["ordermesh.order_id"] == "O-1"
    assert ship.context is not None
    assert call.context is not None
    assert ship.context.trace_id == call.context.trace_id


async def test_personal_data_is_in_one_table_and_nowhere_else(house: House, spans: Spans) -> None:
    await house.stock({"MUG at NEAR": 5})
    contact = Contact(
        name=SECRET, email=f"{SECRET}@example.com", phone=SECRET, address_lines=[SECRET]
    )

    await house.submit("O-1", line("1", "MUG", 2), contact=contact)
    for work in await house.work("O-1"):
        await house.ship(work)

    database = house.database
    assert database is not None

    async def read(tx: Transaction) -> dict[str, str]:
        tables = [*metadata.sorted_tables, *runtime_tables.metadata.sorted_tables]
        return {table.name: repr((await tx.execute(select(table))).all()) for table in tables}

    found = {name for name, written in (await database.read(read)).items() if SECRET in written}
    assert found == {"contact"}
    told = repr([(span.name, span.attributes, span.events) for span in spans.all()])
    assert SECRET not in told


async def test_what_is_told_of_the_largest_order_is_taken_by_every_peer(house: House) -> None:
    skus = [f"SKU-{number}".rjust(128, "-") for number in range(500)]
    await house.items(*skus)
    await house.stock({f"{sku} at NEAR": 1 for sku in skus})
    lines = [line(str(number).rjust(128, "-"), sku) for number, sku in enumerate(skus)]
    await house.submit("O-1", *lines)

    for event in await events_of(house, "O-1", 2):
        reply = await house.mesh.inbox("routing").Deliver(DeliverRequest(events=[event]))
        assert reply.recorded_count == 1

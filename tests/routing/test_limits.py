"""Purchase limits and quotas of the ledger's are answers about an order, not faults."""

import asyncio
from typing import Any

import grpc
import pytest
from sqlalchemy import func, select

from ordermesh.api.inventory.v1 import Control, ControlKind, ReleaseRequest
from ordermesh.api.routing.v1 import Order
from ordermesh.routing.operations.records import WORK_KIND
from ordermesh.runtime.tables import work
from tests.dialects import on_sqlite
from tests.eventually import eventually
from tests.routing.house import (
    ALWAYS,
    IF_SOURCED,
    House,
    item,
    line,
    new_id,
    refused,
    submission,
)
from tests.routing.looks import has_work_at, only_line
from tests.routing.test_crashes import CrashAt, holds, restart_after


def limit(kind: "ControlKind.ValueType", value: int, **fields: Any) -> Control:
    return Control(control_id="C-1", kind=kind, value=value, **fields)


PER_CUSTOMER = ControlKind.CONTROL_KIND_LIMIT_PER_CUSTOMER
PER_ORDER = ControlKind.CONTROL_KIND_LIMIT_PER_ORDER
PER_LINE = ControlKind.CONTROL_KIND_LIMIT_PER_LINE


async def is_at_peace(house: House) -> bool:
    """Whether nothing is to be done for any order, and nothing was given up."""
    database = house.database
    assert database is not None
    # Dead letters are rows of the same table.
    left = select(func.count()).select_from(work).where(work.c.kind == WORK_KIND)
    count: int = (await database.read(lambda tx: tx.execute(left))).scalar_one()
    return count == 0


async def test_a_checkout_over_a_limit_is_refused_with_the_facts_and_is_no_order(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 9})
    await house.control(limit(PER_CUSTOMER, 3, sku="MUG"))
    await house.submit("O-1", line("1", "MUG", 2), customer="c-7")

    refusal = await refused(
        house.submit("O-2", line("a", "MUG", 2), customer="c-7", acceptance=IF_SOURCED)
    )

    assert (refusal.code, refusal.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "PURCHASE_LIMIT",
    )
    assert refusal.metadata == {
        "lineId": "a",
        "sku": "MUG",
        "per": "customer",
        "limit": "3",
        "wanted": "2",
        "already": "2",
        "controlId": "C-1",
    }
    assert (await refused(house.order("O-2"))).reason == "ORDER_NOT_FOUND"
    assert await house.balance("MUG at NEAR") == (9, 2, 7)
    await eventually(lambda: is_at_peace(house))


async def test_every_line_that_is_over_a_limit_is_named(house: House) -> None:
    await house.stock({"MUG at NEAR": 9, "LAMP at NEAR": 9})
    await house.control(limit(PER_LINE, 1))

    refusal = await refused(
        house.submit("O-1", line("1", "MUG", 2), line("2", "LAMP", 3), acceptance=IF_SOURCED)
    )

    assert [(row["lineId"], row["sku"], row["wanted"]) for row in refusal.rows()] == [
        ("1", "MUG", "2"),
        ("2", "LAMP", "3"),
    ]


async def test_the_same_checkout_asked_again_is_refused_again(house: House) -> None:
    await house.stock({"MUG at NEAR": 9})
    await house.control(limit(PER_ORDER, 1, sku="MUG"))
    request = submission("O-1", line("1", "MUG", 2), acceptance=IF_SOURCED)

    first = await refused(house.mesh.orders.SubmitOrder(request))
    await house.control(limit(PER_ORDER, 9, sku="MUG"))
    second = await refused(house.mesh.orders.SubmitOrder(request))

    assert first.reason == second.reason == "PURCHASE_LIMIT"
    assert first.metadata == second.metadata


async def test_a_paid_order_over_a_limit_is_kept_unfilled_and_says_why(house: House) -> None:
    await house.stock({"MUG at NEAR": 9})
    await house.control(limit(PER_CUSTOMER, 3, sku="MUG"))
    await house.submit("O-1", line("1", "MUG", 2), customer="c-7")

    reply = await house.submit("O-2", line("1", "MUG", 2), customer="c-7")

    one = only_line(reply.order)
    assert reply.order.state == Order.STATE_UNFILLABLE
    assert (one.unfilled_quantity, one.unfilled_reason) == (2, "PURCHASE_LIMIT")
    assert dict(one.unfilled_facts) == {
        "sku": "MUG",
        "per": "customer",
        "limit": "3",
        "wanted": "2",
        "already": "2",
        "controlId": "C-1",
    }
    assert await house.order("O-2") == reply.order
    assert await house.balance("MUG at NEAR") == (9, 2, 7)
    await eventually(lambda: is_at_peace(house))
    assert await house.books_balance()


async def test_the_lines_that_no_limit_is_about_are_sourced(house: House) -> None:
    await house.stock({"MUG at NEAR": 9, "LAMP at EAST": 9})
    await house.control(limit(PER_ORDER, 1, sku="MUG"))

    reply = await house.submit("O-1", line("1", "MUG", 2), line("2", "LAMP", 3))

    mugs, lamps = reply.order.lines
    assert (mugs.sourced_quantity, mugs.unfilled_reason) == (0, "PURCHASE_LIMIT")
    assert (lamps.sourced_quantity, lamps.unfilled_reason) == (3, "")
    assert not lamps.unfilled_facts
    assert reply.order.state == Order.STATE_RELEASED
    assert await has_work_at(house, "O-1", "EAST")
    assert await house.balance("MUG at NEAR") == (9, 0, 9)
    await eventually(lambda: is_at_peace(house))


async def test_a_kit_with_a_component_over_a_limit_is_unfilled_whole(house: House) -> None:
    await house.stock({"MUG at NEAR": 9, "TRAY at NEAR": 9})
    await house.items(item("SET", {"MUG": 4, "TRAY": 1}))
    await house.control(limit(PER_ORDER, 6, sku="MUG"))

    reply = await house.submit("O-1", line("1", "SET", 2))

    assert reply.order.state == Order.STATE_UNFILLABLE
    assert only_line(reply.order).unfilled_quantity == 2
    assert only_line(reply.order).unfilled_facts["sku"] == "MUG"
    assert await house.balance("TRAY at NEAR") == (9, 0, 9)


async def test_sourcing_again_after_the_limit_was_raised_fills_what_it_had_left(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 9})
    await house.control(limit(PER_ORDER, 1, sku="MUG"))
    await house.submit("O-1", line("1", "MUG", 2))
    await house.control(limit(PER_ORDER, 2, sku="MUG"))

    await house.source("O-1")

    one = only_line(await house.order("O-1"))
    assert (one.sourced_quantity, one.unfilled_quantity, one.unfilled_reason) == (2, 0, "")
    assert not one.unfilled_facts


async def test_of_two_orders_of_one_customer_only_what_the_limit_allows_is_sourced(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 9})
    await house.control(limit(PER_CUSTOMER, 3, sku="MUG"))

    await asyncio.gather(
        *(house.submit(f"O-{number}", line("1", "MUG"), customer="c-7") for number in range(6))
    )

    states = [(await house.order(f"O-{number}")).state for number in range(6)]
    assert sorted(states) == [Order.STATE_RELEASED] * 3 + [Order.STATE_UNFILLABLE] * 3
    assert await house.balance("MUG at NEAR") == (9, 3, 6)


async def test_a_limit_of_a_channel_is_for_orders_of_that_channel(house: House) -> None:
    await house.stock({"MUG at NEAR": 9})
    await house.control(limit(PER_ORDER, 1, sku="MUG", channel="amazon"))

    web = await house.submit("O-1", line("1", "MUG", 2), channel="web")
    amazon = await house.submit("O-2", line("1", "MUG", 2), channel="amazon")

    assert web.order.state == Order.STATE_RELEASED
    assert amazon.order.state == Order.STATE_UNFILLABLE


@pytest.mark.parametrize("kind", [PER_ORDER, PER_CUSTOMER])
async def test_work_that_is_sourced_elsewhere_is_not_counted_twice(
    house: House, kind: "ControlKind.ValueType"
) -> None:
    await house.stock({"MUG at NEAR": 2, "MUG at EAST": 2, "MUG at SOUTH": 2})
    await house.control(limit(kind, 4, sku="MUG"))
    await house.submit("O-1", line("1", "MUG", 4), customer="c-7")
    near, east = sorted(await house.work("O-1"), key=lambda one: one.location_id, reverse=True)
    await house.accept(near)

    await house.reject(east)

    await eventually(lambda: has_work_at(house, "O-1", "NEAR", "SOUTH"))
    assert only_line(await house.order("O-1")).sourced_quantity == 4
    assert await house.balance("MUG at EAST") == (2, 0, 2)
    await eventually(lambda: is_at_peace(house))
    assert await house.books_balance()


@on_sqlite
@pytest.mark.parametrize("point", ["before reserve", "after giving back", "committed"])
async def test_it_is_sourced_elsewhere_once_wherever_routing_stops(
    house: House, point: str
) -> None:
    await house.stock({"MUG at NEAR": 2, "MUG at EAST": 2, "MUG at SOUTH": 2})
    await house.control(limit(PER_ORDER, 4, sku="MUG"))
    await house.submit("O-1", line("1", "MUG", 4))
    near, east = sorted(await house.work("O-1"), key=lambda one: one.location_id, reverse=True)
    await house.accept(near)
    crash = CrashAt(point)
    house.at = crash

    call: asyncio.Task[object] = asyncio.ensure_future(house.reject(east))
    await restart_after(house, crash, call)

    places = {("MUG", "NEAR"): 2, ("MUG", "SOUTH"): 2}
    await eventually(lambda: holds(house, "O-1", places))
    assert await house.books_balance()


async def test_a_checkout_over_a_quota_on_open_holds_is_refused_with_the_facts(
    house: House,
) -> None:
    await house.stop_inventory()
    house.quotas = {"customer_hold_units_max": 3}
    await house.start_inventory()
    await house.stock({"MUG at NEAR": 9})
    cart = await house.reserve("MUG at NEAR", 2, customer="c-7")

    refusal = await refused(
        house.submit("O-1", line("1", "MUG", 2), customer="c-7", acceptance=IF_SOURCED)
    )

    assert refusal.reason == "HOLD_QUOTA_EXCEEDED"
    assert refusal.metadata == {
        "per": "customer",
        "of": "units",
        "sku": "MUG",
        "limit": "3",
        "held": "2",
        "wanted": "2",
    }
    await house.mesh.reservations.Release(ReleaseRequest(request_id=new_id(), reservation_id=cart))
    made = await house.submit("O-1", line("1", "MUG", 2), customer="c-7", acceptance=IF_SOURCED)
    assert made.order.state == Order.STATE_RELEASED


async def test_an_order_that_takes_its_cart_over_is_within_the_quota(house: House) -> None:
    await house.stop_inventory()
    house.quotas = {"customer_hold_units_max": 2}
    await house.start_inventory()
    await house.stock({"MUG at NEAR": 9})
    cart = await house.reserve("MUG at NEAR", 2, customer="c-7")

    made = await house.submit(
        "O-1",
        line("1", "MUG", 2),
        customer="c-7",
        acceptance=IF_SOURCED,
        checkout_reservation_ids=[cart],
    )

    assert made.order.state == Order.STATE_RELEASED
    assert await house.balance("MUG at NEAR") == (9, 2, 7)


async def test_who_buys_is_kept_with_the_order_and_told_to_the_ledger(house: House) -> None:
    await house.stock({"MUG at NEAR": 9})

    reply = await house.submit("O-1", line("1", "MUG"), customer="c-7", acceptance=ALWAYS)

    assert reply.order.customer == "c-7"
    (held,) = await house.reservations("O-1")
    assert (held.customer, held.channel) == ("c-7", "web")


@pytest.mark.parametrize("customer", ["ada@example.org", "Ada Lovelace", "c-7\n"])
async def test_a_key_that_looks_like_a_name_or_an_address_is_refused(
    house: House, customer: str
) -> None:
    await house.stock({"MUG at NEAR": 9})

    refusal = await refused(house.submit("O-1", line("1", "MUG"), customer=customer))

    assert refusal.reason == "FIELD_VIOLATION"
    assert "customer" in refusal.violations
    assert customer not in refusal.sentence

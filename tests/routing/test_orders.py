"""Orders and their stock: what is held, moved, given back and refused, as a caller sees it."""

from typing import Any

import grpc
import pytest

from ordermesh.api.routing.v1 import (
    Order,
    Outcome,
    SubmitOrderRequest,
)
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
    usd,
)
from tests.routing.looks import has_work_at, is_free, only_line, total


async def test_sold_out_between_cart_and_checkout(house: House) -> None:
    await house.stock({"MUG at NEAR": 5})
    await house.reserve("MUG at NEAR", 5)

    refusal = await refused(house.submit("O-1", line("1", "MUG", 3), acceptance=IF_SOURCED))

    assert refusal.reason == "INSUFFICIENT_STOCK"
    assert refusal.metadata == {
        "lineId": "1",
        "sku": "MUG",
        "locationId": "NEAR",
        "wanted": "3",
        "available": "0",
    }
    assert await house.balance("MUG at NEAR") == (5, 5, 0)
    assert (await refused(house.order("O-1"))).reason == "ORDER_NOT_FOUND"


async def test_a_refusal_stays_the_same_for_a_retry_and_the_order_can_be_made_anew(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 1})
    request = submission("O-1", line("1", "MUG", 3), acceptance=IF_SOURCED)
    first = await refused(house.mesh.orders.SubmitOrder(request))

    await house.receive({"MUG at NEAR": 9})

    assert await refused(house.mesh.orders.SubmitOrder(request)) == first
    reply = await house.submit("O-1", line("1", "MUG", 3), acceptance=IF_SOURCED)
    assert reply.order.state == Order.STATE_RELEASED


async def test_a_cart_that_holds_the_last_unit_becomes_its_own_order(house: House) -> None:
    await house.stock({"MUG at NEAR": 1})
    cart = await house.reserve("MUG at NEAR", 1)

    reply = await house.submit(
        "O-1", line("1", "MUG", 1), acceptance=IF_SOURCED, checkout_reservation_ids=[cart]
    )

    assert reply.order.state == Order.STATE_RELEASED
    assert await house.balance("MUG at NEAR") == (1, 1, 0)
    assert len(await house.reservations("O-1")) == 1


@pytest.mark.parametrize("acceptance", [IF_SOURCED, ALWAYS])
async def test_a_cart_of_somebody_else_is_not_taken_over(house: House, acceptance: Any) -> None:
    await house.stock({"MUG at NEAR": 1})
    strangers = house.as_caller("somebody-else")
    cart = await house.reserve("MUG at NEAR", 1, mesh=strangers)

    call = house.submit(
        "O-1", line("1", "MUG", 1), acceptance=acceptance, checkout_reservation_ids=[cart]
    )

    if acceptance == IF_SOURCED:
        assert (await refused(call)).reason == "NOT_YOUR_RESERVATION"
    else:
        assert only_line((await call).order).unfilled_quantity == 1
    assert await house.balance("MUG at NEAR") == (1, 1, 0)


@pytest.mark.parametrize("acceptance", [IF_SOURCED, ALWAYS])
async def test_a_cart_that_another_worker_has_for_this_very_order_is_not_taken_from_it(
    house: House, acceptance: Any
) -> None:
    await house.stock({"MUG at NEAR": 1, "MUG at EAST": 1})
    cart = await house.reserve("MUG at NEAR", 1, order_id="O-1", fence=1_000)

    call = house.submit(
        "O-1", line("1", "MUG", 1), acceptance=acceptance, checkout_reservation_ids=[cart]
    )

    if acceptance == IF_SOURCED:
        refusal = await refused(call)
        assert (refusal.reason, refusal.metadata) == ("FENCED", {"reservationId": cart})
    else:
        # It has been paid.
        await call
        await eventually(lambda: has_work_at(house, "O-1", "EAST"))
    assert await house.balance("MUG at NEAR") == (1, 1, 0)


async def test_a_cart_that_never_was_is_refused(house: House) -> None:
    await house.stock({"MUG at NEAR": 1})

    refusal = await refused(
        house.submit(
            "O-1", line("1", "MUG"), acceptance=IF_SOURCED, checkout_reservation_ids=[new_id()]
        )
    )

    assert (refusal.code, refusal.reason) == (
        grpc.StatusCode.NOT_FOUND,
        "RESERVATION_NOT_FOUND",
    )
    assert await house.balance("MUG at NEAR") == (1, 0, 1)


async def test_what_can_be_filled_is_sourced_and_the_rest_is_explained(house: House) -> None:
    await house.stock({"MUG at NEAR": 2, "LAMP at NEAR": 0})

    reply = await house.submit("O-1", line("1", "MUG", 5), line("2", "LAMP", 1))

    mugs, lamps = reply.order.lines
    assert (mugs.sourced_quantity, mugs.unfilled_quantity) == (2, 3)
    assert (lamps.sourced_quantity, lamps.unfilled_quantity) == (0, 1)
    assert lamps.unfilled_reason == "INSUFFICIENT_STOCK"
    assert reply.order.state == Order.STATE_RELEASED
    assert await house.balance("MUG at NEAR") == (2, 2, 0)


async def test_an_order_of_which_nothing_can_be_filled_is_kept_and_explained(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 0})

    reply = await house.submit("O-1", line("1", "MUG", 2))

    assert reply.order.state == Order.STATE_UNFILLABLE
    assert only_line(reply.order).unfilled_reason == "INSUFFICIENT_STOCK"
    assert reply.decision.outcome == Outcome.OUTCOME_INFEASIBLE


async def test_the_same_item_on_two_lines_is_summed(house: House) -> None:
    await house.stock({"MUG at NEAR": 3})

    refusal = await refused(
        house.submit("O-1", line("1", "MUG", 2), line("2", "MUG", 2), acceptance=IF_SOURCED)
    )

    assert {(row["wanted"], row["available"]) for row in refusal.rows()} == {("4", "3")}
    await house.receive({"MUG at NEAR": 1})
    reply = await house.submit(
        "O-1", line("1", "MUG", 2), line("2", "MUG", 2), acceptance=IF_SOURCED
    )
    assert [one.sourced_quantity for one in reply.order.lines] == [2, 2]
    assert await house.balance("MUG at NEAR") == (4, 4, 0)


async def test_two_kits_that_share_a_component_are_summed(house: House) -> None:
    await house.stock({"CUP at NEAR": 3, "TEA at NEAR": 5, "CAKE at NEAR": 5})
    await house.items(
        item("TEA-SET", {"CUP": 2, "TEA": 1}), item("CAKE-SET", {"CUP": 2, "CAKE": 1})
    )
    lines = (line("1", "TEA-SET", 1), line("2", "CAKE-SET", 1))

    refusal = await refused(house.submit("O-1", *lines, acceptance=IF_SOURCED))

    assert refusal.reason == "INSUFFICIENT_STOCK"
    assert all(row["sku"] == "CUP" for row in refusal.rows())
    await house.receive({"CUP at NEAR": 1})
    reply = await house.submit("O-1", *lines, acceptance=IF_SOURCED)
    assert [one.sourced_quantity for one in reply.order.lines] == [1, 1]
    assert await house.balance("CUP at NEAR") == (4, 4, 0)


async def test_a_kit_leaves_from_one_place_and_keeps_its_components_and_price(
    house: House,
) -> None:
    await house.stock({"CUP at NEAR": 9, "CUP at EAST": 9, "TEA at EAST": 9})
    await house.items(item("TEA-SET", {"CUP": 2, "TEA": 1}))

    reply = await house.submit("O-1", line("1", "TEA-SET", 2, unit_price=usd(10)))
    await house.items(item("TEA-SET", {"CUP": 1, "TEA": 1}))

    (work,) = await house.work("O-1")
    assert work.location_id == "EAST"
    assert {(one.sku, one.quantity) for one in work.lines} == {("CUP", 4), ("TEA", 2)}
    one = only_line(await house.order("O-1"))
    assert [(part.sku, part.quantity) for part in one.components] == [("CUP", 2), ("TEA", 1)]
    assert total(part.price_share for part in one.components) == 10 * 10**9
    assert only_line(reply.order).sourced_quantity == 2
    await house.ship(work)
    assert only_line(await house.order("O-1")).shipped_quantity == 2


async def test_a_kit_that_may_split_leaves_from_two_places(house: House) -> None:
    await house.stock({"CUP at NEAR": 9, "TEA at EAST": 9})
    await house.items(item("TEA-SET", {"CUP": 2, "TEA": 1}, may_split=True))

    await house.submit("O-1", line("1", "TEA-SET", 2))

    assert await has_work_at(house, "O-1", "NEAR", "EAST")
    for work in await house.work("O-1"):
        await house.ship(work)
    assert (await house.order("O-1")).state == Order.STATE_FULFILLED


async def test_no_part_of_a_kit_is_sent_without_the_rest(house: House) -> None:
    await house.stock({"CUP at NEAR": 9, "TEA at EAST": 2, "MUG at NEAR": 1})
    await house.items(item("TEA-SET", {"CUP": 2, "TEA": 1}, may_split=True))

    reply = await house.submit("O-1", line("1", "TEA-SET", 3), line("2", "MUG"))

    sets, mugs = reply.order.lines
    assert (sets.sourced_quantity, sets.unfilled_quantity) == (2, 1)
    assert mugs.sourced_quantity == 1
    assert await house.balance("CUP at NEAR") == (9, 4, 5)
    assert await house.balance("TEA at EAST") == (2, 2, 0)
    left = {one.sku: one.unfilled for one in reply.decision.unfilled_lines}
    assert left == {"CUP": 2, "TEA": 1}
    assert total([reply.decision.cost]) == total(one.amount for one in reply.decision.cost_terms)


async def test_a_kit_of_which_a_part_is_nowhere_is_not_sent_at_all(house: House) -> None:
    await house.stock({"CUP at NEAR": 9, "TEA at EAST": 0})
    await house.items(item("TEA-SET", {"CUP": 2, "TEA": 1}, may_split=True))

    reply = await house.submit("O-1", line("1", "TEA-SET", 3))

    assert reply.order.state == Order.STATE_UNFILLABLE
    assert await house.balance("CUP at NEAR") == (9, 0, 9)
    assert not reply.decision.plan.shipments
    assert total([reply.decision.cost]) == total(one.amount for one in reply.decision.cost_terms)


async def test_a_kit_whose_rest_cannot_be_had_any_more_leaves_nothing_behind(house: House) -> None:
    await house.items("CUP", "TEA")
    await house.items(item("TEA-SET", {"CUP": 2, "TEA": 1}, may_split=True))
    await house.receive({"CUP at NEAR": 2, "TEA at EAST": 1})
    await house.submit("O-1", line("1", "TEA-SET"))
    tea = next(one for one in await house.work("O-1") if one.location_id == "EAST")

    await house.reject(tea)

    async def is_given_up() -> bool:
        return (await house.order("O-1")).state == Order.STATE_UNFILLABLE

    # Nobody wants the cups alone.
    await eventually(is_given_up)
    assert await has_work_at(house, "O-1")
    assert only_line(await house.order("O-1")).unfilled_quantity == 1
    # They are given back in a step of their own.
    await eventually(lambda: is_free(house, "CUP at NEAR"))
    assert await house.balance("CUP at NEAR") == (2, 0, 2)


async def test_a_kit_of_which_a_part_comes_from_elsewhere_keeps_the_rest(house: House) -> None:
    await house.items("CUP", "TEA")
    await house.items(item("TEA-SET", {"CUP": 2, "TEA": 1}, may_split=True))
    await house.receive({"CUP at NEAR": 2, "TEA at EAST": 1, "TEA at WEST": 1})
    await house.submit("O-1", line("1", "TEA-SET"))
    tea = next(one for one in await house.work("O-1") if one.location_id == "EAST")

    await house.reject(tea)

    await eventually(lambda: has_work_at(house, "O-1", "NEAR", "WEST"))
    assert await house.balance("CUP at NEAR") == (2, 2, 0)


@pytest.mark.parametrize("acceptance", [ALWAYS, IF_SOURCED])
async def test_more_of_a_component_than_a_line_of_a_reservation_holds_is_refused(
    house: House, acceptance: "SubmitOrderRequest.Acceptance.ValueType"
) -> None:
    await house.items(item("NUT", weight_grams=1))
    await house.items(item("CRATE", {"NUT": 1_000}))
    await house.receive({"NUT at NEAR": 3_000_000})
    crates = line("1", "CRATE", 1_001, keep_together=True)

    refusal = await refused(house.submit("O-1", crates, acceptance=acceptance))

    assert refusal.reason == "FIELD_VIOLATION"
    assert (await refused(house.order("O-1"))).reason == "ORDER_NOT_FOUND"
    crates.quantity = 1_000
    made = await house.submit("O-1", crates, acceptance=acceptance)
    assert made.order.state == Order.STATE_RELEASED

"""What can be promised by a date: what is on hand, and supplies that are there by then."""

from typing import Any

import pytest

from ordermesh.api.inventory.v1 import GetAvailabilityRequest, GetAvailabilityResponse
from ordermesh.inventory.domain.errors.stock import InsufficientStock
from tests.inventory.caller import NO_CONTEXT
from tests.inventory.expecting import Expecting
from tests.inventory.messages import control, item
from tests.inventory.shop import Shop


@pytest.fixture
async def expecting(shop: Shop) -> Expecting:
    """Three mugs at A; four more in two days and five in six; two at B in three."""
    opened = await Expecting.open(shop, "MUG", "CUP")
    await shop.receive({"MUG at A": 3})
    await opened.expect("S1", "MUG at A", 4, 2)
    await opened.expect("S2", "MUG at A", 5, 6, confidence_percent=60)
    await opened.expect("S3", "MUG at B", 2, 3)
    return opened


async def by(
    expecting: Expecting, skus: list[str], places: list[str], *days: float, **fields: Any
) -> GetAvailabilityResponse:
    request = GetAvailabilityRequest(
        skus=skus,
        location_ids=places,
        available_by_times=[expecting.day(one) for one in days],
        **fields,
    )
    return await expecting.shop.availability_service.GetAvailability(request, NO_CONTEXT)


def rows(reply: GetAvailabilityResponse) -> list[tuple[list[int], list[int]]]:
    return [(list(one.quantities), list(one.totals)) for one in reply.dated]


async def test_each_date_has_what_is_there_by_then_at_each_place_and_in_all(
    expecting: Expecting,
) -> None:
    reply = await by(expecting, ["MUG"], ["A", "B"], 1, 2, 3, 6)

    assert rows(reply) == [([3, 0], [3]), ([7, 0], [7]), ([7, 2], [9]), ([12, 2], [14])]
    assert [one.available_by_time for one in reply.dated] == [
        expecting.day(one) for one in (1, 2, 3, 6)
    ]
    assert list(reply.available.quantities) == [3, 0]


async def test_places_where_something_is_only_expected_are_found(expecting: Expecting) -> None:
    reply = await by(expecting, ["MUG"], [], 6)

    assert list(reply.available.location_ids) == ["A", "B"]
    assert rows(reply) == [([12, 2], [14])]
    assert rows(await by(expecting, ["MUG"], [], 6, totals_only=True)) == [([], [14])]


async def test_who_wants_to_be_surer_sees_less(expecting: Expecting) -> None:
    reply = await by(expecting, ["MUG"], ["A"], 6, confidence_percent=61)

    assert rows(reply) == [([7], [7])]


async def test_what_is_promised_of_supply_is_not_available_by_any_date(
    expecting: Expecting,
) -> None:
    cart = await expecting.reserve({"MUG at A": 5}, hold_seconds=60)

    assert rows(await by(expecting, ["MUG"], ["A"], 2, 6)) == [([2], [2]), ([7], [7])]
    without = {"excluding_reservation_ids": [cart.reservation_id]}
    assert rows(await by(expecting, ["MUG"], ["A"], 2, **without)) == [([7], [7])]

    await expecting.shop.let_pass(61)
    assert rows(await by(expecting, ["MUG"], ["A"], 2)) == [([7], [7])]


async def test_what_is_available_by_a_date_can_be_promised_for_it_and_no_more(
    expecting: Expecting,
) -> None:
    for days in (1, 2, 6):
        (cells, _), *_ = rows(await by(expecting, ["MUG"], ["A"], days))

        with pytest.raises(InsufficientStock):
            await expecting.reserve({"MUG at A": cells[0] + 1}, needed_by=days)
        made = await expecting.reserve({"MUG at A": cells[0]}, needed_by=days)
        await expecting.shop.release(made.reservation_id)


async def test_a_buffer_holds_back_of_supply_too(expecting: Expecting) -> None:
    await expecting.shop.put_controls(control("keep", "buffer_units", 5, sku="MUG"))

    assert rows(await by(expecting, ["MUG"], ["A"], 1, 2, 6)) == [
        ([0], [0]), ([2], [2]), ([7], [7]),
    ]  # fmt: skip
    with pytest.raises(InsufficientStock):
        await expecting.reserve({"MUG at A": 3}, needed_by=2)
    await expecting.reserve({"MUG at A": 2}, needed_by=2)
    assert await expecting.shop.is_sound()


async def test_a_kit_has_what_its_components_will_allow(expecting: Expecting) -> None:
    await expecting.shop.put_items(item("SET", {"MUG": 2, "CUP": 1}))
    await expecting.shop.receive({"CUP at A": 1})
    await expecting.expect("S4", "CUP at A", 9, 4)

    assert rows(await by(expecting, ["SET"], ["A"], 1, 2, 4, 6)) == [
        ([1], [1]), ([1], [1]), ([3], [3]), ([6], [6]),
    ]  # fmt: skip


async def test_an_item_that_is_not_promised_on_supply_has_what_is_there(
    expecting: Expecting,
) -> None:
    await expecting.shop.put_items(item("MUG"))

    assert rows(await by(expecting, ["MUG"], ["A"], 6)) == [([3], [3])]

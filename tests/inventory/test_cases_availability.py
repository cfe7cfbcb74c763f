"""The acceptance cases about what is available, by their numbers."""

import pytest

from ordermesh.inventory.domain.errors.stock import InsufficientStock
from tests.inventory.messages import control, item, location
from tests.inventory.shop import Shop


async def total(shop: Shop, *location_ids: str) -> int:
    return (await shop.availability(["MUG"], location_ids)).totals[0]


async def test_inv_14_only_the_locations_asked_for_are_summed(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10, "MUG at B": 7, "MUG at C": 20})
    await shop.reserve({"MUG at A": 4, "MUG at C": 5})

    assert await total(shop, "A", "B") == 13
    assert await total(shop, "C") == 15
    assert await total(shop, "A", "B", "C") == 28


async def test_inv_15_sum_and_parts_agree(shop: Shop) -> None:
    await shop.stock({"MUG at A": 100, "MUG at B": 120})

    assert await total(shop) == 220
    assert await total(shop, "A") == 100
    assert await total(shop, "B") == 120


async def test_inv_16_safety_stock_is_not_for_sale(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    await shop.put_controls(control("safety", "safety_stock", 2, sku="MUG"))

    with pytest.raises(InsufficientStock) as refusal:
        await shop.reserve({"MUG at A": 4})
    assert refusal.value.facts()["available"] == "3"
    reply = await shop.availability(["MUG"], ["A"])
    assert (list(reply.on_hand), list(reply.reserved)) == ([5], [0])
    assert (list(reply.held_back), list(reply.available.quantities)) == ([2], [3])
    await shop.reserve({"MUG at A": 3})


async def test_inv_17_what_is_switched_off_contributes_nothing(shop: Shop) -> None:
    await shop.stock({"MUG at A": 8, "MUG at B": 5})

    await shop.put_locations(location("B", disabled=True))
    assert await total(shop) == 8
    await shop.put_locations(location("B"))
    # A mark on the record of one location, as a control says it.
    await shop.put_controls(control("mark", "exclude", sku="MUG", location_id="B"))
    assert await total(shop) == 8
    with pytest.raises(InsufficientStock):
        await shop.reserve({"MUG at B": 1})
    await shop.delete_controls("mark")
    assert await total(shop) == 13
    await shop.put_items(item("MUG", unsellable=True))
    assert await total(shop) == 0

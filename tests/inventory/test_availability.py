from array import array

import pytest

from ordermesh.api.inventory.v1 import StockEncoding
from ordermesh.inventory.domain.errors.catalog import UnknownLocation, UnknownSku
from ordermesh.inventory.domain.errors.requests import TooMuchAsked
from tests.inventory.messages import item, location
from tests.inventory.shop import Shop


async def total(shop: Shop, *location_ids: str) -> int:
    return sum((await shop.availability(["MUG"], location_ids)).available.quantities)


async def test_an_expired_reservation_no_longer_holds_stock(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    await shop.reserve({"MUG at A": 3}, hold_seconds=60)
    await shop.let_pass(61)

    assert await shop.available("MUG at A") == 5
    await shop.reserve({"MUG at A": 5})


async def test_only_the_locations_asked_for_are_summed(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10, "MUG at B": 7, "MUG at C": 20})
    await shop.reserve({"MUG at A": 4, "MUG at C": 5})

    assert await total(shop, "A", "B") == 13
    assert await total(shop, "C") == 15
    assert await total(shop, "A", "B", "C") == 28


async def test_sum_and_parts_agree(shop: Shop) -> None:
    await shop.stock({"MUG at A": 100, "MUG at B": 120})

    assert await total(shop) == 220
    assert await total(shop, "A") == 100
    assert await total(shop, "B") == 120


async def test_what_is_switched_off_contributes_nothing(shop: Shop) -> None:
    await shop.stock({"MUG at A": 8, "MUG at B": 5})
    await shop.put_locations(location("B", disabled=True))
    assert await total(shop) == 8
    assert (await shop.balance("MUG at B")).available == 0

    await shop.put_locations(location("B"))
    assert await total(shop) == 13
    await shop.put_items(item("MUG", unsellable=True))
    assert await total(shop) == 0
    await shop.put_items(item("MUG"))
    assert await total(shop) == 13


async def test_rows_and_columns_are_in_the_order_of_the_request(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1, "MUG at B": 2, "CUP at A": 3})
    await shop.reserve({"CUP at A": 1})

    reply = await shop.availability(["MUG", "CUP"], ["B", "A"])

    assert list(reply.available.skus) == ["MUG", "CUP"]
    assert list(reply.available.location_ids) == ["B", "A"]
    assert list(reply.available.quantities) == [2, 1, 0, 2]
    assert list(reply.on_hand) == [2, 1, 0, 3]
    assert list(reply.reserved) == [0, 0, 0, 1]
    assert reply.HasField("read_time")


async def test_without_locations_those_with_stock_are_taken_in_the_order_of_ids(
    shop: Shop,
) -> None:
    await shop.stock({"MUG at C": 1, "CUP at A": 1, "MUG at B": 0})

    reply = await shop.availability(["MUG", "CUP"])

    assert list(reply.available.location_ids) == ["A", "C"]
    assert list(reply.available.quantities) == [0, 1, 1, 0]


async def test_a_kit_has_what_its_components_allow(shop: Shop) -> None:
    await shop.stock({"POT at A": 5, "CUP at A": 7, "POT at B": 9})
    await shop.put_items(item("TEA-SET", {"POT": 1, "CUP": 2}))

    reply = await shop.availability(["TEA-SET", "CUP"], ["A", "B"])
    assert list(reply.available.quantities) == [3, 0, 7, 0]
    assert list(reply.on_hand) == [0, 0, 7, 0]

    await shop.reserve({"TEA-SET at A": 1})
    assert await shop.available("TEA-SET at A") == 2
    await shop.put_items(item("TEA-SET", {"POT": 1, "CUP": 2}, unsellable=True))
    assert await shop.available("TEA-SET at A") == 0


async def test_reservations_that_are_left_out_count_as_free(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    cart = await shop.reserve({"MUG at A": 3})
    await shop.reserve({"MUG at A": 2})

    assert await shop.available("MUG at A") == 5
    assert await shop.available("MUG at A", excluding=[cart.reservation_id]) == 8
    await shop.let_pass(15 * 60 + 1)
    assert await shop.available("MUG at A", excluding=[cart.reservation_id]) == 10


async def test_what_does_not_exist_is_named(shop: Shop) -> None:
    await shop.put_items("MUG")

    with pytest.raises(UnknownSku):
        await shop.availability(["MUG", "NOBODY"], ["A"])
    with pytest.raises(UnknownLocation):
        await shop.availability(["MUG"], ["A", "MOON"])


async def test_too_many_pairs_are_refused(shop: Shop) -> None:
    skus = [f"SKU-{number}" for number in range(1000)]
    places = [f"STORE-{number}" for number in range(501)]

    with pytest.raises(TooMuchAsked) as refusal:
        await shop.availability(skus, places)

    assert refusal.value.facts() == {"limit": "500000"}


async def test_fixed_quantities_too_large_for_a_message_are_refused(shop: Shop) -> None:
    skus = [f"SKU-{number}" for number in range(1000)]
    places = [f"STORE-{number}" for number in range(151)]

    with pytest.raises(TooMuchAsked) as refusal:
        await shop.availability(skus, places, encoding=StockEncoding.STOCK_ENCODING_FIXED)

    assert refusal.value.facts() == {"limit": "150000"}


async def test_fixed_quantities_say_what_packed_ones_say(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10**12, "MUG at B": 2, "CUP at A": 3})
    await shop.put_items(item("SET", {"CUP": 1, "MUG": 1}))
    await shop.reserve({"CUP at A": 1})
    skus, places = ["MUG", "CUP", "SET"], ["B", "A"]

    packed = await shop.availability(skus, places)
    fixed = await shop.availability(skus, places, encoding=StockEncoding.STOCK_ENCODING_FIXED)

    assert (list(fixed.available.skus), list(fixed.available.location_ids)) == (skus, places)
    assert list(fixed.available.quantities) == []
    assert array("q", fixed.fixed.available).tolist() == list(packed.available.quantities)
    assert array("q", fixed.fixed.on_hand).tolist() == list(packed.on_hand)
    assert array("q", fixed.fixed.reserved).tolist() == list(packed.reserved)
    assert list(packed.available.quantities) == [2, 10**12, 0, 2, 0, 2]


async def test_totals_are_the_sums_of_what_was_asked_for(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10, "MUG at B": 7, "CUP at B": 3, "MUG at C": 1})
    await shop.put_items(item("SET", {"CUP": 1, "MUG": 1}))

    chosen = await shop.availability(["MUG", "CUP", "SET"], ["A", "B"])
    whole = await shop.availability(["MUG", "CUP", "SET"], totals_only=True)

    assert list(chosen.totals) == [17, 3, 3]
    assert list(whole.totals) == [18, 3, 3]
    assert not whole.HasField("available")
    assert (list(whole.on_hand), list(whole.reserved)) == ([], [])
    assert whole.age_duration.ToNanoseconds() == 0

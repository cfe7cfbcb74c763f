"""Ring-fenced quantities of goods that are still to come: who waits takes of the pool at once."""

import pytest

from ordermesh.api.inventory.v1 import BalanceChange
from ordermesh.inventory.domain.errors.stock import InsufficientStock
from tests.inventory.expecting import Expecting, parts
from tests.inventory.messages import control, selection
from tests.inventory.reading import changes_told
from tests.inventory.shop import Shop
from tests.inventory.test_pools import is_counted_right


@pytest.fixture
async def expecting(shop: Shop) -> Expecting:
    """One mug at A, a hundred more in three days, and five in all for the web."""
    opened = await Expecting.open(shop, "MUG")
    await shop.receive({"MUG at A": 1})
    await opened.expect("S", "MUG at A", 100, 3)
    await shop.put_controls(control("flash", "pool", 5, sku="MUG", channel="web"))
    return opened


async def taken(shop: Shop) -> int:
    """Units that were taken from the pool of the web."""
    assert await is_counted_right(shop)
    return (await shop.explain("MUG at A", "web")).pool.taken


async def dated(expecting: Expecting, channel: str) -> int:
    """What a channel may sell when the supply has come."""
    found = await expecting.shop.availability(
        ["MUG"], ["A"], available_by_times=[expecting.day(5)], channel=channel
    )
    return found.dated[0].quantities[0]


async def test_a_channel_waits_for_no_more_than_its_pool_has(expecting: Expecting) -> None:
    made = await expecting.reserve({"MUG at A": 4}, channel="web")
    assert parts(made) == [("1", 1, ""), ("1", 3, "S")]
    assert await taken(expecting.shop) == 4
    assert (await dated(expecting, "web"), await dated(expecting, "store")) == (1, 96)

    with pytest.raises(InsufficientStock) as refusal:
        await expecting.reserve({"MUG at A": 4}, channel="web")
    assert refusal.value.facts()["available"] == "1"
    await expecting.reserve({"MUG at A": 1}, channel="web")

    assert await taken(expecting.shop) == 5
    assert await expecting.shop.is_sound()


async def test_what_comes_is_kept_for_those_who_took_it_from_the_pool(
    expecting: Expecting,
) -> None:
    made = await expecting.reserve({"MUG at A": 4}, channel="web")
    before = await taken(expecting.shop)

    await expecting.receive("S")

    assert parts(await expecting.shop.reservation(made.reservation_id)) == [
        ("1", 1, ""), ("1", 3, ""),
    ]  # fmt: skip
    assert before == await taken(expecting.shop) == 4
    assert await expecting.shop.available("MUG at A", channel="web") == 1
    assert await expecting.shop.available("MUG at A", channel="store") == 96
    await expecting.shop.ship(made.reservation_id, selection("1"))
    assert await taken(expecting.shop) == 4
    assert await expecting.shop.is_sound()


async def test_who_waits_no_more_gives_units_back_into_the_pool(expecting: Expecting) -> None:
    made = await expecting.reserve({"MUG at A": 5}, channel="web")

    await expecting.shop.release(made.reservation_id, selection("1", 2))
    assert await taken(expecting.shop) == 3
    await expecting.shop.release(made.reservation_id)

    assert await taken(expecting.shop) == 0
    assert (await expecting.get("S")).promised_quantity == 0
    assert await expecting.shop.is_sound()


async def test_a_hold_that_ends_gives_what_it_waited_for_back_into_the_pool(
    expecting: Expecting,
) -> None:
    await expecting.reserve({"MUG at A": 5}, channel="web", hold_seconds=60)
    await expecting.shop.let_pass(61)
    assert await dated(expecting, "web") == 5

    made = await expecting.reserve({"MUG at A": 5}, channel="web", hold_seconds=60)
    assert parts(made) == [("1", 1, ""), ("1", 4, "S")]
    assert await taken(expecting.shop) == 5
    await expecting.shop.let_pass(61)
    await expecting.shop.sweep()

    assert await taken(expecting.shop) == 0
    assert await expecting.shop.is_sound()


async def test_a_cart_that_waits_becomes_an_order_from_the_same_pool(
    expecting: Expecting,
) -> None:
    cart = await expecting.reserve({"MUG at A": 5}, channel="web", hold_seconds=600)

    await expecting.reserve({"MUG at A": 5}, channel="web", replaces=[cart.reservation_id])

    assert await taken(expecting.shop) == 5
    assert await expecting.shop.is_sound()


async def test_a_promise_that_breaks_gives_its_units_back_into_the_pool(
    expecting: Expecting,
) -> None:
    made = await expecting.reserve({"MUG at A": 5}, channel="web")

    await expecting.expect("S", "MUG at A", 2, 3)
    assert await taken(expecting.shop) == 3
    await expecting.cancel("S")
    assert await taken(expecting.shop) == 1
    await expecting.shop.release(made.reservation_id)

    assert await taken(expecting.shop) == 0
    assert await expecting.shop.is_sound()


async def test_who_is_given_units_elsewhere_leaves_the_pool_that_he_waited_for(
    expecting: Expecting,
) -> None:
    await expecting.shop.receive({"MUG at B": 2})
    made = await expecting.reserve({"MUG at A": 5}, channel="web")

    await expecting.shop.reassign(made.reservation_id, (selection("1", 2, "A"), "B"))

    assert await taken(expecting.shop) == 3
    assert (await expecting.shop.explain("MUG at B", "web")).pool.taken == 2
    assert await expecting.shop.is_sound()


async def test_what_waited_before_there_was_a_pool_is_not_counted_in_it(
    expecting: Expecting,
) -> None:
    await expecting.shop.delete_controls("flash")
    made = await expecting.reserve({"MUG at A": 3}, channel="web")
    await expecting.shop.put_controls(control("flash", "pool", 5, sku="MUG", channel="web"))

    await expecting.receive("S")

    assert await taken(expecting.shop) == 0
    await expecting.shop.release(made.reservation_id)
    assert await taken(expecting.shop) == 0
    assert await expecting.shop.is_sound()


async def test_watchers_are_told_that_others_may_have_what_a_pool_is_to_get(
    expecting: Expecting,
) -> None:
    await expecting.shop.receive({"MUG at A": 9})
    await expecting.shop.put_controls(control("late", "buffer_units", 10, sku="MUG", channel="web"))
    assert await expecting.shop.available("MUG at A", channel="store") == 5

    await expecting.reserve({"MUG at A": 4}, channel="web")

    told = await changes_told(expecting.shop.wiring.database, "availability")
    assert BalanceChange.FromString(told[-1].payload).available == 9
    assert await expecting.shop.available("MUG at A") == 9


async def test_lines_with_several_dates_share_a_pool(expecting: Expecting) -> None:
    await expecting.expect("EARLY", "MUG at A", 2, 1)
    wish = [("1", "MUG at A", 3), ("2", "MUG at A", 3)]

    with pytest.raises(InsufficientStock) as refusal:
        await expecting.reserve(wish, channel="web")
    assert refusal.value.facts()["available"] == "5"
    await expecting.reserve({"MUG at A": 3}, channel="web", needed_by=2)
    await expecting.reserve({"MUG at A": 2}, channel="web")

    assert await taken(expecting.shop) == 5

"""Channel controls: put, listed, explained, and obeyed by every decision that begins later."""

import asyncio
from datetime import UTC, datetime

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from ordermesh.inventory.__main__ import assemble
from ordermesh.inventory.domain.errors.control import UnknownControlVersion
from ordermesh.inventory.domain.errors.stock import InsufficientStock
from ordermesh.kernel.ids import RandomIds
from ordermesh.runtime.idempotency import RequestIdReused
from tests.fakes import FakeClock
from tests.inventory.conftest import NOWHERE
from tests.inventory.messages import control, item, key, location, new_id, selection
from tests.inventory.shop import Shop


async def test_a_decision_obeys_what_was_committed_before_it_began(
    shop: Shop, clock: FakeClock
) -> None:
    await shop.stock({"MUG at A": 10})
    # Another replica on the same database, with a table of its own.
    database = shop.wiring.database
    other = Shop(assemble(database, clock, RandomIds(), NOWHERE), clock)

    assert (await other.reserve({"MUG at A": 1})).control_version == 0
    await shop.put_controls(control("safety", "safety_stock", 9))
    with pytest.raises(InsufficientStock) as refusal:
        await other.reserve({"MUG at A": 1})
    await shop.put_controls(control("safety", "safety_stock", 8))
    made = await other.reserve({"MUG at A": 1})

    assert refusal.value.facts()["available"] == "0"
    assert made.control_version == 2
    (movement,) = await other.movements(reservation_id=made.reservation_id)
    assert movement.control_version == 2


async def test_putting_the_same_again_makes_no_version(shop: Shop) -> None:
    await shop.put_items("MUG")
    first = await shop.put_controls(control("a", "cap", 1, sku="MUG"), control("b", "cap", 2))
    again = await shop.put_controls(control("a", "cap", 1, sku="MUG"), control("b", "cap", 3))
    nothing = await shop.put_controls(control("a", "cap", 1, sku="MUG"))

    assert (first.changed_count, first.version) == (2, 1)
    assert (again.changed_count, again.version) == (1, 2)
    assert (nothing.changed_count, nothing.version) == (0, 2)
    listed = await shop.list_controls()
    assert [(one.control_id, one.value, one.version) for one in listed.controls] == [
        ("a", 1, 1),
        ("b", 3, 2),
    ]


async def test_earlier_versions_can_still_be_read(shop: Shop) -> None:
    await shop.put_items("MUG")
    start = Timestamp(seconds=1_700_000_000)
    sale = control("sale", "pool", 5, channel="app", sku="MUG", start_time=start, note="launch")
    await shop.put_controls(sale, control("cap", "cap", 1))
    await shop.put_controls(control("cap", "cap", 2))
    assert await shop.delete_controls("sale", "never-was") == 1

    then = await shop.list_controls(version=2)
    now = await shop.list_controls()

    assert [one.control_id for one in then.controls] == ["cap", "sale"]
    assert then.controls[0].value == 2
    assert then.controls[1].start_time == start
    assert (then.controls[1].note, then.controls[1].channel) == ("launch", "app")
    assert [one.control_id for one in now.controls] == ["cap"]
    assert (then.version, now.version) == (2, 3)
    assert [one.value for one in (await shop.list_controls(version=1)).controls] == [1, 5]
    with pytest.raises(UnknownControlVersion) as refusal:
        await shop.list_controls(version=4)
    assert refusal.value.facts() == {"version": "4", "latestVersion": "3"}


async def test_controls_are_listed_page_by_page(shop: Shop) -> None:
    await shop.put_controls(*(control(f"c{number}", "cap", number) for number in range(5)))

    seen: list[str] = []
    token = ""
    while True:
        page = await shop.list_controls(page_size=2, page_token=token)
        seen += [one.control_id for one in page.controls]
        token = page.next_page_token
        if not token:
            break

    assert seen == ["c0", "c1", "c2", "c3", "c4"]


async def test_a_version_that_was_rolled_back_is_never_taken_for_another(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    request_id = new_id()
    await shop.put_controls(control("a", "cap", 1), request_id=request_id)
    with pytest.raises(RequestIdReused):
        await shop.put_controls(control("b", "cap", 0), request_id=request_id)

    assert (await shop.put_controls(control("a", "cap", 4))).version == 2
    assert await shop.available("MUG at A") == 4


async def test_changes_at_one_moment_make_one_version_after_the_other(shop: Shop) -> None:
    replies = await asyncio.gather(
        *(shop.put_controls(control(f"c{number}", "cap", number)) for number in range(6))
    )

    assert sorted(reply.version for reply in replies) == [1, 2, 3, 4, 5, 6]
    assert len((await shop.list_controls()).controls) == 6


async def test_tags_of_items_and_groups_of_locations_choose_controls(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10, "MUG at B": 10, "CUP at A": 10})
    await shop.put_items(item("MUG", tags=["fragile"]))
    await shop.put_locations(
        location("A", groups=["west", "small"]), location("B", groups=["east"])
    )
    await shop.put_controls(
        control("safety", "safety_stock", 4, tag="fragile", location_group="west"),
        control("late", "buffer_percent", 50, location_group="east", channel="web"),
    )

    web = await shop.availability(["MUG", "CUP"], ["A", "B"], channel="web")
    app = await shop.availability(["MUG", "CUP"], ["A", "B"], channel="app")

    assert list(web.available.quantities) == [6, 5, 10, 0]
    assert list(web.held_back) == [4, 5, 0, 0]
    assert list(app.available.quantities) == [6, 10, 10, 0]
    assert web.control_version == 1
    with pytest.raises(InsufficientStock) as refusal:
        await shop.reserve({"MUG at A": 7, "MUG at B": 6}, channel="web")
    assert refusal.value.facts()["available"] == "6"
    assert refusal.value.facts()["available-2"] == "5"
    await shop.reserve({"MUG at A": 6, "MUG at B": 6}, channel="app")
    # A tag that is taken off takes its control with it, for the very next decision.
    await shop.put_items(item("MUG"))
    await shop.reserve({"MUG at A": 4}, channel="app")


async def test_what_can_be_read_can_be_reserved_and_no_more(shop: Shop) -> None:
    await shop.stock({"MUG at A": 20, "CUP at A": 20})
    await shop.put_items(item("SET", {"MUG": 1, "CUP": 2}))
    await shop.put_controls(
        control("safety", "safety_stock", 3, sku="MUG"),
        control("buffer", "buffer_percent", 25, sku="CUP", channel="web"),
        control("cap", "cap", 6, sku="SET", channel="web"),
        control("none", "exclude", 1, sku="SET", channel="app"),
    )

    for channel, expected in {"web": 6, "app": 0, "": 10, "store": 10}.items():
        there = await shop.available("SET at A", channel=channel)
        assert there == expected, channel
        with pytest.raises(InsufficientStock) as refusal:
            await shop.reserve({"SET at A": there + 1}, channel=channel)
        assert refusal.value.reason == "INSUFFICIENT_STOCK"
        if there:
            made = await shop.reserve({"SET at A": there}, channel=channel)
            await shop.release(made.reservation_id)


async def test_a_kit_that_is_switched_off_cannot_be_reserved(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    await shop.put_items(item("SET", {"MUG": 1}, unsellable=True))

    with pytest.raises(InsufficientStock) as refusal:
        await shop.reserve({"SET at A": 1})

    assert refusal.value.facts() == {
        "sku": "SET", "locationId": "A", "wanted": "1", "available": "0"
    }  # fmt: skip


async def test_promises_are_not_moved_to_where_the_channel_may_not_sell(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5, "MUG at B": 5})
    made = await shop.reserve({"MUG at A": 2}, channel="web", confirm=True)
    await shop.put_controls(control("no", "exclude", 1, location_id="B", channel="web"))

    with pytest.raises(InsufficientStock):
        await shop.reassign(made.reservation_id, (selection("1"), "B"))
    await shop.delete_controls("no")
    await shop.reassign(made.reservation_id, (selection("1"), "B"))

    assert (await shop.balance("MUG at B")).reserved == 2


async def test_overdue_holds_give_way_however_much_is_held_back(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    await shop.put_controls(control("half", "buffer_percent", 50))
    for _ in range(5):
        await shop.reserve({"MUG at A": 1}, hold_seconds=60)
    await shop.let_pass(61)

    assert await shop.available("MUG at A") == 5
    await shop.reserve({"MUG at A": 5})
    assert await shop.is_sound()


async def test_balances_and_their_changes_tell_what_the_controls_leave(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    await shop.put_controls(control("safety", "safety_stock", 3))

    assert (await shop.balance("MUG at A")).available == 7
    received = await shop.receive({"MUG at A": 1})
    assert received.balances[0].available == 8


async def test_it_is_explained_which_control_applies_and_what_it_beats(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    await shop.put_controls(
        control("all", "safety_stock", 1),
        control("mugs", "safety_stock", 3, sku="MUG", note="they break"),
        control("app", "pool", 4, channel="app", sku="MUG"),
        control("flash", "pool", 2, channel="web"),
        control("elsewhere", "cap", 0, location_id="B"),
    )
    await shop.reserve({"MUG at A": 1}, channel="app")

    found = await shop.explain("MUG at A", "web")

    kinds = {one.control.control_id: [b.control_id for b in one.beaten] for one in found.applied}
    assert kinds == {"mugs": ["all"], "flash": []}
    assert found.applied[0].control.note == "they break"
    assert (found.pool.control.control_id, found.pool.taken) == ("flash", 0)
    assert [(one.control.control_id, one.taken) for one in found.other_pools] == [("app", 1)]
    assert (found.free, found.floor, found.available) == (9, 3, 2)
    assert found.version == 1
    assert key("MUG at A").sku == "MUG"
    assert (await shop.explain("MUG at A")).available == 9 - 3 - 3 - 2


async def test_controls_begin_and_end_by_themselves(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    now = await shop.wiring.database.read(lambda tx: tx.now())
    ended, begun = (Timestamp(seconds=int(now.timestamp()) + shift) for shift in (-5, -10))
    later = Timestamp(seconds=int(datetime(2090, 1, 1, tzinfo=UTC).timestamp()))
    await shop.put_controls(
        control("past", "cap", 0, start_time=begun, end_time=ended),
        control("future", "cap", 1, start_time=later),
        control("present", "cap", 7, start_time=begun, end_time=later),
    )

    assert await shop.available("MUG at A") == 7


async def test_a_best_effort_gets_what_the_controls_leave(shop: Shop) -> None:
    await shop.stock({"MUG at A": 9, "CUP at A": 9})
    await shop.put_items(item("SET", {"MUG": 1, "CUP": 1}))
    await shop.put_controls(
        control("safety", "safety_stock", 4, sku="MUG"),
        control("sets", "cap", 2, sku="SET"),
        control("cups", "pool", 5, sku="CUP", channel="app"),
    )

    wish = shop.wish({"SET at A": 4, "MUG at A": 4, "CUP at A": 4}, best_effort=True, channel="web")
    made = await shop.ask(wish)

    assert [one.granted for one in made.line_verdicts] == [2, 3, 2]
    assert (await shop.reserve({"CUP at A": 5}, channel="app")).lines[0].quantity == 5


async def test_promises_of_several_channels_change_places_together(shop: Shop) -> None:
    await shop.stock({"MUG at A": 4, "MUG at B": 4})
    web = await shop.reserve({"MUG at A": 4}, channel="web", confirm=True)
    app = await shop.reserve({"MUG at B": 4}, channel="app", confirm=True)
    await shop.put_controls(control("b", "pool", 2, channel="web", location_id="B"))

    with pytest.raises(InsufficientStock) as refusal:
        await swap(shop, web.reservation_id, app.reservation_id)
    assert refusal.value.facts()["available"] == "2"
    await shop.put_controls(control("b", "pool", 4, channel="web", location_id="B"))
    await swap(shop, web.reservation_id, app.reservation_id)

    assert (await shop.reservation(web.reservation_id)).lines[0].key.location_id == "B"
    assert (await shop.reservation(app.reservation_id)).lines[0].key.location_id == "A"
    assert (await shop.explain("MUG at B", "web")).pool.taken == 4
    assert await shop.is_sound()


async def swap(shop: Shop, at_a: str, at_b: str) -> None:
    await shop.reassign_bulk({at_a: [(selection("1"), "B")], at_b: [(selection("1"), "A")]})


async def test_a_window_is_of_whole_seconds_and_is_the_same_when_it_is_put_again(
    shop: Shop,
) -> None:
    await shop.put_items("MUG")
    window = Duration(seconds=60, nanos=500_000_000)
    limit = control("one", "limit_per_customer", 1, sku="MUG", window=window)
    await shop.put_controls(limit)

    again = await shop.put_controls(limit)

    assert (again.changed_count, again.version) == (0, 1)
    (stored,) = (await shop.list_controls()).controls
    assert stored.window == Duration(seconds=60)

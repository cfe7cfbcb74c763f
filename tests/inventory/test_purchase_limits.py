"""Purchase limits per line, order and customer, checked with the reservation."""

import asyncio
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from ordermesh.api.inventory.v1 import ReservationMode
from ordermesh.inventory.domain.errors.control import PurchaseLimit
from ordermesh.inventory.domain.limits import Buyer
from ordermesh.inventory.domain.reservation import Reservation
from ordermesh.inventory.store.reservations import SqlReservationStore
from tests.dialects import on_postgresql
from tests.eventually import eventually
from tests.inventory.messages import control, item, selection
from tests.inventory.processes import Open, Process
from tests.inventory.reading import insist
from tests.inventory.shop import Shop
from tests.inventory.test_foreseen_switches import before_commits, somebody_waits

NONE = ReservationMode.RESERVATION_MODE_NONE


@pytest.fixture
async def stocked(shop: Shop) -> Shop:
    await shop.stock({"MUG at A": 100, "MUG at B": 100, "CUP at A": 100})
    return shop


async def test_a_line_may_have_so_many_and_no_more(stocked: Shop) -> None:
    await stocked.put_controls(control("line", "limit_per_line", 2, sku="MUG"))

    with pytest.raises(PurchaseLimit) as refusal:
        await stocked.reserve([("1", "MUG at A", 2), ("1", "MUG at B", 1), ("2", "CUP at A", 9)])
    await stocked.reserve([("1", "MUG at A", 2), ("2", "MUG at B", 2)])

    assert refusal.value.facts() == {
        "sku": "MUG", "per": "line", "limit": "2", "wanted": "3", "already": "0",
        "controlId": "line",
    }  # fmt: skip


async def test_what_nobody_records_is_limited_alone_as_in_company(stocked: Shop) -> None:
    await stocked.put_items(item("GIFT", reservation_mode=NONE))
    await stocked.put_controls(control("line", "limit_per_line", 1, sku="GIFT"))

    with pytest.raises(PurchaseLimit) as in_company:
        await stocked.reserve({"GIFT at A": 5, "MUG at A": 1})
    with pytest.raises(PurchaseLimit) as alone:
        await stocked.reserve({"GIFT at A": 5})

    assert alone.value.facts() == in_company.value.facts()
    made = await stocked.reserve({"GIFT at A": 1})
    assert made.control_version == (await stocked.reserve({"MUG at A": 1})).control_version > 0


async def test_an_order_is_counted_over_all_its_reservations(stocked: Shop) -> None:
    await stocked.put_controls(control("order", "limit_per_order", 3, sku="MUG"))
    first = await stocked.reserve({"MUG at A": 2}, order_id="1001")

    with pytest.raises(PurchaseLimit) as refusal:
        await stocked.reserve({"MUG at B": 2}, order_id="1001")
    assert refusal.value.facts()["already"] == "2"
    assert refusal.value.facts()["wanted"] == "2"
    with pytest.raises(PurchaseLimit):
        await stocked.reserve([("1", "MUG at A", 2), ("2", "MUG at B", 2)])

    await stocked.reserve({"MUG at B": 2}, order_id="1002")
    await stocked.reserve({"MUG at A": 3}, order_id="1001", replaces=[first.reservation_id])


async def test_what_an_order_was_sent_counts_though_the_rest_is_reserved_anew(
    stocked: Shop,
) -> None:
    await stocked.put_controls(control("order", "limit_per_order", 3, sku="MUG"))
    first = await stocked.reserve({"MUG at A": 3}, order_id="1001", confirm=True)
    await stocked.ship(first.reservation_id, selection("1", quantity=2))

    with pytest.raises(PurchaseLimit) as refusal:
        await stocked.reserve(
            {"MUG at A": 2}, order_id="1001", replaces=[first.reservation_id], confirm=True
        )
    assert refusal.value.facts()["already"] == "2"
    await stocked.reserve({"MUG at A": 1}, order_id="1001", replaces=[first.reservation_id])
    with pytest.raises(PurchaseLimit):
        await stocked.reserve({"MUG at A": 1}, order_id="1001")


async def test_a_customer_may_have_so_many_within_a_window(stocked: Shop) -> None:
    limit = control("launch", "limit_per_customer", 2, sku="MUG", window=Duration(seconds=3_600))
    await stocked.put_controls(limit)
    await stocked.reserve({"MUG at A": 1}, customer="c-1", confirm=True)
    await stocked.reserve({"MUG at B": 1}, customer="c-1", confirm=True)

    with pytest.raises(PurchaseLimit) as refusal:
        await stocked.reserve({"MUG at A": 1}, customer="c-1")
    await stocked.reserve({"MUG at A": 2}, customer="c-2")
    await stocked.reserve({"CUP at A": 9}, customer="c-1")
    with pytest.raises(PurchaseLimit):
        await stocked.reserve({"MUG at A": 3})

    assert refusal.value.facts() == {
        "sku": "MUG", "per": "customer", "limit": "2", "wanted": "1", "already": "2",
        "controlId": "launch",
    }  # fmt: skip
    await stocked.let_pass(3_601)
    await stocked.reserve({"MUG at A": 2}, customer="c-1")


async def test_what_is_released_or_expires_gives_the_allowance_back(stocked: Shop) -> None:
    await stocked.put_controls(control("two", "limit_per_customer", 2, sku="MUG"))
    made = await stocked.reserve({"MUG at A": 2}, customer="c-1", confirm=True)
    await stocked.release(made.reservation_id, selection("1", 1))
    held = await stocked.reserve({"MUG at A": 1}, customer="c-1", hold_seconds=60)
    with pytest.raises(PurchaseLimit):
        await stocked.reserve({"MUG at A": 1}, customer="c-1")
    await stocked.let_pass(61)

    again = await stocked.reserve({"MUG at A": 1}, customer="c-1", confirm=True)
    await stocked.ship(again.reservation_id, selection("1"))
    with pytest.raises(PurchaseLimit):
        await stocked.reserve({"MUG at A": 1}, customer="c-1")
    assert held.lines[0].quantity == 1


async def test_kits_are_limited_by_their_own_name(stocked: Shop) -> None:
    await stocked.put_items(item("SET", {"MUG": 2, "CUP": 1}, tags=["rare"]))
    await stocked.put_controls(control("rare", "limit_per_customer", 3, tag="rare"))
    await stocked.reserve({"SET at A": 2}, customer="c-1")

    with pytest.raises(PurchaseLimit) as refusal:
        await stocked.reserve({"SET at A": 2}, customer="c-1")
    await stocked.reserve({"SET at A": 1, "MUG at B": 50}, customer="c-1")

    assert (refusal.value.facts()["sku"], refusal.value.facts()["already"]) == ("SET", "2")


async def test_a_limit_of_a_channel_counts_what_was_bought_through_it(stocked: Shop) -> None:
    await stocked.put_controls(control("app", "limit_per_customer", 2, channel="app"))
    await stocked.reserve({"MUG at A": 5}, customer="c-1", channel="web")
    await stocked.reserve({"MUG at A": 2}, customer="c-1", channel="app")

    with pytest.raises(PurchaseLimit):
        await stocked.reserve({"MUG at A": 1}, customer="c-1", channel="app")


async def test_everything_over_a_limit_is_named(stocked: Shop) -> None:
    await stocked.put_controls(
        control("line", "limit_per_line", 2), control("order", "limit_per_order", 3, sku="CUP")
    )

    with pytest.raises(PurchaseLimit) as refusal:
        await stocked.reserve({"MUG at A": 3, "CUP at A": 4}, order_id="1")

    facts = refusal.value.facts()
    assert facts["rows"] == "3"
    named = {(facts[f"sku{n}"], facts[f"per{n}"]) for n in ("", "-2", "-3")}
    assert named == {("MUG", "line"), ("CUP", "line"), ("CUP", "order")}


async def test_one_customer_at_many_doors_at_once_gets_the_limit_and_no_more(
    stocked: Shop,
) -> None:
    await stocked.put_controls(control("three", "limit_per_customer", 3, sku="MUG"))

    async def buy(place: str) -> bool:
        try:
            await insist(lambda: stocked.reserve({place: 1}, customer="c-1"))
        except PurchaseLimit:
            return False
        return True

    bought = await asyncio.gather(*(buy(place) for place in ["MUG at A", "MUG at B"] * 6))

    assert sum(bought) == 3
    assert await stocked.is_sound()


async def test_what_is_reserved_again_must_be_within_the_limit_too(stocked: Shop) -> None:
    await stocked.put_controls(control("two", "limit_per_customer", 2, sku="MUG"))
    lost = await stocked.reserve({"MUG at A": 2}, customer="c-1", hold_seconds=60)
    await stocked.let_pass(61)
    other = await stocked.reserve({"MUG at B": 2}, customer="c-1", confirm=True)

    with pytest.raises(PurchaseLimit) as refusal:
        await stocked.confirm(lost.reservation_id, again=True)
    assert refusal.value.facts()["already"] == "2"
    await stocked.release(other.reservation_id)

    again = await stocked.confirm(lost.reservation_id, again=True)
    assert sum(line.quantity for line in again.lines if line.state == line.STATE_CONFIRMED) == 2


async def test_what_is_reserved_again_counts_in_windows_from_then(stocked: Shop) -> None:
    limit = control("launch", "limit_per_customer", 1, sku="MUG", window=Duration(seconds=3_600))
    await stocked.put_controls(limit)
    lost = [
        await _lost(stocked, customer="ANN", order_id="1001"),
        await _lost(stocked, customer="ANN", order_id="1002"),
    ]
    await stocked.let_pass(3_600)

    await stocked.confirm(lost[0], again=True)

    with pytest.raises(PurchaseLimit) as refusal:
        await stocked.confirm(lost[1], again=True)
    assert refusal.value.facts()["already"] == "1"
    with pytest.raises(PurchaseLimit):
        await stocked.reserve({"MUG at B": 1}, customer="ANN")
    await stocked.let_pass(3_600)
    await stocked.confirm(lost[1], again=True)


async def _lost(stocked: Shop, customer: str, order_id: str) -> str:
    held = await stocked.reserve(
        {"MUG at A": 1}, hold_seconds=60, customer=customer, order_id=order_id
    )
    await stocked.let_pass(61)
    return held.reservation_id


async def test_what_left_beyond_what_was_promised_counts_as_bought(stocked: Shop) -> None:
    await stocked.put_controls(control("order", "limit_per_order", 3, sku="MUG"))
    made = await stocked.reserve({"MUG at A": 2, "CUP at A": 1}, order_id="1001", confirm=True)
    await stocked.ship(made.reservation_id, selection("1", 3), over_ship=True)

    with pytest.raises(PurchaseLimit) as refusal:
        await stocked.reserve({"MUG at B": 1}, order_id="1001")
    assert refusal.value.facts()["already"] == "3"
    # Whoever takes over the rest takes over no more room than there is.
    with pytest.raises(PurchaseLimit):
        await stocked.reserve(
            {"MUG at B": 1}, order_id="1001", replaces=[made.reservation_id], confirm=True
        )
    await stocked.reserve({"CUP at A": 9}, order_id="1001")
    await stocked.reserve({"MUG at B": 3}, order_id="1002")


async def test_kits_that_left_beyond_what_was_promised_count_by_their_own_name(
    stocked: Shop,
) -> None:
    await stocked.put_items(item("SET", {"MUG": 2, "CUP": 1}))
    await stocked.put_controls(
        control("set", "limit_per_customer", 3, sku="SET"),
        control("mug", "limit_per_customer", 3, sku="MUG"),
    )
    made = await stocked.reserve({"SET at A": 1}, customer="ANN", confirm=True)
    await stocked.ship(made.reservation_id, selection("1", 3), over_ship=True)

    with pytest.raises(PurchaseLimit) as refusal:
        await stocked.reserve({"SET at A": 1}, customer="ANN")
    assert refusal.value.facts()["already"] == "3"
    # Their components are no mugs that somebody bought.
    await stocked.reserve({"MUG at A": 3}, customer="ANN")


async def test_what_left_beyond_it_counts_when_a_reservation_is_made_again(stocked: Shop) -> None:
    await stocked.put_controls(control("order", "limit_per_order", 3, sku="MUG"))
    sent = await stocked.reserve({"MUG at A": 1}, order_id="1001", confirm=True)
    held = await stocked.reserve({"MUG at B": 2}, order_id="1001", hold_seconds=10)
    await stocked.ship(sent.reservation_id, selection("1", 2), over_ship=True)
    await stocked.let_pass(11)

    with pytest.raises(PurchaseLimit):
        await stocked.confirm(held.reservation_id, again=True)


async def test_no_more_is_read_of_what_was_bought_than_limits_speak_of(
    stocked: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that many guests share has bought very much, and none of it matters here."""
    read: list[str] = []
    bought = SqlReservationStore.bought

    async def noting(*arguments: Any) -> list[Reservation]:
        found = await bought(*arguments)
        read.extend(str(one.reservation_id) for one in found)
        return found

    monkeypatch.setattr(SqlReservationStore, "bought", noting)
    hour = Duration(seconds=3600)
    await stocked.put_controls(
        control("one", "limit_per_customer", 3, sku="MUG", window=hour),
    )
    await stocked.reserve({"MUG at A": 1}, customer="GUEST", confirm=True)
    await stocked.let_pass(3601)
    for _ in range(3):
        await stocked.reserve({"CUP at A": 1}, customer="GUEST", order_id="1001")
    gone = await stocked.reserve({"MUG at A": 1}, customer="GUEST")
    await stocked.release(gone.reservation_id)
    kept = await stocked.reserve({"MUG at A": 1, "CUP at A": 1}, customer="GUEST")

    read.clear()
    await stocked.reserve({"CUP at A": 1}, customer="GUEST")
    assert read == []
    await stocked.reserve({"MUG at A": 2}, customer="GUEST", order_id="1001")
    assert read == [kept.reservation_id]
    with pytest.raises(PurchaseLimit):
        await stocked.reserve({"MUG at A": 1}, customer="GUEST")


async def test_who_buys_what_is_not_limited_is_not_looked_at_with_who_does(
    stocked: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Buyer] = []
    bought = SqlReservationStore.bought

    async def noting(store: Any, tx: Any, items: Any, buyers: Any, *rest: Any) -> Any:
        asked.extend(buyers)
        return await bought(store, tx, items, buyers, *rest)

    monkeypatch.setattr(SqlReservationStore, "bought", noting)
    await stocked.put_controls(control("one", "limit_per_customer", 3, sku="MUG"))

    await asyncio.gather(
        stocked.reserve({"CUP at A": 1}, customer="GUEST"),
        stocked.reserve({"MUG at A": 1}, customer="ANN"),
    )

    assert {one.customer for one in asked} == {"ANN"}


@on_postgresql
@pytest.mark.parametrize("verb", ["confirm", "extend"])
async def test_what_is_kept_in_the_last_moment_counts_for_who_buys_in_the_next(
    first: Process, another: Open, verb: str
) -> None:
    second = await another()
    await first.put_controls(control("one", "limit_per_customer", 1, sku="MUG"))
    held = await first.reserve({"MUG at A": 1}, customer="ANN", hold_seconds=1)
    more = (60,) if verb == "extend" else ()

    async with before_commits(second) as (written, may_commit):
        keeping = asyncio.create_task(getattr(second, verb)(held.reservation_id, *more))
        await written.wait()
        # From now on the hold would be overdue, if nobody had kept it.
        await asyncio.sleep(1.1)
        wish = asyncio.create_task(first.reserve({"MUG at B": 1}, customer="ANN"))
        await eventually(lambda: has_ended_or_waits(first, wish))
        may_commit.set()
        await keeping

    with pytest.raises(PurchaseLimit):
        await wish


async def has_ended_or_waits(process: Process, wish: "asyncio.Task[Any]") -> bool:
    return wish.done() or await somebody_waits(process)

"""Lines that wait for supply: promised, kept when it comes, broken when it does not."""

import asyncio
from contextvars import Context
from typing import Any

import pytest
from sqlalchemy import select, text

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.api.inventory.v1 import (
    Account,
    Movement,
    ReservationLine,
    ReservationMode,
    ReserveRequest,
    ShortOutcome,
    SupplyBroken,
    SupplyReceipt,
    SupplyWait,
)
from ordermesh.inventory.domain.errors.stock import InsufficientStock, NotStockedHere
from ordermesh.inventory.domain.errors.supply import WaitsForSupply
from ordermesh.inventory.store.supplies import SqlSupplyStore
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.engines import TransactionConflict
from ordermesh.runtime.tables import feed
from ordermesh.runtime.validation import InvalidFields, validate
from tests.dialects import on_postgresql
from tests.inventory.caller import NO_CONTEXT
from tests.inventory.expecting import CANCELLED, FEWER, LATE, Expecting, broken, parts
from tests.inventory.messages import item, new_id, reserve_lines, selection
from tests.inventory.processes import Open, Process
from tests.inventory.shop import Shop


@pytest.fixture
async def expecting(shop: Shop) -> Expecting:
    """Three mugs at A, and ten more in five days."""
    opened = await Expecting.open(shop, "MUG", "CUP")
    await shop.receive({"MUG at A": 3})
    await opened.expect("S", "MUG at A", 10, 5)
    return opened


async def told(shop: Shop) -> list[SupplyBroken]:
    """What events told of broken promises, in their order."""

    async def read(tx: Transaction) -> list[bytes]:
        statement = select(feed.c.payload).where(feed.c.topic == "event")
        found = await tx.execute(statement.order_by(feed.c.change_id))
        return list(found.scalars())

    envelopes = map(EventEnvelope.FromString, await shop.wiring.database.read(read))
    return [
        SupplyBroken.FromString(one.payload)
        for one in envelopes
        if one.type == "ordermesh.supply.broken.v1"
    ]


async def test_on_hand_is_used_first_and_the_rest_waits(expecting: Expecting) -> None:
    made = await expecting.reserve({"MUG at A": 5})

    assert parts(made) == [("1", 3, ""), ("1", 2, "S")]
    balance = await expecting.shop.balance("MUG at A")
    assert (balance.on_hand, balance.reserved, balance.available) == (3, 3, 0)
    assert (await expecting.get("S")).promised_quantity == 2
    assert await expecting.shop.is_sound()


async def test_supplies_are_used_in_the_order_of_their_dates(expecting: Expecting) -> None:
    await expecting.expect("EARLY", "MUG at A", 2, 1)

    made = await expecting.reserve({"MUG at A": 7})

    assert parts(made) == [("1", 3, ""), ("1", 2, "EARLY"), ("1", 2, "S")]


async def test_nobody_waits_who_did_not_say_so(expecting: Expecting) -> None:
    with pytest.raises(InsufficientStock) as refusal:
        await expecting.shop.reserve({"MUG at A": 4})

    assert refusal.value.facts()["available"] == "3"


async def test_more_than_is_there_and_comes_is_refused_with_all_that_could_be_had(
    expecting: Expecting,
) -> None:
    before = await expecting.shop.dump()

    with pytest.raises(InsufficientStock) as refusal:
        await expecting.reserve({"MUG at A": 14})
    assert refusal.value.facts() == {
        "sku": "MUG", "locationId": "A", "wanted": "14", "available": "13",
    }  # fmt: skip
    with pytest.raises(NotStockedHere):
        await expecting.reserve({"MUG at D": 1})
    assert await expecting.shop.dump() == before


async def test_what_comes_too_late_does_not_count(expecting: Expecting) -> None:
    with pytest.raises(InsufficientStock) as refusal:
        await expecting.reserve({"MUG at A": 4}, needed_by=4.9)

    assert refusal.value.facts()["available"] == "3"
    assert parts(await expecting.reserve({"MUG at A": 4}, needed_by=5)) == [
        ("1", 3, ""), ("1", 1, "S"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("beyond the horizon", {"days": 91}),
        ("overdue", {"days": -1}),
        ("too unsure", {"confidence_percent": 49}),
    ],
)
async def test_what_cannot_be_counted_on_is_not_promised(
    expecting: Expecting, what: str, changes: dict[str, Any]
) -> None:
    await expecting.expect("S", "MUG at A", 10, **{"days": 5, **changes})

    with pytest.raises(InsufficientStock):
        await expecting.reserve({"MUG at A": 4})
    assert (await expecting.get("S")).promised_quantity == 0, what


async def test_an_item_is_only_promised_on_supply_when_it_may_be(expecting: Expecting) -> None:
    await expecting.shop.put_items(item("MUG", promised_on_supply=False))

    with pytest.raises(InsufficientStock):
        await expecting.reserve({"MUG at A": 4})


async def test_the_most_urgent_line_gets_what_is_there_first(expecting: Expecting) -> None:
    lines = reserve_lines([("1", "MUG at A", 3), ("2", "MUG at A", 2), ("3", "MUG at A", 1)])
    for line, days in zip(lines[:2], (6, 2), strict=True):
        line.wait.needed_by_time.CopyFrom(expecting.day(days))
    request = ReserveRequest(
        request_id=new_id(), reservation_id=new_id(), lines=lines, confirm=True
    )
    with expecting.calling("Reserve"):
        made = (await expecting.shop.reservations.Reserve(request, NO_CONTEXT)).reservation

    # The third must be on hand; the second cannot wait for the supply, which the first can.
    assert parts(made) == [("1", 3, "S"), ("2", 2, ""), ("3", 1, "")]


async def test_a_kit_waits_for_the_components_that_are_not_there(expecting: Expecting) -> None:
    await expecting.shop.receive({"CUP at A": 9})
    await expecting.shop.put_items(item("SET", {"MUG": 2, "CUP": 1}))

    made = await expecting.reserve({"SET at A": 4})

    assert parts(made) == [("1", 3, ""), ("1", 5, "S"), ("1", 4, "")]
    assert await expecting.shop.is_sound()


def test_a_best_effort_does_not_wait() -> None:
    request = ReserveRequest(
        request_id=new_id(),
        reservation_id=new_id(),
        lines=reserve_lines({"MUG at A": 1}),
        best_effort=True,
        wait=SupplyWait(),
    )
    with pytest.raises(InvalidFields):
        validate(request)


async def test_goods_that_come_go_to_those_who_waited_longest(expecting: Expecting) -> None:
    first = await expecting.reserve({"MUG at A": 5}, order_id="FIRST")
    await expecting.shop.let_pass(1)
    second = await expecting.reserve({"MUG at A": 4}, order_id="SECOND")
    await expecting.shop.let_pass(1)
    third = await expecting.reserve({"MUG at A": 1}, order_id="THIRD")

    reply = await expecting.receive(SupplyReceipt(supply_id="S", quantity=4))

    assert reply.received[0].kept_quantity == 4
    assert list(reply.broken_promises) == []
    read = [await expecting.shop.reservation(one.reservation_id) for one in (first, second, third)]
    assert [parts(one) for one in read] == [
        [("1", 3, ""), ("1", 2, "")],
        [("1", 2, "S"), ("1", 2, "")],
        [("1", 1, "S")],
    ]
    assert (await expecting.get("S")).promised_quantity == 3
    assert await expecting.shop.is_sound()


async def test_the_receipt_and_what_it_promises_are_one_movement(expecting: Expecting) -> None:
    await expecting.reserve({"MUG at A": 5})

    reply = await expecting.receive("S")

    (movement,) = [
        one
        for one in await expecting.shop.movements(sku="MUG")
        if one.movement_id == reply.movement_id
    ]
    assert movement.kind == Movement.KIND_RECEIVED
    assert [(one.from_account, one.to_account, one.quantity) for one in movement.entries] == [
        (Account.ACCOUNT_SUPPLIER, Account.ACCOUNT_FREE, 10),
        (Account.ACCOUNT_FREE, Account.ACCOUNT_RESERVED, 2),
    ]
    balance = await expecting.shop.balance("MUG at A")
    assert (balance.on_hand, balance.reserved, balance.available) == (13, 5, 8)


async def test_a_transfer_is_waited_for_like_any_supply(expecting: Expecting) -> None:
    await expecting.send(expecting.transfer("T", "MUG at B", 3, 2, "A"))
    made = await expecting.reserve({"MUG at B": 2})

    await expecting.receive("T")

    assert parts(await expecting.shop.reservation(made.reservation_id)) == [("1", 2, "")]
    assert await expecting.shop.is_sound()


async def test_a_line_that_waits_is_not_shipped_and_not_short(expecting: Expecting) -> None:
    made = await expecting.reserve({"MUG at A": 5})
    before = await expecting.shop.dump()

    for call in (
        expecting.shop.ship(made.reservation_id, selection("1")),
        expecting.shop.ship(made.reservation_id, selection("1", 4)),
        expecting.shop.short(made.reservation_id, selection("1")),
    ):
        with pytest.raises(WaitsForSupply) as refusal:
            await call
        assert refusal.value.rows[0]["supplyId"] == "S"
    assert await expecting.shop.dump() == before

    # What is there goes.
    await expecting.shop.ship(made.reservation_id, selection("1", 3))
    assert await expecting.shop.is_sound()


async def test_what_is_released_was_waiting_first(expecting: Expecting) -> None:
    made = await expecting.reserve({"MUG at A": 5})

    reply = await expecting.shop.release(made.reservation_id, selection("1", 3))

    assert parts(reply.reservation) == [("1", 2, "")]
    assert (await expecting.get("S")).promised_quantity == 0
    assert await expecting.shop.available("MUG at A") == 1
    assert await expecting.shop.is_sound()


async def test_a_hold_that_ends_gives_its_part_of_the_supply_back(expecting: Expecting) -> None:
    await expecting.reserve({"MUG at A": 13}, hold_seconds=60)
    with pytest.raises(InsufficientStock):
        await expecting.reserve({"MUG at A": 1})
    await expecting.shop.let_pass(61)

    made = await expecting.reserve({"MUG at A": 13})

    assert parts(made) == [("1", 3, ""), ("1", 10, "S")]
    assert await expecting.shop.is_sound()


async def test_an_overdue_hold_gets_nothing_of_what_comes(expecting: Expecting) -> None:
    held = await expecting.reserve({"MUG at A": 5}, hold_seconds=60)
    await expecting.shop.let_pass(61)

    reply = await expecting.receive("S")

    assert (reply.received[0].kept_quantity, list(reply.broken_promises)) == (0, [])
    assert parts(await expecting.shop.reservation(held.reservation_id)) == []
    assert await expecting.shop.available("MUG at A") == 13
    assert await expecting.shop.is_sound()


async def test_a_cart_that_waits_becomes_an_order_that_waits(expecting: Expecting) -> None:
    cart = await expecting.reserve({"MUG at A": 13}, hold_seconds=600)

    order = await expecting.reserve({"MUG at A": 13}, replaces=[cart.reservation_id])

    assert parts(order) == [("1", 3, ""), ("1", 10, "S")]
    assert await expecting.shop.is_sound()


async def test_who_is_given_units_elsewhere_waits_no_more(expecting: Expecting) -> None:
    await expecting.shop.receive({"MUG at B": 2})
    made = await expecting.reserve({"MUG at A": 5})

    moved = await expecting.shop.reassign(made.reservation_id, (selection("1", 2, "A"), "B"))

    assert sorted((line.key.location_id, line.quantity) for line in moved.lines) == [
        ("A", 3), ("B", 2),
    ]  # fmt: skip
    assert (await expecting.get("S")).promised_quantity == 0
    assert await expecting.shop.is_sound()


async def test_a_supply_that_shrinks_breaks_the_newest_promises(expecting: Expecting) -> None:
    for order_id in ("FIRST", "SECOND", "THIRD"):
        await expecting.reserve({"MUG at A": 4}, order_id=order_id)
        await expecting.shop.let_pass(1)

    reply = await expecting.expect("S", "MUG at A", 4, 5)

    # Nine wait for four: of SECOND one unit is lost, of THIRD all.
    assert broken(reply.broken_promises) == [("S", "THIRD", 4, FEWER), ("S", "SECOND", 1, FEWER)]
    stored = await expecting.get("S")
    assert (stored.quantity, stored.promised_quantity) == (4, 4)
    assert await expecting.shop.is_sound()


async def test_a_supply_that_comes_later_breaks_what_cannot_wait(expecting: Expecting) -> None:
    await expecting.reserve({"MUG at A": 3})
    await expecting.reserve({"MUG at A": 2}, needed_by=6, order_id="URGENT")
    await expecting.reserve({"MUG at A": 2}, order_id="PATIENT")

    reply = await expecting.expect("S", "MUG at A", 10, 7)

    assert broken(reply.broken_promises) == [("S", "URGENT", 2, LATE)]
    assert (await expecting.get("S")).promised_quantity == 2


async def test_a_cancelled_supply_breaks_all_promises(expecting: Expecting) -> None:
    await expecting.reserve({"MUG at A": 5}, order_id="FIRST")

    reply = await expecting.cancel("S")
    again = await expecting.cancel("S")

    assert broken(reply.broken_promises) == [("S", "FIRST", 2, CANCELLED)]
    assert list(again.broken_promises) == []


async def test_a_broken_promise_stays_visible_until_somebody_settles_it(
    expecting: Expecting,
) -> None:
    await expecting.shop.receive({"MUG at B": 1})
    made = await expecting.reserve({"MUG at A": 5}, order_id="FIRST")
    await expecting.cancel("S")

    read = await expecting.shop.reservation(made.reservation_id)
    assert parts(read) == [("1", 3, ""), ("1", 2, "S")]
    assert [line.HasField("broken_time") for line in read.lines] == [False, True]
    with pytest.raises(WaitsForSupply):
        await expecting.shop.ship(made.reservation_id, selection("1"))

    moved = await expecting.shop.reassign(made.reservation_id, (selection("1", 1, "A"), "B"))
    assert not any(line.HasField("broken_time") for line in moved.lines if line.quantity == 3)
    released = await expecting.shop.release(made.reservation_id, selection("1", 1, "A"))
    assert sorted(parts(released.reservation)) == [("1", 1, ""), ("1", 3, "")]
    assert await expecting.shop.is_sound()


async def test_an_event_tells_each_reservation_of_its_broken_lines_once(
    expecting: Expecting,
) -> None:
    made = await expecting.reserve({"MUG at A": 5}, order_id="FIRST")
    await expecting.shop.let_pass(1)
    await expecting.reserve({"MUG at A": 1}, order_id="SECOND")

    await expecting.expect("S", "MUG at A", 2, 5)
    await expecting.expect("S", "MUG at A", 1, 5)
    await expecting.cancel("S")

    events = await told(expecting.shop)
    assert [(one.order_id, [line.quantity for line in one.lines]) for one in events] == [
        ("SECOND", [1]), ("FIRST", [1]), ("FIRST", [1]),
    ]  # fmt: skip
    assert events[-1].reservation_id == made.reservation_id
    assert {line.supply_id for one in events for line in one.lines} == {"S"}


async def test_what_comes_covers_a_deficit_before_it_keeps_promises(
    expecting: Expecting,
) -> None:
    await expecting.reserve({"MUG at A": 3}, order_id="HELD")
    await expecting.reserve({"MUG at A": 10}, order_id="WAITING")
    held = (await expecting.shop.all_reservations())[0]
    # Nothing but physical truth opens a deficit; here a count is written into the books.
    await lose(expecting.shop, 2)

    reply = await expecting.receive("S")

    assert reply.received[0].kept_quantity == 8
    assert broken(reply.broken_promises) == [("S", "WAITING", 2, CANCELLED)]
    await expecting.shop.ship(held.reservation_id, selection("1", 3))


async def lose(shop: Shop, units: int) -> None:
    """A deficit, with its entry."""

    async def edit(tx: Transaction) -> None:
        await tx.execute(
            text(
                "insert into entry (item_id, location_id, sequence, from_account, to_account,"
                " quantity, movement_id, reservation_id, serial_numbers)"
                " select item_id, location_id, sequence + 1, 4, 7, 2, (select movement_id from"
                " movement limit 1), null, null from balance where on_hand = 3"
            )
        )
        await tx.execute(
            text(
                f"update balance set on_hand = on_hand - {units}, short = {units},"
                " sequence = sequence + 1 where on_hand = 3"
            )
        )

    await shop.wiring.database.run(edit)


async def test_no_more_is_promised_than_comes_however_many_ask_at_once(
    expecting: Expecting,
) -> None:
    async def ask() -> int:
        while True:
            try:
                return sum(units for _, units, _ in parts(await expecting.reserve({"MUG at A": 2})))
            except InsufficientStock:
                return 0
            except TransactionConflict:
                continue

    got = await asyncio.gather(*(ask() for _ in range(12)))

    assert sum(got) == 12
    assert (await expecting.get("S")).promised_quantity == 9
    assert await expecting.shop.is_sound()


async def test_a_short_pick_of_the_rest_leaves_what_waits(expecting: Expecting) -> None:
    made = await expecting.reserve({"MUG at A": 5})

    reply = await expecting.shop.short(
        made.reservation_id,
        selection("1", 1),
        outcome=ShortOutcome.SHORT_OUTCOME_RELEASE,
    )

    states = {(line.quantity, line.state) for line in reply.reservation.lines}
    assert states == {
        (2, ReservationLine.STATE_CONFIRMED),
        (1, ReservationLine.STATE_SHORT),
    }


async def test_overdue_stock_comes_before_supply(expecting: Expecting) -> None:
    shop = expecting.shop
    await shop.reserve({"MUG at A": 3}, hold_seconds=60)
    await shop.let_pass(61)

    made = await expecting.reserve({"MUG at A": 5})

    assert parts(made) == [("1", 3, ""), ("1", 2, "S")]
    assert await shop.is_sound()


@on_postgresql
async def test_a_supply_that_is_announced_while_others_lock_is_promised_under_its_lock(
    first: Process, another: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    desks = [await Expecting.open(one, "MUG", "CUP") for one in (first, await another())]
    mugs = [desks[0].supply(f"S-{place}", f"MUG at {place}", 50, 2) for place in "AB"]
    await desks[0].put(*mugs)
    both = asyncio.Barrier(2)
    announcing: list[asyncio.Task[object]] = []

    def overtaken(store: SqlSupplyStore) -> Any:
        async def due(*asked: Any) -> Any:
            if len(announcing) < 2:
                # Each has locked what there is of mugs; of cups there is nothing to lock.
                await both.wait()
                announce = desks[0].expect("CUPS", "CUP at A", 4, 3)
                task = asyncio.get_running_loop().create_task(announce, context=Context())
                announcing.append(task)
                await task
            return await SqlSupplyStore.due(store, *asked)

        return due

    for desk in desks:
        store: Any = desk.shop.wiring.stores.supplies
        monkeypatch.setattr(store, "due", overtaken(store))
    outcomes = await asyncio.gather(
        *(
            desk.reserve({f"MUG at {place}": 20, "CUP at A": 4})
            for desk, place in zip(desks, "AB", strict=True)
        ),
        return_exceptions=True,
    )

    refused = [one for one in outcomes if isinstance(one, BaseException)]
    assert [type(one) for one in refused] == [InsufficientStock]
    assert (await desks[0].get("CUPS")).promised_quantity == 4
    assert await first.is_sound()


async def test_who_may_wait_for_what_nobody_records_needs_no_lock(expecting: Expecting) -> None:
    line = reserve_lines([("1", "MUG at A", 4)])[0]
    line.mode = ReservationMode.RESERVATION_MODE_NONE
    line.wait.SetInParent()

    assert parts((await expecting.shop.ask(expecting.shop.wish([line]))).reservation) == []

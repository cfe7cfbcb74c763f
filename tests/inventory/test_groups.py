import asyncio
from typing import Any

import pytest
from sqlalchemy import update

from ordermesh.api.inventory.v1 import (
    Control,
    ErrorReason,
    GroupedStock,
    Reservation,
    ReservationMode,
    ReserveBulkRequest,
    ReserveLine,
    SupplyWait,
)
from ordermesh.inventory.domain.errors.catalog import UnknownLocationGroup
from ordermesh.inventory.domain.errors.requests import DuplicateEntry, TooMuchAsked
from ordermesh.inventory.domain.errors.stock import InsufficientStock
from ordermesh.inventory.operations import grouping, reserving
from ordermesh.inventory.store.ledger import SqlLedgerStore
from ordermesh.inventory.store.tables.ledger import balance
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.validation import InvalidFields
from tests.inventory.caller import NO_CONTEXT
from tests.inventory.messages import control, item, key, location, selection
from tests.inventory.reading import insist
from tests.inventory.shop import Shop


def somewhere(line_id: str, sku: str, quantity: int, group: str = "NORTH") -> ReserveLine:
    return ReserveLine(
        line_id=line_id,
        grouped=GroupedStock(sku=sku, location_group=group),
        quantity=quantity,
    )


def pinned(line_id: str, place: str, quantity: int) -> ReserveLine:
    return ReserveLine(line_id=line_id, key=key(place), quantity=quantity)


def places(reservation: Reservation) -> list[tuple[str, str, str, int]]:
    return [
        (one.line_id, one.key.sku, one.key.location_id, one.quantity) for one in reservation.lines
    ]


async def take(shop: Shop, *lines: ReserveLine, **fields: object) -> Reservation:
    return (await shop.ask(shop.wish(lines, **fields))).reservation


@pytest.fixture
async def north(shop: Shop) -> Shop:
    """A, B and C are in the north, D is not."""
    await shop.put_locations(*(location(name, groups=["NORTH", "ALL"]) for name in "ABC"))
    await shop.put_locations(location("D", groups=["SOUTH", "ALL"]))
    return shop


async def test_who_may_wait_is_not_refused_where_who_may_not_is_served(north: Shop) -> None:
    await north.stock({"MUG at A": 5, "MUG at B": 5})

    patient = pinned("1", "MUG at A", 5)
    patient.wait.SetInParent()

    made = await take(north, patient, somewhere("2", "MUG", 5))

    assert places(made) == [("1", "MUG", "A", 5), ("2", "MUG", "B", 5)]
    assert await north.is_sound()


async def test_a_group_in_which_no_location_is_does_not_exist(north: Shop) -> None:
    await north.stock({"MUG at A": 9})

    with pytest.raises(UnknownLocationGroup) as refusal:
        await take(north, somewhere("1", "MUG", 1, "MOON"))

    assert refusal.value.facts() == {"locationGroup": "MOON"}


async def test_the_same_line_in_the_same_group_twice_is_refused(north: Shop) -> None:
    await north.stock({"MUG at A": 9})

    with pytest.raises(DuplicateEntry):
        await take(north, somewhere("1", "MUG", 1), somewhere("1", "MUG", 2))
    await take(north, somewhere("1", "MUG", 1), somewhere("1", "MUG", 1, "ALL"))


async def test_a_group_that_has_too_little_is_named_with_what_it_has(north: Shop) -> None:
    await north.stock({"MUG at A": 3, "MUG at B": 2, "MUG at D": 50, "CUP at D": 9})
    before = await north.dump()

    with pytest.raises(InsufficientStock) as refusal:
        await take(
            north, somewhere("1", "MUG", 6), somewhere("2", "CUP", 1), pinned("3", "MUG at D", 1)
        )

    assert refusal.value.facts() == {
        "sku": "MUG", "locationGroup": "NORTH", "wanted": "6", "available": "5",
        "sku-2": "CUP", "locationGroup-2": "NORTH", "wanted-2": "1", "available-2": "0",
        "rows": "2",
    }  # fmt: skip
    assert await north.dump() == before


async def test_one_location_that_has_enough_is_better_than_two_and_the_fullest_is_best(
    north: Shop,
) -> None:
    await north.stock({"MUG at A": 4, "MUG at B": 9, "MUG at C": 9})

    assert places(await take(north, somewhere("1", "MUG", 4))) == [("1", "MUG", "B", 4)]
    assert places(await take(north, somewhere("1", "MUG", 5))) == [("1", "MUG", "C", 5)]
    assert await north.is_sound()


async def test_where_no_location_has_enough_the_fewest_are_used(north: Shop) -> None:
    await north.stock({"MUG at A": 3, "MUG at B": 5, "MUG at C": 4})

    made = await take(north, somewhere("1", "MUG", 8))

    assert places(made) == [("1", "MUG", "B", 5), ("1", "MUG", "C", 3)]
    # From now on they are lines like any other.
    moved = await north.reassign(made.reservation_id, (selection("1", location_id="C"), "A"))
    assert places(moved) == [("1", "MUG", "B", 5), ("1", "MUG", "A", 3)]
    assert await north.is_sound()


async def test_what_is_switched_off_is_no_choice(north: Shop) -> None:
    await north.stock({"MUG at A": 3, "MUG at B": 9})
    await north.put_locations(location("B", groups=["NORTH"], disabled=True))

    assert places(await take(north, somewhere("1", "MUG", 3))) == [("1", "MUG", "A", 3)]


async def test_kits_keep_their_components_together(north: Shop) -> None:
    await north.stock({"POT at A": 9, "CUP at A": 3, "POT at B": 2, "CUP at B": 9, "POT at C": 99})
    await north.put_items(item("SET", {"POT": 1, "CUP": 2}))

    assert places(await take(north, somewhere("1", "SET", 3))) == [
        ("1", "POT", "B", 2),
        ("1", "CUP", "B", 4),
        ("1", "POT", "A", 1),
        ("1", "CUP", "A", 2),
    ]
    with pytest.raises(InsufficientStock):
        await take(north, somewhere("1", "SET", 1))


async def test_lines_that_have_no_choice_come_first(north: Shop) -> None:
    await north.stock({"MUG at A": 5, "MUG at B": 4})

    made = await take(north, somewhere("1", "MUG", 4), pinned("2", "MUG at A", 5))

    assert places(made) == [("1", "MUG", "B", 4), ("2", "MUG", "A", 5)]


async def test_a_best_effort_takes_what_the_group_has(north: Shop) -> None:
    await north.stock({"MUG at A": 3, "MUG at B": 2})

    reply = await north.ask(
        north.wish([somewhere("1", "MUG", 9), somewhere("2", "MUG", 1)], best_effort=True)
    )

    assert places(reply.reservation) == [("1", "MUG", "A", 3), ("1", "MUG", "B", 2)]
    told = [
        (one.key.sku, one.key.location_id, one.location_group, one.granted, one.reason)
        for one in reply.line_verdicts
    ]
    insufficient = ErrorReason.ERROR_REASON_INSUFFICIENT_STOCK
    assert told == [("MUG", "", "NORTH", 5, insufficient), ("MUG", "", "NORTH", 0, insufficient)]


async def test_a_line_of_a_group_that_would_wait_is_refused_as_malformed(north: Shop) -> None:
    await north.stock({"MUG at A": 9})
    patient = [pinned("1", "MUG at A", 1), somewhere("2", "MUG", 1)]
    with pytest.raises(InvalidFields) as refusal:
        await take(north, *patient, wait=SupplyWait())
    assert [(one.field, one.rule) for one in refusal.value.violations] == [
        ("lines[1].grouped", "reserve.grouped")
    ]

    patient[1].wait.SetInParent()
    with pytest.raises(InvalidFields) as refusal:
        await take(north, *patient)
    assert [one.field for one in refusal.value.violations] == ["lines[1].wait"]

    patient[0].wait.SetInParent()
    patient[1].ClearField("wait")
    assert len(places(await take(north, *patient))) == 2


async def test_overdue_holds_in_the_group_make_room(north: Shop) -> None:
    await north.stock({"MUG at A": 3, "MUG at B": 3})
    await north.reserve({"MUG at A": 3, "MUG at B": 2}, hold_seconds=10)
    await north.let_pass(11)

    assert places(await take(north, somewhere("1", "MUG", 6))) == [
        ("1", "MUG", "A", 3),
        ("1", "MUG", "B", 3),
    ]
    assert await north.is_sound()


async def test_demand_that_holds_no_units_is_recorded_where_the_item_is_kept(north: Shop) -> None:
    await north.stock({"MUG at B": 1})
    tracked = somewhere("1", "MUG", 7)
    tracked.mode = ReservationMode.RESERVATION_MODE_TRACK_ONLY
    ignored = somewhere("2", "MUG", 7)
    ignored.mode = ReservationMode.RESERVATION_MODE_NONE

    assert places(await take(north, tracked, ignored)) == [("1", "MUG", "B", 7)]


async def test_of_a_large_group_the_fullest_locations_are_looked_at(
    north: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouping, "CANDIDATES_MAX", 2)
    await north.stock({"MUG at A": 2, "MUG at B": 3, "MUG at C": 4})

    assert places(await take(north, somewhere("1", "MUG", 7))) == [
        ("1", "MUG", "C", 4),
        ("1", "MUG", "B", 3),
    ]
    await north.receive({"MUG at B": 1, "MUG at C": 1})
    with pytest.raises(InsufficientStock) as refusal:
        await take(north, somewhere("1", "MUG", 5))
    assert refusal.value.facts()["available"] == "3"


@pytest.fixture
async def looking_at_two(north: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A and B have most of the mugs; C, which has fewest, is not looked at where they may sell."""
    monkeypatch.setattr(grouping, "CANDIDATES_MAX", 2)
    await north.stock({"MUG at A": 9, "MUG at B": 8, "MUG at C": 5})
    return north


async def is_found(shop: Shop, *lines: ReserveLine, **fields: object) -> list[str]:
    """Where it is found, without being taken."""
    made = await take(shop, *lines, validate_only=True, **fields)
    return [one.key.location_id for one in made.lines]


async def test_locations_that_are_switched_off_leave_room_for_others(looking_at_two: Shop) -> None:
    assert await is_found(looking_at_two, somewhere("1", "MUG", 3)) == ["A"]
    with pytest.raises(InsufficientStock):
        await take(looking_at_two, somewhere("1", "MUG", 18))

    off = [location(name, groups=["NORTH"], disabled=True) for name in "AB"]
    await looking_at_two.put_locations(*off)

    assert await is_found(looking_at_two, somewhere("1", "MUG", 5)) == ["C"]


@pytest.mark.parametrize(
    "kept_back",
    [
        [control("a", "exclude", 1, location_id="A", channel="web"),
         control("b", "exclude", 1, location_id="B", channel="web")],
        [control("a", "buffer_units", 8, location_id="A", channel="web"),
         control("b", "safety_stock", 7, location_id="B", channel="web")],
        [control("a", "pool", 9, location_id="A", channel="app"),
         control("b", "pool", 0, location_id="B", channel="web")],
        [control("a", "cap", 1, location_group="ALL", channel="web"),
         control("b", "cap", 9, location_id="C", channel="web")],
    ],
    ids=["excluded", "held back", "ring-fenced", "capped"],
)  # fmt: skip
async def test_locations_that_may_not_sell_leave_room_for_others(
    looking_at_two: Shop, kept_back: list[Control]
) -> None:
    await looking_at_two.put_controls(*kept_back)

    assert await is_found(looking_at_two, somewhere("1", "MUG", 5), channel="web") == ["C"]
    assert await is_found(looking_at_two, somewhere("1", "MUG", 1), channel="store") != ["C"]


async def test_what_is_said_of_a_kit_leaves_room_for_other_locations(looking_at_two: Shop) -> None:
    await looking_at_two.put_items(item("PAIR", {"MUG": 2}, tags=["gift"]))
    no_gifts = [control(name, "exclude", 1, location_id=name, tag="gift") for name in "AB"]
    await looking_at_two.put_controls(*no_gifts)

    assert await is_found(looking_at_two, somewhere("1", "PAIR", 2)) == ["C"]
    assert await is_found(looking_at_two, somewhere("1", "MUG", 2)) == ["A"]


async def test_overdue_holds_and_what_is_replaced_do_not_hide_a_location(
    looking_at_two: Shop,
) -> None:
    await looking_at_two.receive({"MUG at C": 95})
    await looking_at_two.reserve({"MUG at C": 50}, hold_seconds=5)
    cart = await looking_at_two.reserve({"MUG at C": 50}, hold_seconds=3_600)
    await looking_at_two.let_pass(60)

    assert await is_found(looking_at_two, somewhere("1", "MUG", 50)) == ["C"]
    replacing = {"replaces_reservation_ids": [cart.reservation_id]}
    assert await is_found(looking_at_two, somewhere("1", "MUG", 100), **replacing) == ["C"]


async def test_books_that_are_wrong_leave_room_for_other_locations(looking_at_two: Shop) -> None:
    async def quarantine(tx: Transaction) -> None:
        await tx.execute(update(balance).where(balance.c.on_hand > 5).values(is_quarantined=True))

    await looking_at_two.wiring.database.run(quarantine)

    assert await is_found(looking_at_two, somewhere("1", "MUG", 5)) == ["C"]


async def test_many_at_once_never_take_more_than_the_group_has(
    north: Shop, no_deadlocks: None
) -> None:
    await north.stock({"MUG at A": 7, "MUG at B": 5, "MUG at C": 3, "CUP at A": 9, "CUP at C": 9})

    async def one(number: int) -> int:
        lines = [somewhere("1", "MUG", 2), somewhere("2", "CUP", 1)]
        if number % 2:
            lines.reverse()
        request = north.wish(lines)
        try:
            reply = await insist(lambda: north.ask(request))
        except InsufficientStock:
            return 0
        return sum(line.quantity for line in reply.reservation.lines if line.key.sku == "MUG")

    assert sum(await asyncio.gather(*map(one, range(12)))) == 14
    assert await north.is_sound()


@pytest.fixture
async def boxed(north: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A box of two things of which the north has some; twelve pairs may be compared at once."""
    monkeypatch.setattr(grouping, "BREADTH_MAX", 12)
    monkeypatch.setattr(reserving, "BREADTH_MAX", 12)
    await north.put_items("MUG", "CUP", item("BOX", {"MUG": 1, "CUP": 1}))
    await north.stock({f"{sku} at {place}": 9 for sku in ("MUG", "CUP") for place in "ABC"})
    return north


async def test_lines_parts_and_locations_together_are_bounded_before_anything_is_locked(
    boxed: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    locks: list[object] = []
    lock = SqlLedgerStore.lock

    async def noting(store: Any, tx: Any, pairs: Any, names: Any) -> Any:
        locks.extend(pairs)
        return await lock(store, tx, pairs, names)

    monkeypatch.setattr(SqlLedgerStore, "lock", noting)
    boxes = [somewhere(str(number), "BOX", 1) for number in range(3)]

    with pytest.raises(TooMuchAsked) as refusal:
        await take(boxed, *boxes)
    assert refusal.value.facts() == {"limit": "12"}
    assert locks == []

    await take(boxed, *boxes[:2])
    await take(boxed, *(somewhere(str(number), "MUG", 1) for number in range(4)))


async def test_wide_wishes_that_come_together_are_decided_one_after_the_other(
    boxed: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, transactions = boxed.wiring.database.run, list[object]()

    async def noting(work: Any, **how: Any) -> Any:
        transactions.append(work)
        return await run(work, **how)

    monkeypatch.setattr(boxed.wiring.database, "run", noting)
    wishes = [
        boxed.wish([somewhere(line_id, "BOX", 1) for line_id in "12"]),
        boxed.wish([pinned("1", "MUG at D", 1)]),
        boxed.wish([somewhere("1", "BOX", 1)]),
        boxed.wish([somewhere("1", "MUG", 1)]),
    ]
    with boxed.calling("ReserveBulk"):
        verdicts = (
            await boxed.reservations.ReserveBulk(ReserveBulkRequest(requests=wishes), NO_CONTEXT)
        ).verdicts

    assert [bool(one.reply.reservation.lines) for one in verdicts] == [True, False, True, True]
    assert len(transactions) == 2
    assert await boxed.is_sound()


@pytest.mark.parametrize("place", ["A", "B"])
async def test_lines_of_one_item_in_one_group_do_not_get_the_same_units(
    north: Shop, place: str
) -> None:
    await north.stock({f"MUG at {place}": 3})

    with pytest.raises(InsufficientStock):
        await take(north, somewhere("1", "MUG", 2), somewhere("2", "MUG", 2))
    made = await take(north, somewhere("1", "MUG", 2), somewhere("2", "MUG", 1))

    assert places(made) == [("1", "MUG", place, 2), ("2", "MUG", place, 1)]

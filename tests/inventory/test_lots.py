import pytest

from ordermesh.api.inventory.v1 import (
    Entry,
    ReservationLine,
    ReserveLine,
    ShippedUnits,
)
from ordermesh.inventory.domain.errors.catalog import KitHasNoStock
from ordermesh.inventory.domain.errors.requests import TooManySerialNumbers
from ordermesh.inventory.domain.errors.reservation import LineNotFound
from tests.inventory.shop import Shop, item, key, selection

HELD = ReservationLine.STATE_HELD


def line(place: str, quantity: int, lot_id: str = "", serials: str = "") -> ReserveLine:
    return ReserveLine(
        line_id="1",
        key=key(place),
        quantity=quantity,
        lot_id=lot_id,
        serial_numbers=serials.split(),
    )


def facts(rows: object) -> list[tuple[int, str, str]]:
    return [
        (one.quantity, one.lot_id, " ".join(one.serial_numbers))
        for one in rows  # type: ignore[attr-defined]  # lines or entries
    ]


async def entries_of(shop: Shop, reservation_id: str) -> list[Entry]:
    movements = await shop.movements(reservation_id=reservation_id)
    return [entry for movement in movements for entry in movement.entries]


async def test_more_serial_numbers_than_units_are_refused(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})

    with pytest.raises(TooManySerialNumbers) as refusal:
        await shop.ask(shop.wish([line("MUG at A", 1, serials="S1 S2")]))
    assert refusal.value.facts() == {"lineId": "1", "serialNumbers": "2", "units": "1"}

    made = await shop.reserve({"MUG at A": 2}, confirm=True)
    units = ShippedUnits(line_id="1", serial_numbers=["S1", "S2", "S3"])
    with pytest.raises(TooManySerialNumbers):
        await shop.ship(made.reservation_id, selection("1"), units=[units])


async def test_a_kit_has_neither_lot_nor_serial_numbers(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    await shop.put_items(item("PAIR", {"MUG": 2}))

    for wanted in (line("PAIR at A", 1, "L1"), line("PAIR at A", 1, serials="S1")):
        with pytest.raises(KitHasNoStock):
            await shop.ask(shop.wish([wanted]))


async def test_facts_about_what_does_not_leave_are_refused(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    made = await shop.reserve({"MUG at A": 2}, confirm=True)

    with pytest.raises(LineNotFound):
        await shop.ship(
            made.reservation_id,
            selection("1", 1),
            units=[ShippedUnits(line_id="1", sku="CUP", lot_id="L1")],
        )


async def test_lot_and_serial_numbers_travel_on_lines_and_entries(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5, "MUG at B": 5})

    made = (await shop.ask(shop.wish([line("MUG at A", 3, "L1", "S1 S2 S3")]))).reservation

    assert facts(made.lines) == [(3, "L1", "S1 S2 S3")]
    moved = await shop.reassign(made.reservation_id, (selection("1", 2), "B"))
    assert facts(moved.lines) == [(1, "L1", "S3"), (2, "L1", "S1 S2")]
    await shop.release(made.reservation_id, selection("1", location_id="A"))
    assert facts((await shop.reservation(made.reservation_id)).lines) == facts(moved.lines)
    assert facts(await entries_of(shop, made.reservation_id)) == [
        (3, "L1", "S1 S2 S3"),
        (2, "L1", "S1 S2"),
        (2, "L1", "S1 S2"),
        (1, "L1", "S3"),
    ]
    assert await shop.is_sound()


async def test_what_really_left_is_written_on_line_and_entry(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    wish = shop.wish([line("MUG at A", 3, "L1", "S1 S2 S3")], confirm=True)
    made = (await shop.ask(wish)).reservation

    reply = await shop.ship(
        made.reservation_id,
        selection("1", 2),
        units=[ShippedUnits(line_id="1", lot_id="L2", serial_numbers=["S3", "S9"])],
    )

    # The unit that stays is one of those that have not left.
    assert facts(reply.reservation.lines) == [(1, "L1", ""), (2, "L2", "S3 S9")]
    assert facts(await entries_of(shop, made.reservation_id))[-1] == (2, "L2", "S3 S9")


async def test_each_component_of_a_kit_leaves_with_its_own_numbers(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5, "CUP at A": 5})
    await shop.put_items(item("SET", {"MUG": 1, "CUP": 2}))
    made = await shop.reserve({"SET at A": 1}, confirm=True)

    reply = await shop.ship(
        made.reservation_id,
        selection("1"),
        units=[
            ShippedUnits(line_id="1", sku="CUP", serial_numbers=["C1", "C2"]),
            ShippedUnits(line_id="1", sku="MUG", lot_id="L7"),
        ],
    )

    assert facts(reply.reservation.lines) == [(1, "L7", ""), (2, "", "C1 C2")]

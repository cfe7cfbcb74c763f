import pytest

from ordermesh.api.inventory.v1 import (
    Account,
    BlockedKind,
    DisposedStock,
    DisposeStockRequest,
    Entry,
    GroupedStock,
    ReceiveStockRequest,
    ReservationLine,
    ReserveLine,
    ReturnedStock,
    ReturnStockRequest,
    ShippedUnits,
    ShortOutcome,
    StockLine,
    StockTransfer,
    TransferStockRequest,
)
from ordermesh.api.order.v1 import Disposition
from ordermesh.inventory.domain.errors.catalog import KitHasNoStock
from ordermesh.inventory.domain.errors.requests import DuplicateEntry, TooManySerialNumbers
from ordermesh.inventory.domain.errors.reservation import LineNotFound
from tests.inventory.caller import NO_CONTEXT
from tests.inventory.messages import item, key, location, new_id, selection
from tests.inventory.shop import Shop

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


@pytest.mark.parametrize("is_best_effort", [False, True])
async def test_a_line_that_is_spread_over_a_group_has_each_serial_number_once(
    shop: Shop, is_best_effort: bool
) -> None:
    await shop.put_locations(*(location(name, groups=["NORTH"]) for name in "AB"))
    await shop.stock({"MUG at A": 3, "MUG at B": 1})
    somewhere = ReserveLine(
        line_id="1",
        grouped=GroupedStock(sku="MUG", location_group="NORTH"),
        quantity=4,
        serial_numbers=["S1", "S2", "S3", "S4"],
    )

    made = (await shop.ask(shop.wish([somewhere], best_effort=is_best_effort))).reservation

    assert facts(made.lines) == [(3, "", "S1 S2 S3"), (1, "", "S4")]
    assert facts(await entries_of(shop, made.reservation_id)) == facts(made.lines)


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


@pytest.mark.parametrize(
    "twice",
    [
        [
            ShippedUnits(line_id="1", lot_id="L1", serial_numbers=["S1"]),
            ShippedUnits(line_id="1", lot_id="L2", serial_numbers=["S2"]),
        ],
        [
            ShippedUnits(line_id="1", serial_numbers=["S1"]),
            ShippedUnits(line_id="2", serial_numbers=["S1"]),
        ],
    ],
    ids=["a line", "a serial number"],
)
async def test_what_is_said_twice_of_units_that_leave_is_refused_and_not_forgotten(
    shop: Shop, twice: list[ShippedUnits]
) -> None:
    await shop.stock({"MUG at A": 5})
    made = await shop.reserve([("1", "MUG at A", 2), ("2", "MUG at A", 1)], confirm=True)
    before = await shop.dump()

    with pytest.raises(DuplicateEntry):
        await shop.ship(made.reservation_id, selection("1"), selection("2"), units=twice)

    assert await shop.dump() == before


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


@pytest.mark.parametrize("outcome", ShortOutcome.values()[1:])
async def test_units_that_are_not_found_keep_their_numbers(
    shop: Shop, outcome: ShortOutcome.ValueType
) -> None:
    await shop.stock({"MUG at A": 5})
    wish = shop.wish([line("MUG at A", 2, "L1", "S1 S2")], confirm=True)
    made = (await shop.ask(wish)).reservation

    await shop.short(made.reservation_id, selection("1"), outcome=outcome)

    assert facts(await entries_of(shop, made.reservation_id))[-1] == (2, "L1", "S1 S2")


async def test_what_leaves_beyond_what_was_promised_has_numbers_too(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    made = await shop.reserve({"MUG at A": 2}, confirm=True)
    units = ShippedUnits(line_id="1", lot_id="L1", serial_numbers=["S1", "S2", "S3"])

    await shop.ship(made.reservation_id, selection("1", 3), over_ship=True, units=[units])

    assert facts(await entries_of(shop, made.reservation_id))[-2:] == [
        (2, "L1", "S1 S2"),
        (1, "L1", "S3"),
    ]


async def entries_about(shop: Shop, sku: str) -> list[tuple[str, int, str, str]]:
    """Where units of an item went in its last movement, and what is known of them."""
    last = (await shop.movements(sku=sku))[-1]
    return [
        (Account.Name(one.to_account).removeprefix("ACCOUNT_"), *facts([one])[0])
        for one in last.entries
    ]


async def test_lots_and_serial_numbers_come_in_go_on_and_come_back(shop: Shop) -> None:
    await shop.put_items("MUG")
    lots = [("L1", 2, ["S1", "S2"]), ("L2", 1, []), ("L1", 1, ["S3"])]
    await shop.ledger.ReceiveStock(
        ReceiveStockRequest(
            request_id=new_id(),
            lines=[
                StockLine(key=key("MUG at A"), quantity=units, lot_id=lot, serial_numbers=numbers)
                for lot, units, numbers in lots
            ],
        ),
        NO_CONTEXT,
    )
    assert await entries_about(shop, "MUG") == [
        ("FREE", 3, "L1", "S1 S2 S3"),
        ("FREE", 1, "L2", ""),
    ]

    await shop.ledger.TransferStock(
        TransferStockRequest(
            request_id=new_id(),
            transfers=[
                StockTransfer(
                    from_key=key("MUG at A"),
                    to_location_id="B",
                    quantity=2,
                    lot_id="L1",
                    serial_numbers=["S1", "S2"],
                )
            ],
        ),
        NO_CONTEXT,
    )
    assert await entries_about(shop, "MUG") == [
        ("TRANSIT", 2, "L1", "S1 S2"),
        ("FREE", 2, "L1", "S1 S2"),
    ]

    await shop.ledger.ReturnStock(
        ReturnStockRequest(
            request_id=new_id(),
            lines=[
                ReturnedStock(
                    key=key("MUG at A"),
                    quantity=units,
                    disposition=Disposition.DISPOSITION_BLOCK,
                    lot_id="L1",
                    serial_numbers=numbers,
                )
                for units, numbers in ((2, ["S8", "S9"]), (1, []))
            ],
        ),
        NO_CONTEXT,
    )
    assert await entries_about(shop, "MUG") == [("BLOCKED", 3, "L1", "S8 S9")]
    assert await shop.is_sound()


async def test_what_is_decided_on_goods_that_were_kept_apart_names_them(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1})
    inspected, damaged = BlockedKind.BLOCKED_KIND_INSPECTION, BlockedKind.BLOCKED_KIND_DAMAGED
    await shop.take_back(
        ("MUG at A", 1, Disposition.DISPOSITION_BLOCK, inspected),
        ("MUG at A", 2, Disposition.DISPOSITION_BLOCK, damaged),
    )

    await shop.ledger.DisposeStock(
        DisposeStockRequest(
            request_id=new_id(),
            lines=[
                DisposedStock(
                    key=key("MUG at A"),
                    quantity=3,
                    disposition=Disposition.DISPOSITION_RESTOCK,
                    lot_id="L1",
                    serial_numbers=["S1", "S2"],
                )
            ],
        ),
        NO_CONTEXT,
    )

    assert await entries_about(shop, "MUG") == [("FREE", 1, "L1", "S1"), ("FREE", 2, "L1", "S2")]


async def test_units_that_come_in_or_back_have_one_serial_number_each(shop: Shop) -> None:
    await shop.put_items("MUG")

    async def receive(*units: tuple[int, list[str]]) -> object:
        lines = [
            StockLine(key=key("MUG at A"), quantity=count, serial_numbers=numbers)
            for count, numbers in units
        ]
        request = ReceiveStockRequest(request_id=new_id(), lines=lines)
        return await shop.ledger.ReceiveStock(request, NO_CONTEXT)

    async def take_back(*units: tuple[int, list[str]]) -> object:
        lines = [
            ReturnedStock(
                key=key("MUG at A"),
                quantity=count,
                serial_numbers=numbers,
                disposition=Disposition.DISPOSITION_RESTOCK,
            )
            for count, numbers in units
        ]
        request = ReturnStockRequest(request_id=new_id(), lines=lines)
        return await shop.ledger.ReturnStock(request, NO_CONTEXT)

    for call in (receive, take_back):
        with pytest.raises(TooManySerialNumbers) as refusal:
            await call((5, []), (1, ["S1", "S2"]))
        assert refusal.value.facts() == {"lineId": "MUG", "serialNumbers": "2", "units": "1"}
        with pytest.raises(DuplicateEntry):
            await call((1, ["S1"]), (1, ["S1"]))
    assert await shop.movements(sku="MUG") == []

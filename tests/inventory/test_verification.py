"""The check of the books is shown to find what was damaged on purpose."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlalchemy import delete, insert, update

from ordermesh.api.inventory.v1 import LedgerFinding
from ordermesh.inventory.background.sealing import Sealer
from ordermesh.inventory.queries import verification
from ordermesh.inventory.store import folding
from ordermesh.inventory.store import verification as store
from ordermesh.inventory.store.seals import SqlSealStore
from ordermesh.inventory.store.tables.controls import pool_use
from ordermesh.inventory.store.tables.ledger import balance, entry
from ordermesh.inventory.store.tables.reservations import line, reservation
from ordermesh.inventory.store.tables.seals import seal
from ordermesh.inventory.store.tables.supplies import supply
from ordermesh.kernel.clock import SystemClock
from tests.inventory.damaging import damage
from tests.inventory.expecting import Expecting
from tests.inventory.messages import control, selection
from tests.inventory.shop import Shop

MUG, A = 3, 1
"""The surrogates of an item and a location where its history is torn."""


async def findings(shop: Shop) -> list[LedgerFinding]:
    replies = await shop.verify()
    found = [finding for reply in replies for finding in reply.findings]
    assert replies[-1].done
    assert replies[-1].balanced == (not found)
    return found


def told(found: Sequence[LedgerFinding]) -> list[tuple[str, str, str, int, int]]:
    return [
        (one.invariant, one.key.sku, one.key.location_id, one.recorded, one.expected)
        for one in found
    ]


@pytest.fixture
async def shipped(shop: Shop) -> Shop:
    """An order for 2 that is complete, and another that is still held."""
    await shop.stock({"MUG at A": 10, "CUP at B": 5})
    paid = await shop.reserve({"MUG at A": 2}, order_id="COMPLETE", confirm=True)
    await shop.ship(paid.reservation_id, selection("1"))
    await shop.reserve({"MUG at A": 3, "CUP at B": 1}, order_id="HELD")
    await shop.transfer(("MUG at A", "B", 1))
    return shop


async def test_an_undamaged_ledger_is_sound(shipped: Shop) -> None:
    replies = await shipped.verify()

    assert await findings(shipped) == []
    assert replies[-1].units_oversold == 0
    assert (replies[-1].checked_count, replies[-1].total_count) == (3, 3)
    assert replies[-1].entry_count == 8


async def test_units_that_remain_held_for_a_complete_order_are_listed_with_it(
    shipped: Shop,
) -> None:
    # The shipment of 2 becomes one of 2 to nobody: they stay held.
    shipment = (entry.c.from_account == 2) & (entry.c.to_account == 6)
    await damage(shipped, update(entry).where(shipment).values(from_account=1))

    (finding,) = [one for one in await findings(shipped) if one.order_id]

    assert (finding.key.sku, finding.key.location_id) == ("MUG", "A")
    assert finding.order_id == "COMPLETE"
    assert finding.recorded - finding.expected == 2


async def test_an_order_whose_shipment_was_lost_from_the_books_is_the_only_finding(
    shipped: Shop,
) -> None:
    shipment = (entry.c.from_account == 2) & (entry.c.to_account == 6)
    edited = update(balance).where(balance.c.on_hand == 7).values(on_hand=9, reserved=5)
    await damage(shipped, update(entry).where(shipment).values(from_account=5), edited)

    assert [(one.order_id, one.recorded - one.expected) for one in await findings(shipped)] == [
        ("COMPLETE", 2)
    ]


async def test_a_balance_that_was_edited_is_found(shipped: Shop) -> None:
    edited = update(balance).where(balance.c.on_hand == 7).values(on_hand=8)
    await damage(shipped, edited)

    assert told(await findings(shipped)) == [("BALANCE_IS_FOLD_OF_ENTRIES", "MUG", "A", 5, 4)]


async def test_an_entry_that_is_missing_is_found(shipped: Shop) -> None:
    await damage(shipped, delete(entry).where((entry.c.item_id == 1) & (entry.c.sequence == 1)))

    names = {one.invariant for one in await findings(shipped)}

    assert "ENTRIES_HAVE_NO_GAPS" in names


async def test_a_line_that_was_edited_is_found(shipped: Shop) -> None:
    await damage(shipped, update(line).where(line.c.quantity == 3).values(quantity=4))

    assert {one.invariant for one in await findings(shipped)} == {
        "RESERVED_IS_SUM_OF_LINES",
        "LINES_SUM_TO_GRANTED",
    }


async def test_units_that_are_counted_wrongly_as_taken_from_a_pool_are_found(
    shipped: Shop,
) -> None:
    flash = control("flash", "pool", 4, channel="app", sku="MUG", location_id="A")
    await shipped.put_controls(flash)
    sold = await shipped.reserve({"MUG at A": 2}, channel="app", confirm=True)
    await shipped.ship(sold.reservation_id, selection("1", 1))
    assert await findings(shipped) == []

    await damage(shipped, update(pool_use).values(taken=3))
    assert told(await findings(shipped)) == [("POOL_USE_IS_SUM_OF_LINES", "MUG", "A", 3, 2)]
    await damage(shipped, delete(pool_use))
    assert told(await findings(shipped)) == [("POOL_USE_IS_SUM_OF_LINES", "MUG", "A", 0, 2)]


async def test_a_pool_that_nobody_took_from_and_that_is_counted_is_found(shipped: Shop) -> None:
    await damage(shipped, insert(pool_use).values(number=9, item_id=2, location_id=1, taken=1))

    found = await findings(shipped)

    assert [(one.invariant, one.recorded, one.expected) for one in found] == [
        ("POOL_USE_IS_SUM_OF_LINES", 1, 0)
    ]
    assert "pool 9" in found[0].sentence


async def test_what_came_back_into_a_pool_is_not_counted(shipped: Shop) -> None:
    flash = control("flash", "pool", 4, channel="app", sku="MUG", location_id="A")
    await shipped.put_controls(flash)
    held = await shipped.reserve({"MUG at A": 3}, channel="app", hold_seconds=60)
    back = await shipped.reserve({"MUG at A": 1}, channel="app", confirm=True)
    await shipped.release(back.reservation_id)
    await shipped.reassign(held.reservation_id, (selection("1", 1), "B"))
    assert await findings(shipped) == []
    await shipped.let_pass(61)
    assert await findings(shipped) == []


async def test_a_reservation_without_a_line_is_found(shipped: Shop) -> None:
    await damage(shipped, delete(line).where(line.c.quantity == 2))

    assert [(one.invariant, one.order_id) for one in await findings(shipped)] == [
        ("LINES_SUM_TO_GRANTED", "COMPLETE")
    ]


async def test_more_arrivals_than_departures_are_found(shipped: Shop) -> None:
    departure = entry.c.to_account == 9
    await damage(shipped, update(entry).where(departure).values(to_account=7))

    assert told(await findings(shipped)) == [("TRANSIT_IS_NOT_NEGATIVE", "MUG", "", -1, 0)]


async def test_an_entry_without_a_balance_is_found(shipped: Shop) -> None:
    row = {
        "item_id": 1, "location_id": 4, "sequence": 1, "from_account": 5, "to_account": 1,
        "quantity": 6, "movement_id": UUID(int=0), "reservation_id": None, "serial_numbers": None,
    }  # fmt: skip
    await damage(shipped, insert(entry).values(**row))

    names = {one.invariant for one in await findings(shipped)}

    assert names == {
        "BALANCE_IS_FOLD_OF_ENTRIES",
        "ENTRIES_HAVE_NO_GAPS",
        "SEALS_COVER_ENTRIES",
    }


async def test_what_was_sold_twice_is_counted(shipped: Shop) -> None:
    # A promise of nine where seven are, past every check but that of the books.
    await damage(shipped, update(line).where(line.c.quantity == 3).values(quantity=9))

    last = (await shipped.verify())[-1]

    assert last.units_oversold == 9 - 7
    assert not last.balanced


async def test_a_header_that_was_edited_is_found(shipped: Shop) -> None:
    await damage(shipped, update(reservation).where(reservation.c.granted == 2).values(granted=1))

    assert [one.invariant for one in await findings(shipped)] == ["LINES_SUM_TO_GRANTED"]


@pytest.fixture
async def expected(shop: Shop) -> Shop:
    """Two mugs on their way from A to B, for which an order for one waits."""
    expecting = await Expecting.open(shop, "MUG")
    await shop.receive({"MUG at A": 5})
    await expecting.send(expecting.transfer("T", "MUG at B", 2, 3, "A"))
    await expecting.reserve({"MUG at B": 1}, order_id="WAITING")
    assert await findings(shop) == []
    return shop


async def test_a_promise_on_supply_that_no_line_waits_for_is_found(expected: Shop) -> None:
    await damage(expected, update(supply).values(promised=2))

    assert told(await findings(expected)) == [
        ("PROMISED_IS_SUM_OF_WAITING_LINES", "MUG", "B", 2, 1)
    ]


async def test_lines_that_wait_for_more_than_comes_are_found(expected: Shop) -> None:
    await damage(expected, update(supply).values(promised=0, received=2))

    assert {one.invariant for one in await findings(expected)} == {
        "PROMISED_IS_SUM_OF_WAITING_LINES",
        "PROMISED_IS_STILL_TO_COME",
        "TRANSIT_IS_SUM_OF_TRANSFERS",
    }


async def test_lines_that_wait_for_what_nobody_announced_are_found(expected: Shop) -> None:
    await damage(expected, update(line).values(supply_id="NOWHERE"))

    found = sorted((one.key.sku, one.recorded, one.expected) for one in await findings(expected))

    assert found == [("", 0, 1), ("", 1, 0), ("MUG", 1, 0)]


async def test_units_that_left_and_are_in_no_transfer_are_found(expected: Shop) -> None:
    await damage(expected, update(supply).values(state=4, promised=0), delete(line))

    assert ("TRANSIT_IS_SUM_OF_TRANSFERS", "MUG", "", 2, 0) in told(await findings(expected))


async def test_a_large_ledger_is_checked_in_parts_with_progress(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "BALANCES", 7)
    monkeypatch.setattr(verification, "RESERVATIONS", 2)
    await shop.stock({f"SKU-{n} at {place}": 5 for n in range(10) for place in "ABCD"})
    for n in range(7):
        await shop.reserve({f"SKU-{n} at A": 1})

    replies = await shop.verify()

    counts = [reply.checked_count for reply in replies]
    # The part before the last one looks for entries beyond the last balance.
    assert counts == [8, 16, 24, 32, 40, 40, 40]
    assert {reply.total_count for reply in replies} == {40}
    assert [reply.done for reply in replies] == [False] * 6 + [True]
    assert replies[-1].balanced


@pytest.fixture
async def torn(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Keys whose histories are too long for one statement, and items too long for one part."""
    monkeypatch.setattr(folding, "STATEMENT_ROWS", 3)
    monkeypatch.setattr(store, "PART_ENTRIES", 4)
    await shop.stock({"MUG at A": 10, "CUP at A": 5, "JUG at B": 9})
    for order in ("O-1", "O-2", "O-3"):
        paid = await shop.reserve({"MUG at A": 2, "CUP at A": 1}, order_id=order, confirm=True)
        await shop.ship(paid.reservation_id, selection("1", 1))
    await shop.transfer(("MUG at A", "B", 1))
    await shop.stamp()
    await Sealer(shop.wiring.database, SqlSealStore(), SystemClock()).seal()
    return shop


async def test_a_history_that_is_read_in_stretches_is_sound(torn: Shop) -> None:
    replies = await torn.verify()

    assert await findings(torn) == []
    assert replies[-1].entry_count == 14
    # The part before the last one looks for entries beyond the last balance.
    assert [reply.checked_count for reply in replies] == [1, 4, 4, 4]


@pytest.mark.parametrize("sequence", range(1, 9))
async def test_an_entry_that_is_missing_from_any_stretch_is_found(
    torn: Shop, sequence: int
) -> None:
    is_lost = (entry.c.item_id == MUG) & (entry.c.location_id == A) & (entry.c.sequence == sequence)
    await damage(torn, delete(entry).where(is_lost))

    found = {(one.invariant, one.key.sku, one.key.location_id) for one in await findings(torn)}

    assert ("ENTRIES_HAVE_NO_GAPS", "MUG", "A") in found
    assert {(sku, place) for _, sku, place in found if place} == {("MUG", "A")}


async def test_a_promise_that_is_kept_in_another_stretch_is_held_against_its_line(
    torn: Shop,
) -> None:
    is_open = (line.c.state == 2) & (line.c.item_id == MUG)
    await damage(torn, update(line).where(is_open).values(quantity=line.c.quantity + 1))

    found = await findings(torn)

    wrong = {one.order_id for one in found if one.invariant == "RESERVED_IS_SUM_OF_LINES"}
    assert {"O-1", "O-2", "O-3"} <= wrong


async def test_a_seal_that_is_missing_from_any_stretch_is_found(torn: Shop) -> None:
    is_lost = (seal.c.item_id == MUG) & (seal.c.first_sequence <= 6) & (seal.c.last_sequence >= 6)
    await damage(torn, delete(seal).where(is_lost))

    assert "SEALS_COVER_ENTRIES" in {one.invariant for one in await findings(torn)}


async def test_it_goes_on_while_stock_moves(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "BALANCES", 1)
    await shop.stock({f"SKU-{n} at {place}": 50 for n in range(4) for place in "AB"})

    findings_seen = 0
    async for reply in shop.verifying():
        findings_seen += len(reply.findings)
        for n in range(4):
            await shop.transfer((f"SKU-{n} at A", "B", 1))
            made = await shop.reserve({f"SKU-{n} at B": 1}, confirm=True)
            await shop.ship(made.reservation_id, selection("1"))

    assert findings_seen == 0
    assert reply.done

"""Sealed revisions: history that is edited is found, and every balance can be read as it was."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Executable, delete, func, insert, select, text, update

from ordermesh.api.inventory.v1 import BlockedKind, ListBalancesRequest, VerifyLedgerResponse
from ordermesh.inventory.__main__ import define
from ordermesh.inventory.background.sealing import Sealer
from ordermesh.inventory.domain.errors.history import RevisionNotSealed
from ordermesh.inventory.domain.seal import GENESIS
from ordermesh.inventory.queries import verification
from ordermesh.inventory.settings import InventorySettings
from ordermesh.inventory.store.seals import SqlSealStore
from ordermesh.inventory.store.tables.ledger import balance, entry, movement
from ordermesh.inventory.store.tables.seals import seal, seal_head
from ordermesh.inventory.store.verification import HISTORY
from ordermesh.kernel.clock import SystemClock
from ordermesh.runtime import feed as feeds
from ordermesh.runtime import feed_pages
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.feed import revision
from ordermesh.runtime.housekeeping import Housekeeping
from ordermesh.runtime.tables import feed
from tests.dialects import on_postgresql
from tests.inventory.caller import NO_CONTEXT
from tests.inventory.damaging import damage, lift_guards
from tests.inventory.messages import location, selection
from tests.inventory.shop import Shop

FIRST = select(func.min(seal.c.revision)).scalar_subquery()

MISSING = BlockedKind.BLOCKED_KIND_MISSING


async def seal_all(shop: Shop) -> int:
    """Stamp and seal what was done; gives the revision."""
    await shop.stamp()
    await Sealer(shop.wiring.database, SqlSealStore(), SystemClock()).seal()
    return await shop.wiring.database.read(revision)


async def run(shop: Shop, *statements: Executable) -> None:
    async def edit(tx: Transaction) -> None:
        for statement in statements:
            await tx.execute(statement)

    await shop.wiring.database.run(edit)


async def found(shop: Shop) -> tuple[list[tuple[str, str, str]], VerifyLedgerResponse]:
    """What the check finds, and its last message."""
    replies = await shop.verify()
    findings = [one for reply in replies for one in reply.findings]
    return [(one.invariant, one.key.sku, one.sentence) for one in findings], replies[-1]


@pytest.fixture
async def sealed(shop: Shop) -> Shop:
    """Some movements of mugs and cups, all of them sealed."""
    await shop.stock({"MUG at A": 10, "CUP at A": 5})
    await seal_all(shop)
    paid = await shop.reserve({"MUG at A": 4, "CUP at A": 1}, order_id="O-1", confirm=True)
    await shop.ship(paid.reservation_id, selection("1", 3))
    await shop.adjust("CUP at A", delta=-2, note="fell")
    await seal_all(shop)
    return shop


async def test_a_sound_history_is_sealed_and_told_of(sealed: Shop) -> None:
    told, last = await found(sealed)

    assert told == []
    assert last.balanced
    assert last.sealed_revision == await sealed.wiring.database.read(revision)
    assert len(bytes.fromhex(last.seal)) == 32


@pytest.mark.parametrize(
    "edit",
    [
        update(entry).where(entry.c.sequence == 2, entry.c.item_id == 1).values(from_account=5),
        update(movement).where(movement.c.note == "fell").values(note="stolen"),
        update(movement).where(movement.c.note == "fell").values(caller="nobody"),
        update(movement).where(movement.c.order_id == "O-1").values(reservation_id=UUID(int=1)),
        update(movement).where(movement.c.note == "fell").values(control_version=7),
        update(seal).where(seal.c.revision == FIRST).values(seal=bytes(32)),
        delete(seal).where(seal.c.revision == FIRST),
    ],
    ids=["entry", "note", "actor", "reservation", "controls", "seal", "removed seal"],
)
async def test_history_that_was_edited_is_found_with_its_place(
    sealed: Shop, edit: Executable
) -> None:
    await damage(sealed, edit)

    told, last = await found(sealed)

    broken = [row for row in told if row[0] in ("SEALS_HOLD", "SEALS_COVER_ENTRIES")]
    assert broken
    assert all(sku in ("MUG", "CUP") for _, sku, _ in broken)
    assert not last.balanced


async def test_an_edit_that_balances_is_found_by_its_seal_alone(sealed: Shop) -> None:
    # Two cups were lost; afterwards they were opened with two fewer, and nothing else knows.
    lost = (entry.c.item_id == 1) & (entry.c.to_account == 7)
    await damage(sealed, update(entry).where(lost).values(to_account=8))

    told, _ = await found(sealed)

    assert [(name, sku) for name, sku, _ in told] == [("SEALS_HOLD", "CUP")]
    assert "Entries 3 to 3" in told[0][2]


async def test_an_entry_that_was_removed_is_found_with_key_and_place(sealed: Shop) -> None:
    await damage(sealed, delete(entry).where(entry.c.item_id == 1, entry.c.sequence == 2))

    told, _ = await found(sealed)

    assert ("SEALS_HOLD", "CUP") in [row[:2] for row in told]
    assert any("Entries 2 to 2" in sentence for _, _, sentence in told)


async def test_an_entry_that_was_slipped_in_is_found(sealed: Shop) -> None:
    row = {
        "item_id": 1, "location_id": 1, "sequence": 4, "from_account": 7, "to_account": 1,
        "quantity": 6, "movement_id": await any_movement(sealed),
    }  # fmt: skip
    counted = update(balance).where(balance.c.item_id == 1)
    await damage(sealed, insert(entry).values(**row), counted.values(on_hand=9, sequence=4))

    # Nothing told of it, and the next change tells of its own entries alone.
    await sealed.receive({"CUP at A": 1})
    await seal_all(sealed)

    told, _ = await found(sealed)
    assert [(name, sku) for name, sku, _ in told] == [("SEALS_COVER_ENTRIES", "CUP")]
    assert "4 entries are sealed up to number 5" in told[0][2]


async def any_movement(shop: Shop) -> object:
    first = select(movement.c.movement_id).order_by(movement.c.create_time).limit(1)
    return await shop.wiring.database.read(lambda tx: _one(tx, first))


async def _one(tx: Transaction, statement: Any) -> object:
    return (await tx.execute(statement)).scalar_one()


async def test_a_chain_that_lost_its_end_is_found(sealed: Shop) -> None:
    last = await sealed.wiring.database.read(revision)
    await damage(sealed, delete(seal).where(seal.c.revision == last))

    told, _ = await found(sealed)

    assert any("last seal" in sentence for _, _, sentence in told)


async def test_seals_are_history_and_cannot_be_edited(sealed: Shop) -> None:
    for edit in (update(seal).values(seal=bytes(32)), delete(seal)):
        with pytest.raises(Exception, match="append-only"):
            await run(sealed, edit)


async def test_history_without_a_guard_is_found(sealed: Shop) -> None:
    async def lift(tx: Transaction) -> None:
        await lift_guards(tx)

    await sealed.wiring.database.run(lift)

    replies = await sealed.verify()

    findings = [one for reply in replies for one in reply.findings]
    assert {one.invariant for one in findings} == {"HISTORY_IS_GUARDED"}
    assert sorted({one.sentence.split()[1] for one in findings}) == ["entry", "movement", "seal"]


@on_postgresql
async def test_a_guard_that_sleeps_is_none(sealed: Shop) -> None:
    for table in HISTORY:
        asleep = text(f"alter table {table} enable replica trigger {table}_append_only")
        await run(sealed, asleep)
    await run(sealed, update(seal).values(revision=seal.c.revision))  # nobody objects

    told, _ = await found(sealed)

    assert [name for name, _, _ in told] == ["HISTORY_IS_GUARDED"] * 3


async def test_seals_are_made_in_parts_and_by_one_of_several(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_pages, "PAGE_CHANGES", 3)
    monkeypatch.setattr(verification, "SEALS", 2)
    await shop.stock({f"SKU-{number} at A": 5 for number in range(10)})
    database = shop.wiring.database
    await shop.stamp()
    sealers = [Sealer(database, SqlSealStore(), SystemClock()) for _ in range(3)]

    await asyncio.gather(*(one.seal() for one in sealers))
    await sealers[0].seal()

    told, last = await found(shop)
    assert told == []
    assert last.sealed_revision == await database.read(revision)
    assert await database.read(lambda tx: _one(tx, select(func.count()).select_from(seal))) == 10


async def test_what_is_switched_off_has_no_entries_to_seal(sealed: Shop) -> None:
    await sealed.put_locations(location("A", disabled=True))
    last = await seal_all(sealed)

    told, reply = await found(sealed)
    assert told == []
    assert reply.sealed_revision == last


async def test_seals_outlive_the_feed(sealed: Shop) -> None:
    async def forget(tx: Transaction) -> int:
        return await feeds.compact(tx, await tx.now() + timedelta(days=1))

    assert await sealed.wiring.database.run(forget) > 0
    await sealed.receive({"MUG at A": 1})
    await seal_all(sealed)

    assert (await found(sealed))[0] == []


async def test_what_is_not_sealed_yet_is_not_forgotten_after_a_long_rest(sealed: Shop) -> None:
    database = sealed.wiring.database
    await sealed.receive({"MUG at A": 1})
    await sealed.stamp()
    background = define(database, SystemClock(), InventorySettings(port=0)).background
    (housekeeping,) = (one for one in background if isinstance(one, Housekeeping))

    # Nobody was there for two weeks: all of it is old.
    await run(sealed, update(feed).values(create_time=datetime(2020, 1, 1, tzinfo=UTC)))
    assert await housekeeping.forget() > 0
    await seal_all(sealed)
    await sealed.receive({"MUG at A": 1})
    await seal_all(sealed)

    assert (await found(sealed))[0] == []


async def at(shop: Shop, as_of: int, **filters: Any) -> dict[str, tuple[int, int, int, int, int]]:
    """On hand, reserved, short, blocked and sequence as they were."""
    request = ListBalancesRequest(as_of_revision=as_of, **filters)
    reply = await shop.ledger.ListBalances(request, NO_CONTEXT)
    assert reply.revision == as_of
    return {
        f"{one.key.sku} at {one.key.location_id}": (
            one.on_hand, one.reserved, one.short, one.blocked, one.sequence,
        )
        for one in reply.balances
    }  # fmt: skip


async def test_a_revision_that_is_not_sealed_is_refused(sealed: Shop) -> None:
    last = await sealed.wiring.database.read(revision)

    with pytest.raises(RevisionNotSealed) as refusal:
        await at(sealed, last + 1)

    assert refusal.value.facts() == {"sealedRevision": str(last)}


async def test_balances_are_read_as_they_were_at_every_revision(shop: Shop) -> None:
    await shop.put_items("MUG", "CUP")
    seen = {}
    paid = None
    for step in range(7):
        if step == 0:
            await shop.receive({"MUG at A": 10})
        elif step == 1:
            paid = await shop.reserve({"MUG at A": 6}, confirm=True)
        elif step == 2:
            await shop.block(("MUG at A", 7, MISSING))
        elif step == 3:
            await shop.receive({"CUP at B": 2})
        elif step == 4:
            await shop.unblock(("MUG at A", 4, MISSING))
        elif step == 5 and paid:
            await shop.ship(paid.reservation_id, selection("1", 2))
        else:
            await shop.adjust("CUP at B", on_hand=0)
        now = {place: await shop.balance(place) for place in ("MUG at A", "CUP at B")}
        seen[await seal_all(shop)] = {
            place: (one.on_hand, one.reserved, one.short, one.blocked, one.sequence)
            for place, one in now.items()
            if one.sequence
        }

    assert len(seen) == 7
    for as_of, figures in seen.items():
        assert await at(shop, as_of) == figures
    assert await at(shop, min(seen), skus=["CUP"]) == {}
    assert await at(shop, max(seen), location_ids=["B"]) == {"CUP at B": (0, 0, 0, 0, 2)}


async def test_past_balances_come_in_pages(shop: Shop) -> None:
    await shop.stock({f"SKU-{number} at {place}": 2 for number in range(3) for place in "AB"})
    then = await seal_all(shop)
    await shop.stock({"SKU-9 at A": 1})
    await shop.adjust("SKU-1 at A", on_hand=0)
    await seal_all(shop)

    seen: list[tuple[str, str, int]] = []
    token = ""
    while True:
        request = ListBalancesRequest(as_of_revision=then, page_size=4, page_token=token)
        reply = await shop.ledger.ListBalances(request, NO_CONTEXT)
        seen += [(one.key.sku, one.key.location_id, one.on_hand) for one in reply.balances]
        token = reply.next_page_token
        if not token:
            break

    assert seen == [(f"SKU-{number}", place, 2) for number in range(3) for place in "AB"]


async def test_an_unknown_head_is_no_history(sealed: Shop) -> None:
    await run(sealed, update(seal_head).values(seal=bytes(range(32))))

    told, _ = await found(sealed)

    assert [name for name, _, _ in told] == ["SEALS_HOLD"]


async def test_a_head_that_was_put_back_is_found(sealed: Shop) -> None:
    # From there on nothing would be held against its seals any more.
    await run(sealed, update(seal_head).values(revision=0, seal=GENESIS))
    await damage(sealed, update(movement).where(movement.c.note == "fell").values(note="stolen"))

    told, last = await found(sealed)

    assert "SEALS_HOLD" in [name for name, _, _ in told]
    assert not last.balanced


async def test_an_entry_that_was_slipped_in_behind_the_last_is_found(sealed: Shop) -> None:
    row = {
        "item_id": 1, "location_id": 1, "sequence": 4, "from_account": 7, "to_account": 1,
        "quantity": 6, "movement_id": await any_movement(sealed),
    }  # fmt: skip
    counted = update(balance).where(balance.c.item_id == 1)
    await run(sealed, insert(entry).values(**row), counted.values(on_hand=9, sequence=4))

    # All that was told is sealed, also what came later elsewhere; this was told by nobody.
    await sealed.receive({"MUG at A": 1})
    await seal_all(sealed)

    told, _ = await found(sealed)
    assert [(name, sku) for name, sku, _ in told] == [("SEALS_COVER_ENTRIES", "CUP")]

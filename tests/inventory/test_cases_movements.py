"""The acceptance cases of movements, counts and checks, by their numbers: INV-18 to INV-23."""

import pytest
from sqlalchemy import update

from ordermesh.api.inventory.v1 import AdjustmentReason, LedgerFinding, Movement
from ordermesh.inventory.domain.errors.stock import OnHandBelowReserved
from ordermesh.inventory.store.tables.ledger import entry
from ordermesh.runtime.feed import revision
from tests.inventory.damaging import damage
from tests.inventory.desk import Desk
from tests.inventory.messages import selection
from tests.inventory.shop import Shop

DAMAGED = AdjustmentReason.ADJUSTMENT_REASON_DAMAGED
LOST = AdjustmentReason.ADJUSTMENT_REASON_LOST


async def last_revision(shop: Shop) -> int:
    """The revision after everything that was done is stamped."""
    await shop.stamp()
    return await shop.wiring.database.read(revision)


async def test_inv_18_a_negative_adjustment(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})

    await shop.adjust("MUG at A", delta=-3, reason=DAMAGED)

    assert (await shop.balance("MUG at A")).on_hand == 7
    adjusted = [
        one for one in await shop.movements(sku="MUG") if one.kind == Movement.KIND_ADJUSTED
    ]
    assert [(one.reason, [part.quantity for part in one.entries]) for one in adjusted] == [
        (DAMAGED, [3])
    ]


async def test_inv_19_no_change_no_movement(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    before, movements = await last_revision(shop), await shop.movements(sku="MUG")

    reply = await shop.adjust("MUG at A", on_hand=10)

    assert reply.movement_id == ""
    assert await shop.movements(sku="MUG") == movements
    assert await last_revision(shop) == before


async def test_inv_20_setting_on_hand_below_what_is_promised(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    await shop.reserve({"MUG at A": 4})

    with pytest.raises(OnHandBelowReserved) as refusal:
        await shop.adjust("MUG at A", on_hand=3)

    facts = refusal.value.facts()
    assert (facts["onHand"], facts["reserved"]) == ("10", "4")
    await shop.adjust("MUG at A", on_hand=4)
    assert (await shop.balance("MUG at A")).available == 0


async def test_inv_21_a_person_cannot_undercut_a_hold_either(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    await shop.reserve({"MUG at A": 3}, order_id="UNPAID")
    before = await shop.dump()

    with pytest.raises(OnHandBelowReserved):
        await shop.adjust("MUG at A", on_hand=2, note="edited by an administrator")

    assert await shop.dump() == before
    await shop.adjust("MUG at A", on_hand=3, note="edited by an administrator")
    assert (await shop.balance("MUG at A")).on_hand == 3


async def test_inv_22_a_count_finds_less(shop: Shop) -> None:
    await shop.stock({"MUG at A": 12})
    desk = Desk(shop)
    await desk.begin("MUG")
    for counter in ("Ann", "Bob"):
        await desk.submit(counter, {"MUG": 10})

    (line,) = (await desk.accept("Cat", reason=LOST)).lines

    tally = line.tallies[-1]
    assert (tally.variance, tally.counter, tally.count_time.seconds > 0) == (-2, "Bob", True)
    assert (line.reason, line.accepted_by, line.accept_time.seconds > 0) == (LOST, "Cat", True)
    assert (await shop.balance("MUG at A")).on_hand == 10
    made = (await shop.movements(sku="MUG"))[-1]
    assert (made.movement_id, made.reason) == (line.movement_id, LOST)


async def test_inv_23_the_books_can_be_checked(shop: Shop) -> None:
    await shop.stock({"S at A": 10, "T at B": 4})
    paid = await shop.reserve({"S at A": 2}, order_id="COMPLETE", confirm=True)
    await shop.ship(paid.reservation_id, selection("1"))
    await shop.reserve({"S at A": 1, "T at B": 1}, order_id="OTHER")
    assert await findings(shop) == []

    shipment = (entry.c.from_account == 2) & (entry.c.to_account == 6)
    await damage(shop, update(entry).where(shipment).values(from_account=1))

    concerned = [one for one in await findings(shop) if one.order_id]
    assert [
        (one.key.sku, one.key.location_id, one.order_id, one.recorded - one.expected)
        for one in concerned
    ] == [("S", "A", "COMPLETE", 2)]
    assert {one.key.sku for one in await findings(shop) if one.key.sku} == {"S"}


async def findings(shop: Shop) -> list[LedgerFinding]:
    return [one for reply in await shop.verify() for one in reply.findings]

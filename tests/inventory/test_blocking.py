"""Units that are there and not sellable: damaged, in inspection, or missing until counted."""

import pytest

from ordermesh.api.inventory.v1 import Account, AdjustmentReason, Balance, BlockedKind, Movement
from ordermesh.api.order.v1 import Disposition
from ordermesh.inventory.domain.errors.stock import (
    InsufficientBlocked,
    InsufficientStock,
    ShortOfStock,
)
from tests.inventory.messages import selection
from tests.inventory.shop import Shop

DAMAGED = BlockedKind.BLOCKED_KIND_DAMAGED
INSPECTION = BlockedKind.BLOCKED_KIND_INSPECTION
MISSING = BlockedKind.BLOCKED_KIND_MISSING
RESTOCK = Disposition.DISPOSITION_RESTOCK
DISCARD = Disposition.DISPOSITION_DISCARD


def figures(balance: Balance) -> tuple[int, int, int, int, int]:
    """On hand, available, and what is blocked, by kind."""
    kinds = (balance.damaged, balance.in_inspection, balance.missing)
    assert sum(kinds) == balance.blocked
    return (balance.on_hand, balance.available, *kinds)


async def test_inspection_never_takes_what_is_promised(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    await shop.reserve({"MUG at A": 7})
    before = await shop.dump()

    with pytest.raises(InsufficientStock) as refusal:
        await shop.block(("MUG at A", 3, INSPECTION), ("MUG at A", 1, INSPECTION))

    assert refusal.value.facts() == {
        "sku": "MUG", "locationId": "A", "wanted": "4", "available": "3",
    }  # fmt: skip
    assert await shop.dump() == before


async def test_what_is_damaged_leaves_less_to_inspect(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})

    with pytest.raises(InsufficientStock) as refusal:
        await shop.block(("MUG at A", 6, INSPECTION), ("MUG at A", 5, DAMAGED))

    assert (refusal.value.facts()["wanted"], refusal.value.facts()["available"]) == ("6", "5")


async def test_no_more_is_missing_than_was_on_hand(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})

    with pytest.raises(ShortOfStock) as refusal:
        await shop.block(("MUG at A", 4, MISSING), ("MUG at A", 2, DAMAGED))

    assert (refusal.value.facts()["wanted"], refusal.value.facts()["onHand"]) == ("6", "5")


async def test_each_kind_is_told_apart_and_none_is_sold(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})

    reply = await shop.block(
        ("MUG at A", 1, DAMAGED), ("MUG at A", 2, INSPECTION), ("MUG at A", 3, MISSING),
        reason=AdjustmentReason.ADJUSTMENT_REASON_DAMAGED, document="REPORT-7",
    )  # fmt: skip

    assert figures(reply.balances[0]) == (4, 4, 1, 2, 3)
    assert await shop.available("MUG at A") == 4
    with pytest.raises(InsufficientStock):
        await shop.reserve({"MUG at A": 5})
    made = (await shop.movements(sku="MUG"))[-1]
    assert (made.kind, made.document) == (Movement.KIND_BLOCKED, "REPORT-7")
    assert made.reason == AdjustmentReason.ADJUSTMENT_REASON_DAMAGED
    assert [(one.to_account, one.quantity) for one in made.entries] == [
        (Account.ACCOUNT_DAMAGED, 1), (Account.ACCOUNT_BLOCKED, 2), (Account.ACCOUNT_MISSING, 3),
    ]  # fmt: skip
    assert await shop.is_sound()


@pytest.mark.parametrize("kind", [DAMAGED, MISSING])
async def test_a_fact_takes_free_units_first_and_then_leaves_promises_short(
    shop: Shop, kind: BlockedKind.ValueType
) -> None:
    await shop.stock({"MUG at A": 10})
    await shop.reserve({"MUG at A": 7}, confirm=True)

    balance = (await shop.block(("MUG at A", 5, kind))).balances[0]

    assert (balance.on_hand, balance.reserved, balance.short) == (5, 7, 2)
    assert (balance.blocked, balance.available) == (5, 0)
    assert await shop.is_sound()


async def test_overdue_holds_go_before_a_promise_is_broken(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    await shop.reserve({"MUG at A": 4}, confirm=True)
    cart = await shop.reserve({"MUG at A": 6})
    await shop.let_pass(15 * 60 + 1)

    balance = (await shop.block(("MUG at A", 6, MISSING))).balances[0]

    assert (balance.on_hand, balance.reserved, balance.short) == (4, 4, 0)
    assert (await shop.reservation(cart.reservation_id)).lines[0].state == 5  # expired
    assert await shop.is_sound()


async def test_no_more_is_unblocked_than_is_blocked_so(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    await shop.block(("MUG at A", 3, DAMAGED), ("MUG at A", 2, INSPECTION))

    with pytest.raises(InsufficientBlocked) as refusal:
        await shop.unblock(("MUG at A", 3, INSPECTION))

    assert refusal.value.facts() == {
        "sku": "MUG", "locationId": "A", "wanted": "3", "blocked": "2",
    }  # fmt: skip


async def test_what_is_found_again_pays_the_deficit_first(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    paid = await shop.reserve({"MUG at A": 5}, confirm=True)
    await shop.block(("MUG at A", 3, MISSING))

    balance = (await shop.unblock(("MUG at A", 3, MISSING))).balances[0]

    assert (balance.on_hand, balance.short, balance.missing) == (5, 0, 0)
    await shop.ship(paid.reservation_id, selection("1"))
    assert await shop.is_sound()


async def test_units_of_a_named_kind_are_disposed_of(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    await shop.block(("MUG at A", 2, DAMAGED), ("MUG at A", 2, INSPECTION))
    await shop.block(("MUG at A", 1, MISSING))

    with pytest.raises(InsufficientBlocked):
        await shop.dispose(("MUG at A", 3, DISCARD), ("MUG at A", 2, DISCARD, DAMAGED))
    await shop.dispose(("MUG at A", 1, DISCARD, MISSING), ("MUG at A", 1, DISCARD, DAMAGED))
    reply = await shop.dispose(("MUG at A", 3, RESTOCK))

    # Where nobody says which, what was to be inspected goes first, and nothing that is missing.
    assert figures(reply.balances[0]) == (8, 8, 0, 0, 0)
    assert await shop.is_sound()


async def test_what_comes_back_is_blocked_as_what_it_is(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1})
    block = Disposition.DISPOSITION_BLOCK

    reply = await shop.take_back(
        ("MUG at A", 2, block, DAMAGED), ("MUG at A", 3, block), ("MUG at A", 1, block, MISSING)
    )

    assert figures(reply.balances[0]) == (1, 1, 2, 3, 1)
    assert await shop.is_sound()

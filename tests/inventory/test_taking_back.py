"""Goods that come back, and what becomes of them."""

import pytest

from ordermesh.api.inventory.v1 import Account, Movement
from ordermesh.api.order.v1 import Disposition
from ordermesh.inventory.domain.errors.stock import InsufficientBlocked
from tests.inventory.shop import Shop

RESTOCK = Disposition.DISPOSITION_RESTOCK
BLOCK = Disposition.DISPOSITION_BLOCK
DISCARD = Disposition.DISPOSITION_DISCARD


async def test_restocked_blocked_and_discarded_units_are_told_apart(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})

    reply = await shop.take_back(
        ("MUG at A", 2, RESTOCK),
        ("MUG at A", 3, BLOCK),
        ("MUG at A", 4, DISCARD),
        ("MUG at A", 1, RESTOCK),
        order_id="O-1",
    )

    (balance,) = reply.balances
    assert (balance.on_hand, balance.available, balance.blocked) == (13, 13, 3)
    made = (await shop.movements(sku="MUG"))[-1]
    assert (made.kind, made.document, made.order_id) == (Movement.KIND_RETURNED, "R-1", "O-1")
    assert made.actor.caller == "returns"
    assert [(one.from_account, one.to_account, one.quantity) for one in made.entries] == [
        (Account.ACCOUNT_CUSTOMER, Account.ACCOUNT_FREE, 3),
        (Account.ACCOUNT_CUSTOMER, Account.ACCOUNT_BLOCKED, 3),
        (Account.ACCOUNT_CUSTOMER, Account.ACCOUNT_LOSS, 4),
    ]
    assert (await shop.verify())[-1].balanced


async def test_goods_can_come_back_to_where_they_were_never_stocked(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1})

    reply = await shop.take_back(("MUG at B", 1, DISCARD), ("MUG at C", 1, RESTOCK))

    assert [(one.on_hand, one.sequence) for one in reply.balances] == [(0, 1), (1, 1)]
    assert (await shop.verify())[-1].balanced


async def test_a_movement_of_a_return_is_found_by_its_order(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1})
    await shop.take_back(("MUG at A", 1, BLOCK), order_id="O-1")

    (made,) = await shop.movements(order_id="O-1")

    assert made.kind == Movement.KIND_RETURNED


async def test_blocked_units_are_restocked_and_discarded_later(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    await shop.take_back(("MUG at A", 5, BLOCK))

    reply = await shop.dispose(("MUG at A", 2, RESTOCK), ("MUG at A", 1, DISCARD))

    (balance,) = reply.balances
    assert (balance.on_hand, balance.blocked) == (12, 2)
    assert (await shop.movements(sku="MUG"))[-1].kind == Movement.KIND_DISPOSED
    assert (await shop.verify())[-1].balanced


async def test_no_more_is_disposed_of_than_is_blocked(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    await shop.take_back(("MUG at A", 2, BLOCK))
    before = await shop.dump()

    with pytest.raises(InsufficientBlocked) as refusal:
        await shop.dispose(("MUG at A", 2, RESTOCK), ("MUG at A", 1, DISCARD))

    assert refusal.value.facts() == {
        "sku": "MUG", "locationId": "A", "wanted": "3", "blocked": "2",
    }  # fmt: skip
    assert await shop.dump() == before


async def test_blocked_units_are_promised_to_nobody(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1})
    await shop.take_back(("MUG at A", 5, BLOCK))

    reply = await shop.adjust("MUG at A", on_hand=1)

    assert reply.balances[0].available == 1

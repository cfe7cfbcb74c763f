"""Stock that somebody keeps locked: whoever wants it waits apart, and all others are served."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import select

from ordermesh.api.inventory.v1 import ReserveRequest, ReserveVerdict
from ordermesh.inventory.domain.limits import Buyer
from ordermesh.inventory.servicer.aside import Aside
from ordermesh.inventory.store.tables.items import item as items
from ordermesh.inventory.store.tables.ledger import balance
from ordermesh.kernel.errors import Overloaded
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.engines import RowsLocked, TransactionConflict
from tests.dialects import on_postgresql
from tests.eventually import eventually
from tests.inventory.bulk import reasons
from tests.inventory.messages import control, item, location
from tests.inventory.processes import Open, Process, keeping
from tests.inventory.reading import insist
from tests.inventory.test_groups import somewhere

pytestmark = on_postgresql

ANN = Buyer(customer="ANN")


async def mugs(tx: Transaction) -> None:
    """Lock all balances of mugs."""
    item_id = select(items.c.item_id).where(items.c.sku == "MUG").scalar_subquery()
    await tx.execute(select(balance).where(balance.c.item_id == item_id).with_for_update())


@pytest.fixture
async def rival(another: Open) -> Process:
    return await another()


def aside(process: Process) -> Aside:
    return process.reservations._reserving._aside


async def bulk(process: Process, wishes: Sequence[ReserveRequest]) -> list[ReserveVerdict]:
    with process.calling("ReserveBulk"):
        return await process.reservations._reserving.verdicts(wishes)


async def reserved(process: Process, *places: str) -> list[int]:
    return [(await process.balance(place)).reserved for place in places]


async def test_while_somebody_keeps_one_item_locked_all_others_are_sold(
    first: Process, rival: Process
) -> None:
    await first.stock({"CUP at A": 90})
    await first.reserve({"CUP at A": 1})
    first.outcomes.clear()

    async with keeping(rival, mugs):
        eager = [asyncio.create_task(first.reserve({"MUG at A": 1})) for _ in range(5)]
        await eventually(lambda: bool(aside(first).kept))
        first.outcomes.clear()
        for _ in range(20):
            eager.append(asyncio.create_task(first.reserve({"MUG at A": 1})))
            await first.reserve({"CUP at A": 1})
        told = await asyncio.gather(*eager, return_exceptions=True)

        assert {type(one) for one in told} == {RowsLocked}
        assert RowsLocked.reason == TransactionConflict.reason
        # Nobody who wants anything else has waited for it again.
        assert first.outcomes == {"stood": 20}

    await insist(lambda: first.reserve({"MUG at A": 1}))
    assert not aside(first).kept
    first.outcomes.clear()
    await first.reserve({"MUG at A": 1})
    assert first.outcomes == {"stood": 1}
    assert await reserved(first, "MUG at A", "CUP at A") == [3, 21]
    assert await first.is_sound()


async def test_who_waits_for_it_gets_it_when_it_is_free_in_time(
    first: Process, rival: Process
) -> None:
    async with keeping(rival, mugs):
        wanted = [asyncio.create_task(first.reserve({"MUG at A": 1})) for _ in range(3)]
        await eventually(lambda: bool(aside(first).kept))

    await asyncio.gather(*wanted)
    assert await reserved(first, "MUG at A") == [4]
    assert not aside(first).kept
    assert await first.is_sound()


async def test_a_call_with_many_wishes_keeps_their_order_and_only_what_is_locked_is_refused(
    first: Process, rival: Process
) -> None:
    await first.stock({"CUP at A": 2})
    wishes = [first.wish({place: 1}) for place in ("CUP at A", "MUG at A", "CUP at A", "CUP at A")]
    async with keeping(rival, mugs):
        verdicts = await bulk(first, wishes)

    assert reasons(verdicts) == [
        "",
        "TRANSACTION_CONFLICT",
        "",
        "INSUFFICIENT_STOCK",
    ]
    assert await reserved(first, "MUG at A", "CUP at A") == [1, 2]
    # Nothing was recorded for what could not be decided, so that a retry is decided.
    again = await bulk(first, wishes)
    assert reasons(again) == ["", "", "", "INSUFFICIENT_STOCK"]
    assert await first.is_sound()


async def test_what_is_left_of_a_call_waits_apart_with_what_is_locked(
    first: Process, rival: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise what comes after a wish in its call could be decided before it."""
    await first.stock({"CUP at A": 9, "POT at A": 1})
    monkeypatch.setattr(first.reservations._reserving._batcher, "_items_max", 2)
    wishes = [first.wish({"CUP at A": 1}) for _ in range(2)]
    # Whoever wants both is the second to want of the last pot.
    both = first.wish({"MUG at A": 1, "POT at A": 1})
    late = first.wish({"POT at A": 1})
    async with keeping(rival, mugs):
        call = asyncio.create_task(bulk(first, [*wishes, both, wishes[0], late]))
        await eventually(lambda: bool(aside(first).kept))
        await first.reserve({"CUP at A": 1})
        assert not call.done()
    verdicts = await call

    assert reasons(verdicts) == ["", "", "", "", "INSUFFICIENT_STOCK"]
    assert await reserved(first, "POT at A", "MUG at A") == [1, 2]
    assert await first.is_sound()


@pytest.mark.parametrize("wish", ["kit", "group", "replaced"])
async def test_who_wants_something_whose_parts_are_locked_waits_apart_too(
    first: Process, rival: Process, wish: str
) -> None:
    await first.put_locations(location("A", groups=["NORTH"]), "C")
    await first.stock({"CUP at A": 30, "JAR at C": 1})
    await first.put_items(item("SET", {"MUG": 2}))
    held = await first.reserve({"MUG at A": 1})
    hidden = {
        "kit": first.wish({"SET at A": 1}),
        "group": first.wish([somewhere("1", "MUG", 1)]),
        "replaced": first.wish({"JAR at C": 1}, replaces_reservation_ids=[held.reservation_id]),
    }[wish]
    await first.reserve({"CUP at A": 1})

    async with keeping(rival, mugs):
        call = asyncio.create_task(first.ask(hidden))
        await eventually(lambda: bool(aside(first).kept))
        first.outcomes.clear()
        for _ in range(10):
            await first.reserve({"CUP at A": 1})
        assert first.outcomes["RowsLocked"] == 0
    await asyncio.gather(call, return_exceptions=True)

    await insist(lambda: first.ask(hidden))
    assert not aside(first).kept
    assert await first.is_sound()


async def test_where_something_else_is_locked_everybody_waits_as_before(
    first: Process, rival: Process
) -> None:
    await first.put_controls(control("two", "limit_per_customer", 2, sku="MUG"))
    await first.reserve({"MUG at A": 1}, customer="ANN")

    async with keeping(rival, lambda tx: rival.wiring.stores.controls.lock_buyers(tx, {ANN})):
        with pytest.raises(TransactionConflict):
            await first.reserve({"MUG at A": 1}, customer="ANN")
        assert not aside(first).kept

    await first.reserve({"MUG at A": 1}, customer="ANN")


async def test_more_than_may_wait_for_it_are_told_to_come_back(
    first: Process, rival: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aside(first)._batcher, "_waiting_max", 3)
    async with keeping(rival, mugs):
        calls = [asyncio.create_task(first.reserve({"MUG at A": 1})) for _ in range(8)]
        told = await asyncio.gather(*calls, return_exceptions=True)

    assert {type(one) for one in told} == {RowsLocked, Overloaded}
    assert await reserved(first, "MUG at A") == [1]
    assert await first.is_sound()

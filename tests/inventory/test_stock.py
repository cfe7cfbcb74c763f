from typing import Any
from uuid import UUID

import pytest
from google.protobuf.message import Message
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import DBAPIError

from ordermesh.api.inventory.v1 import (
    AcceptCountRequest,
    Account,
    AdjustmentReason,
    AdjustStockRequest,
    BlockedKind,
    BlockedStock,
    BlockStockRequest,
    DisposedStock,
    DisposeStockRequest,
    Movement,
    ReceiveStockRequest,
    ReturnedStock,
    ReturnStockRequest,
    StockAdjustment,
    StockLine,
    StockTransfer,
    TransferStockRequest,
    UnblockStockRequest,
)
from ordermesh.api.order.v1 import Disposition, StockKey
from ordermesh.inventory.domain.errors.catalog import KitHasNoStock
from ordermesh.inventory.domain.errors.requests import (
    DuplicateEntry,
    QuantityTooLarge,
    SameLocation,
)
from ordermesh.inventory.domain.errors.stock import (
    InsufficientStock,
    NotStockedHere,
    OnHandBelowReserved,
    OnHandChanged,
)
from ordermesh.inventory.domain.stock_feed import BY_PICTURE
from ordermesh.inventory.store.tables.ledger import balance, entry, movement
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.idempotency import RequestIdReused
from ordermesh.runtime.validation import InvalidFields, validate
from tests.inventory.caller import NO_CONTEXT
from tests.inventory.messages import item, new_id
from tests.inventory.shop import Shop


async def test_goods_that_come_in_are_on_hand(shop: Shop) -> None:
    await shop.put_items("MUG")
    reply = await shop.receive({"MUG at A": 10})

    assert [(one.on_hand, one.available, one.sequence) for one in reply.balances] == [(10, 10, 1)]
    made = (await shop.movements(sku="MUG"))[0]
    assert made.movement_id == reply.movement_id
    assert [(one.from_account, one.to_account, one.quantity) for one in made.entries] == [
        (Account.ACCOUNT_SUPPLIER, Account.ACCOUNT_FREE, 10)
    ]


async def test_a_kit_has_no_stock_of_its_own(shop: Shop) -> None:
    await shop.put_items("POT", "CUP")
    await shop.put_items(item("TEA-SET", {"POT": 1, "CUP": 2}))

    for call in (
        shop.receive({"TEA-SET at A": 1}),
        shop.adjust("TEA-SET at A", delta=1),
        shop.transfer(("TEA-SET at A", "B", 1)),
    ):
        with pytest.raises(KitHasNoStock) as refusal:
            await call
        assert refusal.value.facts() == {"sku": "TEA-SET"}


async def test_a_negative_adjustment_is_one_movement_with_its_reason(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})

    reply = await shop.adjust(
        "MUG at A", delta=-3, reason=AdjustmentReason.ADJUSTMENT_REASON_DAMAGED, note="fell"
    )

    assert reply.balances[0].on_hand == 7
    adjusted = [
        one for one in await shop.movements(sku="MUG") if one.kind == Movement.KIND_ADJUSTED
    ]
    assert [one.reason for one in adjusted] == [AdjustmentReason.ADJUSTMENT_REASON_DAMAGED]
    assert [(one.from_account, one.quantity) for one in adjusted[0].entries] == [
        (Account.ACCOUNT_FREE, 3)
    ]
    assert (adjusted[0].note, adjusted[0].actor.caller) == ("fell", "developer")


async def test_no_change_is_no_movement(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    before = await shop.dump()

    reply = await shop.adjust("MUG at A", on_hand=10)

    assert reply.movement_id == ""
    assert reply.balances[0].on_hand == 10
    assert await shop.dump() == before


async def test_on_hand_cannot_be_set_below_what_is_promised(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    await shop.reserve({"MUG at A": 4})

    with pytest.raises(OnHandBelowReserved) as refusal:
        await shop.adjust("MUG at A", on_hand=3)
    assert refusal.value.facts() == {
        "sku": "MUG", "locationId": "A", "onHand": "10", "reserved": "4", "wanted": "3",
    }  # fmt: skip

    reply = await shop.adjust("MUG at A", on_hand=4)
    assert reply.balances[0].available == 0


async def test_a_person_cannot_undercut_a_hold_either(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    await shop.reserve({"MUG at A": 3}, order_id="UNPAID")
    before = await shop.dump()

    with pytest.raises(OnHandBelowReserved):
        await shop.adjust("MUG at A", delta=-3)
    assert await shop.dump() == before

    await shop.adjust("MUG at A", delta=-2)


async def test_an_overdue_hold_does_not_keep_an_adjustment_away(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    await shop.reserve({"MUG at A": 3})
    await shop.let_pass(15 * 60 + 1)

    reply = await shop.adjust("MUG at A", on_hand=0)

    assert (reply.balances[0].on_hand, reply.balances[0].reserved) == (0, 0)
    assert reply.movement_id == (await shop.movements(sku="MUG"))[-1].movement_id


async def test_the_number_that_the_caller_believes_is_compared(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})

    with pytest.raises(OnHandChanged) as refusal:
        await shop.adjust("MUG at A", on_hand=12, expected=9)
    assert refusal.value.facts()["onHand"] == "10"
    assert refusal.value.facts()["expectedOnHand"] == "9"

    await shop.adjust("MUG at A", on_hand=12, expected=10)
    await shop.adjust("MUG at B", on_hand=1, expected=0)


async def test_what_is_not_stocked_here_cannot_fall_but_can_rise(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})

    with pytest.raises(NotStockedHere) as refusal:
        await shop.adjust("MUG at B", delta=-1)
    assert refusal.value.facts() == {"sku": "MUG", "locationId": "B"}

    await shop.adjust("MUG at B", delta=3, reason=AdjustmentReason.ADJUSTMENT_REASON_OPENING)
    opening = (await shop.movements(location_id="B"))[0].entries[0]
    assert opening.from_account == Account.ACCOUNT_OPENING


async def test_a_balance_has_a_limit(shop: Shop) -> None:
    await shop.put_items("GRAIN")
    await shop.receive({"GRAIN at A": 10**9})

    with pytest.raises(QuantityTooLarge):
        await shop.receive({"GRAIN at A": 10**12})


async def test_units_go_from_one_location_to_another(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    await shop.reserve({"MUG at A": 4})

    with pytest.raises(InsufficientStock) as refusal:
        await shop.transfer(("MUG at A", "B", 4), ("MUG at A", "C", 3))
    assert (refusal.value.facts()["wanted"], refusal.value.facts()["available"]) == ("7", "6")

    reply = await shop.transfer(("MUG at A", "B", 4), ("MUG at A", "C", 2))

    assert [(one.key.location_id, one.on_hand) for one in reply.balances] == [
        ("A", 4), ("B", 4), ("C", 2),
    ]  # fmt: skip
    assert await shop.is_sound()


async def test_what_arrives_cannot_be_sent_on_in_the_same_request(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})

    with pytest.raises(InsufficientStock):
        await shop.transfer(("MUG at A", "B", 5), ("MUG at B", "C", 5))


async def test_a_transfer_goes_somewhere_else(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})

    with pytest.raises(SameLocation):
        await shop.transfer(("MUG at A", "A", 1))


async def test_a_retry_receives_once(shop: Shop) -> None:
    await shop.put_items("MUG")
    request_id = new_id()

    first = await shop.receive({"MUG at A": 10}, request_id=request_id)
    second = await shop.receive({"MUG at A": 10}, request_id=request_id)

    assert first == second
    assert (await shop.balance("MUG at A")).on_hand == 10


INSPECTED = BlockedKind.BLOCKED_KIND_INSPECTION
DISCARD = Disposition.DISPOSITION_DISCARD
MUGS = StockKey(sku="MUG", location_id="A")


@pytest.mark.parametrize(
    "asked",
    [
        ReceiveStockRequest(lines=[StockLine(key=MUGS, quantity=2)]),
        AdjustStockRequest(
            adjustments=[StockAdjustment(key=MUGS, delta=-2)],
            reason=AdjustmentReason.ADJUSTMENT_REASON_CORRECTION,
        ),
        TransferStockRequest(
            transfers=[StockTransfer(from_key=MUGS, to_location_id="B", quantity=2)]
        ),
        ReturnStockRequest(lines=[ReturnedStock(key=MUGS, quantity=2, disposition=DISCARD)]),
        DisposeStockRequest(lines=[DisposedStock(key=MUGS, quantity=2, disposition=DISCARD)]),
        BlockStockRequest(lines=[BlockedStock(key=MUGS, quantity=2, kind=INSPECTED)]),
        UnblockStockRequest(lines=[BlockedStock(key=MUGS, quantity=2, kind=INSPECTED)]),
    ],
    ids=lambda asked: type(asked).__name__,
)
async def test_goods_move_once_however_late_their_request_is_repeated(
    shop: Shop, asked: Message
) -> None:
    await shop.stock({"MUG at A": 9, "MUG at B": 1})
    await shop.block(("MUG at A", 4, INSPECTED))
    asked.request_id = new_id()  # type: ignore[attr-defined]  # each has one
    method = type(asked).__name__.removesuffix("Request")

    async def ask() -> Any:
        with shop.calling(method):
            return await getattr(shop.ledger, method)(asked, NO_CONTEXT)

    first = await ask()
    await shop.forget_answers()
    await shop.receive({"MUG at A": 1})
    again = await ask()

    assert first.movement_id
    assert again.movement_id == first.movement_id
    was, now = first.balances[0], again.balances[0]
    assert (now.on_hand, now.blocked) == (was.on_hand + 1, was.blocked)
    assert now == await shop.balance("MUG at A")
    assert await shop.is_sound()


async def test_a_request_id_is_not_used_for_other_goods_however_late(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1, "CUP at A": 1})
    request_id = new_id()
    await shop.receive({"MUG at A": 10}, request_id=request_id)
    await shop.forget_answers()

    with pytest.raises(RequestIdReused):
        await shop.receive({"CUP at A": 10}, request_id=request_id)
    assert (await shop.balance("CUP at A")).on_hand == 1


@pytest.mark.parametrize(
    "other",
    [
        ReceiveStockRequest(lines=[StockLine(key=MUGS, quantity=3)]),
        ReturnStockRequest(lines=[ReturnedStock(key=MUGS, quantity=2, disposition=DISCARD)]),
        AdjustStockRequest(
            adjustments=[StockAdjustment(key=MUGS, delta=-2)],
            reason=AdjustmentReason.ADJUSTMENT_REASON_LOST,
        ),
    ],
    ids=lambda other: type(other).__name__,
)
async def test_a_request_id_is_not_used_for_the_same_goods_otherwise_however_late(
    shop: Shop, other: Message
) -> None:
    await shop.stock({"MUG at A": 1})
    request_id = new_id()
    await shop.receive({"MUG at A": 2}, request_id=request_id)
    await shop.forget_answers()
    other.request_id = request_id  # type: ignore[attr-defined]  # each has one
    method = type(other).__name__.removesuffix("Request")

    with shop.calling(method), pytest.raises(RequestIdReused):
        await getattr(shop.ledger, method)(other, NO_CONTEXT)


async def test_history_cannot_be_edited(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    edits = [
        update(entry).values(quantity=7),
        delete(entry),
        update(movement).values(note="nothing happened"),
        delete(movement),
    ]
    for edit in edits:

        async def run(tx: Transaction, edit: object = edit) -> None:
            await tx.execute(edit)  # type: ignore[arg-type]  # a statement of either kind

        with pytest.raises(DBAPIError, match="append-only"):
            await shop.wiring.database.run(run)


@pytest.mark.parametrize(
    "figures",
    [
        {"on_hand": -1, "reserved": 0, "short": 0},
        {"on_hand": 5, "reserved": -1, "short": 0},
        {"on_hand": 5, "reserved": 6, "short": 0},  # an oversell
        {"on_hand": 5, "reserved": 5, "short": 1},
        {"on_hand": 5, "reserved": 0, "short": 0, "damaged": -1},
        {"on_hand": 5, "reserved": 0, "short": 0, "inspection": -1},
        {"on_hand": 5, "reserved": 0, "short": 0, "missing": -1},
    ],
)
async def test_the_database_refuses_balances_that_no_ledger_can_have(
    shop: Shop, figures: dict[str, int]
) -> None:
    await shop.stock({"MUG at A": 5})

    async def write(tx: Transaction) -> None:
        await tx.execute(update(balance).values(**figures))

    with pytest.raises(DBAPIError):
        await shop.wiring.database.run(write)


@pytest.mark.parametrize("broken", [{"quantity": 0}, {"quantity": -1}, {"to_account": 1}])
async def test_the_database_refuses_entries_that_move_nothing(
    shop: Shop, broken: dict[str, int]
) -> None:
    await shop.stock({"MUG at A": 5})
    row = {
        "item_id": 1, "location_id": 1, "sequence": 2, "from_account": 1, "to_account": 2,
        "quantity": 1, "movement_id": UUID(int=1), **broken,
    }  # fmt: skip

    async def write(tx: Transaction) -> None:
        await tx.execute(insert(entry), row)

    with pytest.raises(DBAPIError):
        await shop.wiring.database.run(write)


async def test_a_serial_number_comes_in_once_in_a_request(shop: Shop) -> None:
    await shop.put_items("CAMERA")
    reply = await shop.receive({"CAMERA at A": 2}, serials={"CAMERA at A": ["S1", "S2"]})
    made = await shop.movements(sku="CAMERA")
    assert reply.movement_id == made[0].movement_id
    assert list(made[0].entries[0].serial_numbers) == ["S1", "S2"]

    with pytest.raises(DuplicateEntry):
        await shop.receive(
            {"CAMERA at A": 1, "CAMERA at B": 1},
            serials={"CAMERA at A": ["S3"], "CAMERA at B": ["S3"]},
        )


@pytest.mark.parametrize("reason", sorted(BY_PICTURE))
@pytest.mark.parametrize(
    "request_type", [AdjustStockRequest, BlockStockRequest, UnblockStockRequest, AcceptCountRequest]
)
def test_the_reasons_of_pictures_are_for_pictures_alone(
    request_type: type[Message], reason: int
) -> None:
    """An older picture would take what they are given for a correction, and undo it."""
    with pytest.raises(InvalidFields) as refusal:
        validate(request_type(reason=reason))

    assert ("reason", "enum.not_in") in [(one.field, one.rule) for one in refusal.value.violations]

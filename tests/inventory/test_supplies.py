"""Goods that are expected: announced, changed, received, sent, written off and cancelled."""

import pytest
from google.protobuf.message import Message

from ordermesh.api.inventory.v1 import (
    Account,
    BlockedKind,
    Movement,
    PutOutcome,
    ReceiveSupplyRequest,
    ReservationLine,
    SendTransferRequest,
    Supply,
    SupplyReceipt,
    WriteOffTransferRequest,
)
from ordermesh.inventory.domain.errors.catalog import KitHasNoStock, KitWithStock
from ordermesh.inventory.domain.errors.requests import DuplicateEntry, SameLocation
from ordermesh.inventory.domain.errors.stock import InsufficientStock
from ordermesh.inventory.domain.errors.supply import (
    MoreThanExpected,
    SupplyIdTaken,
    SupplyKeyChanged,
    SupplyNotFound,
    SupplyStateRefused,
    SupplyVersionReused,
    TransferInTransit,
)
from tests.inventory.expecting import (
    CHANGED,
    CREATED,
    TRANSFER,
    UNCHANGED,
    Expecting,
    broken,
    parts,
)
from tests.inventory.messages import item, new_id
from tests.inventory.shop import Shop

RECEIVED, IN_TRANSIT = Supply.STATE_RECEIVED, Supply.STATE_IN_TRANSIT


@pytest.fixture
async def expecting(shop: Shop) -> Expecting:
    return await Expecting.open(shop, "MUG", "CUP")


def entries(movement: Movement) -> list[tuple[str, str, str, int]]:
    return [
        (
            one.key.location_id,
            Account.Name(one.from_account).removeprefix("ACCOUNT_"),
            Account.Name(one.to_account).removeprefix("ACCOUNT_"),
            one.quantity,
        )
        for one in movement.entries
    ]


async def test_what_is_expected_is_incoming_and_not_on_hand(expecting: Expecting) -> None:
    reply = await expecting.expect("PO-1/1", "MUG at A", 10, 3, document="PO-1")

    assert [one.verdict for one in reply.outcomes] == [CREATED]
    stored = await expecting.get("PO-1/1")
    assert stored == reply.outcomes[0].supply
    assert (stored.quantity, stored.version, stored.promised_quantity) == (10, 1, 0)
    balance = await expecting.shop.balance("MUG at A")
    assert (balance.on_hand, balance.available, balance.incoming, balance.in_transit) == (
        0, 0, 10, 0,
    )  # fmt: skip


async def test_telling_the_same_again_changes_nothing(expecting: Expecting) -> None:
    await expecting.expect("S", "MUG at A", 10, 3)
    before = await expecting.shop.dump()

    reply = await expecting.expect("S", "MUG at A", 10, 3)

    assert [one.verdict for one in reply.outcomes] == [UNCHANGED]
    assert await expecting.shop.dump() == before


async def test_a_repeated_request_gets_the_first_answer(expecting: Expecting) -> None:
    request_id = new_id()
    one = expecting.supply("S", "MUG at A", 10, 3)
    first = await expecting.put(one, request_id=request_id)

    assert await expecting.put(one, request_id=request_id) == first
    assert (await expecting.get("S")).version == 1


async def test_what_was_told_earlier_than_what_is_known_is_outdated(expecting: Expecting) -> None:
    await expecting.expect("S", "MUG at A", 10, 3, source_version=7)

    late = await expecting.expect("S", "MUG at A", 99, 3, source_version=6)
    newer = await expecting.expect("S", "MUG at A", 12, 3, source_version=8)

    assert late.outcomes[0].verdict == PutOutcome.VERDICT_OUTDATED
    assert newer.outcomes[0].verdict == CHANGED
    assert ((await expecting.get("S")).quantity, newer.outcomes[0].supply.version) == (12, 2)


async def test_one_version_of_a_supply_is_one_thing(expecting: Expecting) -> None:
    await expecting.expect("S", "MUG at A", 10, 3, source_version=7)

    with pytest.raises(SupplyVersionReused) as refusal:
        await expecting.expect("S", "MUG at A", 11, 3, source_version=7)
    assert refusal.value.facts() == {"supplyId": "S", "version": "7"}


async def test_a_supply_is_of_one_key_and_one_kind_for_ever(expecting: Expecting) -> None:
    await expecting.expect("S", "MUG at A", 10, 3)

    for other in (
        expecting.supply("S", "MUG at B", 10, 3),
        expecting.supply("S", "CUP at A", 10, 3),
        expecting.supply("S", "MUG at A", 10, 3, kind=Supply.KIND_SHIPPING_NOTICE),
    ):
        with pytest.raises(SupplyKeyChanged) as refusal:
            await expecting.put(other)
        assert refusal.value.facts() == {"supplyId": "S", "sku": "MUG", "locationId": "A"}


async def test_a_supply_never_goes_back(expecting: Expecting) -> None:
    await expecting.expect("S", "MUG at A", 10, 3, state=IN_TRANSIT)

    with pytest.raises(SupplyStateRefused) as refusal:
        await expecting.expect("S", "MUG at A", 10, 3, state=Supply.STATE_PLANNED)
    assert refusal.value.facts() == {"supplyId": "S", "state": "IN_TRANSIT", "wanted": "PLANNED"}


async def test_a_supply_twice_in_one_request_is_refused(expecting: Expecting) -> None:
    one = expecting.supply("S", "MUG at A", 10, 3)

    with pytest.raises(DuplicateEntry) as refusal:
        await expecting.put(one, one)
    assert refusal.value.facts() == {"field": "supplies[1].supply_id", "value": "S"}


async def test_kits_are_not_expected_and_what_is_expected_becomes_no_kit(
    expecting: Expecting,
) -> None:
    await expecting.shop.put_items(item("SET", {"CUP": 2}))
    with pytest.raises(KitHasNoStock):
        await expecting.expect("S", "SET at A", 1, 3)

    await expecting.expect("S", "MUG at A", 1, 3)
    with pytest.raises(KitWithStock):
        await expecting.shop.put_items(item("MUG", {"CUP": 2}))


async def test_all_that_is_expected_comes_as_one_movement(expecting: Expecting) -> None:
    await expecting.put(
        expecting.supply("S1", "MUG at A", 10, 3), expecting.supply("S2", "CUP at A", 4, 3)
    )

    reply = await expecting.receive("S1", "S2", document="DN-9")

    assert [one.supply.state for one in reply.received] == [RECEIVED, RECEIVED]
    assert [(one.received_quantity, one.missing_quantity) for one in reply.received] == [
        (10, 0), (4, 0),
    ]  # fmt: skip
    (movement,) = await expecting.shop.movements(location_id="A")
    assert (movement.movement_id, movement.document) == (reply.movement_id, "DN-9")
    assert sorted(entries(movement)) == [
        ("A", "SUPPLIER", "FREE", 4), ("A", "SUPPLIER", "FREE", 10),
    ]  # fmt: skip
    balance = await expecting.shop.balance("MUG at A")
    assert (balance.on_hand, balance.available, balance.incoming) == (10, 10, 0)


async def test_what_comes_in_parts_is_expected_until_it_is_complete(expecting: Expecting) -> None:
    await expecting.expect("S", "MUG at A", 10, 3)

    first = await expecting.receive(SupplyReceipt(supply_id="S", quantity=4))
    assert (first.received[0].missing_quantity, first.received[0].supply.state) == (
        6, Supply.STATE_CONFIRMED,
    )  # fmt: skip
    assert (await expecting.shop.balance("MUG at A")).incoming == 6

    last = await expecting.receive(SupplyReceipt(supply_id="S", quantity=5, complete=True))
    assert (last.received[0].missing_quantity, last.received[0].supply.state) == (1, RECEIVED)
    assert (await expecting.shop.balance("MUG at A")).incoming == 0


async def test_more_than_was_expected_is_only_taken_where_somebody_says_so(
    expecting: Expecting,
) -> None:
    await expecting.expect("S", "MUG at A", 10, 3)
    before = await expecting.shop.dump()

    with pytest.raises(MoreThanExpected) as refusal:
        await expecting.receive(SupplyReceipt(supply_id="S", quantity=11))
    assert refusal.value.facts() == {"supplyId": "S", "wanted": "11", "expected": "10"}
    assert await expecting.shop.dump() == before

    reply = await expecting.receive(SupplyReceipt(supply_id="S", quantity=11, accept_surplus=True))
    assert (reply.received[0].surplus_quantity, reply.received[0].supply.state) == (1, RECEIVED)
    assert (await expecting.shop.balance("MUG at A")).on_hand == 11


async def test_what_is_closed_is_not_received_again(expecting: Expecting) -> None:
    await expecting.expect("S", "MUG at A", 10, 3)
    await expecting.receive("S")

    with pytest.raises(SupplyStateRefused):
        await expecting.receive("S")
    reply = await expecting.expect("S", "MUG at A", 20, 3)
    assert reply.outcomes[0].verdict == PutOutcome.VERDICT_CLOSED
    assert (await expecting.shop.balance("MUG at A")).on_hand == 10


async def test_what_nobody_expected_cannot_be_received(expecting: Expecting) -> None:
    await expecting.expect("S", "MUG at A", 10, 3)

    with pytest.raises(SupplyNotFound) as refusal:
        await expecting.receive("S", "NONE")
    assert refusal.value.facts() == {"supplyId": "NONE"}
    with pytest.raises(DuplicateEntry):
        await expecting.receive("S", "S")


async def test_a_cancelled_supply_will_not_come(expecting: Expecting) -> None:
    await expecting.expect("S", "MUG at A", 10, 3)

    reply = await expecting.cancel("S")
    again = await expecting.cancel("S")

    assert (reply.supply.state, again.supply) == (Supply.STATE_CANCELLED, reply.supply)
    assert (await expecting.shop.balance("MUG at A")).incoming == 0
    with pytest.raises(SupplyStateRefused):
        await expecting.receive("S")


async def test_a_transfer_leaves_at_once_and_arrives_when_it_is_received(
    expecting: Expecting,
) -> None:
    await expecting.shop.receive({"MUG at A": 10})

    sent = await expecting.send(expecting.transfer("T", "MUG at B", 6, 2, "A"))
    assert [one.state for one in sent.supplies] == [IN_TRANSIT]
    here, there = [await expecting.shop.balance(f"MUG at {place}") for place in "AB"]
    assert (here.on_hand, there.on_hand, there.incoming, there.in_transit) == (4, 0, 6, 6)
    assert await expecting.shop.is_sound()

    received = await expecting.receive("T")
    there = await expecting.shop.balance("MUG at B")
    assert (there.on_hand, there.in_transit) == (6, 0)
    by_id = {one.movement_id: one for one in await expecting.shop.movements(sku="MUG")}
    assert entries(by_id[sent.movement_id]) == [("A", "FREE", "TRANSIT", 6)]
    assert entries(by_id[received.movement_id]) == [("B", "TRANSIT", "FREE", 6)]
    assert await expecting.shop.is_sound()


async def test_what_is_missing_of_a_transfer_is_told_and_written_off_by_somebody(
    expecting: Expecting,
) -> None:
    await expecting.shop.receive({"MUG at A": 10})
    await expecting.send(expecting.transfer("T", "MUG at B", 6, 2, "A"))

    with pytest.raises(TransferInTransit) as refusal:
        await expecting.receive(SupplyReceipt(supply_id="T", quantity=4, complete=True))
    assert refusal.value.facts() == {"supplyId": "T", "inTransit": "2"}
    reply = await expecting.receive(SupplyReceipt(supply_id="T", quantity=4))
    assert (reply.received[0].missing_quantity, reply.received[0].supply.state) == (2, IN_TRANSIT)
    with pytest.raises(MoreThanExpected):
        await expecting.write_off("T", 3)

    lost = await expecting.write_off("T")
    assert (lost.supply.state, lost.supply.lost_quantity) == (RECEIVED, 2)
    (movement,) = [
        one
        for one in await expecting.shop.movements(sku="MUG")
        if one.movement_id == lost.movement_id
    ]
    assert entries(movement) == [("B", "TRANSIT", "LOSS", 2)]
    assert (await expecting.shop.balance("MUG at B")).in_transit == 0
    assert await expecting.shop.is_sound()


async def test_a_surplus_of_a_transfer_was_found(expecting: Expecting) -> None:
    await expecting.shop.receive({"MUG at A": 10})
    await expecting.send(expecting.transfer("T", "MUG at B", 6, 2, "A"))

    reply = await expecting.receive(SupplyReceipt(supply_id="T", quantity=7, accept_surplus=True))

    (movement,) = [
        one
        for one in await expecting.shop.movements(location_id="B")
        if one.movement_id == reply.movement_id
    ]
    assert entries(movement) == [("B", "TRANSIT", "FREE", 6), ("B", "LOSS", "FREE", 1)]
    assert await expecting.shop.is_sound()


async def test_only_free_units_leave(expecting: Expecting) -> None:
    await expecting.shop.receive({"MUG at A": 10})
    await expecting.shop.reserve({"MUG at A": 7})

    with pytest.raises(InsufficientStock) as refusal:
        await expecting.send(
            expecting.transfer("T1", "MUG at B", 2, 2, "A"),
            expecting.transfer("T2", "MUG at C", 2, 2, "A"),
        )
    assert refusal.value.facts() == {
        "sku": "MUG", "locationId": "A", "wanted": "4", "available": "3",
    }  # fmt: skip
    assert await expecting.all() == []


async def test_what_is_on_its_way_is_not_wished_away(expecting: Expecting) -> None:
    await expecting.shop.receive({"MUG at A": 10})
    await expecting.send(expecting.transfer("T", "MUG at B", 6, 2, "A"))

    with pytest.raises(TransferInTransit):
        await expecting.cancel("T")
    with pytest.raises(TransferInTransit):
        await expecting.put(expecting.transfer("T", "MUG at B", 5, 2, "A"))
    moved = await expecting.put(expecting.transfer("T", "MUG at B", 6, 4, "A"))
    assert moved.outcomes[0].verdict == CHANGED


async def test_a_planned_transfer_is_sent_by_its_id(expecting: Expecting) -> None:
    await expecting.shop.receive({"MUG at A": 10})
    planned = {"kind": TRANSFER, "from_location_id": "A"}
    await expecting.expect("T", "MUG at B", 6, 2, **planned)
    with pytest.raises(SupplyStateRefused):
        await expecting.receive("T")
    with pytest.raises(SupplyStateRefused):
        await expecting.expect("T", "MUG at B", 6, 2, **planned, state=IN_TRANSIT)

    sent = await expecting.send(expecting.transfer("T", "MUG at B", 5, 2, "A"))

    assert (sent.supplies[0].quantity, sent.supplies[0].version) == (5, 2)
    with pytest.raises(SupplyStateRefused):
        await expecting.send(expecting.transfer("T", "MUG at B", 5, 2, "A"))
    with pytest.raises(SupplyIdTaken):
        await expecting.send(expecting.transfer("T", "MUG at B", 5, 2, "C"))
    with pytest.raises(SameLocation):
        await expecting.send(expecting.transfer("U", "MUG at B", 5, 2, "B"))


async def test_supplies_are_listed_by_what_they_are(expecting: Expecting) -> None:
    await expecting.put(
        expecting.supply("S1", "MUG at A", 10, 3, document="PO-1"),
        expecting.supply("S2", "CUP at A", 10, 5, document="PO-1"),
        expecting.supply("S3", "MUG at B", 10, 9, document="PO-2"),
    )
    await expecting.cancel("S3")

    async def ids(**filters: object) -> list[str]:
        return [one.supply_id for one in await expecting.all(**filters)]

    assert await ids() == ["S1", "S2", "S3"]
    assert await ids(sku="MUG") == ["S1", "S3"]
    assert await ids(location_id="A") == ["S1", "S2"]
    assert await ids(document="PO-1") == ["S1", "S2"]
    assert await ids(states=[Supply.STATE_CANCELLED]) == ["S3"]
    assert await ids(expected_before_time=expecting.day(5)) == ["S1"]


async def test_what_is_overdue_leaves_though_its_owner_waits_for_it_elsewhere(
    expecting: Expecting,
) -> None:
    await expecting.shop.receive({"MUG at A": 5})
    planned = Supply.STATE_PLANNED
    await expecting.put(expecting.transfer("T", "MUG at B", 5, 3, "A", state=planned))
    wanted = [("1", "MUG at A", 5), ("2", "MUG at B", 2)]
    cart = await expecting.reserve(wanted, hold_seconds=60)
    await expecting.shop.let_pass(61)

    await expecting.send(expecting.transfer("T", "MUG at B", 5, 3, "A"))

    expired = ReservationLine.STATE_EXPIRED
    kept = await expecting.shop.reservation(cart.reservation_id)
    assert [line.state for line in kept.lines] == [expired, expired]
    assert (await expecting.shop.balance("MUG at A")).on_hand == 0
    assert await expecting.shop.is_sound()


async def test_what_comes_is_not_kept_for_the_deficit_of_an_overdue_hold(
    expecting: Expecting,
) -> None:
    shop = expecting.shop
    await shop.receive({"MUG at A": 3})
    await shop.reserve({"MUG at A": 3}, hold_seconds=60)
    await expecting.expect("S", "MUG at A", 3, 5)
    order = await expecting.reserve({"MUG at A": 3})
    await shop.block(("MUG at A", 3, BlockedKind.BLOCKED_KIND_MISSING))
    await shop.let_pass(61)

    reply = await expecting.receive("S")

    assert (reply.received[0].kept_quantity, broken(reply.broken_promises)) == (3, [])
    assert parts(await shop.reservation(order.reservation_id)) == [("1", 3, "")]
    assert await shop.is_sound()


@pytest.mark.parametrize(
    "asked",
    [
        ReceiveSupplyRequest(receipts=[SupplyReceipt(supply_id="S", quantity=4)]),
        WriteOffTransferRequest(supply_id="S", quantity=4),
        SendTransferRequest(),
    ],
    ids=lambda asked: type(asked).__name__,
)
async def test_what_has_come_is_booked_once_however_late_its_request_is_repeated(
    expecting: Expecting, asked: Message
) -> None:
    await expecting.shop.stock({"MUG at B": 10})
    sent = expecting.transfer("S", "MUG at A", 10, 3, "B")
    if isinstance(asked, SendTransferRequest):
        asked = SendTransferRequest(transfers=[sent])
    else:
        await expecting.send(sent)
    asked.request_id = new_id()  # type: ignore[attr-defined]  # each has one

    first = await expecting.ask(asked)
    await expecting.shop.forget_answers()
    again = await expecting.ask(asked)

    assert again.movement_id == first.movement_id
    supply = await expecting.get("S")
    assert supply.received_quantity + supply.lost_quantity in (0, 4)
    assert (await expecting.shop.balance("MUG at B")).on_hand == 0
    assert await expecting.shop.is_sound()

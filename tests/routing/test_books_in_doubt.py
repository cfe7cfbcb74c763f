"""Where the ledger's books are in doubt nothing moves: orders go elsewhere, or wait for people."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select, update

from ordermesh.api.inventory.v1 import (
    FreeQuarantinedKeyRequest,
    ReleaseResponse,
    ReservationServiceServicer,
    add_ReservationServiceServicer_to_server,
)
from ordermesh.api.routing.v1 import FulfillmentOrder, Order
from ordermesh.client.testing import refuse, serving
from ordermesh.inventory.store.tables.items import item
from ordermesh.inventory.store.tables.ledger import balance
from ordermesh.inventory.store.tables.locations import location
from ordermesh.inventory.store.tables.suspects import quarantined_key
from ordermesh.routing.domain.saga import Cap
from ordermesh.routing.peers import inventory
from ordermesh.routing.peers.inventory import InventoryStock
from ordermesh.routing.ports.stock import (
    BooksInDoubt,
    Lost,
    ReservationCall,
    ReservationUnits,
    ReserveCall,
    ShipCall,
    Short,
    WantedUnits,
)
from ordermesh.runtime.database import Transaction
from tests.eventually import eventually
from tests.routing.house import House, key, line, new_id
from tests.routing.looks import has_work_at


async def doubt(house: House, place: str) -> None:
    """Put a key into quarantine, as the auditor does."""
    sku, code = place.split(" at ")
    database = house.inventory_database
    assert database is not None

    async def seize(tx: Transaction) -> None:
        item_id = (await tx.execute(select(item.c.item_id).where(item.c.sku == sku))).scalar_one()
        found = await tx.execute(select(location.c.location_id).where(location.c.code == code))
        location_id = found.scalar_one()
        await tx.execute(
            update(balance)
            .where(balance.c.item_id == item_id, balance.c.location_id == location_id)
            .values(is_quarantined=True)
        )
        await tx.execute(
            insert(quarantined_key).values(
                suspect_id=uuid4(),
                item_id=item_id,
                location_id=location_id,
                findings=[],
                found_time=await tx.now(),
            )
        )

    await database.run(seize)


async def free(house: House, place: str) -> None:
    await house.mesh.ledger.FreeQuarantinedKey(
        FreeQuarantinedKeyRequest(request_id=new_id(), key=key(place), note="counted")
    )


async def test_an_order_goes_where_the_books_are_sound(house: House) -> None:
    await house.stock({"MUG at NEAR": 5, "MUG at EAST": 5})
    await doubt(house, "MUG at NEAR")

    reply = await house.submit("O-1", line("1", "MUG", 2))

    assert reply.order.state == Order.STATE_RELEASED
    assert await has_work_at(house, "O-1", "EAST")


async def test_a_call_that_was_late_holds_nothing_where_the_books_were_in_doubt(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[InventoryStock, ReserveCall]] = []
    reserve = InventoryStock.reserve

    async def noted(stock: InventoryStock, call: ReserveCall) -> object:
        calls.append((stock, call))
        return await reserve(stock, call)

    monkeypatch.setattr(InventoryStock, "reserve", noted)
    await house.stock({"MUG at NEAR": 5, "MUG at EAST": 5})
    is_doubted = False

    async def look(point: str) -> None:
        nonlocal is_doubted
        if point == "before reserve" and not is_doubted:
            is_doubted = True
            await doubt(house, "MUG at NEAR")

    house.at = look
    await house.submit("O-1", line("1", "MUG", 2))
    assert await has_work_at(house, "O-1", "EAST")
    await free(house, "MUG at NEAR")

    # A copy of the first call was on its way for long.
    await reserve(*calls[0])

    assert await house.balance("MUG at NEAR") == (5, 0, 5)


async def test_what_left_is_told_again_until_the_books_are_sound(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "_DOUBT_SECONDS", 0.05)
    await house.stock({"MUG at NEAR": 5})
    await house.submit("O-1", line("1", "MUG", 2))
    (work,) = await house.work("O-1")
    await doubt(house, "MUG at NEAR")

    assert (await house.ship(work, within=3)).state == FulfillmentOrder.STATE_SHIPPING
    await free(house, "MUG at NEAR")

    await eventually(lambda: has_shipped(house))
    assert await house.balance("MUG at NEAR") == (3, 0, 3)
    assert await house.books_balance()


async def has_shipped(house: House) -> bool:
    (work,) = await house.work("O-1")
    return work.state == FulfillmentOrder.STATE_SHIPPED


FACTS: Mapping[str, str] = {"sku": "MUG", "locationId": "NEAR"}


async def _in_doubt(_service: Any, _request: Any, context: Any) -> Any:
    await refuse(context, "KEY_QUARANTINED", service="inventory", metadata=FACTS)


VERBS = ("Reserve", "Confirm", "Release", "Ship", "ShipBulk")
NEVER_HELD = UUID(int=2)


async def _release(service: Any, request: Any, context: Any) -> Any:
    if request.reservation_id == str(NEVER_HELD):
        return ReleaseResponse()
    return await _in_doubt(service, request, context)


async def test_every_answer_of_a_ledger_in_doubt_has_a_meaning() -> None:
    verbs = {**dict.fromkeys(VERBS, _in_doubt), "Release": _release}
    fake = type("InDoubt", (ReservationServiceServicer,), verbs)
    services = {"inventory": [(add_ReservationServiceServicer_to_server, fake())]}
    wanted = (WantedUnits("1", "MUG", "NEAR", 2),)
    verb = ReservationCall(uuid4(), UUID(int=1), "", 1)
    async with serving(services) as mesh:
        stock = InventoryStock(mesh)
        call = ReserveCall(
            uuid4(),
            NEVER_HELD,
            "O-1",
            "",
            wanted,
            confirm=True,
            hold_seconds=1,
            replaces=(),
            fence=1,
        )
        assert await stock.reserve(call) == Short((Cap("MUG", "NEAR", 0),))
        assert await stock.confirm(verb) == Lost()
        together = ShipCall(uuid4(), (ReservationUnits(UUID(int=1), wanted),), "", 1, "W")
        for told in (stock.release(verb), stock.ship(verb), stock.ship_together(together)):
            with pytest.raises(BooksInDoubt) as error:
                await told
            assert error.value.retry_after >= 1

"""What routing copies of inventory's items and locations, which rules read."""

from datetime import UTC, datetime

import pytest
from google.type.postal_address_pb2 import PostalAddress

from ordermesh.api.inventory.v1 import Item, Location, PutLocationsRequest, Size
from ordermesh.routing.domain.item import Item as Copy
from ordermesh.routing.domain.item import KnownLocation
from ordermesh.routing.store.copies import SqlCopyStore
from ordermesh.routing.wire import inventory
from tests.eventually import eventually
from tests.routing.house import House, item, line, location, new_id

MARKDOWN = datetime(2026, 12, 27, 6, tzinfo=UTC)


async def copied(house: House, sku: str) -> Copy | None:
    assert house.database is not None
    found = await house.database.read(lambda tx: SqlCopyStore().items(tx, [sku]))
    return found.get(sku)


async def place(house: House, location_id: str) -> KnownLocation:
    assert house.database is not None
    return (await house.database.read(lambda tx: SqlCopyStore().locations(tx)))[location_id]


def test_a_size_with_an_unknown_side_is_not_known() -> None:
    told = item("MUG", size=Size(length_millimetres=300, width_millimetres=200))

    assert inventory.item(told).size_millimetres is None


@pytest.mark.parametrize("region_code", ["", "USA", "U1", "\u00e4\u00f6"])
def test_what_is_no_country_is_not_known(region_code: str) -> None:
    told = location("NEAR", address=PostalAddress(region_code=region_code))

    assert inventory.location(told).country_code == ""


async def test_an_item_brings_what_rules_ask_for_and_changes_with_the_original(
    house: House,
) -> None:
    told = item(
        "LAMP",
        tags=["tall", "gift"],
        handling=[Item.HANDLING_OVERSIZE, Item.HANDLING_FRAGILE],
        size=Size(length_millimetres=100, width_millimetres=900, height_millimetres=200),
        keep_together=True,
    )
    told.markdown_time.FromDatetime(MARKDOWN)
    await house.items(told)

    async def is_there() -> bool:
        return await copied(house, "LAMP") is not None

    await eventually(is_there)
    found = await copied(house, "LAMP")
    assert found is not None
    assert (found.tags, found.handling) == (("gift", "tall"), ("FRAGILE", "OVERSIZE"))
    assert found.size_millimetres == (900, 200, 100)
    assert (found.markdown_time, found.keep_together) == (MARKDOWN, True)

    await house.items("LAMP")

    async def is_plain() -> bool:
        now = await copied(house, "LAMP")
        return now is not None and (now.tags, now.markdown_time, now.keep_together) == (
            (),
            None,
            False,
        )

    await eventually(is_plain)


async def test_a_location_brings_its_tags_groups_and_country(house: House) -> None:
    moved = location(
        "NEAR",
        type=Location.TYPE_STORE,
        tags=["outlet", "mall"],
        groups=["midwest"],
        address=PostalAddress(region_code="us"),
    )
    await house.mesh.locations.PutLocations(
        PutLocationsRequest(request_id=new_id(), locations=[moved])
    )

    async def is_known() -> bool:
        return (await place(house, "NEAR")).kind == "STORE"

    await eventually(is_known)
    found = await place(house, "NEAR")
    assert (found.tags, found.groups, found.country_code) == (
        ("mall", "outlet"),
        ("midwest",),
        "US",
    )


async def test_units_of_an_item_that_keeps_together_leave_from_one_location(house: House) -> None:
    await house.items(item("SET", keep_together=True), "MUG")
    await house.receive({"SET at NEAR": 2, "SET at EAST": 3, "MUG at NEAR": 2, "MUG at EAST": 3})

    kept = await house.submit("O-1", line("1", "SET", 3))
    free = await house.submit("O-2", line("1", "MUG", 5))

    assert [one.location_id for one in kept.decision.plan.shipments] == ["EAST"]
    assert len(free.decision.plan.shipments) == 2

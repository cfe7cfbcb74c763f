import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from google.type.postal_address_pb2 import PostalAddress

from ordermesh.api.inventory.v1 import (
    BalanceChange,
    BatchGetItemsRequest,
    BatchGetLocationsRequest,
    Item,
    Size,
)
from ordermesh.api.order.v1 import ExternalReference
from ordermesh.inventory.domain.errors.catalog import (
    KitInKit,
    KitWithStock,
    UnitChanged,
    UnknownSku,
)
from tests.inventory.messages import item, location
from tests.inventory.reading import changes_told
from tests.inventory.shop import Shop

WHOLE_ITEM = item(
    "RETRO-CLOCK",
    name="A clock, röt",
    weight_grams=740,
    size=Size(length_millimetres=300, width_millimetres=300, height_millimetres=60),
    tags=["clock", "wall"],
    handling=[Item.HANDLING_FRAGILE],
    markdown_time=Timestamp(seconds=1_798_326_000),
    keep_together=True,
    value=Money(currency_code="EUR", units=24, nanos=990_000_000),
    external_refs=[ExternalReference(system="shopify", id="gid://shopify/Product/1")],
)
WHOLE_LOCATION = location(
    "STORE-12",
    name="Main Street",
    address=PostalAddress(region_code="US", postal_code="60601", address_lines=["12 Main Street"]),
    tags=["mall"],
    external_refs=[ExternalReference(system="sap", id="0012")],
)


async def get_item(shop: Shop, sku: str) -> Item:
    reply = await shop.items.BatchGetItems(BatchGetItemsRequest(skus=[sku]), shop.no_context)
    return reply.items[0]


async def test_an_item_is_read_as_it_was_put(shop: Shop) -> None:
    await shop.put_items(WHOLE_ITEM)

    stored = await get_item(shop, "RETRO-CLOCK")

    assert stored.HasField("create_time")
    assert stored.create_time == stored.update_time
    for name in ("create_time", "update_time", "revision"):
        stored.ClearField(name)
    assert stored == WHOLE_ITEM


async def test_a_location_is_read_as_it_was_put(shop: Shop) -> None:
    await shop.put_locations(WHOLE_LOCATION)

    reply = await shop.locations.BatchGetLocations(
        BatchGetLocationsRequest(location_ids=["STORE-12", "NOWHERE", "A"]), shop.no_context
    )

    assert [one.location_id for one in reply.locations] == ["STORE-12", "A"]
    stored = reply.locations[0]
    for name in ("create_time", "update_time", "revision"):
        stored.ClearField(name)
    assert stored == WHOLE_LOCATION


async def test_only_what_differs_is_counted_and_told(shop: Shop) -> None:
    assert await shop.put_items(WHOLE_ITEM, "MUG") == 2
    before = await shop.dump()
    assert await shop.put_items(WHOLE_ITEM, "MUG") == 0
    assert await shop.dump() == before
    assert await shop.put_items(WHOLE_ITEM, item("MUG", name="Mug"), "CUP") == 2

    assert await shop.put_locations(WHOLE_LOCATION) == 1
    assert await shop.put_locations(WHOLE_LOCATION) == 0


async def test_a_kit_gets_a_version_with_each_composition(shop: Shop) -> None:
    await shop.put_items("POT", "CUP", item("TEA-SET", {"POT": 1, "CUP": 2}))
    versions = [(await get_item(shop, "TEA-SET")).kit.version]
    for kit in (
        item("TEA-SET", {"POT": 1, "CUP": 2}, name="The same, with a name"),
        item("TEA-SET", {"POT": 1, "CUP": 4}),
        item("TEA-SET"),
        item("TEA-SET", {"POT": 1, "CUP": 2}),
    ):
        await shop.put_items(kit)
        versions.append((await get_item(shop, "TEA-SET")).kit.version)

    assert versions == [1, 1, 2, 0, 3]


async def test_a_line_keeps_the_composition_that_it_was_made_with(shop: Shop) -> None:
    await shop.stock({"POT at A": 9, "CUP at A": 9})
    await shop.put_items(item("TEA-SET", {"POT": 1, "CUP": 2}))
    made = await shop.reserve({"TEA-SET at A": 1})
    await shop.put_items(item("TEA-SET", {"POT": 2}))

    lines = (await shop.reservation(made.reservation_id)).lines

    assert [(line.key.sku, line.quantity) for line in lines] == [("POT", 1), ("CUP", 2)]


async def test_a_component_must_be_known_and_no_kit(shop: Shop) -> None:
    await shop.put_items("POT", item("TEA-SET", {"POT": 1}))

    with pytest.raises(UnknownSku) as refusal:
        await shop.put_items(item("BOX", {"NO-1": 1, "POT": 1}), item("CASE", {"NO-2": 1}))
    assert refusal.value.facts()["rows"] == "2"
    with pytest.raises(KitInKit):
        await shop.put_items(item("BOX", {"TEA-SET": 1}))
    with pytest.raises(KitInKit) as inner:
        await shop.put_items("CUP", item("POT", {"CUP": 1}))
    assert inner.value.facts() == {"sku": "TEA-SET", "componentSku": "POT"}
    # Both at once is fine: the outer kit does without it.
    await shop.put_items("CUP", item("POT", {"CUP": 1}), item("TEA-SET", {"CUP": 1}))


async def test_an_item_with_stock_cannot_become_a_kit_but_one_without_can(shop: Shop) -> None:
    await shop.stock({"POT at A": 1, "BOX at A": 1})

    with pytest.raises(KitWithStock) as refusal:
        await shop.put_items(item("BOX", {"POT": 1}))
    assert refusal.value.facts() == {"sku": "BOX"}

    await shop.adjust("BOX at A", on_hand=0)
    await shop.put_items(item("BOX", {"POT": 1}))


async def test_the_unit_of_an_item_never_changes(shop: Shop) -> None:
    await shop.put_items("RICE")

    with pytest.raises(UnitChanged):
        await shop.put_items(item("RICE", unit=Item.UNIT_GRAM))


async def test_a_thousand_items_are_put_at_once(shop: Shop) -> None:
    items = [item(f"SKU-{number:04}", name="n") for number in range(1000)]

    assert await shop.put_items(*items) == 1000
    assert await shop.put_items(*(item(one.sku, name="m") for one in items)) == 1000


async def test_watchers_are_told_what_a_switch_makes_of_the_balances(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5, "CUP at A": 3, "MUG at B": 2})

    await shop.put_locations(location("A", disabled=True))
    assert await told(shop, 2) == {("CUP", "A"): (0, 1), ("MUG", "A"): (0, 1)}
    await shop.put_locations(location("A", name="on again"))
    assert await told(shop, 2) == {("CUP", "A"): (3, 1), ("MUG", "A"): (5, 1)}
    await shop.put_items(item("MUG", unsellable=True))
    assert await told(shop, 2) == {("MUG", "A"): (0, 1), ("MUG", "B"): (0, 1)}
    count = len((await shop.dump())["feed"])
    await shop.put_items(item("MUG", unsellable=True, name="no other switch"))
    # The item itself is told, and no balance.
    assert len((await shop.dump())["feed"]) == count + 1


async def told(shop: Shop, count: int) -> dict[tuple[str, str], tuple[int, int]]:
    """The last changes of balances: what is available, and the sequence."""
    told = await changes_told(shop.wiring.database, "availability")
    changes = [BalanceChange.FromString(change.payload) for change in told[-count:]]
    return {(one.key.sku, one.key.location_id): (one.available, one.sequence) for one in changes}

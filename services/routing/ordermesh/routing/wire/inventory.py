"""What inventory tells, in routing's words."""

from ordermesh.api.inventory.v1 import Item as ItemMessage
from ordermesh.api.inventory.v1 import Location as LocationMessage
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.item import Item, KitPart, KnownLocation
from ordermesh.routing.wire.money import price


def item(message: ItemMessage) -> Item:
    """An item as routing keeps it."""
    return Item(
        sku=message.sku,
        revision=message.revision,
        weight_grams=message.weight_grams,
        value=price(message.value) if message.HasField("value") else None,
        is_sellable=not message.unsellable,
        components=tuple(
            KitPart(component.sku, component.quantity) for component in message.kit.components
        ),
        components_may_split=message.kit.may_split,
    )


def location(message: LocationMessage) -> KnownLocation:
    """A location as routing keeps it."""
    return KnownLocation(
        location_id=message.location_id,
        revision=message.revision,
        kind=LocationMessage.Type.Name(message.type).removeprefix("TYPE_"),
        place=Place.from_degrees(message.position.latitude, message.position.longitude),
        time_zone=message.time_zone,
        is_disabled=message.disabled,
    )

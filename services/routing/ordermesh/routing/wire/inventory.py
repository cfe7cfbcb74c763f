"""What inventory tells, in routing's words."""

from ordermesh.api.inventory.v1 import Item as ItemMessage
from ordermesh.api.inventory.v1 import Location as LocationMessage
from ordermesh.api.inventory.v1 import ReservationMode
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.item import Item, KitPart, KnownLocation
from ordermesh.routing.wire.money import instant, price


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
        tags=tuple(sorted(message.tags)),
        handling=tuple(sorted(_handling(one) for one in message.handling)),
        size_millimetres=_size(message),
        markdown_time=instant(message.markdown_time, "markdown_time")
        if message.HasField("markdown_time")
        else None,
        keep_together=message.keep_together,
        may_wait=message.promised_on_supply,
        is_untracked=message.reservation_mode == ReservationMode.RESERVATION_MODE_TRACK_ONLY,
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
        tags=tuple(sorted(message.tags)),
        groups=tuple(sorted(message.groups)),
        country_code=_country(message.address.region_code),
        region=message.address.administrative_area,
        postal_code=message.address.postal_code,
    )


def _handling(value: "ItemMessage.Handling.ValueType") -> str:
    return ItemMessage.Handling.Name(value).removeprefix("HANDLING_")


def _size(message: ItemMessage) -> tuple[int, int, int] | None:
    """The sides of one unit, the longest first; None where one of them is not known."""
    size = message.size
    sides = (size.length_millimetres, size.width_millimetres, size.height_millimetres)
    if not all(sides):
        return None
    shortest, middle, longest = sorted(sides)
    return longest, middle, shortest


def _country(region_code: str) -> str:
    """A country of two letters; addresses may say more, and then it is not known."""
    code = region_code.upper()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else ""

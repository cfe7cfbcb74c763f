"""Items."""

from google.type.money_pb2 import Money

from ordermesh.api.inventory.v1 import Item as ItemMessage
from ordermesh.api.inventory.v1 import Kit as KitMessage
from ordermesh.api.inventory.v1 import KitComponent
from ordermesh.api.inventory.v1 import ReservationMode as ReservationModeMessage
from ordermesh.api.inventory.v1 import Size as SizeMessage
from ordermesh.inventory.domain.item import Handling, Item, Size, Unit, Value
from ordermesh.inventory.domain.kit import Component, Kit
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.wire.keys import (
    external_reference_messages,
    external_references,
    instant,
    timestamp,
)


def item(message: ItemMessage) -> Item:
    """From the contract; what is output only is left out."""
    size, value, kit = message.size, message.value, message.kit
    return Item(
        sku=message.sku,
        unit=Unit(message.unit),
        name=message.name,
        weight_grams=message.weight_grams,
        size=Size(size.length_millimetres, size.width_millimetres, size.height_millimetres)
        if message.HasField("size")
        else None,
        tags=tuple(message.tags),
        handling=tuple(Handling(number) for number in message.handling),
        value=Value(value.currency_code, value.units, value.nanos)
        if message.HasField("value")
        else None,
        kit=Kit(tuple(Component(part.sku, part.quantity) for part in kit.components), kit.may_split)
        if message.HasField("kit")
        else None,
        is_unsellable=message.unsellable,
        reservation_mode=ReservationMode(message.reservation_mode),
        is_promised_on_supply=message.promised_on_supply,
        markdown_time=instant(message.markdown_time) if message.HasField("markdown_time") else None,
        keep_together=message.keep_together,
        external_references=external_references(message.external_refs),
    )


def item_message(one: Item) -> ItemMessage:
    """To the contract."""
    size, value, kit = one.size, one.value, one.kit
    return ItemMessage(
        sku=one.sku,
        name=one.name,
        unit=ItemMessage.Unit.ValueType(one.unit),
        weight_grams=one.weight_grams,
        size=SizeMessage(
            length_millimetres=size.length,
            width_millimetres=size.width,
            height_millimetres=size.height,
        )
        if size
        else None,
        tags=one.tags,
        handling=[ItemMessage.Handling.ValueType(handling) for handling in one.handling],
        value=Money(currency_code=value.currency_code, units=value.units, nanos=value.nanos)
        if value
        else None,
        kit=KitMessage(
            components=[
                KitComponent(sku=part.sku, quantity=part.quantity) for part in kit.components
            ],
            may_split=kit.may_split,
            version=kit.version,
        )
        if kit
        else None,
        unsellable=one.is_unsellable,
        reservation_mode=ReservationModeMessage.ValueType(one.reservation_mode),
        promised_on_supply=one.is_promised_on_supply,
        markdown_time=timestamp(one.markdown_time),
        keep_together=one.keep_together,
        external_refs=external_reference_messages(one.external_references),
        revision=one.revision,
        create_time=timestamp(one.create_time),
        update_time=timestamp(one.update_time),
    )

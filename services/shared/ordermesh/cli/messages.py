"""A retailer's records as messages of the contracts."""

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.latlng_pb2 import LatLng
from google.type.money_pb2 import Money
from google.type.postal_address_pb2 import PostalAddress

from ordermesh.api.inventory.v1 import Item, Kit, KitComponent, Location, Size, StockLine
from ordermesh.api.order.v1 import Contact, Destination, FulfillmentMethod, StockKey
from ordermesh.api.routing.v1 import (
    Capacity,
    CapacityUnit,
    NetworkLocation,
    NewOrderLine,
    ReturnHandling,
    SourcingLine,
    SourcingQuestion,
    SubmitOrderRequest,
)
from ordermesh.kernel.ids import derived_id
from ordermesh.kernel.money import to_units_and_nanos
from ordermesh.sample import nouns


def money(amount: int, currency_code: str) -> Money:
    """The amount, given in 1e-4 of the currency."""
    units, nanos = to_units_and_nanos(amount)
    return Money(currency_code=currency_code, units=units, nanos=nanos)


def item(record: nouns.Item, currency_code: str) -> Item:
    """An item, or a kit."""
    message = Item(
        sku=record.sku,
        name=record.name,
        unit=Item.Unit.Value(f"UNIT_{record.unit}"),
        weight_grams=record.weight_grams,
        tags=sorted({*record.tags, record.department} - {""}),
        handling=[Item.Handling.Value(f"HANDLING_{care}") for care in record.handling],
        value=money(record.price, currency_code),
    )
    if record.size is not None:
        message.size.CopyFrom(
            Size(
                length_millimetres=record.size.length_millimetres,
                width_millimetres=record.size.width_millimetres,
                height_millimetres=record.size.height_millimetres,
            )
        )
    if record.components:
        parts = [KitComponent(sku=part.sku, quantity=part.quantity) for part in record.components]
        message.kit.CopyFrom(Kit(components=parts, may_split=record.may_split))
    return message


def location(record: nouns.Location) -> Location:
    """A place that holds stock."""
    return Location(
        location_id=record.location_id,
        name=record.name,
        type=Location.Type.Value(f"TYPE_{record.type}"),
        address=PostalAddress(
            region_code=record.address.country_code,
            administrative_area=record.address.region,
            locality=record.address.locality,
            postal_code=record.address.postal_code,
            address_lines=record.address.address_lines,
        ),
        position=LatLng(latitude=record.latitude, longitude=record.longitude),
        time_zone=record.time_zone,
        tags=record.tags,
    )


def network_location(record: nouns.NetworkLocation, currency_code: str) -> NetworkLocation:
    """How a location fulfills."""
    return NetworkLocation(
        location_id=record.location_id,
        methods=[
            FulfillmentMethod.Value(f"FULFILLMENT_METHOD_{method}") for method in record.methods
        ],
        priority=record.priority,
        pick_fee=money(record.pick_fee, currency_code),
        labor_cost_per_unit=money(record.labor_cost_per_unit, currency_code),
        capacities=units_a_day(record.capacity_units_per_day),
        handling_days=record.handling_days,
        return_handling=ReturnHandling.Value(f"RETURN_HANDLING_{record.return_handling}"),
    )


def units_a_day(limit: int | None) -> list[Capacity]:
    """A limit of units that leave on one day; none where there is no limit."""
    if limit is None:
        return []
    unit = CapacityUnit.CAPACITY_UNIT_UNITS
    return [Capacity(capacity_id="units-a-day", unit=unit, limit=limit)]


def stock_line(record: nouns.StockRow) -> StockLine:
    """Units that come in."""
    return StockLine(
        key=StockKey(sku=record.sku, location_id=record.location_id), quantity=record.quantity
    )


def destination(record: nouns.Destination) -> Destination:
    """Where an order goes."""
    message = Destination(
        country_code=record.country_code, region=record.region, postal_code=record.postal_code
    )
    if record.latitude is not None and record.longitude is not None:
        message.position.CopyFrom(LatLng(latitude=record.latitude, longitude=record.longitude))
    return message


def submit_order(record: nouns.Order, currency_code: str) -> SubmitOrderRequest:
    """An order that has been paid. Its request id is derived from all of it: twice is once."""
    order_time = Timestamp()
    order_time.FromDatetime(record.order_time)
    request = SubmitOrderRequest(
        order_id=record.order_id,
        channel=record.channel,
        channel_order_id=record.channel_order_id,
        lines=[
            NewOrderLine(
                line_id=line.line_id,
                sku=line.sku,
                quantity=line.quantity,
                unit_price=money(line.unit_price, currency_code),
                keep_together=line.keep_together,
            )
            for line in record.lines
        ],
        destination=destination(record.destination),
        method=FulfillmentMethod.FULFILLMENT_METHOD_SHIP,
        order_time=order_time,
        promise_days=record.promise_days,
        acceptance=SubmitOrderRequest.ACCEPTANCE_ALWAYS,
    )
    if record.contact is not None:
        whom = record.contact
        request.contact.CopyFrom(Contact(name=whom.name, email=whom.email, language=whom.language))
    request.request_id = str(derived_id("submit", request.SerializeToString().hex()))
    return request


def question(record: nouns.Order) -> SourcingQuestion:
    """The same order as a question."""
    return SourcingQuestion(
        lines=[
            SourcingLine(
                line_id=line.line_id,
                sku=line.sku,
                quantity=line.quantity,
                keep_together=line.keep_together,
            )
            for line in record.lines
        ],
        destination=destination(record.destination),
        promise_days=record.promise_days,
    )

"""``orders.csv``: what customers want, one order line a line.

What belongs to the whole order stands on each of its lines and has to be the same there. An order
is taken whole or not at all.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from ordermesh.sample.files.sheets import (
    Column,
    Reading,
    Record,
    Sheet,
    amount,
    decimal,
    instant_text,
)
from ordermesh.sample.nouns import Contact, Destination, Item, Order, OrderLine

COLUMNS = (
    Column("order_id", "the id of the order, 1 to 128 printable characters", required=True),
    Column("channel", "where it was sold", default="web"),
    Column("channel_order_id", "its id there; empty stands for the order's id"),
    Column("customer_id", "whose it is: an id, never a name or an address"),
    Column("order_time", "when it was ordered, ISO 8601 with the offset from UTC", required=True),
    Column("country_code", "where it goes, ISO 3166-1 alpha-2", default="US"),
    Column("region", "the state or province"),
    Column("postal_code", "the postal code, with its leading zeros", required=True),
    Column("latitude", "degrees; both or neither"),
    Column("longitude", "degrees, negative in the west"),
    Column("promise_days", "days within which it should arrive; 0 for no promise", default="0"),
    Column("customer_name", "whom to write to"),
    Column("customer_email", "where to; empty for an order of which nobody is told"),
    Column("language", "the language to write in, BCP 47; empty stands for the shop's"),
    Column("line_id", "the id of the line in its order; empty stands for its number"),
    Column("sku", "what is wanted: an item or a kit", required=True),
    Column("quantity", "how many, from 1", required=True),
    Column("unit_price", "what one of them was sold for", required=True),
    Column("keep_together", "yes when they have to come from one location", default="no"),
)
_QUANTITY_MAX = 1_000_000
_LINES_MAX = 500
_OF_THE_ORDER = tuple(column.name for column in COLUMNS[1:14])


@dataclass
class _Gathered:
    """An order while its lines are read."""

    first: Record
    order: Order
    lines: dict[str, OrderLine] = field(default_factory=dict)
    line_of: dict[str, int] = field(default_factory=dict)
    refused: list[int] = field(default_factory=list)


def read_orders(path: Path, items: Collection[Item] | None = None) -> Reading[Order]:
    """The orders of this file, by the line on which each begins; items are checked where given.

    Raises ``OSError`` when the file cannot be read.
    """
    sheet = Sheet(path, COLUMNS)
    known = None if items is None else {item.sku for item in items}
    gathered: dict[str, _Gathered] = {}
    for record in sheet.records():
        order_id = record.identity("order_id")
        order = gathered.get(order_id)
        if order is None:
            order = _Gathered(record, _order(record, order_id))
            if order_id:
                gathered[order_id] = order
        else:
            _refuse_differences(record, order.first)
        _take_line(record, order, known)
        if record.is_refused:
            order.refused.append(record.line)
    _refuse_twins(gathered.values())
    for order in gathered.values():
        if order.refused:
            lines = ", ".join(map(str, order.refused[:5]))
            more = f" and {len(order.refused) - 5} more" if len(order.refused) > 5 else ""
            order.first.refuse("order_id", f"is left out: line {lines}{more} was refused")
    return sheet.reading(
        replace(order.order, lines=tuple(order.lines.values()))
        for order in gathered.values()
        if not order.refused
    )


def order_cells(orders: Iterable[Order]) -> Iterator[tuple[object, ...]]:
    """The cells of each line of each order, in the order of ``COLUMNS``."""
    for order in orders:
        going = order.destination
        for line in order.lines:
            yield (
                order.order_id,
                order.channel,
                order.channel_order_id,
                order.customer_id,
                instant_text(order.order_time),
                going.country_code,
                going.region,
                going.postal_code,
                "" if going.latitude is None else decimal(going.latitude),
                "" if going.longitude is None else decimal(going.longitude),
                order.promise_days,
                *_contact_cells(order.contact),
                line.line_id,
                line.sku,
                line.quantity,
                amount(line.unit_price),
                "yes" if line.keep_together else "no",
            )


def _contact_cells(contact: Contact | None) -> tuple[str, str, str]:
    return ("", "", "") if contact is None else (contact.name, contact.email, contact.language)


def _order(record: Record, order_id: str) -> Order:
    channel_order_id = record.text("channel_order_id", most=128) or order_id
    order_time: datetime = record.instant("order_time")
    country_code = record.country("country_code")
    region = record.text("region", most=128)
    postal_code = record.identity("postal_code")
    place = record.place("latitude", "longitude")
    latitude, longitude = place or (None, None)
    return Order(
        order_id=order_id,
        channel=record.identity("channel"),
        channel_order_id=channel_order_id,
        customer_id=record.text("customer_id", most=128),
        order_time=order_time,
        destination=Destination(country_code, region, postal_code, latitude, longitude),
        promise_days=record.whole("promise_days", most=365),
        lines=(),
        contact=_contact(record),
    )


def _contact(record: Record) -> Contact | None:
    contact = Contact(
        name=record.text("customer_name", most=512),
        email=record.text("customer_email", most=254),
        language=record.text("language", most=35),
    )
    if contact.name and not contact.email:
        record.refuse("customer_email", "is missing beside a name")
    return contact if contact.email else None


def _take_line(record: Record, order: _Gathered, known: Collection[str] | None) -> None:
    line = OrderLine(
        line_id=record.text("line_id", most=128) or str(len(order.line_of) + 1),
        sku=record.identity("sku"),
        quantity=record.whole("quantity", least=1, most=_QUANTITY_MAX),
        unit_price=record.money("unit_price"),
        keep_together=record.yes("keep_together"),
    )
    if line.sku and known is not None and line.sku not in known:
        record.refuse("sku", "is not an item that is known")
    first = order.line_of.setdefault(line.line_id, record.line)
    if first != record.line:
        record.refuse("line_id", f"{line.line_id} is on line {first} already in this order")
    if len(order.line_of) > _LINES_MAX:
        record.refuse("order_id", f"has more than {_LINES_MAX} lines")
    order.lines[line.line_id] = line


def _refuse_differences(record: Record, first: Record) -> None:
    for column in _OF_THE_ORDER:
        if record.raw(column) != first.raw(column):
            record.refuse(column, f"differs from line {first.line} of the same order")


def _refuse_twins(orders: Iterable[_Gathered]) -> None:
    """The pair of a channel and its id belongs to one order."""
    owners: dict[tuple[str, str], int] = {}
    for order in orders:
        name = (order.order.channel, order.order.channel_order_id)
        owner = owners.setdefault(name, order.first.line)
        if owner != order.first.line:
            order.first.refuse("channel_order_id", f"is on line {owner} already for another order")
            order.refused.append(order.first.line)

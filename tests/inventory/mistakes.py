"""The ways in which a caller can be wrong, for every mutating method: one row for each.

``spoil`` gets a request that would succeed in the shop that the tests prepare.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import Message

from ordermesh.api.inventory.v1 import (
    AdjustmentReason,
    AdjustStockRequest,
    ConfirmRequest,
    Item,
    Kit,
    KitComponent,
    LineReassignment,
    PutItemsRequest,
    PutLocationsRequest,
    ReassignRequest,
    ReceiveStockRequest,
    ReleaseRequest,
    ReserveRequest,
    ShipRequest,
    StockAdjustment,
    StockLine,
    StockTransfer,
    TransferStockRequest,
)
from tests.inventory.shop import (
    item,
    key,
    location,
    reserve_lines,
    selection,
)

HELD = "11111111-1111-4111-8111-111111111111"
PAID = "22222222-2222-4222-8222-222222222222"
UNKNOWN = "33333333-3333-4333-8333-333333333333"

INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
REFUSED = grpc.StatusCode.FAILED_PRECONDITION
ABORTED = grpc.StatusCode.ABORTED
VIOLATION = "FIELD_VIOLATION"


def good_requests() -> dict[str, Message]:
    """A request for each mutating method that succeeds in the prepared shop."""
    return {
        "ItemService.PutItems": PutItemsRequest(
            items=[item("MUG", name="A mug"), item("SET", {"MUG": 2, "CUP": 1}), item("NEW")]
        ),
        "LocationService.PutLocations": PutLocationsRequest(
            locations=[location("A", name="Main Street"), location("E")]
        ),
        "LedgerService.ReceiveStock": ReceiveStockRequest(
            lines=[
                StockLine(key=key("MUG at A"), quantity=3, serial_numbers=["S1"]),
                StockLine(key=key("CUP at C"), quantity=4),
            ]
        ),
        "LedgerService.AdjustStock": AdjustStockRequest(
            adjustments=[
                StockAdjustment(key=key("MUG at A"), delta=-1),
                StockAdjustment(key=key("CUP at A"), on_hand=7, expected_on_hand=10),
            ],
            reason=AdjustmentReason.ADJUSTMENT_REASON_COUNTED,
        ),
        "LedgerService.TransferStock": TransferStockRequest(
            transfers=[StockTransfer(from_key=key("MUG at A"), to_location_id="C", quantity=3)]
        ),
        "ReservationService.Reserve": ReserveRequest(
            reservation_id="44444444-4444-4444-8444-444444444444",
            lines=reserve_lines([("1", "MUG at A", 3), ("2", "CUP at A", 1)]),
            replaces_reservation_ids=[HELD],
            fence=1,
        ),
        "ReservationService.Confirm": ConfirmRequest(reservation_id=HELD, fence=5),
        "ReservationService.Release": ReleaseRequest(
            reservation_id=PAID, lines=[selection("1", 1)], fence=5
        ),
        "ReservationService.Reassign": ReassignRequest(
            reservation_id=PAID,
            lines=[LineReassignment(line=selection("1", 2), to_location_id="B")],
            fence=5,
        ),
        "ReservationService.Ship": ShipRequest(
            reservation_id=PAID, lines=[selection("1", 2), selection("2", 1)], fence=5
        ),
    }


@dataclass(frozen=True)
class Row:
    method: str
    what: str
    spoil: Callable[[Any], object]
    code: grpc.StatusCode
    reason: str
    facts: Mapping[str, str] | None = None


def rows() -> list[Row]:
    table: list[Row] = []

    def row(
        method: str,
        what: str,
        spoil: Callable[[Any], object],
        code: grpc.StatusCode,
        reason: str,
        **facts: str,
    ) -> None:
        table.append(Row(method, what, spoil, code, reason, facts or None))

    for method in good_requests():
        row(method, "no request id", lambda r: r.ClearField("request_id"), INVALID, VIOLATION)
        row(method, "request id is no UUID", put("request_id", "soon"), INVALID, VIOLATION)
        row(method, "control character", put("on_behalf_of", "Ann\n"), INVALID, VIOLATION)

    m = "ItemService.PutItems"
    row(m, "no items", lambda r: r.ClearField("items"), INVALID, VIOLATION)
    row(m, "no sku", lambda r: r.items[0].ClearField("sku"), INVALID, VIOLATION)
    row(m, "no unit", lambda r: r.items[0].ClearField("unit"), INVALID, VIOLATION)
    row(m, "negative weight", lambda r: put("weight_grams", -1)(r.items[0]), INVALID, VIOLATION)
    row(m, "tag twice", lambda r: r.items[0].tags.extend(["red", "red"]), INVALID, VIOLATION)
    row(m, "empty kit", lambda r: r.items[2].kit.CopyFrom(Kit()), INVALID, VIOLATION)
    row(m, "no units in kit", lambda r: part(r).ClearField("quantity"), INVALID, VIOLATION)
    row(
        m,
        "item twice",
        lambda r: r.items.append(item("NEW")),
        INVALID,
        "DUPLICATE_ENTRY",
        field="items[3].sku",
        value="NEW",
    )
    row(
        m,
        "component twice",
        lambda r: r.items[1].kit.components.append(part(r)),
        INVALID,
        "DUPLICATE_ENTRY",
        field="items[1].kit.components[2].sku",
        value="MUG",
    )
    row(
        m,
        "unknown component",
        lambda r: put("sku", "NOBODY")(part(r)),
        NOT_FOUND,
        "UNKNOWN_SKU",
        sku="NOBODY",
    )
    row(
        m,
        "kit in kit",
        lambda r: put("sku", "BOX")(part(r)),
        INVALID,
        "KIT_IN_KIT",
        sku="SET",
        componentSku="BOX",
    )
    row(
        m,
        "kit of itself",
        lambda r: put("sku", "SET")(part(r)),
        INVALID,
        "KIT_IN_KIT",
        sku="SET",
        componentSku="SET",
    )
    row(
        m, "component becomes a kit", lambda r: become_kit(r.items[0], "CUP"), INVALID, "KIT_IN_KIT"
    )
    row(
        m,
        "unit changes",
        lambda r: put("unit", Item.UNIT_GRAM)(r.items[0]),
        REFUSED,
        "UNIT_CHANGED",
        sku="MUG",
        unit="EACH",
        wanted="GRAM",
    )
    row(
        m,
        "stock becomes a kit",
        lambda r: r.items.append(item("CUP", {"NEW": 1})),
        INVALID,
        "KIT_IN_KIT",
    )
    row(
        m,
        "item with stock becomes a kit",
        lambda r: r.items.append(item("JAR", {"NEW": 1})),
        REFUSED,
        "KIT_WITH_STOCK",
        sku="JAR",
    )

    m = "LocationService.PutLocations"
    row(m, "no locations", lambda r: r.ClearField("locations"), INVALID, VIOLATION)
    row(m, "no id", lambda r: r.locations[0].ClearField("location_id"), INVALID, VIOLATION)
    row(m, "no type", lambda r: r.locations[0].ClearField("type"), INVALID, VIOLATION)
    row(m, "no position", lambda r: r.locations[0].ClearField("position"), INVALID, VIOLATION)
    row(m, "no time zone", lambda r: r.locations[0].ClearField("time_zone"), INVALID, VIOLATION)
    row(m, "type of tomorrow", lambda r: put("type", 99)(r.locations[0]), INVALID, VIOLATION)
    row(
        m,
        "location twice",
        lambda r: r.locations.append(location("E")),
        INVALID,
        "DUPLICATE_ENTRY",
        field="locations[2].location_id",
        value="E",
    )
    row(
        m,
        "unknown time zone",
        lambda r: put("time_zone", "Moon/Base")(r.locations[1]),
        INVALID,
        "INVALID_TIME_ZONE",
        locationId="E",
        timeZone="Moon/Base",
    )
    for name, value in (("latitude", 90.5), ("longitude", -181.0), ("latitude", float("nan"))):
        row(
            m, f"{name} {value}", position(name, value), INVALID, "INVALID_POSITION", locationId="E"
        )

    m = "LedgerService.ReceiveStock"
    row(m, "no lines", lambda r: r.ClearField("lines"), INVALID, VIOLATION)
    row(m, "no key", lambda r: r.lines[0].ClearField("key"), INVALID, VIOLATION)
    row(m, "no quantity", lambda r: r.lines[0].ClearField("quantity"), INVALID, VIOLATION)
    row(m, "too many", lambda r: put("quantity", 10**9 + 1)(r.lines[0]), INVALID, VIOLATION)
    row(
        m,
        "serial number twice",
        lambda r: r.lines[0].serial_numbers.append("S1"),
        INVALID,
        VIOLATION,
    )
    row(
        m,
        "serial number in two lines",
        lambda r: r.lines.append(r.lines[0]),
        INVALID,
        "DUPLICATE_ENTRY",
        field="lines.serial_numbers",
        value="S1",
    )
    row(
        m,
        "unknown sku",
        lambda r: put("sku", "NOBODY")(r.lines[1].key),
        NOT_FOUND,
        "UNKNOWN_SKU",
        sku="NOBODY",
    )
    row(
        m,
        "unknown location",
        lambda r: put("location_id", "MOON")(r.lines[1].key),
        NOT_FOUND,
        "UNKNOWN_LOCATION",
        locationId="MOON",
    )
    row(
        m,
        "a lot",
        lambda r: put("lot_id", "L1")(r.lines[1].key),
        INVALID,
        "LOT_UNSUPPORTED",
        sku="CUP",
        locationId="C",
        lotId="L1",
    )
    row(
        m,
        "a kit",
        lambda r: put("sku", "BOX")(r.lines[1].key),
        INVALID,
        "KIT_HAS_NO_STOCK",
        sku="BOX",
    )

    m = "LedgerService.AdjustStock"
    row(m, "no adjustments", lambda r: r.ClearField("adjustments"), INVALID, VIOLATION)
    row(m, "no change", lambda r: r.adjustments[0].ClearField("delta"), INVALID, VIOLATION)
    row(m, "no reason", lambda r: r.ClearField("reason"), INVALID, VIOLATION)
    row(m, "negative on hand", lambda r: put("on_hand", -1)(r.adjustments[1]), INVALID, VIOLATION)
    row(
        m,
        "key twice",
        lambda r: r.adjustments.append(r.adjustments[0]),
        INVALID,
        "DUPLICATE_ENTRY",
        field="adjustments[2].key",
        value="MUG at A",
    )
    row(
        m,
        "unknown sku",
        lambda r: put("sku", "NOBODY")(r.adjustments[0].key),
        NOT_FOUND,
        "UNKNOWN_SKU",
        sku="NOBODY",
    )
    row(
        m,
        "unknown location",
        lambda r: put("location_id", "MOON")(r.adjustments[0].key),
        NOT_FOUND,
        "UNKNOWN_LOCATION",
        locationId="MOON",
    )
    row(
        m,
        "a kit",
        lambda r: put("sku", "BOX")(r.adjustments[0].key),
        INVALID,
        "KIT_HAS_NO_STOCK",
        sku="BOX",
    )
    row(
        m,
        "not stocked here",
        lambda r: put("location_id", "D")(r.adjustments[0].key),
        REFUSED,
        "NOT_STOCKED_HERE",
        sku="MUG",
        locationId="D",
    )
    row(
        m,
        "below what is promised",
        lambda r: put("delta", -8)(r.adjustments[0]),
        REFUSED,
        "ON_HAND_BELOW_RESERVED",
        sku="MUG",
        locationId="A",
        onHand="10",
        reserved="6",
        wanted="2",
    )
    row(
        m,
        "another number on hand",
        lambda r: put("expected_on_hand", 9)(r.adjustments[1]),
        ABORTED,
        "ON_HAND_CHANGED",
        sku="CUP",
        locationId="A",
        onHand="10",
        expectedOnHand="9",
    )

    m = "LedgerService.TransferStock"
    row(m, "no transfers", lambda r: r.ClearField("transfers"), INVALID, VIOLATION)
    row(m, "no origin", lambda r: r.transfers[0].ClearField("from_key"), INVALID, VIOLATION)
    row(m, "no target", lambda r: r.transfers[0].ClearField("to_location_id"), INVALID, VIOLATION)
    row(m, "no units", lambda r: put("quantity", 0)(r.transfers[0]), INVALID, VIOLATION)
    row(
        m,
        "the same twice is summed",
        lambda r: r.transfers.append(r.transfers[0]),
        REFUSED,
        "INSUFFICIENT_STOCK",
        sku="MUG",
        locationId="A",
        wanted="6",
        available="4",
    )
    row(
        m,
        "unknown sku",
        lambda r: put("sku", "NOBODY")(r.transfers[0].from_key),
        NOT_FOUND,
        "UNKNOWN_SKU",
        sku="NOBODY",
    )
    row(
        m,
        "unknown target",
        lambda r: put("to_location_id", "MOON")(r.transfers[0]),
        NOT_FOUND,
        "UNKNOWN_LOCATION",
        locationId="MOON",
    )
    row(
        m,
        "nowhere else",
        lambda r: put("to_location_id", "A")(r.transfers[0]),
        INVALID,
        "SAME_LOCATION",
        sku="MUG",
        locationId="A",
    )
    row(
        m,
        "no record",
        lambda r: put("location_id", "D")(r.transfers[0].from_key),
        REFUSED,
        "INSUFFICIENT_STOCK",
        sku="MUG",
        locationId="D",
        wanted="3",
        available="0",
    )

    m = "ReservationService.Reserve"
    row(m, "no reservation id", lambda r: r.ClearField("reservation_id"), INVALID, VIOLATION)
    row(m, "no lines", lambda r: r.ClearField("lines"), INVALID, VIOLATION)
    row(m, "no line id", lambda r: r.lines[0].ClearField("line_id"), INVALID, VIOLATION)
    row(m, "negative quantity", lambda r: put("quantity", -1)(r.lines[0]), INVALID, VIOLATION)
    row(
        m,
        "more than a line may have",
        lambda r: put("quantity", 10**6 + 1)(r.lines[0]),
        INVALID,
        VIOLATION,
    )
    row(m, "hold of a day", lambda r: r.hold_duration.FromSeconds(86_400), INVALID, VIOLATION)
    row(
        m,
        "replaces one twice",
        lambda r: r.replaces_reservation_ids.append(HELD),
        INVALID,
        VIOLATION,
    )
    row(
        m,
        "line twice",
        lambda r: r.lines.append(r.lines[0]),
        INVALID,
        "DUPLICATE_ENTRY",
        field="lines[2]",
        value="1 (MUG at A)",
    )
    row(
        m,
        "unknown sku",
        lambda r: put("sku", "NOBODY")(r.lines[0].key),
        NOT_FOUND,
        "UNKNOWN_SKU",
        sku="NOBODY",
    )
    row(
        m,
        "unknown location",
        lambda r: put("location_id", "MOON")(r.lines[0].key),
        NOT_FOUND,
        "UNKNOWN_LOCATION",
        locationId="MOON",
    )
    row(
        m,
        "a lot",
        lambda r: put("lot_id", "L1")(r.lines[0].key),
        INVALID,
        "LOT_UNSUPPORTED",
        sku="MUG",
        locationId="A",
        lotId="L1",
    )
    row(
        m,
        "not stocked here",
        lambda r: put("location_id", "D")(r.lines[0].key),
        REFUSED,
        "NOT_STOCKED_HERE",
        sku="MUG",
        locationId="D",
    )
    row(
        m,
        "too many",
        lambda r: put("quantity", 8)(r.lines[0]),
        REFUSED,
        "INSUFFICIENT_STOCK",
        sku="MUG",
        locationId="A",
        wanted="8",
        available="7",
    )
    row(
        m,
        "taken id",
        put("reservation_id", PAID),
        REFUSED,
        "RESERVATION_ID_TAKEN",
        reservationId=PAID,
    )
    row(
        m,
        "replaces nothing",
        lambda r: r.replaces_reservation_ids.append(UNKNOWN),
        NOT_FOUND,
        "RESERVATION_NOT_FOUND",
        reservationId=UNKNOWN,
    )

    m = "ReservationService.Confirm"
    row(m, "no reservation", lambda r: r.ClearField("reservation_id"), INVALID, VIOLATION)
    row(m, "negative fence", put("fence", -1), INVALID, VIOLATION)
    row(
        m,
        "unknown",
        put("reservation_id", UNKNOWN),
        NOT_FOUND,
        "RESERVATION_NOT_FOUND",
        reservationId=UNKNOWN,
    )
    row(
        m,
        "lower fence",
        put("fence", 1),
        REFUSED,
        "FENCED",
        reservationId=HELD,
        fence="1",
        highestFence="2",
    )

    m = "ReservationService.Release"
    row(m, "no reservation", lambda r: r.ClearField("reservation_id"), INVALID, VIOLATION)
    row(m, "no line id", lambda r: r.lines[0].ClearField("line_id"), INVALID, VIOLATION)
    row(m, "negative quantity", lambda r: put("quantity", -1)(r.lines[0]), INVALID, VIOLATION)
    row(
        m,
        "unknown line",
        lambda r: put("line_id", "9")(r.lines[0]),
        NOT_FOUND,
        "LINE_NOT_FOUND",
        reservationId=PAID,
        lineId="9",
    )
    row(
        m,
        "unknown sku",
        lambda r: put("sku", "NOBODY")(r.lines[0]),
        NOT_FOUND,
        "LINE_NOT_FOUND",
        reservationId=PAID,
        lineId="1",
    )
    row(
        m,
        "lower fence",
        put("fence", 1),
        REFUSED,
        "FENCED",
        reservationId=PAID,
        fence="1",
        highestFence="2",
    )

    m = "ReservationService.Reassign"
    row(m, "no lines", lambda r: r.ClearField("lines"), INVALID, VIOLATION)
    row(m, "no line", lambda r: r.lines[0].ClearField("line"), INVALID, VIOLATION)
    row(m, "no target", lambda r: r.lines[0].ClearField("to_location_id"), INVALID, VIOLATION)
    row(
        m,
        "more than is open",
        lambda r: r.lines.append(r.lines[0]),
        REFUSED,
        "RESERVATION_CLOSED",
        reservationId=PAID,
        lineId="1",
        wanted="2",
        open="1",
    )
    row(
        m,
        "unknown",
        put("reservation_id", UNKNOWN),
        NOT_FOUND,
        "RESERVATION_NOT_FOUND",
        reservationId=UNKNOWN,
    )
    row(
        m,
        "unknown line",
        lambda r: put("line_id", "9")(r.lines[0].line),
        NOT_FOUND,
        "LINE_NOT_FOUND",
        reservationId=PAID,
        lineId="9",
    )
    row(
        m,
        "unknown target",
        lambda r: put("to_location_id", "MOON")(r.lines[0]),
        NOT_FOUND,
        "UNKNOWN_LOCATION",
        locationId="MOON",
    )
    row(
        m,
        "nowhere else",
        lambda r: put("to_location_id", "A")(r.lines[0]),
        INVALID,
        "SAME_LOCATION",
        sku="MUG",
        locationId="A",
    )
    row(
        m,
        "nothing there",
        lambda r: put("to_location_id", "D")(r.lines[0]),
        REFUSED,
        "INSUFFICIENT_STOCK",
        sku="MUG",
        locationId="D",
        wanted="2",
        available="0",
    )
    row(
        m,
        "lower fence",
        put("fence", 1),
        REFUSED,
        "FENCED",
        reservationId=PAID,
        fence="1",
        highestFence="2",
    )

    m = "ReservationService.Ship"
    row(m, "no lines", lambda r: r.ClearField("lines"), INVALID, VIOLATION)
    row(m, "no line id", lambda r: r.lines[0].ClearField("line_id"), INVALID, VIOLATION)
    row(m, "too many", lambda r: put("quantity", 10**6 + 1)(r.lines[0]), INVALID, VIOLATION)
    row(
        m,
        "more than is open",
        lambda r: r.lines.append(r.lines[0]),
        REFUSED,
        "RESERVATION_CLOSED",
        reservationId=PAID,
        lineId="1",
        wanted="2",
        open="1",
    )
    row(
        m,
        "unknown",
        put("reservation_id", UNKNOWN),
        NOT_FOUND,
        "RESERVATION_NOT_FOUND",
        reservationId=UNKNOWN,
    )
    row(
        m,
        "unknown line",
        lambda r: put("line_id", "9")(r.lines[0]),
        NOT_FOUND,
        "LINE_NOT_FOUND",
        reservationId=PAID,
        lineId="9",
    )
    row(
        m,
        "not confirmed",
        put("reservation_id", HELD),
        REFUSED,
        "RESERVATION_NOT_CONFIRMED",
        reservationId=HELD,
        lineId="1",
    )
    row(
        m,
        "lower fence",
        put("fence", 1),
        REFUSED,
        "FENCED",
        reservationId=PAID,
        fence="1",
        highestFence="2",
    )
    return table


def put(name: str, value: object) -> Callable[[Any], object]:
    return lambda message: setattr(message, name, value)


def part(request: PutItemsRequest) -> KitComponent:
    return request.items[1].kit.components[0]


def become_kit(one: Item, component: str) -> None:
    one.kit.components.append(KitComponent(sku=component, quantity=1))


def position(name: str, value: float) -> Callable[[Any], object]:
    return lambda request: setattr(request.locations[1].position, name, value)

"""Mistakes with reservations."""

from typing import Any

from tests.inventory.mistakes.table import (
    HELD,
    INVALID,
    NOT_FOUND,
    PAID,
    REFUSED,
    UNKNOWN,
    VIOLATION,
    Table,
    foreign,
    put,
)


def reserve(row: Table) -> None:
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
    row(m, "nowhere", lambda r: r.lines[0].ClearField("key"), INVALID, VIOLATION)
    row(
        m,
        "a group without a name",
        lambda r: r.lines[0].ClearField("key") or put("sku", "MUG")(r.lines[0].grouped),
        INVALID,
        VIOLATION,
    )
    row(
        m,
        "at a location and in a group",
        lambda r: (
            put("sku", "MUG")(r.lines[0].grouped)
            or put("location_group", "NORTH")(r.lines[0].grouped)
        ),
        INVALID,
        VIOLATION,
    )
    row(
        m,
        "unknown group",
        lambda r: (
            r.lines[0].ClearField("key")
            or put("sku", "MUG")(r.lines[0].grouped)
            or put("location_group", "MOON")(r.lines[0].grouped)
        ),
        NOT_FOUND,
        "UNKNOWN_LOCATION_GROUP",
        locationGroup="MOON",
    )
    row(
        m,
        "a group that waits for supply",
        lambda r: (
            r.lines[0].ClearField("key")
            or put("sku", "MUG")(r.lines[0].grouped)
            or put("location_group", "NORTH")(r.lines[0].grouped)
            or r.lines[0].wait.SetInParent()
        ),
        INVALID,
        VIOLATION,
    )
    row(m, "unknown mode", lambda r: put("mode", 9)(r.lines[0]), INVALID, VIOLATION)
    row(
        m,
        "more serial numbers than units",
        lambda r: r.lines[1].serial_numbers.extend(["S1", "S2"]),
        INVALID,
        "TOO_MANY_SERIAL_NUMBERS",
        lineId="2",
        serialNumbers="2",
        units="1",
    )
    row(
        m,
        "serial number twice",
        lambda r: r.lines[0].serial_numbers.extend(["S1", "S1"]),
        INVALID,
        VIOLATION,
    )
    row(
        m,
        "lot of a kit",
        lambda r: put("sku", "BOX")(r.lines[0].key) or put("lot_id", "L1")(r.lines[0]),
        INVALID,
        "KIT_HAS_NO_STOCK",
        sku="BOX",
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


def confirm(row: Table) -> None:
    m = "ReservationService.Confirm"
    row(m, "no reservation", lambda r: r.ClearField("reservation_id"), INVALID, VIOLATION)
    row(m, "negative fence", put("fence", -1), INVALID, VIOLATION)
    foreign(row, m, HELD)


def release(row: Table) -> None:
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


def extend(row: Table) -> None:
    m = "ReservationService.Extend"
    row(m, "no time", lambda r: r.ClearField("hold_duration"), INVALID, VIOLATION)
    row(m, "too long", lambda r: put("seconds", 14_401)(r.hold_duration), INVALID, VIOLATION)
    row(m, "no time at all", lambda r: put("seconds", 0)(r.hold_duration), INVALID, VIOLATION)
    row(m, "longer than four hours in all", longest, REFUSED, "HOLD_LIMIT")
    foreign(row, m, HELD)


def longest(request: Any) -> object:
    return put("seconds", 14_400)(request.hold_duration)

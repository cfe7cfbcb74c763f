"""Mistakes with lines that are to be reserved elsewhere."""

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


def reassign(row: Table) -> None:
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
    foreign(row, m, PAID)


def reassign_bulk(row: Table) -> None:
    m = "ReservationService.ReassignBulk"
    row(m, "nothing to do", lambda r: r.ClearField("reassignments"), INVALID, VIOLATION)
    row(m, "no lines", lambda r: r.reassignments[1].ClearField("lines"), INVALID, VIOLATION)
    row(m, "negative fence", lambda r: put("fence", -1)(r.reassignments[0]), INVALID, VIOLATION)
    row(
        m,
        "one twice",
        lambda r: r.reassignments.append(r.reassignments[0]),
        INVALID,
        "DUPLICATE_ENTRY",
        field="reassignments[2].reservation_id",
        value=PAID,
    )
    row(
        m,
        "more moves than a request may have",
        lambda r: (
            r.reassignments[0].lines.extend([r.reassignments[0].lines[0]] * 499)
            or r.reassignments[1].lines.extend([r.reassignments[1].lines[0]] * 499)
            or put("reservation_id", UNKNOWN)(r.reassignments.add())
            or r.reassignments[2].lines.append(r.reassignments[0].lines[0])
        ),
        INVALID,
        "TOO_MUCH_ASKED",
        limit="1000",
    )
    row(
        m,
        "unknown",
        lambda r: put("reservation_id", UNKNOWN)(r.reassignments[1]),
        NOT_FOUND,
        "RESERVATION_NOT_FOUND",
        reservationId=UNKNOWN,
    )
    row(
        m,
        "unknown target",
        lambda r: put("to_location_id", "MOON")(r.reassignments[1].lines[0]),
        NOT_FOUND,
        "UNKNOWN_LOCATION",
        locationId="MOON",
    )
    row(
        m,
        "too little for both",
        lambda r: (
            put("quantity", 0)(r.reassignments[0].lines[0].line)
            or put("to_location_id", "C")(r.reassignments[0].lines[0])
            or put("quantity", 0)(r.reassignments[1].lines[0].line)
            or put("to_location_id", "C")(r.reassignments[1].lines[0])
        ),
        REFUSED,
        "INSUFFICIENT_STOCK",
        sku="MUG",
        locationId="C",
        wanted="6",
        available="0",
    )
    row(
        m,
        "lower fence",
        lambda r: put("fence", 1)(r.reassignments[1]),
        REFUSED,
        "FENCED",
        reservationId=HELD,
        fence="1",
        highestFence="2",
    )

"""Mistakes with what leaves, and with what was not found."""

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


def ship(row: Table) -> None:
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
        "unknown line",
        lambda r: put("line_id", "9")(r.lines[0]),
        NOT_FOUND,
        "LINE_NOT_FOUND",
        reservationId=PAID,
        lineId="9",
    )
    row(m, "unknown outcome", put("rest_outcome", 9), INVALID, VIOLATION)
    row(
        m,
        "units of a line that does not leave",
        lambda r: put("line_id", "7")(r.units.add()),
        NOT_FOUND,
        "LINE_NOT_FOUND",
        reservationId=PAID,
        lineId="7",
    )
    row(
        m,
        "more than is free beyond the promise",
        lambda r: put("over_ship", True)(r) or put("quantity", 8)(r.lines[0]),
        REFUSED,
        "INSUFFICIENT_STOCK",
        sku="MUG",
        locationId="A",
        wanted="5",
        available="4",
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
    foreign(row, m, PAID)


def ship_bulk(row: Table) -> None:
    m = "ReservationService.ShipBulk"
    row(m, "nothing to do", lambda r: r.ClearField("shipments"), INVALID, VIOLATION)
    row(m, "no lines", lambda r: r.shipments[0].ClearField("lines"), INVALID, VIOLATION)
    row(m, "negative fence", lambda r: put("fence", -1)(r.shipments[0]), INVALID, VIOLATION)
    row(m, "unknown outcome", lambda r: put("rest_outcome", 9)(r.shipments[0]), INVALID, VIOLATION)
    row(m, "control character", put("document", "NOTE\n"), INVALID, VIOLATION)
    row(
        m,
        "one twice",
        lambda r: r.shipments.append(r.shipments[0]),
        INVALID,
        "DUPLICATE_ENTRY",
        field="shipments[1].reservation_id",
        value=PAID,
    )
    row(
        m,
        "more lines than a request may have",
        lambda r: [
            r.shipments.add(
                reservation_id=UNKNOWN[:-1] + str(number), lines=[r.shipments[0].lines[0]] * 1_000
            )
            for number in range(5)
        ],
        INVALID,
        "TOO_MUCH_ASKED",
        limit="5000",
    )
    row(
        m,
        "unknown",
        lambda r: r.shipments.add(reservation_id=UNKNOWN, lines=r.shipments[0].lines),
        NOT_FOUND,
        "RESERVATION_NOT_FOUND",
        reservationId=UNKNOWN,
    )
    row(
        m,
        "unknown line",
        lambda r: put("line_id", "9")(r.shipments[0].lines[0]),
        NOT_FOUND,
        "LINE_NOT_FOUND",
        reservationId=PAID,
        lineId="9",
    )
    row(
        m,
        "units of a line told twice",
        lambda r: r.shipments[0].units.add(line_id="1") and r.shipments[0].units.add(line_id="1"),
        INVALID,
        "DUPLICATE_ENTRY",
        field="shipments[0].units[1].line_id",
        value="1",
    )
    row(
        m,
        "more than is open",
        lambda r: put("quantity", 4)(r.shipments[0].lines[0]),
        REFUSED,
        "RESERVATION_CLOSED",
        reservationId=PAID,
        lineId="1",
        wanted="4",
        open="3",
    )
    row(
        m,
        "one that is not confirmed",
        lambda r: r.shipments.add(reservation_id=HELD, lines=r.shipments[0].lines[:1]),
        REFUSED,
        "RESERVATION_NOT_CONFIRMED",
        reservationId=HELD,
        lineId="1",
    )
    row(
        m,
        "lower fence",
        lambda r: r.shipments.add(reservation_id=HELD, lines=r.shipments[0].lines, fence=1),
        REFUSED,
        "FENCED",
        reservationId=HELD,
        fence="1",
        highestFence="2",
    )


def short(row: Table) -> None:
    m = "ReservationService.Short"
    row(m, "no lines", lambda r: r.ClearField("lines"), INVALID, VIOLATION)
    row(m, "no outcome", put("outcome", 0), INVALID, VIOLATION)
    row(m, "unknown outcome", put("outcome", 9), INVALID, VIOLATION)
    row(
        m,
        "more than is open",
        lambda r: put("quantity", 4)(r.lines[0]),
        REFUSED,
        "RESERVATION_CLOSED",
        reservationId=PAID,
        lineId="1",
        wanted="4",
        open="3",
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
    foreign(row, m, PAID)

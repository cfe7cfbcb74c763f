"""Mistakes with stock."""

from collections.abc import Callable
from typing import Any

from tests.inventory.mistakes.table import (
    ABORTED,
    INVALID,
    NOT_FOUND,
    REFUSED,
    VIOLATION,
    Table,
    put,
)


def receive_stock(row: Table) -> None:
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


def adjust_stock(row: Table) -> None:
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


def adjust_moved_stock(row: Table) -> None:
    row(
        "LedgerService.AdjustStock",
        "something has moved since it was read",
        lambda r: put("expected_sequence", 1)(r.adjustments[0]),
        ABORTED,
        "BALANCE_CHANGED",
        sku="MUG",
        locationId="A",
        sequence="4",
        expectedSequence="1",
    )


def transfer_stock(row: Table) -> None:
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


def return_stock(row: Table) -> None:
    m = "LedgerService.ReturnStock"
    row(m, "no lines", lambda r: r.ClearField("lines"), INVALID, VIOLATION)
    row(m, "no disposition", lambda r: r.lines[0].ClearField("disposition"), INVALID, VIOLATION)
    row(m, "unknown disposition", put_in_line("disposition", 9), INVALID, VIOLATION)
    row(m, "unknown kind", put_in_line("blocked_kind", 9), INVALID, VIOLATION)
    row(m, "no quantity", lambda r: r.lines[0].ClearField("quantity"), INVALID, VIOLATION)
    row(m, "no key", lambda r: r.lines[0].ClearField("key"), INVALID, VIOLATION)
    _unknown_keys(row, m)


def dispose_stock(row: Table) -> None:
    m = "LedgerService.DisposeStock"
    row(m, "no lines", lambda r: r.ClearField("lines"), INVALID, VIOLATION)
    row(m, "blocked again", put_in_line("disposition", 2), INVALID, VIOLATION)
    row(m, "no quantity", lambda r: r.lines[0].ClearField("quantity"), INVALID, VIOLATION)
    row(
        m,
        "more than is blocked",
        put_in_line("quantity", 6),
        REFUSED,
        "INSUFFICIENT_BLOCKED",
        sku="MUG",
        locationId="A",
        wanted="6",
        blocked="5",
    )
    row(
        m,
        "never stocked",
        lambda r: put("location_id", "D")(r.lines[0].key),
        REFUSED,
        "INSUFFICIENT_BLOCKED",
        sku="MUG",
        locationId="D",
        wanted="2",
        blocked="0",
    )
    row(
        m,
        "of another kind",
        put_in_line("blocked_kind", 3),
        REFUSED,
        "INSUFFICIENT_BLOCKED",
        sku="MUG",
        locationId="A",
        wanted="2",
        blocked="0",
    )
    row(m, "unknown kind", put_in_line("blocked_kind", 9), INVALID, VIOLATION)
    _unknown_keys(row, m)


def block_stock(row: Table) -> None:
    m = "LedgerService.BlockStock"
    row(m, "no lines", lambda r: r.ClearField("lines"), INVALID, VIOLATION)
    row(m, "no kind", put_in_line("kind", 0), INVALID, VIOLATION)
    row(m, "unknown kind", put_in_line("kind", 9), INVALID, VIOLATION)
    row(m, "no quantity", put_in_line("quantity", 0), INVALID, VIOLATION)
    row(m, "unknown reason", put("reason", 99), INVALID, VIOLATION)
    row(
        m,
        "a look at what is promised",
        put_in_line("quantity", 5),
        REFUSED,
        "INSUFFICIENT_STOCK",
        sku="MUG",
        locationId="A",
        wanted="5",
        available="4",
    )
    row(
        m,
        "more damaged than there are",
        lambda r: (put_in_line("kind", 1)(r), put_in_line("quantity", 11)(r)),
        REFUSED,
        "SHORT_OF_STOCK",
        sku="MUG",
        locationId="A",
        wanted="11",
        onHand="10",
    )
    row(
        m,
        "missing where it was never stocked",
        lambda r: (put_in_line("kind", 3)(r), put("location_id", "D")(r.lines[0].key)),
        REFUSED,
        "SHORT_OF_STOCK",
        sku="MUG",
        locationId="D",
        wanted="2",
        onHand="0",
    )
    _unknown_keys(row, m)


def unblock_stock(row: Table) -> None:
    m = "LedgerService.UnblockStock"
    row(m, "no lines", lambda r: r.ClearField("lines"), INVALID, VIOLATION)
    row(m, "no kind", put_in_line("kind", 0), INVALID, VIOLATION)
    row(m, "no quantity", put_in_line("quantity", 0), INVALID, VIOLATION)
    row(
        m,
        "of another kind",
        put_in_line("kind", 3),
        REFUSED,
        "INSUFFICIENT_BLOCKED",
        sku="MUG",
        locationId="A",
        wanted="5",
        blocked="0",
    )
    row(
        m,
        "more than is blocked",
        put_in_line("quantity", 6),
        REFUSED,
        "INSUFFICIENT_BLOCKED",
        sku="MUG",
        locationId="A",
        wanted="6",
        blocked="5",
    )
    _unknown_keys(row, m)


def free_quarantined_key(row: Table) -> None:
    m = "LedgerService.FreeQuarantinedKey"
    row(m, "no key", lambda r: r.ClearField("key"), INVALID, VIOLATION)
    row(m, "no reason", put("note", ""), INVALID, VIOLATION)
    row(m, "a reason with a control character", put("note", "a\n"), INVALID, VIOLATION)
    row(m, "a long reason", put("note", "x" * 513), INVALID, VIOLATION)

    def of(sku: str, location_id: str) -> Callable[[Any], object]:
        return lambda r: (put("sku", sku)(r.key), put("location_id", location_id)(r.key))

    row(m, "unknown sku", of("NO", "D"), NOT_FOUND, "UNKNOWN_SKU", sku="NO")
    row(
        m,
        "unknown location",
        of("JAR", "MOON"),
        NOT_FOUND,
        "UNKNOWN_LOCATION",
        locationId="MOON",
    )
    for what, sku, place in (("free", "JAR", "A"), ("without a balance", "LID", "D")):
        row(
            m,
            f"a key that is {what}",
            of(sku, place),
            REFUSED,
            "KEY_NOT_QUARANTINED",
            sku=sku,
            locationId=place,
        )


def put_in_line(name: str, value: object) -> Callable[[Any], object]:
    return lambda request: setattr(request.lines[0], name, value)


def _unknown_keys(row: Table, m: str) -> None:
    def spoilt(name: str, value: str) -> Callable[[Any], object]:
        return lambda request: put(name, value)(request.lines[0].key)

    row(m, "unknown sku", spoilt("sku", "NO"), NOT_FOUND, "UNKNOWN_SKU", sku="NO")
    row(
        m,
        "unknown location",
        spoilt("location_id", "MOON"),
        NOT_FOUND,
        "UNKNOWN_LOCATION",
        locationId="MOON",
    )
    row(m, "a kit", spoilt("sku", "BOX"), INVALID, "KIT_HAS_NO_STOCK", sku="BOX")
    row(
        m,
        "a lot",
        spoilt("lot_id", "L1"),
        INVALID,
        "LOT_UNSUPPORTED",
        sku="MUG",
        locationId="A",
        lotId="L1",
    )

"""Mistakes with counts. ``PLANNED`` is planned; ``OPEN`` has a disputed line and one to recount."""

from tests.inventory.mistakes.table import (
    INVALID,
    NOT_FOUND,
    REFUSED,
    VIOLATION,
    Table,
    put,
)


def plan_count(row: Table) -> None:
    m = "CountService.PlanCount"
    row(m, "no id", put("count_id", ""), INVALID, VIOLATION)
    row(m, "no place", put("location_id", ""), INVALID, VIOLATION)
    row(m, "an item twice", lambda r: r.skus.append("MUG"), INVALID, VIOLATION)
    row(m, "a negative threshold", put("threshold_units", -1), INVALID, VIOLATION)
    row(m, "more than all", put("threshold_percent", 101), INVALID, VIOLATION)
    row(m, "taken", put("count_id", "OPEN"), REFUSED, "COUNT_ID_TAKEN", countId="OPEN")
    row(
        m,
        "unknown sku",
        lambda r: r.skus.append("NOBODY"),
        NOT_FOUND,
        "UNKNOWN_SKU",
        sku="NOBODY",
    )
    row(
        m,
        "unknown location",
        put("location_id", "MOON"),
        NOT_FOUND,
        "UNKNOWN_LOCATION",
        locationId="MOON",
    )
    row(m, "a kit", lambda r: r.skus.append("BOX"), INVALID, "KIT_HAS_NO_STOCK", sku="BOX")


def open_count(row: Table) -> None:
    m = "CountService.OpenCount"
    _unknown(row, m)
    row(
        m,
        "open already",
        put("count_id", "OPEN"),
        REFUSED,
        "WRONG_COUNT_STATE",
        countId="OPEN",
        state="OPEN",
    )


def submit_count(row: Table) -> None:
    m = "CountService.SubmitCount"
    _unknown(row, m)
    row(m, "nobody counted", put("counter", ""), INVALID, VIOLATION)
    row(m, "nothing counted", lambda r: r.ClearField("lines"), INVALID, VIOLATION)
    row(m, "fewer than none", lambda r: put("counted", -1)(r.lines[0]), INVALID, VIOLATION)
    row(m, "too many", lambda r: put("counted", 10**9 + 1)(r.lines[0]), INVALID, VIOLATION)
    row(
        m,
        "an item twice",
        lambda r: r.lines.append(r.lines[0]),
        INVALID,
        "DUPLICATE_ENTRY",
        field="lines[1].sku",
        value="CUP",
    )
    row(
        m,
        "of another count",
        lambda r: put("sku", "JUG")(r.lines[0]),
        REFUSED,
        "NOT_IN_COUNT",
        countId="OPEN",
        sku="JUG",
    )
    row(
        m,
        "who counted before",
        put("counter", "Ann"),
        REFUSED,
        "SAME_PERSON",
        countId="OPEN",
        person="Ann",
        sku="CUP",
    )
    row(
        m,
        "not open yet",
        put("count_id", "PLANNED"),
        REFUSED,
        "WRONG_COUNT_STATE",
        countId="PLANNED",
        state="PLANNED",
    )


def accept_count(row: Table) -> None:
    m = "CountService.AcceptCount"
    _unknown(row, m)
    row(m, "nobody accepts", put("accepted_by", ""), INVALID, VIOLATION)
    row(m, "no reason", put("reason", 0), INVALID, VIOLATION)
    row(m, "an item twice", lambda r: r.skus.append("MUG"), INVALID, VIOLATION)
    row(
        m,
        "who counted",
        put("accepted_by", "Bob"),
        REFUSED,
        "SAME_PERSON",
        countId="OPEN",
        person="Bob",
        sku="MUG",
    )
    row(
        m,
        "not disputed",
        lambda r: r.skus.append("CUP"),
        REFUSED,
        "WRONG_COUNT_STATE",
        countId="OPEN",
        state="RECOUNT",
        sku="CUP",
    )
    row(
        m,
        "of another count",
        lambda r: r.skus.append("JUG"),
        REFUSED,
        "NOT_IN_COUNT",
        countId="OPEN",
        sku="JUG",
    )


def cancel_count(row: Table) -> None:
    m = "CountService.CancelCount"
    _unknown(row, m)
    row(m, "no id", put("count_id", ""), INVALID, VIOLATION)


def _unknown(row: Table, m: str) -> None:
    row(m, "unknown", put("count_id", "NO"), NOT_FOUND, "COUNT_NOT_FOUND", countId="NO")

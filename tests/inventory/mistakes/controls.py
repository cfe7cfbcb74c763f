"""Mistakes with channel controls."""

from collections.abc import Callable
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from tests.inventory.messages import control
from tests.inventory.mistakes.table import INVALID, NOT_FOUND, VIOLATION, Table, put


def put_controls(row: Table) -> None:
    m = "ControlService.PutControls"
    row(m, "no controls", lambda r: r.ClearField("controls"), INVALID, VIOLATION)
    row(m, "no id", first("control_id", ""), INVALID, VIOLATION)
    row(m, "no kind", first("kind", 0), INVALID, VIOLATION)
    row(m, "kind of tomorrow", first("kind", 99), INVALID, VIOLATION)
    row(m, "less than nothing", first("value", -1), INVALID, VIOLATION)
    row(m, "more than a balance holds", first("value", 10**12 + 1), INVALID, VIOLATION)
    row(m, "control character", first("channel", "web\n"), INVALID, VIOLATION)
    row(m, "window of a moment", second("window", Duration(seconds=1)), INVALID, VIOLATION)
    row(
        m,
        "control twice",
        lambda r: r.controls.append(control("new", "cap", 1)),
        INVALID,
        "DUPLICATE_ENTRY",
        field="controls[2].control_id",
        value="new",
    )
    wrong: list[tuple[str, str, Callable[[Any], object]]] = [
        ("tag and SKU", "tag", first("tag", "toys")),
        ("two places", "location_group", first("location_group", "west")),
        ("window of a cap", "window", first("window", Duration(seconds=60))),
        ("pool of nobody", "channel", become("pool", 5)),
        ("excluded twice over", "value", become("exclude", 2)),
        ("more than all held back", "value", become("buffer_percent", 101)),
        ("none may be bought", "value", become("limit_per_line", 0)),
        ("limit at a place", "location_id", become("limit_per_line", 1)),
        ("ends before it starts", "end_time", lambda r: reverse(r.controls[0])),
    ]
    for what, field, spoil in wrong:
        row(m, what, spoil, INVALID, "CONTROL_INVALID", controlId="old", field=field)
    row(m, "unknown SKU", first("sku", "NOBODY"), NOT_FOUND, "UNKNOWN_SKU", sku="NOBODY")
    row(
        m,
        "unknown location",
        first("location_id", "MOON"),
        NOT_FOUND,
        "UNKNOWN_LOCATION",
        locationId="MOON",
    )


def delete_controls(row: Table) -> None:
    m = "ControlService.DeleteControls"
    row(m, "no ids", lambda r: r.ClearField("control_ids"), INVALID, VIOLATION)
    row(m, "empty id", lambda r: r.control_ids.append(""), INVALID, VIOLATION)
    row(m, "id twice", lambda r: r.control_ids.append("old"), INVALID, VIOLATION)


def first(name: str, value: Any) -> Callable[[Any], object]:
    return lambda request: _put(request.controls[0], name, value)


def second(name: str, value: Any) -> Callable[[Any], object]:
    return lambda request: _put(request.controls[1], name, value)


def become(kind: str, value: int) -> Callable[[Any], object]:
    def spoil(request: Any) -> None:
        other = control("old", kind, value, location_id="B")
        request.controls[0].CopyFrom(other)

    return spoil


def reverse(one: Any) -> None:
    one.start_time.CopyFrom(Timestamp(seconds=2_000))
    one.end_time.CopyFrom(Timestamp(seconds=2_000))


def _put(message: Any, name: str, value: Any) -> None:
    if isinstance(value, Duration):
        getattr(message, name).CopyFrom(value)
    else:
        put(name, value)(message)

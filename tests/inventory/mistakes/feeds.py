"""Mistakes with what systems outside tell."""

from collections.abc import Callable
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from ordermesh.api.inventory.v1 import SnapshotImport
from tests.inventory.mistakes.table import (
    IMPORT,
    INVALID,
    NOT_FOUND,
    REFUSED,
    UNKNOWN,
    VIOLATION,
    Table,
    put,
)


def put_sources(row: Table) -> None:
    m = "FeedService.PutSources"
    row(m, "no sources", lambda r: r.ClearField("sources"), INVALID, VIOLATION)
    row(m, "no kind", in_source("kind", 0), INVALID, VIOLATION)
    row(m, "no policy", in_source("gap_policy", 0), INVALID, VIOLATION)
    row(m, "negative jump", in_source("jump_units", -1), INVALID, VIOLATION)
    row(m, "no location", lambda r: r.sources[0].ClearField("location_ids"), INVALID, VIOLATION)
    row(
        m,
        "never silent",
        lambda r: r.sources[0].silence_duration.FromSeconds(0),
        INVALID,
        VIOLATION,
    )
    row(
        m,
        "source twice",
        lambda r: r.sources.append(r.sources[0]),
        INVALID,
        "DUPLICATE_ENTRY",
        field="sources[1].source_id",
        value="WMS",
    )
    row(
        m,
        "unknown location",
        lambda r: r.sources[0].location_ids.append("MOON"),
        NOT_FOUND,
        "UNKNOWN_LOCATION",
        locationId="MOON",
    )


def post_deltas(row: Table) -> None:
    m = "FeedService.PostDeltas"
    row(m, "no changes", lambda r: r.ClearField("deltas"), INVALID, VIOLATION)
    row(m, "no number", lambda r: put("source_sequence", 0)(r.deltas[0]), INVALID, VIOLATION)
    row(m, "unknown kind", lambda r: put("kind", 9)(r.deltas[0]), INVALID, VIOLATION)
    row(m, "too many units", lambda r: put("quantity", 10**13)(r.deltas[0]), INVALID, VIOLATION)
    _unknown_source(row, m)
    row(
        m,
        "number twice",
        lambda r: r.deltas.append(r.deltas[0]),
        INVALID,
        "DUPLICATE_ENTRY",
        field="deltas[1].source_sequence",
        value="2",
    )


def post_snapshot(row: Table) -> None:
    m = "FeedService.PostSnapshot"
    row(m, "no rows", lambda r: r.ClearField("rows"), INVALID, VIOLATION)
    row(m, "neither number nor time", lambda r: r.ClearField("watermark"), INVALID, VIOLATION)
    row(m, "negative number", put("watermark", -1), INVALID, VIOLATION)
    row(m, "a time that is none", in_time("picture_time", 10**18), INVALID, VIOLATION)
    row(m, "a time before all", in_time("picture_time", -1), INVALID, VIOLATION)
    row(m, "negative sequence", in_row("included_sequence", -1), INVALID, VIOLATION)
    row(m, "too many units", in_row("on_hand", 10**13), INVALID, VIOLATION)
    _unknown_source(row, m)


def begin_import(row: Table) -> None:
    m = "FeedService.BeginImport"
    row(m, "no import", lambda r: r.ClearField("import_id"), INVALID, VIOLATION)
    row(m, "neither number nor time", lambda r: r.ClearField("watermark"), INVALID, VIOLATION)
    row(m, "nothing about absent keys", put("absent", 0), INVALID, VIOLATION)
    row(
        m,
        "zero without a time",
        put("absent", SnapshotImport.ABSENT_ZERO),
        INVALID,
        VIOLATION,
    )
    row(m, "a time that is none", in_time("picture_time", 10**18), INVALID, VIOLATION)
    row(m, "of the future", in_time("picture_time", 10**11), REFUSED, "PICTURE_IN_FUTURE")
    row(m, "location twice", lambda r: r.location_ids.append("A"), INVALID, VIOLATION)
    _unknown_source(row, m)
    row(
        m,
        "unknown location",
        lambda r: r.location_ids.append("MOON"),
        NOT_FOUND,
        "UNKNOWN_LOCATION",
        locationId="MOON",
    )
    row(
        m,
        "somebody else's location",
        lambda r: r.location_ids.append("C"),
        REFUSED,
        "FOREIGN_LOCATION",
        sourceId="TILL",
        locationId="C",
    )
    row(
        m,
        "announced otherwise",
        put("import_id", IMPORT),
        REFUSED,
        "IMPORT_CHANGED",
        importId=IMPORT,
    )


def complete_import(row: Table) -> None:
    m = "FeedService.CompleteImport"
    row(m, "no import", lambda r: r.ClearField("import_id"), INVALID, VIOLATION)
    row(m, "negative count", put("frame_count", -1), INVALID, VIOLATION)
    row(
        m,
        "unknown import",
        put("import_id", UNKNOWN),
        NOT_FOUND,
        "IMPORT_NOT_FOUND",
        importId=UNKNOWN,
    )
    row(
        m,
        "frames have not come",
        put("frame_count", 3),
        REFUSED,
        "FRAME_MISSING",
        importId=IMPORT,
        frame="3",
        nextFrame="1",
    )


def retry_rows(row: Table) -> None:
    _quarantined(row, "FeedService.RetryQuarantinedRows")


def dismiss_rows(row: Table) -> None:
    _quarantined(row, "FeedService.DismissQuarantinedRows")


def _quarantined(row: Table, m: str) -> None:
    row(m, "no rows", lambda r: r.ClearField("quarantine_ids"), INVALID, VIOLATION)
    row(m, "no id", lambda r: r.quarantine_ids.append("7"), INVALID, VIOLATION)
    row(
        m,
        "row twice",
        lambda r: r.quarantine_ids.append(r.quarantine_ids[0]),
        INVALID,
        VIOLATION,
    )
    row(
        m,
        "unknown row",
        lambda r: r.quarantine_ids.append(UNKNOWN),
        NOT_FOUND,
        "QUARANTINED_ROW_NOT_FOUND",
        quarantineId=UNKNOWN,
    )


def _unknown_source(row: Table, m: str) -> None:
    row(m, "no source", lambda r: r.ClearField("source_id"), INVALID, VIOLATION)
    row(
        m,
        "unknown source",
        put("source_id", "NOBODY"),
        NOT_FOUND,
        "UNKNOWN_SOURCE",
        sourceId="NOBODY",
    )


def in_time(name: str, seconds: int) -> Callable[[Any], object]:
    return lambda message: getattr(message, name).CopyFrom(Timestamp(seconds=seconds))


def in_source(name: str, value: object) -> Callable[[Any], object]:
    return lambda request: setattr(request.sources[0], name, value)


def in_row(name: str, value: object) -> Callable[[Any], object]:
    return lambda request: setattr(request.rows[0], name, value)

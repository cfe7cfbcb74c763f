"""Rows from outside as they are kept, and back."""

from collections.abc import Mapping
from typing import Any

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import AdjustmentReason
from ordermesh.inventory.domain.stock_feed import (
    Delta,
    DeltaKind,
    Outcome,
    PictureRow,
    Row,
    Tally,
    Trouble,
)


def written_row(row: Row) -> dict[str, Any]:
    """A row for a column."""
    written: dict[str, Any] = {"sku": row.key.sku, "location_id": row.key.location_id}
    if isinstance(row, PictureRow):
        return {**written, "on_hand": row.on_hand, "included_sequence": row.included_sequence}
    return {
        **written,
        "source_sequence": row.source_sequence,
        "kind": int(row.kind),
        "quantity": row.quantity,
        "document": row.document,
        "reason": int(row.reason),
    }


def read_row(written: Mapping[str, Any]) -> Row:
    """A row from a column."""
    key = StockKey(written["sku"], written["location_id"])
    if "on_hand" in written:
        return PictureRow(key, written["on_hand"], written["included_sequence"])
    return read_delta(written)


def read_delta(written: Mapping[str, Any]) -> Delta:
    """A change from a column."""
    return Delta(
        written["source_sequence"],
        StockKey(written["sku"], written["location_id"]),
        DeltaKind(written["kind"]),
        written["quantity"],
        written["document"],
        AdjustmentReason(written["reason"]),
    )


def written_tally(tally: Tally) -> dict[str, dict[str, int]]:
    """Counts for columns."""
    return {
        "outcomes": {str(int(name)): count for name, count in tally.outcomes.items()},
        "troubles": {str(int(name)): count for name, count in tally.troubles.items()},
    }


def read_tally(outcomes: Mapping[str, int], troubles: Mapping[str, int]) -> Tally:
    """Counts from columns."""
    tally = Tally()
    for name, count in outcomes.items():
        tally.outcomes[Outcome(int(name))] = count
    for name, count in troubles.items():
        tally.troubles[Trouble(int(name))] = count
    return tally

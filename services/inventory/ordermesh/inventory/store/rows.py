"""Rows of the tables as words of the domain, and back."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Account, Balance, Cause, Entry, MovementKind
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.movement import Document
from ordermesh.inventory.domain.reservation import Line, LineState, Reservation
from ordermesh.inventory.domain.stock_feed import ToldCause
from ordermesh.inventory.ports.names import Names

MESSAGE_ROWS = 5_000
"""Lines or entries that one page carries, so that it stays below the limit of messages."""


def assembled(
    headers: Iterable[Row[Any]], rows: Iterable[Row[Any]], names: Names
) -> list[Reservation]:
    """Headers with their lines; the surrogates of the lines' names are noted."""
    lines: dict[UUID, list[Line]] = defaultdict(list)
    for row in rows:
        names.item_ids[row.sku] = row.item_id
        names.location_ids[row.code] = row.location_id
        if row.kit_sku is not None:
            names.item_ids[row.kit_sku] = row.kit_item_id
        lines[row.reservation_id].append(
            Line(
                number=row.number,
                line_id=row.line_id,
                key=StockKey(row.sku, row.code),
                quantity=row.quantity,
                state=LineState(row.state),
                expire_time=row.expire_time,
                kit_sku=row.kit_sku or "",
                quantity_per_kit=row.quantity_per_kit,
                close_time=row.close_time,
                mode=ReservationMode(row.mode),
                lot_id=row.lot_id,
                serial_numbers=tuple(row.serial_numbers or ()),
                pool=row.pool,
                supply_id=row.supply_id or "",
                needed_by=row.needed_by_time,
                broken_time=row.broken_time,
            )
        )
    return [
        Reservation(
            reservation_id=row.reservation_id,
            owner=row.owner,
            order_id=row.order_id,
            create_time=row.create_time,
            lines=tuple(lines[row.reservation_id]),
            last_number=row.last_number,
            granted=row.granted,
            fence=row.fence,
            event_sequence=row.event_sequence,
            is_tombstone=row.is_tombstone,
            renew_time=row.renew_time or (row.create_time if row.is_renewed else None),
            is_given_up=row.is_given_up,
            channel=row.channel,
            customer=row.customer,
            control_version=row.control_version,
        )
        for row in headers
    ]


def header_row(one: Reservation) -> dict[str, Any]:
    """A reservation without its lines."""
    return {
        "reservation_id": one.reservation_id,
        "owner": one.owner,
        "order_id": one.order_id,
        "fence": one.fence,
        "last_number": one.last_number,
        "granted": one.granted,
        "event_sequence": one.event_sequence,
        "is_tombstone": one.is_tombstone,
        "is_renewed": one.renew_time is not None,
        "renew_time": one.renew_time,
        "is_given_up": one.is_given_up,
        "channel": one.channel,
        "customer": one.customer,
        "control_version": one.control_version,
        "create_time": one.create_time,
    }


def line_row(reservation_id: UUID, one: Line, names: Names) -> dict[str, Any]:
    """One line."""
    item_id, location_id = names.pair(one.key)
    return {
        "reservation_id": reservation_id,
        "number": one.number,
        "line_id": one.line_id,
        "item_id": item_id,
        "location_id": location_id,
        "quantity": one.quantity,
        "state": int(one.state),
        "expire_time": one.expire_time,
        "close_time": one.close_time,
        "kit_item_id": names.item_ids[one.kit_sku] if one.kit_sku else None,
        "quantity_per_kit": one.quantity_per_kit,
        "mode": int(one.mode),
        "lot_id": one.lot_id,
        "serial_numbers": list(one.serial_numbers) or None,
        "pool": one.pool,
        "supply_id": one.supply_id or None,
        "needed_by_time": one.needed_by,
        "broken_time": one.broken_time,
    }


def fitting_count(rows: Sequence[int]) -> int:
    """How many of the things fit in one message, by the rows each has; at least the first."""
    total = 0
    for count, size in enumerate(rows):
        total += size
        if total > MESSAGE_ROWS and count:
            return count
    return len(rows)


def balance_of(row: Row[Any]) -> Balance:
    """A balance."""
    return Balance(
        row.on_hand,
        row.reserved,
        row.short,
        row.damaged,
        row.inspection,
        row.missing,
        row.sequence,
    )


def cause_of(row: Row[Any]) -> Cause:
    """The cause of a movement."""
    return Cause(MovementKind(row.kind), row.reservation_id, row.order_id)


def entry_of(row: Row[Any], cause: Cause) -> Entry:
    """An entry, with the cause of its movement and the source that told of it."""
    if row.source_code is not None:
        cause = ToldCause(
            cause.kind,
            cause.reservation_id,
            cause.order_id,
            source_id=row.source_code,
            source_sequence=row.source_sequence,
        )
    return Entry(
        cause,
        StockKey(row.sku, row.code),
        row.sequence,
        Account(row.from_account),
        Account(row.to_account),
        row.quantity,
        tuple(row.serial_numbers or ()),
        row.lot_id,
        reservation_id=row.reservation_id,
    )


def movement_row(
    movement_id: UUID, cause: Cause, document: Document, now: datetime, control_version: int
) -> dict[str, Any]:
    """A movement."""
    # What befalls reservations beside it was not asked for.
    demand = document.demand if cause.reservation_id is None else None
    return {
        "movement_id": movement_id,
        "kind": int(cause.kind),
        "document": document.document,
        "reason": int(document.reason),
        "note": document.note,
        "caller": document.actor.caller,
        "on_behalf_of": document.actor.on_behalf_of,
        "reservation_id": cause.reservation_id,
        "order_id": cause.order_id,
        "control_version": control_version,
        "create_time": now,
        "request_id": demand.request_id if demand else None,
        "request_digest": demand.digest if demand else None,
    }


def entry_row(made: Entry, names: Names, movements: Mapping[Cause, UUID]) -> dict[str, Any]:
    """An entry."""
    item_id, location_id = names.pair(made.key)
    return {
        "item_id": item_id,
        "location_id": location_id,
        "sequence": made.sequence,
        "from_account": int(made.source),
        "to_account": int(made.target),
        "quantity": made.quantity,
        "movement_id": movements[made.cause],
        "reservation_id": made.reservation_id,
        "serial_numbers": list(made.serial_numbers) or None,
        "lot_id": made.lot_id,
    }


def entry_rows(
    entries: Sequence[Entry], names: Names, movements: Mapping[Cause, UUID]
) -> list[dict[str, Any]]:
    """Entries; the columns of those that a source told of are only there where one did."""
    rows = [entry_row(made, names, movements) for made in entries]
    if any(isinstance(cause, ToldCause) for cause in movements):
        for row, made in zip(rows, entries, strict=True):
            row["source_id"] = row["source_sequence"] = None
            if isinstance(made.cause, ToldCause):
                row["source_id"] = names.source_ids[made.cause.source_id]
                row["source_sequence"] = made.cause.source_sequence
    return rows


def opening_sequences(entries: Iterable[Entry]) -> dict[StockKey, int]:
    """The number of the last entry that each balance had before these."""
    opening: dict[StockKey, int] = {}
    for made in entries:
        opening.setdefault(made.key, made.sequence - 1)
    return opening


def balance_row(key: StockKey, after: Balance, names: Names) -> dict[str, Any]:
    """The figures of a balance after a decision."""
    item_id, location_id = names.pair(key)
    return {
        "item_id": item_id,
        "location_id": location_id,
        "on_hand": after.on_hand,
        "reserved": after.reserved,
        "short": after.short,
        "damaged": after.damaged,
        "inspection": after.inspection,
        "missing": after.missing,
        "sequence": after.sequence,
    }

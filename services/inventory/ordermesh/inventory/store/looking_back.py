"""What has changed on hand since a picture was taken, read from the entries."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    cast,
    column,
    func,
    or_,
    select,
)

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Account, AdjustmentReason
from ordermesh.inventory.domain.stock_feed import BY_PICTURE, Picture, Unseen
from ordermesh.inventory.ports.names import Names, Pair
from ordermesh.inventory.store.keys import json_rows
from ordermesh.inventory.store.tables.ledger import entry, movement
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.engines import Dialect

_UNKNOWN = -1
"""In place of a sequence: the time decides."""

_ON_HAND = [int(account) for account in (Account.FREE, Account.RESERVED, Account.SHORT)]
"""Accounts of which a unit more is a unit more on hand."""


async def unseen(
    tx: Transaction,
    source: int,
    picture: Picture,
    included: Mapping[StockKey, int | None],
    names: Names,
    applied: int,
) -> dict[StockKey, Unseen]:
    """What the picture does not contain, by key, as the port says."""
    key_of = {names.pair(key): key for key in included}
    since = {
        names.pair(key): _UNKNOWN if sequence is None else sequence
        for key, sequence in included.items()
    }
    own: dict[Pair, int] = {}
    if picture.watermark is None or applied > picture.watermark:
        for row in await tx.execute(_own(tx.dialect, source, picture, since)):
            own[row.item_id, row.location_id] = int(row.units)
    others: dict[Pair, tuple[int, bool]] = {}
    for row in await tx.execute(_others(tx.dialect, source, picture, since)):
        others[row.item_id, row.location_id] = (int(row.units), bool(row.is_counted))
    return {
        key_of[pair]: Unseen(own.get(pair, 0), *others.get(pair, (0, False)))
        for pair in own.keys() | others.keys()
    }


def _own(dialect: Dialect, source: int, picture: Picture, since: Mapping[Pair, int]) -> Select[Any]:
    """Changes that the source told of, and that came after the picture."""
    rows = _rows(dialect, since)
    statement = (
        select(entry.c.item_id, entry.c.location_id, func.sum(_effect()).label("units"))
        .join(rows, and_(entry.c.item_id == rows.c.item_id, _same_place(rows)))
        .where(entry.c.source_id == source, entry.c.source_sequence.is_not(None))
        .group_by(entry.c.item_id, entry.c.location_id)
    )
    if picture.watermark is not None:
        return statement.where(entry.c.source_sequence > picture.watermark)
    return statement.join(movement, movement.c.movement_id == entry.c.movement_id).where(
        movement.c.create_time > picture.taken
    )


def _others(
    dialect: Dialect, source: int, picture: Picture, since: Mapping[Pair, int]
) -> Select[Any]:
    """Changes by others of which the source had not heard, but for what pictures corrected."""
    rows = _rows(dialect, since)
    is_later = rows.c.sequence != _UNKNOWN
    if picture.taken is not None:
        is_later = or_(is_later, movement.c.create_time > picture.taken)
    is_counted = movement.c.reason == int(AdjustmentReason.COUNTED)
    return (
        select(
            entry.c.item_id,
            entry.c.location_id,
            func.sum(_effect()).label("units"),
            func.max(case((is_counted, 1), else_=0)).label("is_counted"),
        )
        .join(
            rows,
            and_(
                entry.c.item_id == rows.c.item_id,
                _same_place(rows),
                entry.c.sequence > rows.c.sequence,
            ),
        )
        .join(movement, movement.c.movement_id == entry.c.movement_id)
        .where(
            is_later,
            or_(entry.c.source_id.is_(None), entry.c.source_id != source),
            movement.c.reason.not_in([int(reason) for reason in sorted(BY_PICTURE)]),
        )
        .group_by(entry.c.item_id, entry.c.location_id)
    )


def _effect() -> ColumnElement[int]:
    """What an entry does to on hand."""
    gives = case((entry.c.to_account.in_(_ON_HAND), entry.c.quantity), else_=0)
    takes = case((entry.c.from_account.in_(_ON_HAND), entry.c.quantity), else_=0)
    return gives - takes


def _same_place(rows: Any) -> ColumnElement[bool]:
    same: ColumnElement[bool] = entry.c.location_id == rows.c.location_id
    return same


def _rows(dialect: Dialect, since: Mapping[Pair, int]) -> Any:
    """Rows of ``item_id``, ``location_id`` and ``sequence``."""
    listed = [(*pair, sequence) for pair, sequence in sorted(since.items())]
    if dialect == "postgresql":
        columns = [list(part) for part in zip(*listed, strict=True)] or [[], [], []]
        kinds = (Integer, Integer, BigInteger)
        table = (
            func.unnest(
                *(
                    bindparam(f"since{place}", values, type_=ARRAY(kind), unique=True)
                    for place, (values, kind) in enumerate(zip(columns, kinds, strict=True))
                )
            )
            .table_valued(
                column("item_id", Integer),
                column("location_id", Integer),
                column("sequence", BigInteger),
            )
            .render_derived()
        )
        return select(table).subquery()
    parts = json_rows(json.dumps(listed))
    return select(
        cast(func.json_extract(parts, "$[0]"), Integer).label("item_id"),
        cast(func.json_extract(parts, "$[1]"), Integer).label("location_id"),
        cast(func.json_extract(parts, "$[2]"), Integer).label("sequence"),
    ).subquery()

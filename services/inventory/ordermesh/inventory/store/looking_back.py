"""What has changed on hand since a picture was taken, read from the entries."""

import json
from collections.abc import Mapping, Sequence
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
    exists,
    func,
    not_,
    or_,
    select,
)

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Account, AdjustmentReason, MovementKind
from ordermesh.inventory.domain.stock_feed import BY_PICTURE, Picture, Unseen
from ordermesh.inventory.ports.names import Names, Pair
from ordermesh.inventory.store.keys import is_among, json_rows, pairs
from ordermesh.inventory.store.tables.counts import count_mark
from ordermesh.inventory.store.tables.ledger import entry, movement
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.engines import Dialect

_UNKNOWN = -1
"""In place of a sequence: the time decides."""

_ON_HAND = [int(account) for account in (Account.FREE, Account.RESERVED, Account.SHORT)]
"""Accounts of which a unit more is a unit more on hand."""

_FINDABLE = [*_ON_HAND, int(Account.MISSING)]
"""Accounts of which a unit more is one more that a count should find."""

_KNOWLEDGE = [int(account) for account in (Account.LOSS, Account.OPENING)]
"""Where units come from and go to that are only known of now."""


async def unseen(
    tx: Transaction,
    source: int,
    picture: Picture,
    included: Mapping[StockKey, int | None],
    names: Names,
    highest: int,
) -> dict[StockKey, Unseen]:
    """What the picture does not contain, by key, as the port says."""
    key_of = {names.pair(key): key for key in included}
    since = {
        names.pair(key): _UNKNOWN if sequence is None else sequence
        for key, sequence in included.items()
    }
    own: dict[Pair, int] = {}
    if picture.watermark is None or highest > picture.watermark:
        for row in await tx.execute(_own(tx.dialect, source, picture, since)):
            own[row.item_id, row.location_id] = int(row.units)
    others: dict[Pair, tuple[int, bool]] = {}
    for row in await tx.execute(_others(tx.dialect, source, picture, since)):
        others[row.item_id, row.location_id] = (int(row.units), bool(row.is_counted))
    counted = {
        (row.item_id, row.location_id)
        for row in await tx.execute(_counted(tx.dialect, source, picture, since))
    }
    nothing = (0, False)
    return {
        key_of[pair]: Unseen(
            own.get(pair, 0),
            others.get(pair, nothing)[0],
            is_counted=others.get(pair, nothing)[1] or pair in counted,
        )
        for pair in own.keys() | others.keys() | counted
    }


async def corrected(
    tx: Transaction, since: Mapping[StockKey, int], names: Names
) -> dict[StockKey, int]:
    """By how many units books were corrected since entries, although no goods moved.

    Damaged goods were there and were taken away, and what was received beyond a transfer came with
    it: these moved.
    """
    key_of = {names.pair(key): key for key in since}
    rows = _rows(tx.dialect, {names.pair(key): sequence for key, sequence in since.items()})
    has_moved = or_(
        movement.c.kind == int(MovementKind.RECEIVED),
        and_(
            movement.c.reason == int(AdjustmentReason.DAMAGED),
            movement.c.kind != int(MovementKind.COUNTED),
        ),
    )
    found = await tx.execute(
        select(entry.c.item_id, entry.c.location_id, func.sum(_effect(_FINDABLE)).label("units"))
        .join(rows, _later(rows))
        .join(movement, movement.c.movement_id == entry.c.movement_id)
        .where(
            or_(entry.c.from_account.in_(_KNOWLEDGE), entry.c.to_account.in_(_KNOWLEDGE)),
            not_(has_moved),
        )
        .group_by(entry.c.item_id, entry.c.location_id)
    )
    return {key_of[row.item_id, row.location_id]: int(row.units) for row in found}


def _own(dialect: Dialect, source: int, picture: Picture, since: Mapping[Pair, int]) -> Select[Any]:
    """Changes that the source told of, and that came after the picture."""
    statement = (
        select(entry.c.item_id, entry.c.location_id, func.sum(_effect(_ON_HAND)).label("units"))
        .where(
            entry.c.source_id == source,
            entry.c.source_sequence.is_not(None),
            is_among(entry, pairs(dialect, since)),
        )
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
    # Whoever accepts a count says why it differs, so only the kind tells of all counts.
    is_counted = or_(
        movement.c.kind == int(MovementKind.COUNTED),
        movement.c.reason == int(AdjustmentReason.COUNTED),
    )
    return (
        select(
            entry.c.item_id,
            entry.c.location_id,
            func.sum(_effect(_ON_HAND)).label("units"),
            func.max(case((is_counted, 1), else_=0)).label("is_counted"),
        )
        .join(rows, _later(rows))
        .join(movement, movement.c.movement_id == entry.c.movement_id)
        .where(is_later, _is_by_others(source))
        .group_by(entry.c.item_id, entry.c.location_id)
    )


def _counted(
    dialect: Dialect, source: int, picture: Picture, since: Mapping[Pair, int]
) -> Select[Any]:
    """Keys that people have counted since the picture was taken, also where the books were right.

    A picture without a time is older than a count if it lacks what others had changed before.
    """
    rows = _rows(dialect, since)
    if picture.taken is not None:
        is_older = and_(
            count_mark.c.count_time > picture.taken, count_mark.c.sequence >= rows.c.sequence
        )
    else:
        is_older = exists().where(
            entry.c.item_id == rows.c.item_id,
            entry.c.location_id == rows.c.location_id,
            entry.c.sequence > rows.c.sequence,
            entry.c.sequence <= count_mark.c.sequence,
            movement.c.movement_id == entry.c.movement_id,
            _is_by_others(source),
        )
    return (
        select(count_mark.c.item_id, count_mark.c.location_id)
        .join(
            rows,
            and_(
                count_mark.c.item_id == rows.c.item_id,
                count_mark.c.location_id == rows.c.location_id,
            ),
        )
        .where(is_older)
    )


def _is_by_others(source: int) -> ColumnElement[bool]:
    """Whether an entry is a change by others than the source, and no correction by a picture."""
    is_no_picture = or_(
        entry.c.source_sequence.is_not(None),
        movement.c.reason.not_in([int(reason) for reason in sorted(BY_PICTURE)]),
    )
    return or_(entry.c.source_id.is_(None), and_(entry.c.source_id != source, is_no_picture))


def _effect(accounts: Sequence[int]) -> ColumnElement[int]:
    """What an entry does to what is in the accounts."""
    gives = case((entry.c.to_account.in_(accounts), entry.c.quantity), else_=0)
    takes = case((entry.c.from_account.in_(accounts), entry.c.quantity), else_=0)
    return gives - takes


def _later(rows: Any) -> ColumnElement[bool]:
    return and_(
        entry.c.item_id == rows.c.item_id,
        entry.c.location_id == rows.c.location_id,
        entry.c.sequence > rows.c.sequence,
    )


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

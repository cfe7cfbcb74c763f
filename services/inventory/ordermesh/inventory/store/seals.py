"""Seals in the database, and the entries they cover."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Subquery,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
    true,
    update,
)

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Balance
from ordermesh.inventory.domain.seal import Covered, Head, Sealed, canonical
from ordermesh.inventory.ports.names import Pair
from ordermesh.inventory.ports.seals import Changes
from ordermesh.inventory.store.keys import pair_rows, pair_values, text_rows, text_values
from ordermesh.inventory.store.past import balances_at
from ordermesh.inventory.store.sale import KEY_SEPARATOR, TOPIC
from ordermesh.inventory.store.tables.items import item
from ordermesh.inventory.store.tables.ledger import entry, movement
from ordermesh.inventory.store.tables.locations import location
from ordermesh.inventory.store.tables.seals import seal, seal_head
from ordermesh.runtime.bulk import insert_rows
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.engines import Dialect
from ordermesh.runtime.feed import revision
from ordermesh.runtime.prepared import Prepared
from ordermesh.runtime.tables import feed


class SqlSealStore:
    """Seals in a table of their own, which the feed's compaction leaves alone."""

    async def is_behind(self, tx: Transaction) -> bool:
        """Whether changes wait for their seals."""
        return (await self.head(tx)).revision < await revision(tx)

    async def claim(self, tx: Transaction) -> Head | None:
        """How far the books are sealed, locked; None while another process seals."""
        found = await tx.execute(
            select(seal_head).where(seal_head.c.place == 1).with_for_update(skip_locked=True)
        )
        row = found.one_or_none()
        return None if row is None else Head(row.revision, row.seal)

    async def head(self, tx: Transaction) -> Head:
        """How far the books are sealed."""
        row = (await tx.execute(_HEAD)).one()
        return Head(row.revision, row.seal)

    async def changes(self, tx: Transaction, after: int, size: int) -> Changes:
        """The next changes of balances after a revision."""
        # Read first: all changes up to it are seen by the statement that follows.
        stamped = await revision(tx)
        found = await tx.rows(_CHANGES, {"after": after, "rows": size})
        rows = [
            (row.revision, StockKey(*row.key.split(KEY_SEPARATOR)), row.sequence) for row in found
        ]
        last = rows[-1][0] if rows else after
        return Changes(rows, last if len(rows) == size else max(last, stamped))

    async def sealed(self, tx: Transaction, keys: Collection[StockKey]) -> dict[StockKey, int]:
        """Up to which entry keys are sealed."""
        surrogates = await _surrogates(tx, keys)
        found = await tx.rows(_LAST_SEALED, pair_values(tx.dialect, surrogates.values()))
        by_pair = {(row.item_id, row.location_id): int(row.last) for row in found}
        return {key: by_pair[pair] for key, pair in surrogates.items()}

    async def entries(
        self, tx: Transaction, covered: Sequence[Covered]
    ) -> Sequence[Sequence[bytes]]:
        """The entries that each covers, as they are in the books."""
        if not covered:
            return []
        surrogates = await _surrogates(tx, {one.key for one in covered})
        ranges = [
            (place, *surrogates[one.key], one.first_sequence, one.last_sequence)
            for place, one in enumerate(covered)
        ]
        return [[written for written, _ in rows] for rows in await _entries(tx, ranges)]

    async def add(self, tx: Transaction, sealed: Sequence[Sealed], head: Head) -> None:
        """Write seals, and how far they reach now."""
        surrogates = await _surrogates(tx, {one.covered.key for one in sealed})
        rows = []
        for one in sealed:
            item_id, location_id = surrogates[one.covered.key]
            rows.append(
                {
                    "revision": one.covered.revision,
                    "item_id": item_id,
                    "location_id": location_id,
                    "first_sequence": one.covered.first_sequence,
                    "last_sequence": one.covered.last_sequence,
                    "seal": one.seal,
                }
            )
        await insert_rows(tx, seal, rows)
        await tx.execute(
            update(seal_head)
            .where(seal_head.c.place == 1)
            .values(revision=head.revision, seal=head.seal)
        )

    async def balances_at(
        self,
        tx: Transaction,
        revision: int,
        skus: Collection[str],
        location_ids: Collection[str],
        after: StockKey | None,
        size: int,
    ) -> list[tuple[StockKey, Balance]]:
        """The next balances at a sealed revision, in the order of SKU and location."""
        return await balances_at(tx, revision, skus, location_ids, after, size)

    async def page(self, tx: Transaction, after: int, size: int) -> Sequence[Sealed]:
        """The next seals after a revision, each with its entries as they are in the books."""
        found = await tx.execute(
            select(seal, item.c.sku, location.c.code)
            .outerjoin(item, item.c.item_id == seal.c.item_id)
            .outerjoin(location, location.c.location_id == seal.c.location_id)
            .where(seal.c.revision > after)
            .order_by(seal.c.revision)
            .limit(size)
        )
        rows = found.all()
        if not rows:
            return []
        entries = await _entries(
            tx,
            [
                (place, row.item_id, row.location_id, row.first_sequence, row.last_sequence)
                for place, row in enumerate(rows)
            ],
        )
        return [
            Sealed(
                Covered(
                    row.revision,
                    StockKey(row.sku or "", row.code or ""),
                    row.first_sequence,
                    row.last_sequence,
                ),
                row.seal,
                [written for written, _ in covered],
                len({instant for _, instant in covered}),
            )
            for row, covered in zip(rows, entries, strict=True)
        ]


# A few times a second there is something to seal, so these are built once.
_HEAD = select(seal_head).where(seal_head.c.place == 1)
_CHANGES = Prepared(
    lambda _: (
        select(feed.c.revision, feed.c.key, feed.c.sequence)
        .where(feed.c.topic == TOPIC, feed.c.revision > bindparam("after", type_=BigInteger))
        .order_by(feed.c.revision)
        .limit(bindparam("rows", type_=Integer))
    )
)
_ITEMS = Prepared(
    lambda dialect: select(item.c.sku, item.c.item_id).where(item.c.sku.in_(text_rows(dialect)))
)
_PLACES = Prepared(
    lambda dialect: select(location.c.code, location.c.location_id).where(
        location.c.code.in_(text_rows(dialect))
    )
)


def _last_sealed(dialect: Dialect) -> Select[Any]:
    rows = pair_rows(dialect).subquery()
    last = (
        select(seal.c.last_sequence)
        .where(seal.c.item_id == rows.c.item_id, seal.c.location_id == rows.c.location_id)
        .order_by(seal.c.revision.desc())
        .limit(literal_column("1", Integer))
        .correlate(rows)
        .scalar_subquery()
    )
    none = literal_column("0", BigInteger)
    return select(rows.c.item_id, rows.c.location_id, func.coalesce(last, none).label("last"))


_LAST_SEALED = Prepared(_last_sealed)


async def _surrogates(tx: Transaction, keys: Collection[StockKey]) -> Mapping[StockKey, Pair]:
    skus = await tx.rows(_ITEMS, text_values(tx.dialect, {key.sku for key in keys}))
    item_ids = {row.sku: row.item_id for row in skus}
    codes = await tx.rows(_PLACES, text_values(tx.dialect, {key.location_id for key in keys}))
    location_ids = {row.code: row.location_id for row in codes}
    return {key: (item_ids[key.sku], location_ids[key.location_id]) for key in keys}


_Range = tuple[int, int, int, int, int]
"""A place in a list, the surrogates of a key, and the first and last number of its entries."""


async def _entries(
    tx: Transaction, ranges: Sequence[_Range]
) -> list[list[tuple[bytes, datetime | None]]]:
    """The entries of each range in their order, each with the instant at which it was made."""
    found = await tx.rows(_ENTRIES, _range_values(tx.dialect, ranges))
    entries: list[list[tuple[bytes, datetime | None]]] = [[] for _ in ranges]
    for row in found:
        place, *said = row
        serial_numbers = said[_SERIALS]
        if isinstance(serial_numbers, str):
            # As it comes where the driver is asked past SQLAlchemy.
            said[_SERIALS] = json.loads(serial_numbers)
        entries[place].append((canonical(said), said[0]))
    return entries


def _covered_entries(dialect: Dialect) -> Select[Any]:
    wanted = _ranges(dialect)
    is_covered = (
        (entry.c.item_id == wanted.c.item_id)
        & (entry.c.location_id == wanted.c.location_id)
        & entry.c.sequence.between(wanted.c.first_sequence, wanted.c.last_sequence)
    )
    if dialect == "postgresql":
        return _looked_up(wanted, is_covered)
    return (
        select(wanted.c.place, *_SAID)
        .select_from(wanted)
        .join(entry, is_covered)
        .outerjoin(movement, movement.c.movement_id == entry.c.movement_id)
        .order_by(wanted.c.place, entry.c.sequence)
    )


_ENTRIES = Prepared(_covered_entries)


def _looked_up(wanted: Subquery, is_covered: ColumnElement[bool]) -> Select[Any]:
    """The entries of each range, looked up in their key, and their movements one by one.

    Left to itself the server takes ranges for wide ones, and goes through all entries and movements
    there ever were. An offset, of nothing, is what keeps it from joining the parts its own way.
    """
    nothing = literal_column("0", Integer)
    entries = select(*(one for one in _SAID if one.table is entry)).where(is_covered)
    covered = entries.correlate(wanted).offset(nothing).lateral("covered")
    movements = select(*(one for one in _SAID if one.table is movement)).where(
        movement.c.movement_id == covered.c.movement_id
    )
    caused = movements.correlate(covered).offset(nothing).lateral("caused")
    said = [(covered if one.table is entry else caused).c[one.name] for one in _SAID]
    return (
        select(wanted.c.place, *said)
        .select_from(wanted.join(covered, true()).outerjoin(caused, true()))
        .order_by(wanted.c.place, covered.c.sequence)
    )


_SAID = (
    # All that an entry and its movement say, in the order in which it is sealed.
    movement.c.create_time,
    entry.c.sequence,
    entry.c.from_account,
    entry.c.to_account,
    entry.c.quantity,
    entry.c.lot_id,
    entry.c.source_id,
    entry.c.source_sequence,
    entry.c.serial_numbers,
    entry.c.reservation_id,
    entry.c.movement_id,
    movement.c.kind,
    movement.c.document,
    movement.c.reason,
    movement.c.note,
    movement.c.caller,
    movement.c.on_behalf_of,
    movement.c.order_id,
)

_SERIALS = [one.name for one in _SAID].index("serial_numbers")

_COLUMNS = ("place", "item_id", "location_id", "first_sequence", "last_sequence")


def _ranges(dialect: Dialect) -> Subquery:
    """The ranges as rows: one parameter for each column, or one in all."""
    if dialect == "postgresql":
        arrays = [bindparam(name, type_=ARRAY(_type_of(name))) for name in _COLUMNS]
        table = (
            func.unnest(*arrays)
            .table_valued(*(column(name, _type_of(name)) for name in _COLUMNS))
            .render_derived()
        )
        return select(*(table.c[name] for name in _COLUMNS)).subquery()
    listed = func.json_each(bindparam("ranges", type_=Text())).table_valued("value").c.value
    columns: list[ColumnElement[int]] = [
        cast(func.json_extract(listed, f"$[{place}]"), BigInteger).label(name)
        for place, name in enumerate(_COLUMNS)
    ]
    return select(*columns).subquery()


def _range_values(dialect: Dialect, ranges: Sequence[_Range]) -> dict[str, Any]:
    """The values of ``_ranges``."""
    if dialect == "postgresql":
        return {name: [row[place] for row in ranges] for place, name in enumerate(_COLUMNS)}
    return {"ranges": json.dumps(ranges)}


def _type_of(name: str) -> BigInteger | Integer:
    return BigInteger() if name.endswith("_sequence") else Integer()

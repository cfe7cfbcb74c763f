"""Seals in the database, and the entries they cover."""

import json
from collections.abc import Collection, Sequence
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
from ordermesh.inventory.ports.seals import Changes, Unsealed
from ordermesh.inventory.store.digests import SAID, unsealed
from ordermesh.inventory.store.past import balances_at
from ordermesh.inventory.store.sale import TOPIC
from ordermesh.inventory.store.tables.items import item
from ordermesh.inventory.store.tables.ledger import entry, movement
from ordermesh.inventory.store.tables.locations import location
from ordermesh.inventory.store.tables.seals import seal, seal_head
from ordermesh.runtime.bulk import insert_columns
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.engines import Dialect
from ordermesh.runtime.feed import revision
from ordermesh.runtime.feed_pages import RevisionCompacted, read_page
from ordermesh.runtime.prepared import Prepared


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

    async def reach(self, tx: Transaction) -> tuple[Head, int]:
        """How far the books are said to be sealed, and the highest revision that has a seal."""
        last = (await tx.execute(select(func.max(seal.c.revision)))).scalar_one()
        return await self.head(tx), last or 0

    async def unsealed(self, tx: Transaction, after: int) -> Changes:
        """The next changes of balances after a revision; a change without entries is left out."""
        try:
            page, has_more = await read_page(tx, (TOPIC,), after + 1)
        except RevisionCompacted as compacted:
            # Nothing was sealed for as long as the feed is kept. What was forgotten meanwhile stays
            # unsealed, which the check of the books tells of.
            oldest = int(compacted.facts()["oldestRevision"])
            page, has_more = await read_page(tx, (TOPIC,), oldest)
        changes = [unsealed(change) for change in page.changes if change.memo]
        return Changes(changes, page.revision, has_more)

    async def add(
        self, tx: Transaction, changes: Sequence[Unsealed], made: Sequence[bytes], head: Head
    ) -> None:
        """Write the seals of changes, and how far they reach now."""
        covered = [one.covered for one in changes]
        await insert_columns(
            tx,
            seal,
            {
                "revision": [one.revision for one in covered],
                "item_id": [one.pair[0] for one in changes],
                "location_id": [one.pair[1] for one in changes],
                "first_sequence": [one.first_sequence for one in covered],
                "last_sequence": [one.last_sequence for one in covered],
                "seal": made,
            },
        )
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
                written,
            )
            for row, written in zip(rows, entries, strict=True)
        ]


# Asked a few times a second, so built once.
_HEAD = select(seal_head).where(seal_head.c.place == 1)
_Range = tuple[int, int, int, int, int]
"""A place in a list, the surrogates of a key, and the first and last number of its entries."""


async def _entries(tx: Transaction, ranges: Sequence[_Range]) -> list[list[bytes]]:
    """The entries of each range in their order, as they are sealed."""
    found = await tx.rows(_ENTRIES, _range_values(tx.dialect, ranges))
    entries: list[list[bytes]] = [[] for _ in ranges]
    for row in found:
        place, *said = row
        serial_numbers = said[_SERIALS]
        if isinstance(serial_numbers, str):
            # As it comes where the driver is asked past SQLAlchemy.
            said[_SERIALS] = json.loads(serial_numbers)
        entries[place].append(canonical(said))
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
        select(wanted.c.place, *SAID)
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
    entries = select(*(one for one in SAID if one.table is entry)).where(is_covered)
    covered = entries.correlate(wanted).offset(nothing).lateral("covered")
    movements = select(*(one for one in SAID if one.table is movement)).where(
        movement.c.movement_id == covered.c.movement_id
    )
    caused = movements.correlate(covered).offset(nothing).lateral("caused")
    said = [(covered if one.table is entry else caused).c[one.name] for one in SAID]
    return (
        select(wanted.c.place, *said)
        .select_from(wanted.join(covered, true()).outerjoin(caused, true()))
        .order_by(wanted.c.place, covered.c.sequence)
    )


_SERIALS = [one.name for one in SAID].index("serial_numbers")

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

"""Sources in the database: how far each has come, what is held, and which pictures are known."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from ordermesh.inventory.domain.errors.feed import UnknownSource
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.quarantine import QuarantineState
from ordermesh.inventory.domain.stock_feed import Delta, Marks, Picture, Unseen
from ordermesh.inventory.domain.stock_source import (
    Gap,
    GapPolicy,
    Numbers,
    SourceKind,
    SourceReport,
    SourceState,
    StockSource,
)
from ordermesh.inventory.ports.feeds import Waiting
from ordermesh.inventory.ports.names import Names, Pair
from ordermesh.inventory.store.keys import bigs, integers, is_among, pairs, texts
from ordermesh.inventory.store.looking_back import unseen
from ordermesh.inventory.store.tables.feeds import (
    held_delta,
    picture_mark,
    quarantined_row,
    stock_source,
)
from ordermesh.inventory.store.tables.ledger import entry
from ordermesh.inventory.store.told import read_delta, written_row
from ordermesh.runtime.bulk import insert_rows, update_rows
from ordermesh.runtime.database import Transaction

WHOLE = 0
"""The item of a mark that is about a whole location."""


class SqlSourceStore:
    """Sources in tables."""

    async def lock(
        self, tx: Transaction, source_ids: Collection[str], names: Names
    ) -> dict[str, SourceState]:
        """Lock and read sources in one order. Raises ``UnknownSource``."""
        found = await tx.execute(
            select(stock_source)
            .where(stock_source.c.code.in_(texts(tx.dialect, source_ids)))
            .order_by(stock_source.c.source_id)
            .with_for_update(key_share=True)
        )
        states: dict[str, SourceState] = {}
        for row in found:
            names.source_ids[row.code] = row.source_id
            states[row.code] = _state(row)
        for source_id in sorted(set(source_ids) - states.keys()):
            raise UnknownSource(source_id)
        return states

    async def put(self, tx: Transaction, sources: Sequence[StockSource], now: datetime) -> int:
        """Store new and changed sources; gives how many."""
        wanted = [source.source_id for source in sources]
        found = await tx.execute(
            select(stock_source)
            .where(stock_source.c.code.in_(texts(tx.dialect, wanted)))
            .order_by(stock_source.c.source_id)
            .with_for_update(key_share=True)
        )
        known = {row.code: _state(row).source for row in found}
        fresh = {
            "applied_sequence": 0, "gaps": [], "forgotten": 0, "ahead": 0, "create_time": now,
        }  # fmt: skip
        new = [{**_columns(one), **fresh} for one in sources if one.source_id not in known]
        if new:
            await tx.execute(insert(stock_source), new)
        changed = [one for one in sources if known.get(one.source_id, one) != one]
        for one in changed:
            await tx.execute(
                update(stock_source)
                .where(stock_source.c.code == one.source_id)
                .values(**_columns(one))
            )
        return len(new) + len(changed)

    async def advance(
        self, tx: Transaction, states: Collection[SourceState], names: Names, now: datetime | None
    ) -> None:
        """Note how far sources have come, and that they were heard of now; None: they were not."""
        for state in states:
            await tx.execute(
                update(stock_source)
                .where(stock_source.c.source_id == names.source_ids[state.source.source_id])
                .values(
                    applied_sequence=state.numbers.applied,
                    gaps=[list(gap) for gap in state.numbers.gaps],
                    forgotten=state.numbers.forgotten,
                    ahead=state.ahead,
                    heard_time=now or state.heard_time,
                )
            )

    async def get(self, tx: Transaction, source_id: str) -> StockSource:
        """A source, not locked. Raises ``UnknownSource``."""
        found = await tx.execute(select(stock_source).where(stock_source.c.code == source_id))
        row = found.one_or_none()
        if row is None:
            raise UnknownSource(source_id)
        return _state(row).source

    async def page(self, tx: Transaction, after: str, size: int) -> list[SourceReport]:
        """The next sources in the order of ids."""
        return await _reports(tx, after, size)

    async def waiting(
        self, tx: Transaction, source: int, numbers: Collection[int], size: int
    ) -> Waiting:
        """The first changes that are held, so many, and which of the numbers are held.

        Those that are settled come beside them: else they would stand before what is not.
        """
        settled_first = held_delta.c.is_settled.desc()
        first = await tx.execute(
            select(held_delta.c.delta, held_delta.c.is_settled)
            .where(held_delta.c.source_id == source)
            .order_by(settled_first, held_delta.c.source_sequence)
            .limit(size + await _settled_count(tx, source))
        )
        rows = first.all()
        deltas = [read_delta(row.delta) for row in rows]
        if not deltas:
            return Waiting((), frozenset(), 0)
        known = await tx.execute(
            select(held_delta.c.source_sequence).where(
                held_delta.c.source_id == source,
                held_delta.c.source_sequence.in_(bigs(tx.dialect, numbers)),
            )
        )
        counted = await tx.execute(
            select(func.count()).select_from(held_delta).where(held_delta.c.source_id == source)
        )
        settled = [
            delta.source_sequence for delta, row in zip(deltas, rows, strict=True) if row.is_settled
        ]
        return Waiting(deltas, frozenset(known.scalars()), counted.scalar_one(), frozenset(settled))

    async def hold(
        self,
        tx: Transaction,
        source: int,
        deltas: Sequence[Delta],
        released: Collection[int],
        settled: Collection[int],
    ) -> None:
        """Hold changes, forget those that were released, and note those that are held no more."""
        rows = [
            {
                "source_id": source,
                "source_sequence": delta.source_sequence,
                "delta": written_row(delta),
                "is_settled": delta.source_sequence in settled,
            }
            for delta in deltas
        ]
        await insert_rows(tx, held_delta, rows)
        before = set(settled) - {delta.source_sequence for delta in deltas}
        if before:
            await tx.execute(
                update(held_delta)
                .where(
                    held_delta.c.source_id == source,
                    held_delta.c.source_sequence.in_(bigs(tx.dialect, before)),
                )
                .values(is_settled=True)
            )
        if released:
            await tx.execute(
                delete(held_delta).where(
                    held_delta.c.source_id == source,
                    held_delta.c.source_sequence.in_(bigs(tx.dialect, released)),
                )
            )

    async def moved(
        self, tx: Transaction, source: int, numbers: Mapping[int, StockKey], names: Names
    ) -> set[int]:
        """Those of the numbers whose changes stand in the books of their keys, or in quarantine."""
        places = pairs(tx.dialect, names.pairs(numbers.values()))
        in_books = await tx.execute(
            select(entry.c.source_sequence).where(
                entry.c.source_id == source,
                is_among(entry, places),
                entry.c.source_sequence.in_(bigs(tx.dialect, numbers)),
            )
        )
        doubtful = await tx.execute(
            select(quarantined_row.c.source_sequence).where(
                quarantined_row.c.source_id == source,
                quarantined_row.c.state == int(QuarantineState.OPEN),
                quarantined_row.c.source_sequence.in_(bigs(tx.dialect, numbers)),
            )
        )
        return {*in_books.scalars(), *doubtful.scalars()}

    async def is_alone(self, tx: Transaction, source: StockSource) -> bool:
        """Whether no other source speaks for any of its locations."""
        found = await tx.execute(
            select(stock_source.c.location_codes).where(stock_source.c.code != source.source_id)
        )
        return all(source.own_locations.isdisjoint(codes) for codes in found.scalars())

    async def marks(
        self, tx: Transaction, source: int, keys: Collection[StockKey], names: Names
    ) -> Marks:
        """The pictures that are remembered of keys, and of all locations that are named."""
        key_of = {names.pair(key): key for key in keys}
        codes = {surrogate: code for code, surrogate in names.location_ids.items()}
        found = await _marked(tx, source, {*key_of, *((WHOLE, place) for place in codes)})
        return Marks(
            keys={key_of[pair]: picture for pair, picture in found.items() if pair in key_of},
            locations={
                codes[place]: picture for (item, place), picture in found.items() if item == WHOLE
            },
            others={
                key_of[pair]: taken
                for pair, taken in (await _by_others(tx, source, key_of.keys())).items()
            },
        )

    async def mark(
        self, tx: Transaction, source: int, pairs: Collection[Pair], picture: Picture
    ) -> None:
        """Remember a picture beside those before; item 0 of a pair means the whole location."""
        if not pairs:
            return
        known = await _marked(tx, source, pairs)
        marks = {pair: picture.after(known.get(pair)) for pair in sorted(set(pairs))}
        rows = {
            pair: {
                "source_id": source,
                "item_id": pair[0],
                "location_id": pair[1],
                "watermark": mark.watermark,
                "taken": mark.taken,
            }
            for pair, mark in marks.items()
            if known.get(pair) != mark
        }
        await insert_rows(
            tx, picture_mark, [row for pair, row in rows.items() if pair not in known]
        )
        await update_rows(
            tx,
            picture_mark,
            ("source_id", "item_id", "location_id"),
            [row for pair, row in rows.items() if pair in known],
        )

    async def unseen(
        self,
        tx: Transaction,
        source: int,
        picture: Picture,
        included: Mapping[StockKey, int | None],
        names: Names,
        highest: int,
    ) -> dict[StockKey, Unseen]:
        """What a picture does not contain of keys; what it contains wholly is left out."""
        return await unseen(tx, source, picture, included, names, highest)


async def _settled_count(tx: Transaction, source: int) -> int:
    found = await tx.execute(
        select(func.count())
        .select_from(held_delta)
        .where(held_delta.c.source_id == source, held_delta.c.is_settled.is_(True))
    )
    count: int = found.scalar_one()
    return count


async def _marked(tx: Transaction, source: int, wanted: Collection[Pair]) -> dict[Pair, Picture]:
    found = await tx.execute(
        select(picture_mark).where(
            picture_mark.c.source_id == source, is_among(picture_mark, pairs(tx.dialect, wanted))
        )
    )
    return {(row.item_id, row.location_id): Picture(row.watermark, row.taken) for row in found}


async def _by_others(
    tx: Transaction, source: int, wanted: Collection[Pair]
) -> dict[Pair, datetime]:
    """When other sources took their latest pictures of keys."""
    found = await tx.execute(
        select(
            picture_mark.c.item_id,
            picture_mark.c.location_id,
            func.max(picture_mark.c.taken).label("taken"),
        )
        .where(
            is_among(picture_mark, pairs(tx.dialect, wanted)),
            picture_mark.c.source_id != source,
            picture_mark.c.taken.is_not(None),
        )
        .group_by(picture_mark.c.item_id, picture_mark.c.location_id)
    )
    return {(row.item_id, row.location_id): row.taken for row in found}


async def _reports(tx: Transaction, after: str, size: int) -> list[SourceReport]:
    found = await tx.execute(
        select(stock_source)
        .where(stock_source.c.code > after)
        .order_by(stock_source.c.code)
        .limit(size)
    )
    rows = found.all()
    ids = integers(tx.dialect, [row.source_id for row in rows])
    held = await tx.execute(
        select(held_delta.c.source_id, func.count().label("rows"))
        .where(held_delta.c.source_id.in_(ids), held_delta.c.is_settled.is_(False))
        .group_by(held_delta.c.source_id)
    )
    held_counts = {row.source_id: int(row.rows) for row in held}
    left = await tx.execute(
        select(quarantined_row.c.source_id, func.count().label("rows"))
        .where(
            quarantined_row.c.source_id.in_(ids),
            quarantined_row.c.state == 1,
        )
        .group_by(quarantined_row.c.source_id)
    )
    open_counts = {row.source_id: int(row.rows) for row in left}
    return [
        SourceReport(
            _state(row),
            held_counts.get(row.source_id, 0),
            open_counts.get(row.source_id, 0),
            row.create_time,
        )
        for row in rows
    ]


def _state(row: Row[Any]) -> SourceState:
    source = StockSource(
        source_id=row.code,
        kind=SourceKind(row.kind),
        location_ids=tuple(row.location_codes),
        callers=tuple(row.callers),
        may_fall_below_reserved=row.may_fall_below_reserved,
        jump_units=row.jump_units,
        jump_percent=row.jump_percent,
        gap_policy=GapPolicy(row.gap_policy),
        silence=None if row.silence_seconds is None else timedelta(seconds=row.silence_seconds),
        ahead_max=row.ahead_max,
    )
    gaps = tuple(Gap(*gap) for gap in row.gaps)
    numbers = Numbers(row.applied_sequence, gaps, row.forgotten)
    return SourceState(source, numbers, row.ahead, row.heard_time)


def _columns(source: StockSource) -> dict[str, Any]:
    return {
        "code": source.source_id,
        "kind": int(source.kind),
        "location_codes": list(source.location_ids),
        "callers": list(source.callers),
        "may_fall_below_reserved": source.may_fall_below_reserved,
        "jump_units": source.jump_units,
        "jump_percent": source.jump_percent,
        "gap_policy": int(source.gap_policy),
        "ahead_max": source.ahead_max,
        "silence_seconds": (
            None if source.silence is None else int(source.silence.total_seconds())
        ),
    }

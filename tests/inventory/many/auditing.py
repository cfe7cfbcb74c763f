"""Everything recomputed from the tables: what must hold in the books whatever was done to them."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, func, select

from ordermesh.api.inventory.v1 import BalanceChange
from ordermesh.inventory.background.sealing import Sealer
from ordermesh.inventory.background.sweeping import Sweeper
from ordermesh.inventory.domain.ledger import Account
from ordermesh.inventory.domain.reservation import LineState
from ordermesh.inventory.store.seals import SqlSealStore
from ordermesh.inventory.store.tables.controls import control, control_change, pool_use
from ordermesh.inventory.store.tables.counts import count, count_line
from ordermesh.inventory.store.tables.feeds import quarantined_row, stock_source
from ordermesh.inventory.store.tables.items import item
from ordermesh.inventory.store.tables.ledger import balance, entry, movement
from ordermesh.inventory.store.tables.locations import location
from ordermesh.inventory.store.tables.reservations import line, reservation
from ordermesh.inventory.store.tables.seals import seal
from ordermesh.inventory.store.tables.shortfalls import shortfall
from ordermesh.inventory.store.tables.supplies import supply
from ordermesh.kernel.clock import SystemClock
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.feed_pages import Change, read_page
from ordermesh.runtime.tables import leader, reply
from tests.inventory.many.books import Books
from tests.inventory.many.limits import History, Purchases
from tests.inventory.many.promises import (
    Lines,
    Pair,
    check_header,
    check_pools,
    check_shortfalls,
    check_supplies,
)
from tests.inventory.many.record import Record, digest_of_refusal, digest_of_reply, stored_reason
from tests.inventory.many.telling import Telling
from tests.inventory.many.world import SKUS
from tests.inventory.shop import Shop

LOOKED_AT = (
    "lines", "waiting lines", "shortfalls", "entries", "counts", "pictures", "changes told",
    "pools", "limited purchases", "answers", "revisions",
)  # fmt: skip
"""What there must be some of, or the check says little."""

ROWS = 20_000
LIMITED = SKUS[:3]
"""The items whose purchases are limited now and then."""


@dataclass
class Auditor:
    """Looks at all tables between calls, and remembers what may not change afterwards.

    ``patient`` is the same database, which lets one snapshot be looked at for as long as it takes.
    """

    database: Database
    patient: Database
    record: Record
    telling: Telling
    lines: Lines = field(default_factory=Lines)
    entries: dict[Pair, tuple[int, bytes]] = field(default_factory=dict)
    others: frozenset[UUID] = frozenset()
    looked_at: Counter[str] = field(default_factory=Counter)
    began: Any = None

    async def begin(self) -> None:
        """Note which requests were answered before the first caller came."""
        found = await self.database.read(partial(_all, statement=select(reply.c.request_id)))
        self.others = frozenset(row.request_id for row in found)

    async def check(self, shop: Shop) -> None:
        """Finish what is done in the background; then look at everything."""
        self.began = await self.database.read(_now)
        clock = SystemClock()
        await Sweeper(self.database, shop.wiring.stores, clock, 1.0).sweep()
        await shop.stamp()
        await Sealer(self.database, SqlSealStore(), clock).seal()
        await self.patient.read(self.examine)
        self.record.movements.clear()
        assert await shop.is_sound()

    async def examine(self, tx: Transaction) -> None:
        """Recompute everything. Raises ``AssertionError`` that names what does not hold."""
        self.looked_at = Counter(dict.fromkeys(LOOKED_AT, 0))
        await self._read_lines(tx)
        balances = {(row.item_id, row.location_id): row for row in await _all(tx, select(balance))}
        on_their_way = check_supplies(await _all(tx, select(supply)), self.lines)
        shortfalls = await _all(tx, select(shortfall))
        check_shortfalls([row for row in shortfalls if row.open_quantity], balances, self.lines)
        self.looked_at["shortfalls"] = len(shortfalls)
        await self._check_keys(tx, balances, on_their_way)
        await self._check_controls(tx)
        await self._check_replies(tx)
        await self._check_feed(tx, balances)

    async def _read_lines(self, tx: Transaction) -> None:
        """Lines and headers: I4, I7, I8, I9."""
        self.lines.begin()
        limited = {row.item_id for row in await _all(tx, select(item)) if row.sku in LIMITED}
        columns = [column for column in line.c if column.name != "serial_numbers"]
        async for row in _paged(tx, select(*columns), line):
            self.lines.add(row)
            if row.kit_item_id is None and row.item_id in limited:
                self.lines.bought[row.item_id].append(row)
            is_overdue = row.state == LineState.HELD and row.expire_time <= self.began
            assert not is_overdue, f"overdue, and the sweeper passed it by: {row}"
        self.lines.end()
        seen = 0
        async for row in _paged(tx, select(reservation), reservation):
            check_header(row, self.lines, self.record.made)
            seen += row.reservation_id in self.record.made
        assert seen == len(self.record.made), "acknowledged reservations are lost"
        self.looked_at["lines"] = self.lines.looked
        self.looked_at["waiting lines"] = self.lines.waiting_count

    async def _check_keys(
        self, tx: Transaction, balances: Mapping[Pair, Any], on_their_way: Mapping[int, int]
    ) -> None:
        """Key by key: I1, I2, I3, I5, I13, I14, and what counts, pictures and sources did."""
        skus = {row.item_id: row.sku for row in await _all(tx, select(item))}
        codes = {row.location_id: row.code for row in await _all(tx, select(location))}
        sources = {row.source_id: row.code for row in await _all(tx, select(stock_source))}
        counts = await _counts(tx)
        wanted, goods = set(self.record.movements), defaultdict[UUID, Counter[str]](Counter)
        told: dict[tuple[str, int], tuple[UUID, str, int]] = {}
        transit: Counter[int] = Counter()
        total = 0
        for pair, row in sorted(balances.items()):
            place = f"{skus[pair[0]]} at {codes[pair[1]]}"
            books = Books(place, await _all(tx, _entries(pair)))
            books.fold()
            books.agree(row)
            assert +books.held() == +self.lines.held.pop(pair, Counter()), place
            assert books.shipped() == self.lines.shipped.pop(pair, Counter()), place
            known = self._compare_entries(pair, books)
            await _check_seals(tx, pair, len(books.rows))
            for tally, movement_id in counts.pop(pair, ()):
                books.check_count(tally, movement_id)
                self.looked_at["counts"] += 1
            pictures = books.check_pictures(self.telling.pictures, sources, known)
            self.looked_at["pictures"] += pictures
            for movement_id, units in books.goods(wanted):
                goods[movement_id][place] += units
            for source_id, number, movement_id, units in books.told():
                before = told.get((sources[source_id], number), (movement_id, place, 0))
                assert before[:2] == (movement_id, place), f"change {number} was applied twice"
                told[sources[source_id], number] = (movement_id, place, before[2] + units)
            transit[pair[0]] += books.figures[Account.TRANSIT]
            total += len(books.rows)
        for said in self.record.movements:
            assert said in goods, f"the acknowledged movement {said} is lost"
            assert _plain(goods[said]) == _plain(self.record.movements[said]), said
        assert +transit == +Counter(on_their_way), (transit, on_their_way)
        assert min(transit.values(), default=0) >= 0, transit
        assert not any(map(_plain, self.lines.held.values())), "promises without a balance"
        assert not counts, f"counted, and without a balance: {counts}"
        entries = await _all(tx, select(func.count()).select_from(entry))
        assert total == entries[0][0], "entries without a balance"
        self._check_told(told)
        self.looked_at["entries"] = total

    def _compare_entries(self, pair: Pair, books: Books) -> int:
        """Entries that were there when we last looked are there unchanged; gives how many."""
        number, digest = self.entries.get(pair, (0, b""))
        before, now = books.digests(number)
        assert not number or before == digest, f"{books.place}: the history was changed"
        self.entries[pair] = (len(books.rows), now)
        return number

    def _check_told(self, told: Mapping[tuple[str, int], tuple[UUID, str, int]]) -> None:
        """Changes of sources were applied as they were sent, once, and none that was promised is
        missing."""
        for name, (_, place, units) in told.items():
            sent = self.telling.deltas[name]
            is_sale = sent.kind == sent.KIND_SALE
            assert place == f"{sent.sku} at {sent.location_id}", sent
            assert units == (-sent.quantity if is_sale else sent.quantity), sent
        assert self.telling.applied <= told.keys(), "acknowledged changes are lost"
        self.looked_at["changes told"] = len(told)

    async def _check_controls(self, tx: Transaction) -> None:
        """Pools and purchase limits."""
        history = History.read(await _all(tx, select(control_change)))
        live = {row.number: row.control_id for row in await _all(tx, select(control))}
        most = {number: history.most(control_id) for number, control_id in live.items()}
        pools = await _all(tx, select(pool_use))
        check_pools(pools, self.lines, most)
        self.looked_at["pools"] = sum(row.taken > 0 for row in pools)
        named = {row.reservation_id for rows in self.lines.bought.values() for row in rows}
        headers = {
            row.reservation_id: row
            async for row in _paged(tx, select(reservation), reservation)
            if row.reservation_id in named and not row.is_renewed
        }
        skus = {row.item_id: row.sku for row in await _all(tx, select(item))}
        for item_id, rows in self.lines.bought.items():
            lines = defaultdict[UUID, list[Any]](list)
            for row in rows:
                lines[row.reservation_id].append(row)
            buying = [headers[whose] for whose in lines if whose in headers]
            limited = Purchases(skus[item_id], lines, buying).check(history)
            self.looked_at["limited purchases"] += limited

    async def _check_replies(self, tx: Transaction) -> None:
        """I10: each request that was answered has its answer, and nothing else has one."""
        answers = self.record.answers
        seen = 0
        columns = (reply.c.request_id, reply.c.reply, reply.c.refusal)
        async for row in _paged(tx, select(*columns), reply):
            if row.request_id in self.others:
                continue
            if row.reply is not None:
                digest = digest_of_reply(row.reply)
            else:
                digest = digest_of_refusal(stored_reason(row.refusal))
            assert answers[row.request_id] == digest, f"another answer is kept: {row}"
            seen += 1
        assert seen == len(answers), "answers were not kept"
        self.looked_at["answers"] = seen

    async def _check_feed(self, tx: Transaction, balances: Mapping[Pair, Any]) -> None:
        """I13: revisions are 1, 2, 3 ..., and the last change of a key says what is there."""
        item_ids, number = {row.sku: row.item_id for row in await _all(tx, select(item))}, 0
        places = {row.code: row.location_id for row in await _all(tx, select(location))}
        last: dict[Pair, Change] = {}
        is_full = True
        while is_full:
            page, is_full = await read_page(tx, None, number + 1)
            for change in page.changes:
                number += 1
                assert change.revision == number, f"revision {number} is missing"
                if change.topic == "availability":
                    sku, place = change.key.split("\x1f")
                    pair = (item_ids[sku], places[place])
                    assert pair not in last or change.sequence >= last[pair].sequence, change
                    last[pair] = change
        stamped = await _all(tx, select(leader.c.revision))
        assert number in [row.revision for row in stamped], "a change has no revision"
        for pair, row in balances.items():
            if row.sequence:
                assert pair in last, f"{pair}: no change is told"
                told = BalanceChange.FromString(last[pair].payload)
                assert (told.on_hand, told.reserved) == (row.on_hand, row.reserved), told
                assert last[pair].sequence == row.sequence, f"{pair}: its last change is not told"
        self.looked_at["revisions"] = number

    async def quarantined(self) -> Counter[int]:
        """How many rows are in quarantine, by state."""
        rows = await self.database.read(partial(_all, statement=select(quarantined_row.c.state)))
        return Counter(row.state for row in rows)


def _plain(units: Mapping[Any, int]) -> dict[Any, int]:
    return {name: count for name, count in units.items() if count}


def _entries(pair: Pair) -> Select[Any]:
    """The entries of a key in their order, each with its movement."""
    said = (movement.c.kind, movement.c.reason, movement.c.document, movement.c.create_time)
    return (
        select(*(column for column in entry.c if column.name != "serial_numbers"), *said)
        .outerjoin(movement, movement.c.movement_id == entry.c.movement_id)
        .where(entry.c.item_id == pair[0], entry.c.location_id == pair[1])
        .order_by(entry.c.sequence)
    )


async def _check_seals(tx: Transaction, pair: Pair, count: int) -> None:
    """Seals cover each entry once, in their order."""
    wanted = (seal.c.item_id == pair[0], seal.c.location_id == pair[1])
    last = 0
    for row in await _all(tx, select(seal).where(*wanted).order_by(seal.c.revision)):
        assert row.first_sequence == last + 1, f"{pair}: seals overlap or leave entries out"
        last = row.last_sequence
    assert last == count, f"{pair}: {count - last} entries are not sealed"


async def _counts(tx: Transaction) -> dict[Pair, list[tuple[Any, UUID]]]:
    """The last tally of every count that moved something, by key."""
    found = await _all(
        tx,
        select(
            count_line.c.item_id,
            count.c.location_id,
            count_line.c.tallies,
            count_line.c.movement_id,
        )
        .join(count, count.c.count_id == count_line.c.count_id)
        .where(count_line.c.movement_id.is_not(None)),
    )
    counts = defaultdict[Pair, list[tuple[Any, UUID]]](list)
    for row in found:
        counts[row.item_id, row.location_id].append((row.tallies[-1], row.movement_id))
    return counts


async def _all(tx: Transaction, statement: Select[Any]) -> list[Any]:
    return list(await tx.execute(statement))


async def _paged(
    tx: Transaction, statement: Select[Any], table: Table, *order: Any
) -> AsyncIterator[Any]:
    """All rows in the order of the table's key, so many at a time."""
    start, ordered = 0, statement.order_by(*(order or table.primary_key.columns))
    while True:
        rows = await _all(tx, ordered.limit(ROWS).offset(start))
        for row in rows:
            yield row
        if len(rows) < ROWS:
            return
        start += ROWS


async def _now(tx: Transaction) -> Any:
    return await tx.now()

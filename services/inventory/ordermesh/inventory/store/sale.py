"""Rows of balances with what decides about the sale of their units."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from ordermesh.inventory.domain.conditions import Taken
from ordermesh.inventory.domain.control_table import ControlTable
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Balance, Ledger
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.ports.controls import PooledPair
from ordermesh.inventory.ports.ledger import BalanceRow, ToldBalance
from ordermesh.inventory.ports.names import Pair
from ordermesh.inventory.ports.recollection import Recollection
from ordermesh.inventory.ports.supplies import Coming
from ordermesh.inventory.store.rows import balance_of
from ordermesh.inventory.wire.feeds import balance_payload
from ordermesh.runtime import feed

TOPIC = "availability"
"""The topic of the feed that holds balances; the sequence of a change is the balance's."""

KEY_SEPARATOR = "\x1f"
"""Between SKU and location in a key of the feed; it cannot occur in either."""


def terms_of(rows: Sequence[Row[Any]], table: ControlTable) -> Terms:
    """The terms for the keys of rows that tell of switches, tags and groups."""
    off: set[StockKey] = set()
    uncounted: set[StockKey] = set()
    # Asked once: a column that is not there costs more to ask for than all that are.
    tells_of_quarantine = bool(rows) and hasattr(rows[0], "is_quarantined")
    for row in rows:
        is_off = row.is_unsellable or row.is_disabled
        if is_off or (tells_of_quarantine and row.is_quarantined):
            off.add(StockKey(row.sku, row.code))
        if row.reservation_mode == ReservationMode.NONE:
            uncounted.add(StockKey(row.sku, row.code))
    if not table.needs_features:
        return Terms(frozenset(off), frozenset(uncounted), table)
    return Terms(
        frozenset(off),
        frozenset(uncounted),
        table,
        {row.sku: tuple(row.tags) for row in rows},
        {row.code: tuple(row.groups) for row in rows},
    )


def recollect(
    recollection: Recollection,
    rows: Sequence[Row[Any]],
    table: ControlTable,
    balances: Mapping[StockKey, Balance],
) -> None:
    """Remember locked balances that can be decided on without looking, and what they are of."""
    recollection.begin((rows[0].control_stamp, rows[0].catalog_stamp), table)
    for row in rows:
        is_plain = not (row.is_unsellable or row.is_kit or row.reservation_mode)
        if is_plain and not row.is_disabled:
            recollection.item_ids[row.sku] = row.item_id
            recollection.location_ids[row.code] = row.location_id
            if table.needs_features:
                recollection.tags[row.sku] = tuple(row.tags)
                recollection.groups[row.code] = tuple(row.groups)
    recollection.see(balances)


def listed(
    row: Row[Any],
    terms: Terms,
    now: datetime,
    back: Mapping[Pair, int],
    taken: Mapping[PooledPair, int],
    expected: Mapping[Pair, Coming],
) -> BalanceRow:
    """A balance as it is listed; ``back`` are units of overdue holds, ``taken`` those of pools."""
    key, pair, found = StockKey(row.sku, row.code), (row.item_id, row.location_id), balance_of(row)
    available = terms.shown(
        key,
        found,
        now,
        returning=back.get(pair, 0),
        taken=lambda number: taken.get((number, pair), 0),
    )
    return BalanceRow(key, found, available, *expected.get(pair, Coming(0, 0)))


def told(
    row: Row[Any], terms: Terms, now: datetime, taken: Mapping[PooledPair, int], channel: str
) -> ToldBalance:
    """A balance as watchers of a channel are told of it."""
    key, pair, found = StockKey(row.sku, row.code), (row.item_id, row.location_id), balance_of(row)
    available = terms.shown(
        key, found, now, channel=channel, taken=lambda number: taken.get((number, pair), 0)
    )
    return ToldBalance(pair, key, found, available)


def change_of(
    key: StockKey, after: Balance, terms: Terms, now: datetime, taken: Taken, memo: bytes = b""
) -> feed.NewChange:
    """What watchers are told of a balance as it is now; ``taken`` is what was taken from pools.

    ``memo`` is for the sealer, where the balance has new entries.
    """
    available = terms.shown(key, after, now, taken=taken)
    return feed.NewChange(
        KEY_SEPARATOR.join(key), balance_payload(key, after, available), after.sequence, memo
    )


def change_in(
    ledger: Ledger, key: StockKey, after: Balance, terms: Terms, now: datetime, memo: bytes = b""
) -> feed.NewChange:
    """As ``change_of``, where the ledger knows what was taken from pools."""
    return change_of(key, after, terms, now, lambda number: ledger.taken(number, key), memo)


def unmoved(ledger: Ledger, terms: Terms, now: datetime) -> list[feed.NewChange]:
    """What watchers are told of balances that stay, whose pools give more or less than before."""
    pools = ledger.taken_here()
    if not pools:
        return []
    places = {key for _, key in pools} - ledger.changed().keys()
    there = sorted(key for key in places if ledger.has_record(key))
    return [change_in(ledger, key, ledger.balance(key), terms, now) for key in there]

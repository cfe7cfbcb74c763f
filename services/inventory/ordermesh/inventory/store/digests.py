"""Digests of new entries, made by whoever writes them, and carried to the sealer by the feed."""

import struct
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.seal import Covered, canonical, digest_of
from ordermesh.inventory.ports.names import Pair
from ordermesh.inventory.ports.seals import Unsealed
from ordermesh.inventory.store.sale import KEY_SEPARATOR
from ordermesh.inventory.store.tables.ledger import entry, movement
from ordermesh.runtime.feed import Change

SAID = (
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
    movement.c.reservation_id,
    movement.c.control_version,
    movement.c.request_id,
    movement.c.request_digest,
)

_MEMO = struct.Struct(">iiq32s")
"""Surrogates of item and location, the number of the first entry, and the digest of all."""

_PLACES = [(column.table is movement, column.name) for column in SAID]


def memos(
    movements: Sequence[Mapping[str, Any]], entries: Sequence[Mapping[str, Any]]
) -> dict[Pair, bytes]:
    """For each key that has new entries the memo of its change; both are given as rows."""
    causes = {row["movement_id"]: row for row in movements}
    said: dict[Pair, list[bytes]] = defaultdict(list)
    first: dict[Pair, int] = {}
    for row in entries:
        cause, pair = causes[row["movement_id"]], (row["item_id"], row["location_id"])
        first.setdefault(pair, row["sequence"])
        said[pair].append(
            canonical([(cause if is_cause else row).get(name) for is_cause, name in _PLACES])
        )
    return {pair: memo(pair, first[pair], parts) for pair, parts in said.items()}


def memo(pair: Pair, first_sequence: int, entries: Sequence[bytes]) -> bytes:
    """The memo of a change: whose entries, from which number on, and their digest."""
    return _MEMO.pack(*pair, first_sequence, digest_of(entries))


def unsealed(change: Change) -> Unsealed:
    """A change as it is sealed, by its memo."""
    item_id, location_id, first_sequence, digest = _MEMO.unpack(change.memo)
    key = StockKey(*change.key.split(KEY_SEPARATOR))
    covered = Covered(change.revision, key, first_sequence, change.sequence)
    return Unsealed(covered, (item_id, location_id), digest)

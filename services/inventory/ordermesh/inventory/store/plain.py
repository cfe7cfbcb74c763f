"""Plain reservations in tables: a batch of them, column by column.

The rows are those that the stores of the ledger and of reservations write for any other. Made
column by column they cost a fraction of it.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any

from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.ledger import Account, MovementKind
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.movement import Document
from ordermesh.inventory.domain.plain import FreeStock, Granted
from ordermesh.inventory.domain.reservation import LineState
from ordermesh.inventory.domain.seal import canonical, text_said
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.recollection import Recollection
from ordermesh.inventory.store.digests import memo
from ordermesh.inventory.store.sale import TOPIC, change_of
from ordermesh.inventory.store.tables.ledger import balance, entry, movement
from ordermesh.inventory.store.tables.reservations import line, reservation
from ordermesh.kernel.ids import Ids
from ordermesh.runtime import feed
from ordermesh.runtime.at_once import AtOnce
from ordermesh.runtime.bulk import insert_columns, update_rows, update_unchanged_rows
from ordermesh.runtime.database import Transaction

_KEY = ("item_id", "location_id")
_FREE, _RESERVED = int(Account.FREE), int(Account.RESERVED)


class SqlPlainStore:
    """Writes what was granted."""

    def __init__(self, ids: Ids, recollection: Recollection) -> None:
        self._ids = ids
        self._recollection = recollection

    async def write(
        self,
        tx: Transaction,
        names: Names,
        granted: Sequence[Granted],
        stock: FreeStock,
        terms: Terms,
        now: datetime,
    ) -> None:
        """Write reservations, entries and balances, and tell the watchers.

        ``granted`` is all that was granted of ``stock``.
        """
        if not granted:
            return
        ids = [one.ask.reservation_id.hex for one in granted]
        # Sorted, because those of one instant are listed in the order of their ids.
        movements = [
            one.hex for one in sorted((self._ids.new() for _ in granted), key=attrgetter("int"))
        ]
        await insert_columns(tx, movement, _movements(granted, ids, movements))
        await insert_columns(tx, entry, _entries(granted, ids, movements, names))
        await self._write_balances(tx, names, stock)
        said = _entries_said(granted, ids, movements)
        changes = [
            change_of(
                key, after, terms, now, lambda _: 0, memo(names.pair(key), opening + 1, said[key])
            )
            for (key, after), opening in zip(
                stock.changed().items(), stock.opening_sequences(), strict=True
            )
        ]
        await feed.append_all(tx, topic=TOPIC, changes=changes, now=now)
        # In the order of their ids, so that two who make the same ones wait in one order.
        sorted_ = sorted(granted, key=_reservation_number)
        ids = [one.ask.reservation_id.hex for one in sorted_]
        await insert_columns(tx, reservation, _headers(sorted_, ids))
        await insert_columns(tx, line, _lines(sorted_, ids, names))

    async def _write_balances(self, tx: Transaction, names: Names, stock: FreeStock) -> None:
        changed = stock.changed()
        rows: list[dict[str, Any]] = []
        for key, after in changed.items():
            item_id, location_id = names.pair(key)
            rows.append(
                {
                    "item_id": item_id,
                    "location_id": location_id,
                    "reserved": after.reserved,
                    "sequence": after.sequence,
                }
            )
        if isinstance(tx, AtOnce):
            seen: dict[str, list[Any]] = {
                "sequence": stock.opening_sequences(),
                "is_quarantined": [False] * len(rows),
            }
            await update_unchanged_rows(tx, balance, _KEY, rows, seen)
        else:
            await update_rows(tx, balance, _KEY, rows)
            tx.after_commit(partial(self._recollection.see, changed))


def _entries_said(
    granted: Sequence[Granted], ids: Sequence[str], movements: Sequence[str]
) -> dict[StockKey, list[bytes]]:
    """The new entries of each key as they are sealed: what ``canonical`` makes of their rows.

    Nearly all that they say is the same, so it is written once.
    """
    said: dict[StockKey, list[bytes]] = {}
    papers: dict[Actor, str] = {}
    moved = f",{_FREE},{_RESERVED},"
    begun = f'["{granted[0].now}",'  # decided together, at one instant
    for one, whose, movement_id in zip(granted, ids, movements, strict=True):
        ask = one.ask
        if ask.actor not in papers:
            papers[ask.actor] = _paper_said(ask.actor)
        about = f'{papers[ask.actor]},{text_said(ask.order_id)},"{whose}",{one.control_version}'
        rest = f'"",null,null,null,"{whose}","{movement_id}",{about},null,null]'
        for (_, key, quantity), sequence in zip(ask.lines, one.sequences, strict=True):
            entry_said = f"{begun}{sequence}{moved}{quantity},{rest}".encode()
            if key in said:
                said[key].append(entry_said)
            else:
                said[key] = [entry_said]
    return said


def _paper_said(actor: Actor) -> str:
    """What the movements of an actor say but for their orders."""
    paper, kind = Document(actor), int(MovementKind.RESERVED)
    fields = [kind, paper.document, int(paper.reason), paper.note, actor.caller, actor.on_behalf_of]
    return canonical(fields).decode()[1:-1]


def _reservation_number(granted: Granted) -> int:
    return granted.ask.reservation_id.int


def _movements(
    granted: Sequence[Granted], ids: Sequence[str], movements: Sequence[str]
) -> dict[str, Sequence[Any]]:
    count, actors = len(granted), [one.ask.actor for one in granted]
    paper = Document(actors[0])
    return {
        "movement_id": movements,
        "kind": [int(MovementKind.RESERVED)] * count,
        "document": [paper.document] * count,
        "reason": [int(paper.reason)] * count,
        "note": [paper.note] * count,
        "caller": [actor.caller for actor in actors],
        "on_behalf_of": [actor.on_behalf_of for actor in actors],
        "reservation_id": ids,
        "order_id": [one.ask.order_id for one in granted],
        "control_version": [one.control_version for one in granted],
        "create_time": [one.now for one in granted],
    }


def _entries(
    granted: Sequence[Granted], ids: Sequence[str], movements: Sequence[str], names: Names
) -> dict[str, Sequence[Any]]:
    lines = [line for one in granted for line in one.ask.lines]
    counts = [len(one.ask.lines) for one in granted]
    return {
        "item_id": [names.item_ids[key.sku] for _, key, _ in lines],
        "location_id": [names.location_ids[key.location_id] for _, key, _ in lines],
        "sequence": [number for one in granted for number in one.sequences],
        "from_account": [int(Account.FREE)] * len(lines),
        "to_account": [int(Account.RESERVED)] * len(lines),
        "quantity": [quantity for _, _, quantity in lines],
        "movement_id": _repeated(movements, counts),
        "reservation_id": _repeated(ids, counts),
        "serial_numbers": [None] * len(lines),
        "lot_id": [""] * len(lines),
    }


def _headers(granted: Sequence[Granted], ids: Sequence[str]) -> dict[str, Sequence[Any]]:
    count, asks = len(granted), [one.ask for one in granted]
    return {
        "reservation_id": ids,
        "owner": [ask.actor.owner for ask in asks],
        "order_id": [ask.order_id for ask in asks],
        "fence": [ask.fence for ask in asks],
        "last_number": [len(ask.lines) for ask in asks],
        "granted": [one.units for one in granted],
        "event_sequence": [0] * count,
        "is_tombstone": [False] * count,
        "is_renewed": [False] * count,
        "channel": [ask.channel for ask in asks],
        "customer": [ask.customer for ask in asks],
        "control_version": [one.control_version for one in granted],
        "create_time": [one.now for one in granted],
    }


def _lines(
    granted: Sequence[Granted], ids: Sequence[str], names: Names
) -> dict[str, Sequence[Any]]:
    lines = [line for one in granted for line in one.ask.lines]
    counts, count = [len(one.ask.lines) for one in granted], len(lines)
    states = [
        int(LineState.CONFIRMED if one.expire_time is None else LineState.HELD) for one in granted
    ]
    nothing = [None] * count
    return {
        "reservation_id": _repeated(ids, counts),
        "number": [number for one in counts for number in range(1, one + 1)],
        "line_id": [line_id for line_id, _, _ in lines],
        "item_id": [names.item_ids[key.sku] for _, key, _ in lines],
        "location_id": [names.location_ids[key.location_id] for _, key, _ in lines],
        "quantity": [quantity for _, _, quantity in lines],
        "state": _repeated(states, counts),
        "expire_time": _repeated([one.expire_time for one in granted], counts),
        "close_time": nothing,
        "kit_item_id": nothing,
        "quantity_per_kit": [0] * count,
        "mode": [int(ReservationMode.RESERVE)] * count,
        "lot_id": [""] * count,
        "serial_numbers": nothing,
        "pool": nothing,
        "supply_id": nothing,
        "needed_by_time": nothing,
        "broken_time": nothing,
    }


def _repeated(values: Sequence[Any], counts: Sequence[int]) -> Sequence[Any]:
    """Each value as often as its reservation has lines."""
    if sum(counts) == len(counts):
        return values
    return [value for value, count in zip(values, counts, strict=True) for _ in range(count)]

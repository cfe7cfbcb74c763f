"""Which locations of a group a line may be bound to: found before anything is locked."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from ordermesh.inventory.domain.control import ControlKind
from ordermesh.inventory.domain.errors.catalog import UnknownLocationGroup
from ordermesh.inventory.domain.errors.requests import TooMuchAsked
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.kit import Wanted
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.portions import as_asked
from ordermesh.inventory.domain.reserving import Ask
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.ports.controls import PooledPair
from ordermesh.inventory.ports.ledger import StockRow
from ordermesh.inventory.ports.names import Names, Pair
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction

CANDIDATES_MAX = 64
"""How many locations of a group are locked for one line."""

BREADTH_MAX = 64_000
"""How many pairs of parts of lines and locations of groups one transaction compares at most."""

Members = Mapping[str, Sequence[str]]
"""The locations of groups."""


async def members_of(stores: Stores, tx: Transaction, asks: Sequence[Ask], names: Names) -> Members:
    """The locations of the groups that lines name; their surrogates are noted."""
    groups = {line.group for ask in asks for line in ask.wanted if line.group}
    return await stores.locations.in_groups(tx, groups, names) if groups else {}


def breadth_of(ask: Ask, members: Members) -> int:
    """How many pairs of a part of a line and a location of its group have to be compared.

    Raises ``TooMuchAsked`` for more than ``BREADTH_MAX``.
    """
    breadth = sum(len(members[line.group]) for line in ask.wanted if line.group)
    if breadth > BREADTH_MAX:
        raise TooMuchAsked("The groups of the lines have too many locations.", BREADTH_MAX)
    return breadth


def refuse_unknown(ask: Ask, members: Members) -> None:
    """Raise ``UnknownLocationGroup`` for groups in which no location is."""
    unknown = {line.group for line in ask.wanted if line.group} - members.keys()
    if unknown:
        raise UnknownLocationGroup(unknown)


async def with_candidates(
    stores: Stores, tx: Transaction, asks: Sequence[Ask], members: Members, names: Names
) -> list[Ask]:
    """The same wishes, whose grouped lines know the locations that they may be bound to.

    These are the ones that keep a record of the item; of too many, those that may sell most of it
    now, so that none that may sell nothing takes the place of one that may. What they have is
    decided later, under their locks.
    """
    grouped = [line for ask in asks for line in ask.wanted if line.group]
    if not grouped:
        return list(asks)
    replaced = {one for ask in asks for one in ask.replaces}
    outlook = await _look(stores, tx, grouped, members, names, replaced)

    def bound_to(parts: Sequence[Wanted], channel: str) -> list[Wanted]:
        if not parts[0].group:
            return list(parts)
        recorded = [part for part in parts if part.mode is not ReservationMode.NONE]
        found = [
            (place, outlook.most(recorded, place, channel))
            for place in (members[parts[0].group] if recorded else ())
        ]
        kept = sorted((-count, place) for place, count in found if count is not None)
        places = tuple(sorted(place for _, place in kept[:CANDIDATES_MAX]))
        return [replace(part, candidates=places) for part in parts]

    return [
        replace(
            ask,
            wanted=[
                line for parts in as_asked(ask.wanted) for line in bound_to(parts, ask.channel)
            ],
        )
        for ask in asks
    ]


@dataclass(frozen=True)
class _Outlook:
    """What locations may sell, as far as it is known before anything is locked.

    ``returning`` are units that are promised and count as free: of overdue holds, and of what is
    replaced. ``shut`` are locations that are switched off.
    """

    names: Names
    terms: Terms
    now: datetime
    stock: Mapping[Pair, StockRow]
    returning: Mapping[Pair, int]
    taken: Mapping[PooledPair, int]
    shut: Collection[str]

    def most(self, parts: Sequence[Wanted], place: str, channel: str) -> int | None:
        """How many of a line there are: units, or kits; None: the location does not keep it."""
        pairs = [
            (self.names.item_ids[one.key.sku], self.names.location_ids[place]) for one in parts
        ]
        if any(pair not in self.stock for pair in pairs):
            return None
        count = min(
            self._units(part, pair, place, channel) // (part.quantity_per_kit or 1)
            for part, pair in zip(parts, pairs, strict=True)
        )
        kit = parts[0].kit_sku
        ceiling = self.terms.ceiling(StockKey(kit, place), channel, self.now) if kit else None
        return count if ceiling is None else min(count, ceiling)

    def _units(self, part: Wanted, pair: Pair, place: str, channel: str) -> int:
        row = self.stock[pair]
        free = row.on_hand - row.reserved + row.short
        free += max(0, self.returning.get(pair, 0) - row.short)
        if not part.is_held:
            return free
        if row.is_quarantined or place in self.shut:
            return 0
        conditions = self.terms.conditions(StockKey(part.key.sku, place), channel, self.now)
        return conditions.available(free, lambda number: self.taken.get((number, pair), 0))


async def _look(
    stores: Stores,
    tx: Transaction,
    grouped: Sequence[Wanted],
    members: Members,
    names: Names,
    replaced: Collection[UUID],
) -> _Outlook:
    now = await tx.now()
    seen = await stores.catalog.glance(tx, now)
    skus = {line.key.sku for line in grouped} | {line.kit_sku for line in grouped if line.kit_sku}
    known = await stores.catalog.items(tx, seen.page, skus)
    items = {names.item_ids[line.key.sku] for line in grouped}
    wanted = {names.location_ids[place] for line in grouped for place in members[line.group]}
    places = (await stores.catalog.places(tx, seen.page, wanted)).values()
    terms = Terms(
        controls=seen.controls,
        tags={sku: known[sku].features.tags for sku in skus},
        groups={place.location_id: place.groups for place in places},
    )
    rows = await stores.ledger.stock_of(tx, items, wanted)
    has_pools = ControlKind.POOL in seen.controls.kinds
    comes_back = seen.has_overdue or replaced
    return _Outlook(
        names,
        terms,
        now,
        {(row.item_id, row.location_id): row for row in rows},
        await stores.reservations.returning(tx, now, replaced) if comes_back else {},
        await stores.controls.taken(tx, now, items, replaced) if has_pools else {},
        {place.location_id for place in places if place.is_disabled},
    )

"""Which locations of a group a line may be bound to: found before anything is locked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ordermesh.inventory.domain.errors.catalog import UnknownLocationGroup
from ordermesh.inventory.domain.errors.requests import TooMuchAsked
from ordermesh.inventory.domain.kit import Wanted
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.portions import as_asked
from ordermesh.inventory.domain.reserving import Ask
from ordermesh.inventory.ports.names import Names
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

    These are the ones that keep a record of the item; of too many, those that have most of it now.
    What they have is decided later, under their locks.
    """
    grouped = [line for ask in asks for line in ask.wanted if line.group]
    if not grouped:
        return list(asks)
    item_ids = {names.item_ids[line.key.sku] for line in grouped}
    places = {names.location_ids[place] for line in grouped for place in members[line.group]}
    rows = await stores.ledger.stock_of(tx, item_ids, places)
    free = {(row.item_id, row.location_id): row.on_hand - row.reserved + row.short for row in rows}

    def most(parts: Sequence[Wanted], place: str) -> int | None:
        """How many of the line are there now; None: the location does not keep it."""
        pairs = [(names.item_ids[part.key.sku], names.location_ids[place]) for part in parts]
        if any(pair not in free for pair in pairs):
            return None
        counts = zip(pairs, parts, strict=True)
        return min(free[pair] // (part.quantity_per_kit or 1) for pair, part in counts)

    def bound_to(parts: Sequence[Wanted]) -> list[Wanted]:
        if not parts[0].group:
            return list(parts)
        recorded = [part for part in parts if part.mode is not ReservationMode.NONE]
        found = (
            [(place, most(recorded, place)) for place in members[parts[0].group]]
            if recorded
            else []
        )
        kept = sorted((-count, place) for place, count in found if count is not None)
        places = tuple(sorted(place for _, place in kept[:CANDIDATES_MAX]))
        return [replace(part, candidates=places) for part in parts]

    return [
        replace(ask, wanted=[line for parts in as_asked(ask.wanted) for line in bound_to(parts)])
        for ask in asks
    ]

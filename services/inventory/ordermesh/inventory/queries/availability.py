"""What can be promised, of many items at many locations at one moment."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from ordermesh.inventory.domain.availability import as_shown, available
from ordermesh.inventory.domain.conditions import Conditions
from ordermesh.inventory.domain.control import ControlKind
from ordermesh.inventory.domain.control_table import ControlTable, ProductControls
from ordermesh.inventory.domain.errors.requests import TooMuchAsked
from ordermesh.inventory.domain.kit import Kit, available_kits
from ordermesh.inventory.domain.ledger import Balance
from ordermesh.inventory.domain.supply import Supply, due
from ordermesh.inventory.ports.catalog import KnownItem
from ordermesh.inventory.ports.controls import PooledPair
from ordermesh.inventory.ports.ledger import StockRow
from ordermesh.inventory.ports.locations import Place
from ordermesh.inventory.ports.names import Names, Pair
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction

PAIRS_MAX = 500_000
"""Pairs of SKU and location that one read answers."""

FIXED_PAIRS_MAX = 150_000
"""The same where each number takes eight bytes: three matrices must fit in a message."""


@dataclass(frozen=True)
class Availability:
    """Quantities, row after row: one row for each SKU, one column for each location.

    ``totals`` has what is available of each SKU at all of the locations. ``held_back`` are free
    units that the channel may not sell: safety stock and buffers.
    """

    location_ids: Sequence[str]
    available: Sequence[int]
    on_hand: Sequence[int]
    reserved: Sequence[int]
    totals: Sequence[int]
    free: Sequence[int]
    held_back: Sequence[int]
    control_version: int
    revision: int
    read_time: datetime
    age: timedelta = timedelta()
    dated: Sequence["Dated"] = ()


@dataclass(frozen=True)
class Dated:
    """What is available by an instant, row after row, and of each SKU at all of the locations."""

    by: datetime
    available: Sequence[int]
    totals: Sequence[int]


@dataclass(frozen=True)
class Dates:
    """The instants that are asked for, and how sure supplies must be."""

    instants: Sequence[datetime] = ()
    confidence_percent: int = 0


TODAY = Dates()
"""Nothing is asked for but what is there."""


async def get_availability(
    stores: Stores,
    tx: Transaction,
    skus: Sequence[str],
    location_ids: Sequence[str],
    excluding: Collection[UUID],
    pairs_max: int = PAIRS_MAX,
    channel: str = "",
    dates: Dates = TODAY,
) -> Availability:
    """Read it, and what is available by each of the dates.

    Without locations: all that have stock of any of the items, in the order of ids; with dates,
    also those where some is expected.

    Raises ``TooMuchAsked``, ``UnknownSku``, ``UnknownLocation``.
    """
    pairs_max //= 1 + len(dates.instants)
    refuse_too_many(skus, location_ids, pairs_max)
    now = await tx.now()
    seen = await stores.catalog.glance(tx, now)
    items = await stores.catalog.items(tx, seen.page, skus)
    names = Names()
    await stores.locations.resolve(tx, location_ids, names)
    kits = {sku: kit for sku in skus if (kit := items[sku].kit) is not None}
    parts = {part.sku for kit in kits.values() for part in kit.components}
    wanted = {sku for sku in skus if sku not in kits} | parts
    names.item_ids |= {sku: items[sku].item_id for sku in wanted | kits.keys()}
    item_ids = {names.item_ids[sku] for sku in wanted}
    asked = set(names.location_ids.values()) if location_ids else None
    rows = await stores.ledger.stock_of(tx, item_ids, asked)
    coming = await _read_coming(stores, tx, names, rows, excluding, dates, now)
    there = {row.location_id for row in rows if row.on_hand} | {pair[1] for pair in coming.due}
    places = await stores.catalog.places(tx, seen.page, asked or there)
    sale = _Sale(channel, now, seen.controls, places)
    sale.know({sku: items[sku] for sku in names.item_ids})
    await _read_use(stores, tx, sale, rows, excluding, has_overdue=seen.has_overdue)
    by_name = {place.location_id: surrogate for surrogate, place in places.items()}
    columns = list(location_ids) if location_ids else sorted(by_name)
    refuse_too_many(skus, columns, pairs_max)
    surrogates = {by_name[name]: column for column, name in enumerate(columns)}

    def filled(by: datetime | None) -> _Matrix:
        sale.coming = {} if by is None else coming.by(by)
        matrix = _Matrix(len(skus), surrogates)
        singles = {names.item_ids[sku]: row for row, sku in enumerate(skus) if sku not in kits}
        sellable = _fill(matrix, singles, rows, sale)
        for row, sku in enumerate(skus):
            if sku in kits:
                _fill_kit(matrix, row, names.item_ids[sku], kits[sku], names, sale, sellable)
        return matrix

    matrix = filled(None)
    later = [(by, filled(by).available) for by in dates.instants]
    return Availability(
        columns,
        matrix.available,
        matrix.on_hand,
        matrix.reserved,
        row_sums(matrix.available, len(skus)),
        matrix.free,
        matrix.held_back,
        sale.table.version,
        seen.revision,
        now,
        dated=[Dated(by, cells, row_sums(cells, len(skus))) for by, cells in later],
    )


@dataclass(frozen=True)
class _Coming:
    """Supplies that may be counted on, by surrogates, and promised units that are not counted."""

    due: Mapping[Pair, Sequence[Supply]] = field(default_factory=dict)
    returning: Mapping[str, int] = field(default_factory=dict)

    def by(self, instant: datetime) -> dict[Pair, int]:
        """Units that are there by an instant and promised to nobody."""
        return {pair: due(found, instant, self.returning) for pair, found in self.due.items()}


async def _read_coming(
    stores: Stores,
    tx: Transaction,
    names: Names,
    rows: Sequence[StockRow],
    excluding: Collection[UUID],
    dates: Dates,
    now: datetime,
) -> _Coming:
    if not dates.instants:
        return _Coming()
    pairs = {(row.item_id, row.location_id) for row in rows}
    rule = stores.supply_rule.as_sure_as(dates.confidence_percent)
    found = await stores.supplies.due(tx, pairs, rule, now, names)
    returning = await stores.supplies.returning(tx, now, excluding)
    return _Coming({names.pair(key): supplies for key, supplies in found.items()}, returning)


@dataclass
class _Sale:
    """What decides about the sale of the items and at the places that are read, by surrogates."""

    channel: str
    now: datetime
    table: ControlTable
    places: Mapping[int, Place]
    products: dict[int, ProductControls] = field(default_factory=dict)
    off: set[int] = field(default_factory=set)
    uncounted: set[int] = field(default_factory=set)
    returning: Mapping[Pair, int] = field(default_factory=dict)
    taken: Mapping[PooledPair, int] = field(default_factory=dict)
    coming: Mapping[Pair, int] = field(default_factory=dict)
    quarantined: Collection[Pair] = ()

    def know(self, items: Mapping[str, KnownItem]) -> None:
        """Items by SKU: what controls say of them, and whether they are sold and counted."""
        for sku, (item_id, features, _kit) in items.items():
            self.products[item_id] = self.table.product(sku, features.tags)
            if features.is_unsellable:
                self.off.add(item_id)
            if features.is_uncounted:
                self.uncounted.add(item_id)

    def conditions(self, item_id: int, location_id: int) -> Conditions:
        """On what conditions the channel sells the item there."""
        place = self.places[location_id]
        if item_id in self.off or place.is_disabled:
            return _OFF
        if self.quarantined and (item_id, location_id) in self.quarantined:
            return _OFF
        return self.products[item_id].conditions(
            place.location_id, place.groups, self.channel, self.now
        )

    def free(self, stock: StockRow) -> int:
        """Units that are promised to nobody, as readers count."""
        is_uncounted = stock.item_id in self.uncounted
        balance = Balance(stock.on_hand, stock.reserved, stock.short)
        pair = (stock.item_id, stock.location_id)
        back = 0 if is_uncounted else self.returning.get(pair, 0)
        shown = as_shown(balance, is_uncounted=is_uncounted)
        return available(shown, back + self.coming.get(pair, 0))


_OFF = Conditions(is_excluded=True)


async def _read_use(
    stores: Stores,
    tx: Transaction,
    sale: _Sale,
    rows: Sequence[StockRow],
    excluding: Collection[UUID],
    *,
    has_overdue: bool,
) -> None:
    """What is known of units beside the balances: what comes back, what pools gave."""
    sale.quarantined = {row[:2] for row in rows if row.is_quarantined}
    if has_overdue or excluding:
        sale.returning = await stores.reservations.returning(tx, sale.now, excluding)
    if ControlKind.POOL in sale.table.kinds:
        item_ids = {row.item_id for row in rows}
        sale.taken = await stores.controls.taken(tx, sale.now, item_ids, excluding)


def row_sums(cells: Sequence[int], row_count: int) -> list[int]:
    """The sum of each row of a matrix."""
    width = len(cells) // row_count
    return [sum(cells[row * width : (row + 1) * width]) for row in range(row_count)]


def refuse_too_many(skus: Sequence[str], location_ids: Sequence[str], pairs_max: int) -> None:
    """Raises ``TooMuchAsked``."""
    if len(skus) * len(location_ids) > pairs_max:
        raise TooMuchAsked("Too many pairs of SKU and location.", pairs_max)


class _Matrix:
    """Quantities of all pairs, row after row; ``columns`` are places by surrogates of locations."""

    def __init__(self, row_count: int, columns: Mapping[int, int]) -> None:
        self.columns = columns
        count = row_count * len(columns)
        self.available, self.on_hand, self.reserved = [0] * count, [0] * count, [0] * count
        self.free, self.held_back = [0] * count, [0] * count

    def place(self, row: int, location_id: int) -> int | None:
        """Where the pair is; None for a location that was not asked for."""
        column = self.columns.get(location_id)
        return None if column is None else row * len(self.columns) + column


def _fill(
    matrix: _Matrix, singles: Mapping[int, int], rows: Sequence[StockRow], sale: _Sale
) -> dict[Pair, int]:
    """Fill the rows of items that are no kits; gives what may be sold of every item."""
    sellable: dict[Pair, int] = {}
    for stock in rows:
        pair = (stock.item_id, stock.location_id)
        if stock.location_id not in sale.places:
            continue  # nothing is there, and nobody asked
        conditions = sale.conditions(*pair)
        free = sale.free(stock)
        sellable[pair] = conditions.available(free, partial(_taken, sale, pair))
        row = singles.get(stock.item_id)
        place = None if row is None else matrix.place(row, stock.location_id)
        if place is not None:
            matrix.available[place] = sellable[pair]
            matrix.on_hand[place] = stock.on_hand
            matrix.reserved[place] = stock.reserved
            matrix.free[place] = free
            matrix.held_back[place] = min(free, conditions.floor(free))
    return sellable


def _taken(sale: _Sale, pair: Pair, number: int) -> int:
    return sale.taken.get((number, pair), 0)


def _fill_kit(
    matrix: _Matrix,
    row: int,
    kit_id: int,
    kit: Kit,
    names: Names,
    sale: _Sale,
    sellable: Mapping[Pair, int],
) -> None:
    for location_id in matrix.columns:
        there = {
            part.sku: sellable.get((names.item_ids[part.sku], location_id), 0)
            for part in kit.components
        }
        place = matrix.place(row, location_id)
        if place is not None:
            ceiling = sale.conditions(kit_id, location_id).ceiling
            kits = available_kits(kit, there)
            matrix.available[place] = kits if ceiling is None else min(kits, ceiling)

"""What can be promised, of many items at many locations at one moment."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ordermesh.inventory.domain.availability import as_shown, available
from ordermesh.inventory.domain.errors.requests import TooMuchAsked
from ordermesh.inventory.domain.kit import Kit, available_kits
from ordermesh.inventory.domain.ledger import Balance
from ordermesh.inventory.ports.ledger import StockRow
from ordermesh.inventory.ports.names import Names, Pair
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.feed import revision

PAIRS_MAX = 500_000
"""Pairs of SKU and location that one read answers."""

FIXED_PAIRS_MAX = 150_000
"""The same where each number takes eight bytes: three matrices must fit in a message."""


@dataclass(frozen=True)
class Availability:
    """Quantities, row after row: one row for each SKU, one column for each location.

    ``totals`` has what is available of each SKU at all of the locations.
    """

    location_ids: Sequence[str]
    available: Sequence[int]
    on_hand: Sequence[int]
    reserved: Sequence[int]
    totals: Sequence[int]
    revision: int
    read_time: datetime


async def get_availability(
    stores: Stores,
    tx: Transaction,
    skus: Sequence[str],
    location_ids: Sequence[str],
    excluding: Collection[UUID],
    pairs_max: int = PAIRS_MAX,
) -> Availability:
    """Read it. Without locations: all that have stock of any of the items, in the order of ids.

    Raises ``TooMuchAsked``, ``UnknownSku``, ``UnknownLocation``.
    """
    at = await revision(tx)
    now = await tx.now()
    _refuse_too_many(skus, location_ids, pairs_max)
    names = Names()
    kits = await stores.items.resolve(tx, skus, names)
    await stores.locations.resolve(tx, location_ids, names)
    parts = {part.sku for kit in kits.values() for part in kit.components}
    wanted = {sku for sku in skus if sku not in kits} | parts
    off_skus = await stores.items.unsellable_among(tx, wanted | kits.keys())
    asked = set(names.location_ids.values()) if location_ids else None
    rows = await stores.ledger.stock_of(tx, {names.item_ids[sku] for sku in wanted}, asked)
    returning = await stores.reservations.returning(tx, now, excluding)
    places = await stores.locations.places(
        tx, asked or {row.location_id for row in rows if row.on_hand}
    )
    by_name = {place.location_id: surrogate for surrogate, place in places.items()}
    columns = list(location_ids) if location_ids else sorted(by_name)
    _refuse_too_many(skus, columns, pairs_max)
    uncounted = {names.item_ids[sku] for sku in await stores.items.uncounted_among(tx, wanted)}
    off = (
        {names.item_ids[sku] for sku in off_skus},
        {surrogate for surrogate, place in places.items() if place.is_disabled},
    )
    matrix = _Matrix(len(skus), {by_name[name]: column for column, name in enumerate(columns)})
    singles = {names.item_ids[sku]: row for row, sku in enumerate(skus) if sku not in kits}
    free = _fill(matrix, singles, rows, returning, off, uncounted)
    for row, sku in enumerate(skus):
        if sku in kits and sku not in off_skus:
            _fill_kit(matrix, row, kits[sku], names, free)
    return Availability(
        columns,
        matrix.available,
        matrix.on_hand,
        matrix.reserved,
        row_sums(matrix.available, len(skus)),
        at,
        now,
    )


def row_sums(cells: Sequence[int], row_count: int) -> list[int]:
    """The sum of each row of a matrix."""
    width = len(cells) // row_count
    return [sum(cells[row * width : (row + 1) * width]) for row in range(row_count)]


def _refuse_too_many(skus: Sequence[str], location_ids: Sequence[str], pairs_max: int) -> None:
    if len(skus) * len(location_ids) > pairs_max:
        raise TooMuchAsked("Too many pairs of SKU and location.", pairs_max)


class _Matrix:
    """Quantities of all pairs, row after row; ``columns`` are places by surrogates of locations."""

    def __init__(self, row_count: int, columns: Mapping[int, int]) -> None:
        self.columns = columns
        count = row_count * len(columns)
        self.available, self.on_hand, self.reserved = [0] * count, [0] * count, [0] * count

    def place(self, row: int, location_id: int) -> int | None:
        """Where the pair is; None for a location that was not asked for."""
        column = self.columns.get(location_id)
        return None if column is None else row * len(self.columns) + column


def _fill(
    matrix: _Matrix,
    singles: Mapping[int, int],
    rows: Sequence[StockRow],
    returning: Mapping[Pair, int],
    off: tuple[Collection[int], Collection[int]],
    uncounted: Collection[int],
) -> dict[Pair, int]:
    """Fill the rows of items that are no kits; gives what is available of every item."""
    off_items, off_locations = off
    free: dict[Pair, int] = {}
    for stock in rows:
        pair = (stock.item_id, stock.location_id)
        is_off = stock.item_id in off_items or stock.location_id in off_locations
        is_uncounted = stock.item_id in uncounted
        shown = as_shown(
            Balance(stock.on_hand, stock.reserved, stock.short), is_uncounted=is_uncounted
        )
        back = 0 if is_uncounted else returning.get(pair, 0)
        free[pair] = available(shown, back, is_off=is_off)
        row = singles.get(stock.item_id)
        place = None if row is None else matrix.place(row, stock.location_id)
        if place is not None:
            matrix.available[place] = free[pair]
            matrix.on_hand[place] = stock.on_hand
            matrix.reserved[place] = stock.reserved
    return free


def _fill_kit(matrix: _Matrix, row: int, kit: Kit, names: Names, free: Mapping[Pair, int]) -> None:
    for location_id in matrix.columns:
        there = {
            part.sku: free.get((names.item_ids[part.sku], location_id), 0)
            for part in kit.components
        }
        place = matrix.place(row, location_id)
        if place is not None:
            matrix.available[place] = available_kits(kit, there)

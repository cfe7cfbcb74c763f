"""Balances of many items at many locations as integers in arrays, and the kits made of them."""

import sys
from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from ordermesh.api.inventory.v1 import FixedStock, KitComposition, PackedBalances

_ROOM = 16
"""Arrays grow by at least so many columns, so that each new location does not move all of them."""


class Row:
    """One item's balances, by the numbers of locations."""

    __slots__ = ("available", "on_hand", "reserved", "sequences", "total")

    def __init__(self, width: int) -> None:
        self.available = array("q", bytes(8 * width))
        self.on_hand = array("q", bytes(8 * width))
        self.reserved = array("q", bytes(8 * width))
        self.sequences = array("q", bytes(8 * width))
        self.total = 0

    def widen(self, width: int) -> None:
        """Make room for so many locations."""
        missing = width - len(self.available)
        if missing > 0:
            zeros = bytes(8 * max(missing, _ROOM))
            for one in (self.available, self.on_hand, self.reserved, self.sequences):
                one.frombytes(zeros)


class Vectors:
    """The newest balances that were told: of two of one key the higher sequence wins.

    Of equal sequences the later wins: an item or a location was switched on or off. What was never
    told of has nothing.
    """

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.location_ids: list[str] = []
        self.kits: dict[str, tuple[tuple[str, int], ...]] = {}
        self._columns: dict[str, int] = {}
        self._unsellable: set[str] = set()
        self._kits_of: defaultdict[str, set[str]] = defaultdict(set)

    def apply(self, packed: PackedBalances) -> set[str]:
        """Take balances in; gives the items of which something else can be promised now."""
        columns = [self._column(location_id) for location_id in packed.location_ids]
        width = len(self.location_ids)
        rows = [self._row(sku, width) for sku in packed.skus]
        changed: set[int] = set()
        for number, place, on_hand, reserved, available, sequence in zip(
            packed.sku_numbers,
            packed.location_numbers,
            packed.on_hand,
            packed.reserved,
            packed.available,
            packed.sequences,
            strict=True,
        ):
            row, column = rows[number], columns[place]
            if sequence < row.sequences[column]:
                continue
            row.sequences[column] = sequence
            row.on_hand[column] = on_hand
            row.reserved[column] = reserved
            before = row.available[column]
            if before != available:
                row.available[column] = available
                row.total += available - before
                changed.add(number)
        return {packed.skus[number] for number in changed}

    def compose(self, kits: Iterable[KitComposition]) -> set[str]:
        """Take compositions in; gives the kits that are made otherwise now."""
        changed = set()
        for one in kits:
            parts = tuple((part.sku, part.quantity) for part in one.components)
            if parts == self.kits.get(one.sku, ()) and one.unsellable == (
                one.sku in self._unsellable
            ):
                continue
            changed.add(one.sku)
            for sku, _ in self.kits.pop(one.sku, ()):
                self._kits_of[sku].discard(one.sku)
            self._unsellable.discard(one.sku)
            if parts:
                self.kits[one.sku] = parts
                for sku, _ in parts:
                    self._kits_of[sku].add(one.sku)
                if one.unsellable:
                    self._unsellable.add(one.sku)
        return changed

    def is_unsellable(self, kit: str) -> bool:
        """Whether a kit is switched off."""
        return kit in self._unsellable

    def kits_of(self, skus: Iterable[str]) -> set[str]:
        """The kits that any of the items is part of."""
        return {kit for sku in skus for kit in self._kits_of.get(sku, ())}

    def available(self, sku: str, location_id: str) -> int:
        """Units, or kits, that can be promised."""
        column = self._columns.get(location_id)
        if column is None:
            return 0
        parts = self.kits.get(sku)
        if parts is None:
            return self._cell(sku, column)
        if sku in self._unsellable:
            return 0
        return min(self._cell(part, column) // count for part, count in parts)

    def figures(self, sku: str, location_id: str) -> tuple[int, int, int, int]:
        """On hand, reserved, available and sequence of a balance; nothing where none was told."""
        row, column = self.rows.get(sku), self._columns.get(location_id)
        if row is None or column is None or column >= len(row.available):
            return 0, 0, 0, 0
        return (
            row.on_hand[column],
            row.reserved[column],
            row.available[column],
            row.sequences[column],
        )

    def vector(self, sku: str) -> "array[int]":
        """What can be promised at each of ``location_ids``, in their order; a copy."""
        width = len(self.location_ids)
        parts = self.kits.get(sku)
        if parts is None:
            row = self.rows.get(sku)
            return _cut(row.available if row else array("q"), width)
        if sku in self._unsellable:
            return _cut(array("q"), width)
        return array("q", map(min, *(self._allowed(*part, width) for part in parts), _MOST * width))

    def total(self, sku: str, location_ids: Collection[str] | None = None) -> int:
        """What can be promised at some locations, or at all, together."""
        if location_ids is not None:
            return sum(self.available(sku, location_id) for location_id in set(location_ids))
        if sku in self.kits:
            return sum(self.vector(sku))
        row = self.rows.get(sku)
        return row.total if row else 0

    def fixed(self, skus: Sequence[str], location_ids: Sequence[str]) -> FixedStock:
        """The quantities of a matrix in fixed encoding, with those of kits as the service does."""
        columns = [self._columns.get(location_id, -1) for location_id in location_ids]
        return FixedStock(
            available=_matrix(map(self.vector, skus), columns),
            on_hand=_matrix((self._of(sku, "on_hand") for sku in skus), columns),
            reserved=_matrix((self._of(sku, "reserved") for sku in skus), columns),
        )

    def _of(self, sku: str, figure: str) -> "array[int]":
        row = self.rows.get(sku)
        if row is None or sku in self.kits:
            return _cut(array("q"), len(self.location_ids))
        return _cut(getattr(row, figure), len(self.location_ids))

    def _allowed(self, sku: str, count: int, width: int) -> Iterable[int]:
        row = self.rows.get(sku)
        have = _cut(row.available if row else array("q"), width)
        return have if count == 1 else [units // count for units in have]

    def _cell(self, sku: str, column: int) -> int:
        row = self.rows.get(sku)
        if row is None or column >= len(row.available):
            return 0
        return row.available[column]

    def _column(self, location_id: str) -> int:
        column = self._columns.get(location_id)
        if column is None:
            column = self._columns[location_id] = len(self.location_ids)
            self.location_ids.append(location_id)
        return column

    def _row(self, sku: str, width: int) -> Row:
        row = self.rows.get(sku)
        if row is None:
            row = self.rows[sku] = Row(width)
        else:
            row.widen(width)
        return row


_MOST = (2**63 - 1,)
"""No kit is limited by it; a kit of one component is as well the least of two."""


def _cut(cells: "array[int]", width: int) -> "array[int]":
    """The first cells, with nothing for those that are not there; a copy."""
    cut = cells[:width]
    if len(cut) < width:
        cut.frombytes(bytes(8 * (width - len(cut))))
    return cut


def _matrix(rows: Iterable["array[int]"], columns: Sequence[int]) -> bytes:
    """Rows of some columns as bytes; -1 is a column that nobody was told of."""
    first = columns[0] if columns else 0
    if first >= 0 and columns == list(range(first, first + len(columns))):
        # The common case, all columns in their order: nothing is looked at one by one.
        chosen = [row[first : first + len(columns)] for row in rows]
    else:
        chosen = [
            array("q", [0 if column < 0 else row[column] for column in columns]) for row in rows
        ]
    if sys.byteorder == "big":
        for row in chosen:
            row.byteswap()
    return b"".join(row.tobytes() for row in chosen)

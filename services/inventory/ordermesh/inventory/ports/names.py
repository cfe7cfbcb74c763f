"""Names and the surrogates by which stores know them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.mode import ReservationMode

Pair = tuple[int, int]
"""The surrogates of an item and a location: a stock key as the store knows it."""


@dataclass
class Names:
    """The surrogates of the names that one transaction deals with; it grows as they are read.

    ``modes`` are how demand for items is kept, of those that say so.
    """

    item_ids: dict[str, int] = field(default_factory=dict)
    location_ids: dict[str, int] = field(default_factory=dict)
    modes: dict[str, ReservationMode] = field(default_factory=dict)
    source_ids: dict[str, int] = field(default_factory=dict)

    def pair(self, key: StockKey) -> Pair:
        """The surrogates of a key whose names have been read."""
        return self.item_ids[key.sku], self.location_ids[key.location_id]

    def pairs(self, keys: Iterable[StockKey]) -> set[Pair]:
        """The surrogates of many keys."""
        return {self.pair(key) for key in keys}

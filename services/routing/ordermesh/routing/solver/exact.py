"""What the exact solver finds."""

from dataclasses import dataclass, field

from ordermesh.routing.domain.bringing import Brought
from ordermesh.routing.domain.parcelling import Load


@dataclass(frozen=True, slots=True)
class Exact:
    """The optimum of a problem, on the scale of its tiers.

    ``assignment`` is atoms by group index, by candidate index, or None where nothing can be filled,
    or not everything and all or nothing was asked. ``loads`` are parcels by candidate index where
    they were chosen by what is in them, ``brought`` what is brought to hubs. ``value`` is its cost
    and ``bound`` a proven lower bound: the two differ only where the fewest parcels of a shipment
    were not proven, or where the first parcel is not charged. ``margins`` say by how much at least
    every plan that uses a candidate is dearer, None if there is none; they are empty where that
    was not looked for. ``parcels`` counts them.
    """

    assignment: dict[int, dict[int, int]] | None
    value: int
    bound: int
    margins: tuple[int | None, ...]
    loads: dict[int, tuple[Load, ...]] = field(default_factory=dict)
    parcels: int = 0
    brought: dict[int, Brought] = field(default_factory=dict)

    def has_more_parcels_than(self, most: int | None) -> bool:
        """Whether there are too many of them."""
        return most is not None and self.parcels > most

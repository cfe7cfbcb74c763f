"""Places on the globe, the distance between them, and the bands that distances fall into.

Coordinates are whole millionths of a degree (about 11 cm), so that a stored place is the same
number on every machine, and distances are whole kilometres before anything is priced by them.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

EARTH_RADIUS_KM = 6_371
MICRODEGREES = 1_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """A point on the globe, in millionths of a degree; north and east are positive.

    Raises ``ValueError`` beyond 90 degrees of latitude or 180 of longitude.
    """

    latitude_microdegrees: int
    longitude_microdegrees: int

    def __post_init__(self) -> None:
        if abs(self.latitude_microdegrees) > 90 * MICRODEGREES:
            raise ValueError(f"latitude {self.latitude_microdegrees} is beyond 90 degrees")
        if abs(self.longitude_microdegrees) > 180 * MICRODEGREES:
            raise ValueError(f"longitude {self.longitude_microdegrees} is beyond 180 degrees")

    @classmethod
    def from_degrees(cls, latitude: float, longitude: float) -> "Place":
        """The place nearest to these degrees."""
        return cls(round(latitude * MICRODEGREES), round(longitude * MICRODEGREES))

    @property
    def vicinity(self) -> "Place":
        """The place to a hundredth of a degree, about a kilometre: nobody's front door."""
        return Place(round(self.latitude_microdegrees, -4), round(self.longitude_microdegrees, -4))


def great_circle_km(start: Place, end: Place) -> float:
    """Kilometres along the great circle on a sphere of radius 6,371 km (haversine formula)."""
    latitude = math.radians(start.latitude_microdegrees / MICRODEGREES)
    other = math.radians(end.latitude_microdegrees / MICRODEGREES)
    turn = math.radians((end.longitude_microdegrees - start.longitude_microdegrees) / MICRODEGREES)
    chord = (
        math.sin((other - latitude) / 2) ** 2
        + math.cos(latitude) * math.cos(other) * math.sin(turn / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, chord)))


def distance_km(start: Place, end: Place) -> int:
    """The great-circle distance in whole kilometres: the number that zones and carbon go by."""
    return round(great_circle_km(start, end))


def band(distance: int, edges_km: Sequence[int]) -> int:
    """The index of the band of a distance; an edge belongs to the band below it.

    ``edges_km`` rise; beyond the last edge lies the last band, so there is one more band than
    there are edges.
    """
    return bisect_left(edges_km, distance)

"""Places in the 48 contiguous states: ZIP areas, people, hubs of logistics, and distances."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import zipcodes
from numpy.typing import NDArray

EARTH_RADIUS_KM = 6_371.0


@dataclass(frozen=True, slots=True)
class ZipArea:
    """A ZIP code with its city, its middle in degrees, and its time zone by the IANA name."""

    zip_code: str
    city: str
    state: str
    latitude: float
    longitude: float
    time_zone: str


HUBS: tuple[ZipArea, ...] = (
    ZipArea("91761", "Ontario", "CA", 34.0316, -117.6187, "America/Los_Angeles"),
    ZipArea("89506", "Reno", "NV", 39.6412, -119.8735, "America/Los_Angeles"),
    ZipArea("98032", "Kent", "WA", 47.3776, -122.2854, "America/Los_Angeles"),
    ZipArea("75241", "Dallas", "TX", 32.6722, -96.7774, "America/Chicago"),
    ZipArea("60436", "Joliet", "IL", 41.4884, -88.1572, "America/Chicago"),
    ZipArea("43217", "Columbus", "OH", 39.8277, -82.9342, "America/New_York"),
    ZipArea("38118", "Memphis", "TN", 35.0514, -89.9265, "America/Chicago"),
    ZipArea("30336", "Atlanta", "GA", 33.7406, -84.5545, "America/New_York"),
    ZipArea("17015", "Carlisle", "PA", 40.1772, -77.2312, "America/New_York"),
    ZipArea("32218", "Jacksonville", "FL", 30.4507, -81.6626, "America/New_York"),
)
"""The ten hubs where the sample retailer has its distribution centres, in order of priority."""

STATE_POPULATIONS: dict[str, int] = {
    "AL": 5_024_279,
    "AZ": 7_151_502,
    "AR": 3_011_524,
    "CA": 39_538_223,
    "CO": 5_773_714,
    "CT": 3_605_944,
    "DE": 989_948,
    "FL": 21_538_187,
    "GA": 10_711_908,
    "ID": 1_839_106,
    "IL": 12_812_508,
    "IN": 6_785_528,
    "IA": 3_190_369,
    "KS": 2_937_880,
    "KY": 4_505_836,
    "LA": 4_657_757,
    "ME": 1_362_359,
    "MD": 6_177_224,
    "MA": 7_029_917,
    "MI": 10_077_331,
    "MN": 5_706_494,
    "MS": 2_961_279,
    "MO": 6_154_913,
    "MT": 1_084_225,
    "NE": 1_961_504,
    "NV": 3_104_614,
    "NH": 1_377_529,
    "NJ": 9_288_994,
    "NM": 2_117_522,
    "NY": 20_201_249,
    "NC": 10_439_388,
    "ND": 779_094,
    "OH": 11_799_448,
    "OK": 3_959_353,
    "OR": 4_237_256,
    "PA": 13_002_700,
    "RI": 1_097_379,
    "SC": 5_118_425,
    "SD": 886_667,
    "TN": 6_910_840,
    "TX": 29_145_505,
    "UT": 3_271_616,
    "VT": 643_077,
    "VA": 8_631_393,
    "WA": 7_705_281,
    "WV": 1_793_716,
    "WI": 5_893_718,
    "WY": 576_851,
}
"""People in each of the 48 contiguous states by the census of 2020."""


def read_zip_areas() -> tuple[ZipArea, ...]:
    """Active ZIP codes of type STANDARD in the contiguous states, by code.

    A few codes have no known place; the source writes it as 0, and they are left out.
    """
    found = zipcodes.filter_by(  # type: ignore[no-untyped-call]  # the package has no annotations
        zip_code_type="STANDARD", active=True
    )
    rows = cast("list[dict[str, str]]", found)
    areas = [
        area
        for row in rows
        if row["state"] in STATE_POPULATIONS and (area := _zip_area(row)) is not None
    ]
    return tuple(sorted(areas, key=lambda area: area.zip_code))


def find_zip_area(zip_code: str) -> ZipArea | None:
    """Where a ZIP code is, in any state and of any type; nothing when it is not known."""
    if len(zip_code) != 5 or not (zip_code.isascii() and zip_code.isdigit()):
        return None
    found = zipcodes.matching(zip_code)  # type: ignore[no-untyped-call]  # it has no annotations
    rows = cast("list[dict[str, str]]", found)
    return next((area for row in rows if (area := _zip_area(row)) is not None), None)


def population_weights(areas: Sequence[ZipArea]) -> NDArray[np.float64]:
    """The share of people in each area, summing to 1: a state's people spread over its areas."""
    count = Counter(area.state for area in areas)
    people = [STATE_POPULATIONS[area.state] / count[area.state] for area in areas]
    weights = np.array(people, dtype=np.float64)
    return np.array(weights / weights.sum(), dtype=np.float64)


def great_circle_km(
    latitude: float, longitude: float, other_latitude: float, other_longitude: float
) -> float:
    """Kilometres between two points given in degrees, along the surface of a sphere."""
    across = math.radians(other_longitude - longitude)
    here, there = math.radians(latitude), math.radians(other_latitude)
    half_chord = (
        math.sin((there - here) / 2) ** 2
        + math.cos(here) * math.cos(there) * math.sin(across / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, half_chord)))


def distances_km(areas: Sequence[ZipArea], hubs: Sequence[ZipArea]) -> NDArray[np.float64]:
    """Great-circle kilometres, of the shape (areas, hubs)."""
    area, hub = _radians(areas), _radians(hubs)
    down = area[:, None, 0] - hub[None, :, 0]
    across = area[:, None, 1] - hub[None, :, 1]
    half_chord = (
        np.sin(down / 2) ** 2
        + np.cos(area[:, None, 0]) * np.cos(hub[None, :, 0]) * np.sin(across / 2) ** 2
    )
    kilometres: NDArray[np.float64] = (
        2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(1.0, half_chord)))
    )
    return kilometres


def _radians(areas: Sequence[ZipArea]) -> NDArray[np.float64]:
    degrees = np.array([(area.latitude, area.longitude) for area in areas], dtype=np.float64)
    return np.radians(degrees.reshape(-1, 2))


def _zip_area(row: dict[str, str]) -> ZipArea | None:
    latitude, longitude = float(row["lat"] or 0), float(row["long"] or 0)
    if latitude == 0.0 and longitude == 0.0:
        return None
    return ZipArea(
        zip_code=row["zip_code"],
        city=row["city"],
        state=row["state"],
        latitude=latitude,
        longitude=longitude,
        time_zone=row["timezone"],
    )

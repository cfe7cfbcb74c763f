"""A network of somebody's own, loaded by path: a list of places as companies publish them.

CSV, packed with gzip or not. A place is where ``latitude`` and ``longitude`` (``lat``, ``lon``,
``lng``) say, else where its ZIP code is (``zip``, ``zipcode``, ``postal_code``); what has neither,
or has no place in the 48 contiguous states, is passed over and counted.
"""

import csv
import gzip
import io
from collections.abc import Mapping
from pathlib import Path

from ordermesh.sample.geography import ZipArea, find_zip_area

_LATITUDES, _LONGITUDES = ("latitude", "lat"), ("longitude", "lon", "lng", "long")
_CODES = ("zip", "zipcode", "zip_code", "postal_code", "postcode")
_SOUTH, _NORTH, _WEST, _EAST = 24.0, 50.0, -125.0, -66.0


def read_places(path: Path) -> tuple[list[ZipArea], int]:
    """The places, each with a number for its city, and how many rows were passed over.

    Raises ``OSError`` when the file cannot be read, ``ValueError`` where it has no place at all.
    """
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    found: list[ZipArea] = []
    passed_over = 0
    for row in csv.DictReader(io.StringIO(text)):
        cells = {name.strip().lower(): (cell or "").strip() for name, cell in row.items() if name}
        place = _degrees(cells)
        if place is None:
            passed_over += 1
            continue
        name = f"{len(found) + 1:05}"
        found.append(ZipArea(name, name, "", *place, "UTC"))
    if not found:
        raise ValueError(f"{path} has no place in the 48 contiguous states")
    return found, passed_over


def _degrees(cells: Mapping[str, str]) -> tuple[float, float] | None:
    """Where a row is; nothing where nobody knows or it is elsewhere."""
    latitude, longitude = _first(cells, _LATITUDES), _first(cells, _LONGITUDES)
    try:
        place = (float(latitude), float(longitude))
    except ValueError:
        area = find_zip_area(_first(cells, _CODES)[:5])
        if area is None:
            return None
        place = (area.latitude, area.longitude)
    inside = _SOUTH <= place[0] <= _NORTH and _WEST <= place[1] <= _EAST
    return place if inside else None


def _first(cells: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((cells[name] for name in names if cells.get(name)), "")

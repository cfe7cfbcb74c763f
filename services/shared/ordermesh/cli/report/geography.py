"""A flat map of the contiguous states: the projection, and land as dots where people live."""

import math
from collections.abc import Iterable, Iterator
from functools import cache

from ordermesh.sample.geography import read_zip_areas

WIDTH, HEIGHT = 960, 600

_PARALLELS = (math.radians(29.5), math.radians(45.5))
_ORIGIN = (math.radians(37.5), math.radians(-96.0))
_SCALE = 1_240.0
_CELL = 3
# The middle of the land lies north of the origin.
_DOWN = 20

_N = (math.sin(_PARALLELS[0]) + math.sin(_PARALLELS[1])) / 2
_C = math.cos(_PARALLELS[0]) ** 2 + 2 * _N * math.sin(_PARALLELS[0])
_RHO = math.sqrt(_C - 2 * _N * math.sin(_ORIGIN[0])) / _N


def project(latitude: float, longitude: float) -> tuple[float, float]:
    """Where a place given in degrees lies on the map, from its upper left corner.

    The equal-area conic projection of Albers, as maps of the contiguous states use it.
    """
    rho = math.sqrt(max(0.0, _C - 2 * _N * math.sin(math.radians(latitude)))) / _N
    theta = _N * (math.radians(longitude) - _ORIGIN[1])
    x = rho * math.sin(theta)
    y = _RHO - rho * math.cos(theta)
    return WIDTH / 2 + _SCALE * x, HEIGHT / 2 + _DOWN - _SCALE * y


@cache
def land() -> str:
    """The path of an SVG that dots every place where a ZIP code is."""
    return " ".join(_strokes(project(area.latitude, area.longitude) for area in read_zip_areas()))


def _strokes(points: Iterable[tuple[float, float]]) -> Iterator[str]:
    """Strokes of zero length, one for each cell of the map that has a point."""
    cells = {(round(y / _CELL), round(x / _CELL)) for x, y in points}
    for row, column in sorted(cells):
        yield f"M{column * _CELL} {row * _CELL}h0"

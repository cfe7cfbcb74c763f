"""Distances on the globe, and the bands they fall into."""

import pytest

from ordermesh.routing.domain.geography import Place, band, distance_km, great_circle_km

NEW_YORK = Place.from_degrees(40.7128, -74.0060)
LOS_ANGELES = Place.from_degrees(34.0522, -118.2437)


def test_new_york_is_3936_km_from_los_angeles() -> None:
    assert distance_km(NEW_YORK, LOS_ANGELES) == 3_936
    assert distance_km(LOS_ANGELES, NEW_YORK) == 3_936


def test_a_place_is_no_distance_from_itself() -> None:
    assert great_circle_km(NEW_YORK, NEW_YORK) == 0


def test_half_the_globe_is_half_its_circumference() -> None:
    north, south = Place.from_degrees(90, 0), Place.from_degrees(-90, 0)

    assert distance_km(north, south) == 20_015


def test_the_way_across_the_date_line_is_short() -> None:
    west, east = Place.from_degrees(0, 179.5), Place.from_degrees(0, -179.5)

    assert distance_km(west, east) == 111


@pytest.mark.parametrize(
    ("latitude", "longitude"), [(90.1, 0), (-90.1, 0), (0, 180.1), (0, -180.1)]
)
def test_places_beyond_the_globe_are_refused(latitude: float, longitude: float) -> None:
    with pytest.raises(ValueError, match="beyond"):
        Place.from_degrees(latitude, longitude)


@pytest.mark.parametrize(
    ("distance", "index"), [(0, 0), (240, 0), (241, 1), (480, 1), (481, 2), (9_999, 2)]
)
def test_an_edge_belongs_to_the_band_below_it(distance: int, index: int) -> None:
    assert band(distance, (240, 480)) == index


def test_a_vicinity_is_within_a_kilometre_and_is_its_own() -> None:
    place = Place.from_degrees(40.123456, -75.987654)

    assert place.vicinity == Place.from_degrees(40.12, -75.99)
    assert place.vicinity.vicinity == place.vicinity
    assert distance_km(place, place.vicinity) <= 1

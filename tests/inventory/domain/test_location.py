from dataclasses import replace
from datetime import UTC, datetime
from math import inf, nan, nextafter

import pytest

from ordermesh.inventory.domain.errors.catalog import InvalidPosition, InvalidTimeZone
from ordermesh.inventory.domain.errors.requests import DuplicateEntry
from ordermesh.inventory.domain.location import Location, LocationType, put, refuse_impossible

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
PLACE = Location("A", LocationType.STORE, 41.9, -87.6, "America/Chicago")
ZONES = {"America/Chicago", "UTC"}


@pytest.mark.parametrize(("latitude", "longitude"), [(90, 180), (-90, -180), (0, 0), (41.9, -87.6)])
def test_every_place_on_earth_is_let_in(latitude: float, longitude: float) -> None:
    refuse_impossible([replace(PLACE, latitude=latitude, longitude=longitude)], ZONES)


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [
        (nextafter(90, inf), 0),
        (nextafter(-90, -inf), 0),
        (0, nextafter(180, inf)),
        (0, nextafter(-180, -inf)),
        (90.5, 0),
        (-90.5, 0),
        (0, 180.5),
        (0, -180.5),
        (nan, 0),
        (0, nan),
        (inf, 0),
    ],
)
def test_no_other_place_is(latitude: float, longitude: float) -> None:
    with pytest.raises(InvalidPosition) as refusal:
        refuse_impossible([PLACE, replace(PLACE, location_id="B", latitude=latitude,
                                          longitude=longitude)], ZONES)  # fmt: skip

    assert refusal.value.facts() == {"locationId": "B"}


def test_a_time_zone_is_one_that_is_known() -> None:
    with pytest.raises(InvalidTimeZone) as refusal:
        refuse_impossible([replace(PLACE, time_zone="Europe/Atlantis")], ZONES)

    assert refusal.value.facts() == {"locationId": "A", "timeZone": "Europe/Atlantis"}


def test_a_location_is_put_once() -> None:
    with pytest.raises(DuplicateEntry) as refusal:
        refuse_impossible([PLACE, replace(PLACE, location_id="B"), PLACE], ZONES)

    assert refusal.value.facts() == {"field": "locations[2].location_id", "value": "A"}


def test_only_what_differs_is_put_and_what_the_system_stamps_makes_no_difference() -> None:
    stored = {"A": replace(PLACE, revision=7, create_time=NOON, update_time=NOON)}
    renamed, new = replace(PLACE, name="Loop"), replace(PLACE, location_id="B")

    assert put([PLACE], stored) == []
    assert put([renamed, new], stored) == [renamed, new]

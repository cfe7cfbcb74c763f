import math

import numpy as np
import pytest
import zipcodes

from ordermesh.sample.geography import (
    HUBS,
    STATE_POPULATIONS,
    ZipArea,
    distances_km,
    find_zip_area,
    great_circle_km,
    population_weights,
    read_zip_areas,
)

PEOPLE_OF_THE_COUNTRY = 331_449_281
PEOPLE_ELSEWHERE = {"AK": 733_391, "DC": 689_545, "HI": 1_455_271}


@pytest.fixture(scope="module")
def areas() -> tuple[ZipArea, ...]:
    return read_zip_areas()


def test_the_states_and_the_rest_add_up_to_the_census() -> None:
    assert len(STATE_POPULATIONS) == 48
    assert sum(STATE_POPULATIONS.values()) + sum(PEOPLE_ELSEWHERE.values()) == PEOPLE_OF_THE_COUNTRY


def test_areas_are_distinct_in_order_and_inside_the_contiguous_states(
    areas: tuple[ZipArea, ...],
) -> None:
    codes = [area.zip_code for area in areas]

    assert codes == sorted(set(codes))
    assert len(codes) > 29_000
    assert all(len(code) == 5 and code.isdigit() for code in codes)
    assert {area.state for area in areas} == set(STATE_POPULATIONS)
    assert all(24 < area.latitude < 49.5 and -125 < area.longitude < -66 for area in areas)


def test_every_area_has_a_city_and_a_time_zone(areas: tuple[ZipArea, ...]) -> None:
    assert all(area.city and area.time_zone.startswith("America/") for area in areas)


def test_weights_are_the_people_of_the_state_spread_over_its_areas(
    areas: tuple[ZipArea, ...],
) -> None:
    weights = population_weights(areas)
    texas = sum(weight for area, weight in zip(areas, weights, strict=True) if area.state == "TX")

    assert math.isclose(weights.sum(), 1.0)
    assert math.isclose(texas, 29_145_505 / sum(STATE_POPULATIONS.values()))


def test_the_ten_hubs_are_where_the_package_says_they_are() -> None:
    assert [f"{hub.city} {hub.state}" for hub in HUBS] == [
        "Ontario CA",
        "Reno NV",
        "Kent WA",
        "Dallas TX",
        "Joliet IL",
        "Columbus OH",
        "Memphis TN",
        "Atlanta GA",
        "Carlisle PA",
        "Jacksonville FL",
    ]
    assert [find_zip_area(hub.zip_code) for hub in HUBS] == list(HUBS)


def test_a_zip_code_that_is_not_known_is_nowhere() -> None:
    unknown = ["00000", "", "1234", "123456", "1000a", "１００01", "10001-1234"]

    assert [find_zip_area(code) for code in unknown] == [None] * len(unknown)


def test_a_zip_code_without_a_place_is_nowhere() -> None:
    assert zipcodes.matching("77352")[0]["lat"] == "0"  # type: ignore[no-untyped-call]  # package
    assert find_zip_area("77352") is None


def test_a_zip_code_outside_of_the_contiguous_states_is_found() -> None:
    anchorage = find_zip_area("99501")

    assert anchorage is not None
    assert (anchorage.city, anchorage.state) == ("Anchorage", "AK")


@pytest.mark.parametrize(
    ("one", "other", "kilometres"),
    [
        ((0.0, 0.0), (0.0, 180.0), math.pi * 6371),
        ((0.0, 0.0), (0.0, 0.0), 0.0),
        ((90.0, 0.0), (0.0, 77.0), math.pi * 6371 / 2),
        ((40.6413, -73.7781), (33.9416, -118.4085), 3_974.0),
    ],
)
def test_distances_follow_the_sphere(
    one: tuple[float, float], other: tuple[float, float], kilometres: float
) -> None:
    assert great_circle_km(*one, *other) == pytest.approx(kilometres, rel=1e-3, abs=1e-9)


def test_both_ways_to_measure_agree(areas: tuple[ZipArea, ...]) -> None:
    some = areas[::5_000]

    measured = distances_km(some, HUBS)

    assert measured.shape == (len(some), len(HUBS))
    assert np.allclose(
        measured,
        [
            [
                great_circle_km(area.latitude, area.longitude, hub.latitude, hub.longitude)
                for hub in HUBS
            ]
            for area in some
        ],
    )


def test_nothing_has_no_distances() -> None:
    assert distances_km((), HUBS).shape == (0, 10)

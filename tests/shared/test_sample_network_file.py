from collections.abc import Callable
from pathlib import Path

import pytest

from ordermesh.kernel.money import from_decimal
from ordermesh.sample.files.network import read_network
from ordermesh.sample.files.sheets import Refusal
from ordermesh.sample.nouns import (
    FulfillmentMethod,
)

Write = Callable[[str], Path]

PLACE = "location_id,name,type,postal_code,pick_fee,labor_cost_per_unit,handling_days,{}\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file and says where."""

    def written(text: str) -> Path:
        path = tmp_path / "file.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def told(refusals: tuple[Refusal, ...]) -> list[tuple[int, str, str]]:
    """Line, column and reason of each."""
    return [(refusal.line, refusal.column, refusal.why) for refusal in refusals]


def test_a_location_is_placed_by_its_zip_code(write: Write) -> None:
    read = read_network(write(PLACE.format("region") + "S,Store,STORE,60436,2.60,1.10,1,IL\n"))

    assert read.refusals == ()
    ((location, fulfilling),) = read.rows
    assert (location.latitude, location.longitude) == (41.4884, -88.1572)
    assert location.time_zone == "America/Chicago"
    assert fulfilling.methods == (FulfillmentMethod.SHIP,)
    assert (fulfilling.priority, fulfilling.capacity_units_per_day) == (0, None)
    assert fulfilling.pick_fee == from_decimal("2.60")


def test_a_location_that_fulfills_nothing_says_none(write: Write) -> None:
    read = read_network(write(PLACE.format("methods") + "S,Store,STORE,60436,2.60,1.10,1,none\n"))

    assert read.rows[0][1].methods == ()


def test_a_location_without_a_place_is_refused(write: Write) -> None:
    read = read_network(
        write(
            PLACE.format("country_code,latitude,longitude,time_zone")
            + "A,A,STORE,00000,1,1,1,US,,,America/Chicago\n"
            + "B,B,STORE,60436,1,1,1,DE,,,\n"
            + "C,C,STORE,60436,1,1,1,US,41.9,,\n"
            + "D,D,STORE,,1,1,1,US,41.9,-88,\n"
        )
    )

    assert read.rows == ()
    assert told(read.refusals) == [
        (2, "latitude", "is missing, and no ZIP code says where the location is"),
        (3, "latitude", "is missing, and no ZIP code says where the location is"),
        (3, "time_zone", "is missing"),
        (4, "longitude", "is missing beside the other"),
        (5, "time_zone", "is missing"),
    ]


@pytest.mark.parametrize(
    "name", ["Chicago", "CST6CDT7", "America", "../../etc/passwd", "/etc/passwd", "Central Time"]
)
def test_a_time_zone_that_is_not_known_is_refused(write: Write, name: str) -> None:
    read = read_network(write(PLACE.format("time_zone") + f"S,Store,STORE,60436,1,1,1,{name}\n"))

    assert told(read.refusals) == [
        (2, "time_zone", "is not a known time zone such as America/Chicago")
    ]


def test_every_bad_cell_of_a_location_is_refused(write: Write) -> None:
    read = read_network(
        write(
            PLACE.format("country_code,latitude,longitude,methods,priority,capacity_units_per_day")
            + "S,,SHOP,60436,-1,1.23456,366,usa,91,-181,FLY,1000001,many\n"
            + "S,Store,STORE,60436,1,1,1,US,1,1,SHIP,1,1\n"
        )
    )

    assert {refusal.column for refusal in read.refusals if refusal.line == 2} == {
        "name",
        "type",
        "pick_fee",
        "labor_cost_per_unit",
        "handling_days",
        "country_code",
        "latitude",
        "longitude",
        "time_zone",
        "methods",
        "priority",
        "capacity_units_per_day",
    }
    assert told(read.refusals)[-1] == (3, "location_id", "is on line 2 already")

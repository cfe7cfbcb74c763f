"""Zone tables: the narrowest row decides, and a way that no row knows has no zone."""

import pytest

from ordermesh.routing.domain.carriage.area import Address, Area, plain
from ordermesh.routing.domain.carriage.zone import Origin, ZoneRow, ZoneTable, contradictions
from tests.routing.carriage.making import AMSTERDAM, UTRECHT, area

GHENT = Address("BE", "VOV", "9000")


def zone_of(*rows: ZoneRow, to: Address = AMSTERDAM, km: int = 40) -> int | None:
    return ZoneTable("T", rows).zone(UTRECHT, to, km)


def test_where_no_row_leads_there_is_no_zone() -> None:
    assert zone_of() is None
    assert zone_of(ZoneRow(1, destination=area("BE"))) is None
    assert zone_of(ZoneRow(1, origin_id="ROTTERDAM")) is None
    assert zone_of(ZoneRow(1, origin=area("NL", "", "10"))) is None
    assert zone_of(ZoneRow(1, distance_km_max=39)) is None


def test_bands_of_distance_hold_their_far_edge() -> None:
    bands = [ZoneRow(zone, distance_km_max=km) for zone, km in ((1, 40), (2, 80), (3, 0))]

    assert [zone_of(*bands, km=km) for km in (0, 40, 41, 80, 81, 9_999)] == [1, 1, 2, 2, 3, 3]


def test_the_longer_prefix_decides_however_codes_are_written() -> None:
    rows = [ZoneRow(5, destination=area("NL")), ZoneRow(2, destination=area("NL", "", "10 12-a"))]

    assert zone_of(*rows) == 2
    assert zone_of(*rows, to=Address("NL", "NH", "1013ab")) == 5


def test_a_region_is_narrower_than_a_country_and_a_country_than_everywhere() -> None:
    rows = [
        ZoneRow(9),
        ZoneRow(5, destination=area("NL")),
        ZoneRow(3, destination=area("NL", "nh")),
    ]

    assert zone_of(*rows) == 3
    assert zone_of(*rows, to=Address("NL", "UT", "3511")) == 5
    assert zone_of(*rows, to=GHENT) == 9


def test_a_row_for_the_location_is_narrower_than_one_for_its_group_and_for_all() -> None:
    everyone = ZoneRow(1, destination=area("NL", "", "1012"))
    group, mine = ZoneRow(2, "BENELUX"), ZoneRow(3, "UTRECHT")

    assert zone_of(everyone) == 1
    assert zone_of(everyone, group) == 2
    assert zone_of(mine, everyone, group) == 3


def test_pairs_of_prefixes_are_told_apart_by_where_they_start() -> None:
    rows = [
        ZoneRow(4, origin=area("NL"), destination=area("NL", "", "10")),
        ZoneRow(2, origin=area("NL", "", "35"), destination=area("NL", "", "10")),
    ]

    assert zone_of(*rows) == 2
    elsewhere = Origin("EINDHOVEN", frozenset(), Address("NL", "NB", "5611"))
    assert ZoneTable("T", tuple(rows)).zone(elsewhere, AMSTERDAM, 90) == 4


def test_narrowing_a_table_to_a_destination_changes_no_answer() -> None:
    rows = tuple(
        ZoneRow(number, destination=one)
        for number, one in enumerate((area("NL"), area("BE"), area("NL", "NH"), Area()), start=1)
    )
    table = ZoneTable("T", rows)

    for to in (AMSTERDAM, GHENT, Address("FR")):
        expected = min(
            (row for row in rows if row.destination.holds(to)),
            key=lambda row: tuple(-part for part in row.destination.precision),
        )
        assert table.towards(to).zone(UTRECHT, 10) == table.zone(UTRECHT, to, 10) == expected.zone


def test_two_rows_about_the_same_way_contradict_each_other() -> None:
    first, second = ZoneRow(1, destination=area("NL", "", "1012 A")), ZoneRow(2)
    again = ZoneRow(3, destination=area("NL", "", "1012 A"))

    assert contradictions([first, second, again]) == [(first, again)]
    assert contradictions([first, second, ZoneRow(2, distance_km_max=9)]) == []


def test_a_prefix_of_no_country_is_no_area() -> None:
    with pytest.raises(ValueError, match="belongs to a country"):
        Area(postal_prefix="10")


def test_postal_codes_are_compared_by_their_letters_and_digits() -> None:
    assert [plain(code) for code in ("1012 ab", "100-0001", "SW1A 1AA", "")] == [
        "1012AB",
        "1000001",
        "SW1A1AA",
        "",
    ]

"""Lists of places as companies publish them become a network."""

from pathlib import Path

import pytest

from ordermesh.routing.bench.places import read_places


def test_degrees_are_taken_else_the_zip_code_and_what_has_neither_is_counted(
    tmp_path: Path,
) -> None:
    file = tmp_path / "stores.csv"
    file.write_text(
        "id,LAT,lng,ZIPCODE\n1,41.9,-87.6,\n2,,,10001-1234\n3,,,00000\n4,21.3,-157.8,96813\n"
    )

    places, passed_over = read_places(file)

    assert [(round(one.latitude), round(one.longitude)) for one in places] == [(42, -88), (41, -74)]
    assert len({one.zip_code for one in places}) == 2
    assert passed_over == 2


def test_a_file_without_any_place_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "stores.csv"
    file.write_text("name\nHere\n")

    with pytest.raises(ValueError, match="no place"):
        read_places(file)

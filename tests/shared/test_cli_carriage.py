"""The files of carriage: which are found, and that each column is explained."""

from importlib.resources import files as resources
from pathlib import Path

import pytest

from ordermesh.api.routing.v1 import Area, CarriageEntry, ZoneTable
from ordermesh.cli.carriage.columns import FILES
from ordermesh.cli.carriage.importing import TooLarge, _putting
from ordermesh.cli.carriage.reading import CarriageFiles, UnknownFile, find_files


def read(directory: Path, **files: str) -> CarriageFiles:
    """Files by name, each with its header and lines."""
    for name, text in files.items():
        (directory / f"{name}.csv").write_text(text)
    found = CarriageFiles()
    found.read(find_files([directory]))
    return found


def test_files_are_known_by_how_their_names_end_and_read_in_the_order_they_need(
    tmp_path: Path,
) -> None:
    for name in ("nl_rates", "b-rate_cards", "services", "notes", "currency_rates"):
        (tmp_path / f"{name}.csv").touch()

    found = find_files([tmp_path])

    assert [(kind, path.stem) for kind, path in found] == [
        ("services", "services"),
        ("rate_cards", "b-rate_cards"),
        ("rates", "nl_rates"),
        ("currency_rates", "currency_rates"),
    ]
    with pytest.raises(UnknownFile, match=r"notes.csv"):
        find_files([tmp_path / "notes.csv"])


TRANSIT = "carrier_id,service_id,zone,days,hours\n"
CURRENCY = "from_currency,to_currency,effective_time,rate\n"
POSTAL = "country_code,postal_code,latitude,longitude,significant_characters\n"


@pytest.mark.parametrize(
    ("name", "text", "refusals"),
    [
        (
            "rates",
            "rate_card_id,zone,over_grams,price\nR,1,0,4\n",
            {"2 rate_card_id": "is in no file of rate cards"},
        ),
        ("transit", f"{TRANSIT}C,X,1,1,\n", {"2 service_id": "is in no file of services"}),
        ("transit", f"{TRANSIT}C,S,1,,\n", {"2 days": "and hours: one of both is said"}),
        ("transit", f"{TRANSIT}C,S,1,1,24\n", {"2 days": "and hours: one of both is said"}),
        ("transit", f"{TRANSIT}C,S,0,1,\n", {"2 zone": "is not in 1 to 100000"}),
        (
            "surcharges",
            "rate_card_id,kind,amount\nR,FUEL,1\n",
            {"2 rate_card_id": "is in no file of rate cards"},
        ),
        (
            "currency_rates",
            f"{CURRENCY}usd,EUR,2026-01-01T00:00:00Z,0.9\n",
            {"2 from_currency": "is not a currency code such as EUR"},
        ),
        (
            "currency_rates",
            f"{CURRENCY}USD,EUR,2026-01-01,0.9\n",
            {"2 effective_time": "has no offset from UTC, such as Z or -05:00"},
        ),
        ("currency_rates", f"{CURRENCY}USD,EUR,2026-01-01T00:00:00Z,0\n", {"2 rate": "is nothing"}),
        (
            "currency_rates",
            f"{CURRENCY}USD,EUR,2026-01-01T00:00:00Z,0.1234567891\n",
            {"2 rate": "has more than 9 decimals"},
        ),
        (
            "postal_codes",
            f"{POSTAL}NL,1012 AB,52.3,4.9,4\nNL,1012 AC,52.3,4.9,4\n",
            {"3 postal_code": "is on line 2 of FILE already"},
        ),
        (
            "postal_codes",
            f"{POSTAL}NL,3511,52.1,,4\n",
            {"2 longitude": "is missing beside the other", "2 latitude": "is missing"},
        ),
        (
            "postal_codes",
            f"{POSTAL}NL,1012,52.3,4.9,4\nNL,9711,53,6,0\n",
            {"3 significant_characters": "is another than on the line before"},
        ),
        (
            "postal_codes",
            f"{POSTAL}NL,-,53,6,4\n",
            {"2 postal_code": "is not a postal code of 1 to 16 letters and digits"},
        ),
        ("postal_codes", f"{POSTAL}NL,8899,91,6,4\n", {"2 latitude": "is not between -90 and 90"}),
    ],
)
def test_cells_that_cannot_be_taken_are_named(
    tmp_path: Path, name: str, text: str, refusals: dict[str, str]
) -> None:
    services = "carrier_id,service_id,zone_table_id\nC,S,Z\n"

    found = read(tmp_path, services=services, **{name: text})

    file = f"{tmp_path}/{name}.csv"
    assert {one.file for one in found.refusals} == {file}
    told = {f"{one.line} {one.column}": one.why.replace(file, "FILE") for one in found.refusals}
    assert told == refusals


def test_more_than_one_request_can_carry_is_refused_before_anything_is_sent() -> None:
    table = ZoneTable(zone_table_id="Z")
    for number in range(60_000):
        table.rows.add(zone=1, destination=Area(country_code="NL", postal_prefix=f"{number:06d}"))

    with pytest.raises(TooLarge, match="can be taken together"):
        _putting([CarriageEntry(zone_table=table)], dry_run=True)


@pytest.mark.parametrize("name", FILES)
def test_every_column_is_explained_in_the_readme(name: str) -> None:
    readme = resources("ordermesh.sample").joinpath("README.md").read_text()

    assert f"### `{name}.csv`" in readme
    for column in FILES[name]:
        default = f"`{column.default}`" if column.default else ""
        last = "required" if column.required else default
        assert f"| `{column.name}` | {column.meaning} | {last} |" in readme

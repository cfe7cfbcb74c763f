"""A proof that is true in itself is refused where it does not speak of the files, wholly."""

import copy
import csv
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ordermesh.client.audited import Case, Refused, check, check_files
from ordermesh.routing.audit.sampling import write_sample
from tests.shared.audits import FILES, Record, audit, sealed


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with shipments of two days and the proof of both cases."""
    directory = tmp_path_factory.mktemp("sources")
    write_sample(directory, 60, "priority", days=2)
    audit(directory)
    return directory


@pytest.fixture(scope="module")
def located(proven: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with coordinates for postal codes."""
    directory = tmp_path_factory.mktemp("located")
    for name in FILES:
        (directory / f"{name}.csv").write_text((proven / f"{name}.csv").read_text())
    places = proof_of(proven)["places"]
    with (proven / "shipments.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for prefix in ("", "location_"):
            north, east = places[f"US {row[prefix + 'postal_code']}"]
            row[f"{prefix}latitude"], row[f"{prefix}longitude"] = (
                f"{degree / 10**6:.6f}" for degree in (north, east)
            )
            row[f"{prefix}postal_code"] = ""
    with (directory / "shipments.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    audit(directory)
    return directory


def proof_of(directory: Path) -> Record:
    found: Record = json.loads((directory / "audit-proof.json").read_text())
    return found


def compared(record: Record, directory: Path) -> list[str]:
    """What is told of a proof beside its files."""
    return check_files(record, *(directory / f"{one}.csv" for one in FILES))


def forged(record: Record) -> Record:
    """Everything computed again, as if nothing could have been saved, so that it is consistent."""
    totals: Record = {}
    for one in record["cases"]:
        case = Case(one)
        for order in range(len(case.names)):
            for atom in range(case.first[order], case.first[order + 1]):
                place = one["actual"]["location"][atom]
                one["batch"]["atoms"]["days_max"][atom] = case.arrives(order, place)
        case = Case(one)
        cost = cost_of(case, one["actual"]["location"])
        least = sum(case.least(order, [0] * 10**4) for order in range(len(case.names)))
        one["actual"]["cost"] = cost
        one["plan"] = {
            "location": one["actual"]["location"],
            "cost": cost,
            "prices": {},
            "bound": least,
        }
        total = totals.setdefault(one["kind"], {"actual": 0, "plan": 0, "bound": 0})
        for name, amount in zip(total, (cost, cost, least), strict=True):
            total[name] += amount
    for total in totals.values():
        total["saved"] = total["actual"] - total["plan"]
        total["most"] = total["actual"] - total["bound"]
    return sealed({**record, "totals": totals})


def cost_of(case: Case, location: list[int]) -> int:
    total = 0
    for order in range(len(case.names)):
        parcels: dict[int, list[int]] = {}
        for atom in range(case.first[order], case.first[order + 1]):
            parcels.setdefault(location[atom], []).append(atom)
        total += sum(case.parcel(order, place, atoms) for place, atoms in parcels.items())
    return total


def test_what_is_forged_without_a_change_is_accepted(proven: Path) -> None:
    record = forged(proof_of(proven))

    check(record)

    assert any("distances are taken as claimed" in one for one in compared(record, proven))


def test_with_coordinates_nothing_of_a_distance_is_taken_as_claimed(located: Path) -> None:
    told = compared(proof_of(located), located)

    assert len(told) == 1
    assert "are part of it" in told[0]


def _day_again(record: Record) -> None:
    """The first day under made-up periods."""
    record["cases"] += [{**record["cases"][0], "period": name} for name in ("x", "y")]


def _day_under_another_name(record: Record) -> None:
    other = copy.deepcopy(record["cases"][0])
    ids = other["batch"]["orders"]["ids"]
    ids[:] = [f"{name[:-10]}2026-12-24" for name in ids]
    record["cases"].append({**other, "period": "2026-12-24"})


def _day_in_another_pool(record: Record) -> None:
    record["cases"].append({**record["cases"][0], "period": "2026-W48"})


@pytest.mark.parametrize("tamper", [_day_again, _day_under_another_name, _day_in_another_pool])
def test_a_line_that_is_used_twice_is_refused(
    proven: Path, tamper: Callable[[Record], None]
) -> None:
    record = proof_of(proven)
    tamper(record)

    with pytest.raises(Refused, match=r"days of a period|there twice"):
        check(forged(record))


def _untold(record: Record, gone: list[int]) -> None:
    """It says nothing of the lines."""


def _set_aside(record: Record, gone: list[int]) -> None:
    record["set_aside"] = gone


def _beside(record: Record, gone: list[int]) -> None:
    record["left_beside"] = gone


LEFT_OUT = {
    "lines left out": _untold,
    "left out without reason": _set_aside,
    "belongs to no order that was refused": _beside,
}


@pytest.mark.parametrize("why", LEFT_OUT)
def test_a_day_that_is_left_out_is_refused(proven: Path, why: str) -> None:
    record = proof_of(proven)
    gone = sorted(set(record["cases"][0]["lines"]))
    record["cases"] = [one for one in record["cases"][1:] if one["kind"] == "same units"]
    del record["totals"]["free"]
    LEFT_OUT[why](record, gone)
    record = forged(record)
    check(record)

    with pytest.raises(Refused, match=why):
        compared(record, proven)


def test_a_day_that_is_said_to_be_unreadable_is_refused(proven: Path, located: Path) -> None:
    for directory in (proven, located):
        record = proof_of(directory)
        record["refused_lines"] = sorted(set(record["cases"][0]["lines"]))
        record["cases"] = record["cases"][1:2]
        del record["totals"]["free"]
        record = forged(record)
        check(record)

        with pytest.raises(Refused, match="can be read"):
            compared(record, directory)


def test_distances_that_let_what_happened_look_best_are_refused(
    proven: Path, located: Path
) -> None:
    draw = random.Random(3)
    for directory in (proven, located):
        record = proof_of(directory)
        for one in record["cases"]:
            for row in one["batch"]["distance_km"]:
                draw.shuffle(row)
        record = forged(record)
        check(record)

        with pytest.raises(Refused, match="distance"):
            compared(record, directory)


def test_places_of_codes_that_the_file_has_not_help_nobody(located: Path) -> None:
    record = proof_of(located)
    record["places"] = {"US 10001": [0, 0]}
    for one in record["cases"]:
        one["batch"]["distance_km"] = [[0] * len(row) for row in one["batch"]["distance_km"]]
    record = forged(record)
    check(record)

    with pytest.raises(Refused, match="distance"):
        compared(record, located)


def _dearer(batch: Any) -> None:
    batch["brackets"]["price"] = [[7 * one for one in row] for row in batch["brackets"]["price"]]


def _by_weight(batch: Any) -> None:
    for zone in batch["costs"]["zones"]:
        zone["freight_per_kg"] += 10_000


def _sooner(batch: Any) -> None:
    batch["costs"]["zones"][-1]["transit_days"] = 0


def _farther(batch: Any) -> None:
    batch["costs"]["zones"][0]["distance_km_max"] += 1


def _coarser(batch: Any) -> None:
    batch["brackets"]["up_to_grams"][0] += 1


@pytest.mark.parametrize("tamper", [_dearer, _by_weight, _sooner, _farther, _coarser])
def test_other_rates_than_those_of_the_file_are_refused(
    proven: Path, tamper: Callable[[Any], None]
) -> None:
    record = proof_of(proven)
    for one in record["cases"]:
        tamper(one["batch"])
    record = forged(record)
    check(record)

    with pytest.raises(Refused, match="rates"):
        compared(record, proven)


@pytest.mark.parametrize("name", ["pick_fee", "labor_per_unit", "handling_days"])
def test_a_building_that_charges_or_waits_for_itself_is_refused(proven: Path, name: str) -> None:
    record = proof_of(proven)
    record["cases"][0]["batch"]["locations"][name][0] += 1

    with pytest.raises(Refused, match=f"fees of parcels|{name}"):
        check(forged(record))


@pytest.mark.parametrize("more", [1, 1_000])
def test_other_stock_than_that_of_the_file_is_refused(proven: Path, more: int) -> None:
    record = proof_of(proven)
    stock = record["cases"][-1]["batch"]["stock"]["units"]
    stock[0] += more
    record = forged(record)
    check(record)

    with pytest.raises(Refused, match="stock"):
        compared(record, proven)


def test_a_free_case_without_a_file_of_stock_is_refused(proven: Path) -> None:
    record = proof_of(proven)
    del record["sources"]["stock"]

    with pytest.raises(Refused, match="stock"):
        check_files(record, None, None, None)

"""An audit of shipments: what is found, what is proven, what is refused, and what is shown."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ordermesh.client.audited import check, check_files
from ordermesh.routing.audit.cases import Asked, Kind, Pool, free, pieces_of, same_units
from ordermesh.routing.audit.deciding import QUICK, Decided, decide
from ordermesh.routing.audit.reading import Shipments, read_rates, read_shipments, read_stock
from ordermesh.routing.audit.sampling import write_sample
from ordermesh.routing.audit.tariff import Tariff, make_tariff
from ordermesh.routing.domain.batch.plan import cost_of_plan
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.submission import Whereto
from ordermesh.routing.store.postal_codes import PostalCodes
from tests.routing.audits import (
    CHICAGO,
    EAST,
    LOS_ANGELES,
    NEW_YORK,
    RATES,
    WEST,
    run,
    write,
)
from tests.routing.batches import optimum

DAY, NEXT = "2026-11-20", "2026-11-21"
# Each of two customers got from the other coast what the other one got from there.
CROSSED = [
    f"A,1,LAMP,1,900,{DAY},{WEST},{CHICAGO},,no",
    f"B,1,LAMP,1,900,{DAY},{EAST},{LOS_ANGELES},,no",
]

Patch = pytest.MonkeyPatch
Capture = pytest.CaptureFixture[str]


def find(country: str, code: str) -> Place | None:
    return CODES.find(Whereto(country, "", code, None))


CODES = PostalCodes()


def read(directory: Path) -> tuple[Shipments, Tariff]:
    tariff = make_tariff(read_rates(directory / "rates.csv"), "USD")
    return read_shipments(directory / "shipments.csv", find), tariff


def test_two_orders_that_should_have_changed_buildings_are_found(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    write(tmp_path, CROSSED)

    found = run(tmp_path, ["shipments.csv"], monkeypatch, capsys)

    # 12 + 12 as it was; 8 from New York to Chicago and 5 within Los Angeles as it could have been.
    (case,) = found.figures["cases"]
    assert (case["cost"], case["could_have_cost"]) == (24.0, 13.0)
    assert (case["saved"], case["most"]) == (11.0, pytest.approx(11, abs=0.02))
    (swap,) = found.figures["swaps"]
    assert swap["saved"] == 11.0
    assert swap["orders"][0]["moves"] == [
        {"sku": "LAMP", "units": 1, "left": "WEST", "instead": "EAST"}
    ]
    assert found.figures["verifier"] == "accepted"
    assert found.code == 0
    assert "11.00 less" in found.said


def test_what_left_on_another_day_is_not_exchanged_unless_that_is_asked_for(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    write(tmp_path, [CROSSED[0], CROSSED[1].replace(DAY, NEXT)])

    by_day = run(tmp_path, ["shipments.csv"], monkeypatch, capsys).figures
    by_week = run(tmp_path, ["shipments.csv", "--pool=week"], monkeypatch, capsys).figures

    assert (by_day["cases"][0]["saved"], by_day["cases"][0]["most"]) == (0, 0)
    assert by_day["cases"][0]["periods"] == 2
    assert by_week["cases"][0]["saved"] == 11.0


def test_nobody_is_served_later_than_before_and_only_by_request_as_late_as_promised(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    # Two parcels to New York, one of them from the other coast; with both from there it is cheaper,
    # but the near one would come later.
    rows = [
        f"A,1,LAMP,1,400,{DAY},{EAST},{NEW_YORK},2026-11-25,no",
        f"A,2,CHAIR,1,400,{DAY},{WEST},{NEW_YORK},2026-11-25,no",
        f"B,1,LAMP,1,400,{DAY},{WEST},{NEW_YORK},2026-11-25,no",
    ]
    write(tmp_path, rows)

    as_it_was = run(tmp_path, ["shipments.csv"], monkeypatch, capsys)
    as_promised = run(tmp_path, ["shipments.csv", "--until-promise"], monkeypatch, capsys)

    assert as_it_was.figures["cases"][0]["most"] == pytest.approx(0, abs=0.02)
    assert as_promised.figures["cases"][0]["saved"] == 12.0
    assert as_promised.figures["verifier"] == "accepted"
    assert "it did or was promised" in as_promised.page


def test_what_was_there_and_nobody_took_is_used_in_the_free_case_alone(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    rows = [CROSSED[0], f"C,1,CHAIR,1,900,{DAY},{EAST},{LOS_ANGELES},,no"]
    write(tmp_path, rows)
    (tmp_path / "stock.csv").write_text(
        "sku,location_id,quantity\nLAMP,EAST,3\nCHAIR,WEST,1\nLAMP,NORTH,9\n"
    )

    found = run(tmp_path, ["shipments.csv", "--stock=stock.csv"], monkeypatch, capsys)

    same, freely = found.figures["cases"]
    assert (same["kind"], same["most"]) == ("same units", 0.0)
    assert (freely["kind"], freely["saved"]) == ("free", 11.0)
    assert freely["most"] == pytest.approx(11, abs=0.02)
    assert found.figures["verifier"] == "accepted"


def test_no_building_works_more_than_it_did_in_the_free_case(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    write(tmp_path, CROSSED[:1])
    (tmp_path / "stock.csv").write_text("sku,location_id,quantity\nLAMP,EAST,3\n")

    found = run(tmp_path, ["shipments.csv", "--stock=stock.csv"], monkeypatch, capsys)

    assert found.figures["cases"][1]["saved"] == 0.0


DIRTY = [
    (f"Z,1,LAMP,0,900,{DAY},{EAST},{CHICAGO},,no", "quantity", "is not in 1 to"),
    (f"Z,1,LAMP,-2,900,{DAY},{EAST},{CHICAGO},,no", "quantity", "is negative"),
    (f"Z,1,LAMP,two,900,{DAY},{EAST},{CHICAGO},,no", "quantity", "is not a whole number"),
    (f"Z,1,LAMP,1,,{DAY},{EAST},{CHICAGO},,no", "weight_grams", "is missing"),
    (f"Z,1,LAMP,1,950,{DAY},{EAST},{CHICAGO},,no", "weight_grams", "differs from line 2"),
    (f"Z,1,LAMP,1,900,20 Nov,{EAST},{CHICAGO},,no", "shipped_on", "is not a day such as"),
    (f"Z,1,LAMP,1,900,,{EAST},{CHICAGO},,no", "shipped_on", "is missing"),
    (f"Z,1,LAMP,1,900,{DAY},EAST,,{CHICAGO},,no", "location_postal_code", "is missing"),
    (f"Z,1,LAMP,1,900,{DAY},EAST,{CHICAGO},{CHICAGO},,no", "location_id", "somewhere else"),
    (f"Z,1,LAMP,1,900,{DAY},{EAST},00000,,no", "postal_code", "is not known"),
    (f",1,LAMP,1,900,{DAY},{EAST},{CHICAGO},,no", "order_id", "is missing"),
    (f"Z,1,,1,900,{DAY},{EAST},{CHICAGO},,no", "sku", "is missing"),
    (f"Z,1,LAMP,1,900,{DAY},{EAST},{CHICAGO},soon,no", "promised_on", "is not a day such as"),
    (f"Z,1,LAMP,1,900,{DAY},{EAST},{CHICAGO},,maybe", "keep_together", "neither yes nor no"),
    (f"A,1,LAMP,1,900,{DAY},{WEST},{CHICAGO},,no", "line_id", "is on line 2 already"),
    (f"A,2,LAMP,1,900,{DAY},{WEST},{NEW_YORK},,no", "order_id", "goes somewhere else on line 2"),
    (f"Z,1,LAMP,1,900,{DAY},{EAST}", "", "cells where the header has"),
]


@pytest.mark.parametrize(("row", "column", "why"), DIRTY)
def test_a_dirty_line_is_told_with_its_number_and_reason_and_its_order_is_left_out(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture, row: str, column: str, why: str
) -> None:
    write(tmp_path, [*CROSSED, row])

    found = run(tmp_path, ["shipments.csv"], monkeypatch, capsys)

    (refused,) = found.figures["refused"]
    assert (refused["line"], refused["column"]) == (4, column)
    assert why in refused["why"]
    assert found.code == 1
    assert found.figures["verifier"] == "accepted"
    assert found.figures["orders_audited"] == (1 if row.startswith("A,") else 2)
    assert why in found.page
    assert why in found.said


def test_what_the_rate_card_has_no_price_for_is_left_as_it_was(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    near = RATES.replace("3,5000,4,1000,12.00,0\n3,5000,4,5000,15.00,0\n", "")
    rows = [
        f"A,1,LAMP,1,900,{DAY},{EAST},{LOS_ANGELES},,no",
        f"B,1,ANVIL,1,9000,{DAY},{EAST},{NEW_YORK},,no",
        *(f"C,{line},S{line},1,10,{DAY},{EAST},{NEW_YORK},,no" for line in range(13)),
        f"D,1,LAMP,1,900,{DAY},{EAST},{NEW_YORK},,no",
    ]
    write(tmp_path, rows, near)

    found = run(tmp_path, ["shipments.csv"], monkeypatch, capsys).figures

    reasons = {one["order"].split(" ")[0]: one["why"] for one in found["set_aside"]}
    assert "beyond the last zone" in reasons["A"]
    assert "heavier than the rate card goes" in reasons["B"]
    assert "more than 12 lines" in reasons["C"]
    assert found["orders_audited"] == 1
    assert found["refused"] == []


@pytest.mark.parametrize(
    ("rates", "why"),
    [
        ("", "the file is empty"),
        ("zone,price\n1,5\n", "transit_days"),
        (RATES.replace("6.00", "4.00"), "charges less for a heavier parcel"),
        (RATES.replace("1,500,1,5000,6.00,0\n", ""), "as heavy as any other"),
        (RATES + "2,1500,2,5000,9.60,0\n", "two prices for one weight"),
        (RATES.replace("2,1500,2,1000", "2,1500,3,1000"), "one transit time"),
        (RATES.replace("8.00", "-8.00"), "is negative"),
        (RATES.replace("2,1500,2,1000", "2,400,2,1000"), "the same far edge"),
        (RATES.replace("3,5000", "3,500"), "far edge"),
    ],
)
def test_a_rate_card_that_contradicts_itself_is_not_used(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture, rates: str, why: str
) -> None:
    write(tmp_path, CROSSED, rates)

    found = run(tmp_path, ["shipments.csv"], monkeypatch, capsys)

    assert found.code == 2
    assert why in found.said
    assert not (tmp_path / "audit.html").exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the file is empty"),
        ("order_id,sku\nA,LAMP\n", "is missing from the header"),
        ("\n".join([DIRTY[0][0]]), "is not a known column"),
    ],
)
def test_a_file_of_which_nothing_can_be_used_is_told(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture, text: str, why: str
) -> None:
    write(tmp_path, [])
    (tmp_path / "shipments.csv").write_text(text)

    found = run(tmp_path, ["shipments.csv"], monkeypatch, capsys)

    assert found.code == 2
    assert why in found.said


def test_the_page_asks_for_nothing_from_elsewhere_and_believes_no_cell(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    bad = "<img src=x onerror=alert(1)>"
    rows = [row.replace("LAMP", bad) for row in CROSSED]
    write(tmp_path, [*rows, f"Z,1,{bad},{bad},900,{DAY},{EAST},{CHICAGO},,no"])

    found = run(tmp_path, ["shipments.csv"], monkeypatch, capsys)

    assert bad not in found.page
    assert "&lt;img src=x" in found.page
    assert not re.search(r"<script|<link|@import|url\(|https?:|src\s*=\s*[\"']", found.page)
    assert found.page.count("<main>") == 1


def test_units_that_need_not_stay_together_are_looked_at_one_by_one(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    rows = [
        f"A,1,LAMP,2,900,{DAY},{WEST},{CHICAGO},,no",
        f"B,1,LAMP,1,900,{DAY},{EAST},{LOS_ANGELES},,no",
        f"A,2,CHAIR,1,100,{DAY},{EAST},{CHICAGO},,no",
    ]
    write(tmp_path, rows)
    apart = run(tmp_path, ["shipments.csv"], monkeypatch, capsys).figures
    write(tmp_path, [rows[0].replace(",no", ",yes"), *rows[1:]])
    together = run(tmp_path, ["shipments.csv"], monkeypatch, capsys).figures

    assert apart["cases"][0]["saved"] > 0
    assert together["cases"][0]["saved"] == 0.0


@pytest.fixture(scope="module", params=["nearest", "priority"])
def sampled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp(request.param)
    write_sample(directory, 250, request.param, days=2)
    return directory


@pytest.fixture(scope="module")
def decided(sampled: Path) -> list[Decided]:
    """Both cases of the sample, the units exchanged within the week."""
    shipments, tariff = read(sampled)
    pieces, aside = pieces_of(shipments, tariff)
    assert not shipments.refused
    assert not aside
    asked = Asked(Pool.WEEK)
    stock, _ = read_stock(sampled / "stock.csv", shipments.places)
    cases = same_units(pieces, shipments, tariff, asked)
    cases.append(free(pieces, shipments, stock, tariff, asked))
    return [decide(case, 1, QUICK) for case in cases]


def test_a_retailer_that_ships_by_a_rule_is_told_saving_and_ceiling_and_they_are_true(
    sampled: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    arguments = ["shipments.csv", "--stock=stock.csv", "--pool=week"]

    found = run(sampled, arguments, monkeypatch, capsys)

    same, freely = found.figures["cases"]
    for case in (same, freely):
        assert 0 < case["saved"] <= case["most"] < case["cost"]
    assert freely["most"] >= same["most"]
    assert found.figures["verifier"] == "accepted"
    totals = check(found.proof)
    check_files(found.proof, *(sampled / f"{one}.csv" for one in ("shipments", "rates", "stock")))
    assert totals["same units"]["saved"] == round(same["saved"] * 10_000)
    assert sum(one["saved"] for one in found.figures["swaps"]) == pytest.approx(same["saved"])


def test_saving_and_ceiling_enclose_the_optimum_of_the_compact_programme(
    decided: list[Decided],
) -> None:
    for one in decided:
        best = optimum(one.case.batch, 20)

        assert one.plan.bound <= (best.found or one.plan.cost)
        assert best.proven <= one.plan.cost <= one.actual_cost


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("rule", ["nearest", "priority"])
def test_of_10_000_orders_most_of_what_could_have_been_saved_is_found(
    rule: str, tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    write_sample(tmp_path, 10_000, rule)

    files = ["shipments.csv", "--stock=stock.csv"]
    found = run(tmp_path, files, monkeypatch, capsys, is_quick=False)

    same, freely = found.figures["cases"]
    assert found.figures["verifier"] == "accepted"
    assert same["saved"] > 0
    assert freely["saved"] > 0.6 * freely["most"]


def test_every_swap_stands_alone(decided: list[Decided]) -> None:
    same = next(one for one in decided if one.case.kind is Kind.SAME_UNITS)
    batch, actual = same.case.batch, same.case.actual
    assert len(same.swaps) > 1
    assert sum(swap.saved for swap in same.swaps) == same.saved
    assert len({order for swap in same.swaps for order in swap.orders}) == sum(
        len(swap.orders) for swap in same.swaps
    )

    for swap in same.swaps:
        alone = np.where(np.isin(batch.order_of_atom, swap.orders), same.plan.location, actual)
        assert cost_of_plan(batch, actual) - cost_of_plan(batch, alone) == swap.saved > 0
        left = [Counter[tuple[int, int]]() for _ in range(2)]
        for units, location in zip(left, (actual, alone), strict=True):
            for item, place, number in zip(
                batch.atoms.item.tolist(),
                location.tolist(),
                batch.atoms.units.tolist(),
                strict=True,
            ):
                units[item, place] += number
        assert left[0] == left[1]


def test_a_sample_is_the_same_every_time_and_leaves_on_the_days_that_were_asked_for(
    tmp_path: Path,
) -> None:
    files = [write_sample(tmp_path / name, 40, "nearest", days=3) for name in ("one", "other")]

    for one, other in zip(*files, strict=True):
        assert one.read_text() == other.read_text()
    shipments, _ = read(tmp_path / "one")
    assert len({row.day for row in shipments.rows}) == 3

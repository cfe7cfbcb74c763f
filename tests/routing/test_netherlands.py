"""A network in another country and currency, from its files to its parcels, by public calls."""

import io
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import cast

import pytest
from rich.console import Console

from ordermesh.api.routing import v1
from ordermesh.cli.carriage.importing import Imported, import_carriage, print_imported
from ordermesh.cli.load import LoadOptions, load
from ordermesh.cli.loader import Loaded
from tests.dialects import on_sqlite
from tests.routing.conftest import INVENTORY, ROUTING
from tests.routing.freight import eur
from tests.routing.house import House, new_id
from tests.routing.postal import whereabouts

FILES = Path(__file__).parent / "netherlands"
CARRIAGE = FILES / "carriage"
QUIET = Console(file=io.StringIO())


async def loaded(house: House, **files: Path) -> Loaded:
    none = dict.fromkeys(("items", "network", "stock", "orders"))
    options = LoadOptions(
        sample_orders=None,
        currency_code="EUR",
        seed=1,
        regime="peak",
        **{**none, **files},
    )
    return await load(house.targets, options, QUIET)


async def imported(house: House, *paths: Path, dry_run: bool = False) -> Imported:
    return await import_carriage(house.targets, paths, dry_run=dry_run)


def policy() -> v1.Policy:
    return v1.Policy(
        policy_id="default",
        currency_code="EUR",
        zones=[
            v1.Zone(
                distance_km_max=20_000,
                freight_per_parcel=eur(20),
                freight_per_kilogram=eur(1),
                transit_days=5,
            )
        ],
        split_charge=eur(1.5),
        transit_day_cost=eur(0.2),
        late_day_cost=eur(6),
        carbon_price_per_kilogram=eur(0.1),
        unfilled_penalty=v1.UnfilledPenalty(fixed=eur(90), per_unit=eur(9), per_kilogram=eur(9)),
    )


@pytest.fixture
async def shop(migrated_url: Callable[[str], str]) -> AsyncIterator[House]:
    """Routing and inventory with the network, its goods and a policy in euros; no carriage yet."""
    house = House(migrated_url(INVENTORY), migrated_url(ROUTING))
    await house.start_inventory()
    await house.start_routing()
    done = await loaded(
        house,
        items=FILES / "items.csv",
        network=FILES / "network.csv",
        stock=FILES / "stock.csv",
    )
    assert not done.refused
    await house.mesh.policies.SavePolicy(v1.SavePolicyRequest(request_id=new_id(), policy=policy()))
    yield house
    await house.close()


async def kinds(house: House) -> dict[str, int]:
    """How much is in force of every kind."""
    found = {}
    for name, kind in v1.CarriageKind.items():
        if kind:
            page = await house.mesh.carriage.ListCarriage(v1.ListCarriageRequest(kind=kind))
            found[name.removeprefix("CARRIAGE_KIND_").lower()] = len(page.entries)
    return found


def written(directory: Path, **changes: tuple[str, str]) -> Path:
    """The files with a text replaced in some of them."""
    copy = directory / "carriage"
    shutil.copytree(CARRIAGE, copy)
    for name, (old, new) in changes.items():
        text = (copy / f"{name}.csv").read_text()
        assert old in text
        (copy / f"{name}.csv").write_text(text.replace(old, new))
    return copy


@on_sqlite
async def test_a_cell_that_cannot_be_read_is_named_and_nothing_is_taken(
    shop: House, tmp_path: Path
) -> None:
    broken = written(
        tmp_path,
        rates=("POST-2026,1,2000,5000,5.10", "POST-2026,1,2000,5000,five"),
        zones=("NL:88", "88"),
        transit=("1:930", "1:830"),
        lanes=("POST/STANDAARD;EUROWAY/ROAD", "POST"),
        postal_codes=("NL,3511,", "NL,1012 XX,"),
    )

    done = await imported(shop, broken)

    places = [(Path(one.file).name, one.line, one.column) for one in done.refused]
    assert places == [
        ("transit.csv", 2, "outcomes"),
        ("zones.csv", 3, "to"),
        ("rates.csv", 3, "price"),
        ("lanes.csv", 2, "services"),
        ("lanes.csv", 3, "services"),
        ("postal_codes.csv", 4, "postal_code"),
    ]
    assert set((await kinds(shop)).values()) == {0}
    out = Console(file=io.StringIO(), width=200)
    print_imported(done, out)
    assert "nothing was taken" in cast("io.StringIO", out.file).getvalue()


@on_sqlite
async def test_what_the_service_finds_is_named_with_the_line_it_came_from(
    shop: House, tmp_path: Path
) -> None:
    broken = written(
        tmp_path,
        rates=("POST-2026,1,2000,5000,5.10", "POST-2026,1,2500,5000,4.10"),
        lanes=("FIETS/TWEE-UUR", "FIETS/DRIE-UUR"),
        transit=("EUROWAY,ROAD,1,2,,2:850;3:150\n", ""),
    )

    for dry_run in (True, False):
        done = await imported(shop, broken, dry_run=dry_run)

        found = [(Path(one.file).name, one.line, one.value) for one in done.refused]
        assert found == [
            ("rates.csv", 3, "RATE_CARD_GAP"),
            ("rates.csv", 3, "RATE_FALLS_WITH_WEIGHT"),
            ("services.csv", 4, "TRANSIT_MISSING"),
            ("lanes.csv", 4, "UNKNOWN_CARRIAGE"),
            ("lanes.csv", 5, "UNKNOWN_CARRIAGE"),
        ]
        assert set((await kinds(shop)).values()) == {0}


@on_sqlite
async def test_a_file_of_another_name_is_refused(shop: House, tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("a\n")

    with pytest.raises(ValueError, match=r"prices.csv: a name ends with services, transit"):
        await imported(shop, tmp_path / "prices.csv")
    with pytest.raises(ValueError, match="There is no file whose name ends with"):
        await imported(shop, tmp_path)


@on_sqlite
async def test_a_dry_run_stores_nothing_and_importing_again_changes_nothing(shop: House) -> None:
    dry = await imported(shop, CARRIAGE, dry_run=True)
    assert (dry.changed, dry.refused, set((await kinds(shop)).values())) == (18, [], {0})

    first = await imported(shop, CARRIAGE)
    again = await imported(shop, CARRIAGE)

    assert (first.changed, again.changed) == (18, 0)
    assert first.postal_codes == {"NL": 5, "BE": 1, "JP": 2}
    assert await kinds(shop) == {
        "carrier": 3,
        "zone_table": 3,
        "rate_card": 3,
        "lane": 5,
        "transfer_lane": 0,
        "emission_factor": 2,
        "currency_rate": 2,
    }
    for code in ("100-0001", "1000001"):
        assert (await whereabouts(shop, "JP", code)).time_zone == "Asia/Tokyo"


async def test_orders_in_another_country_are_sourced_exactly_in_its_currency(
    shop: House,
) -> None:
    assert not (await imported(shop, CARRIAGE)).refused

    done = await loaded(shop, items=FILES / "items.csv", orders=FILES / "orders.csv")

    assert [one.why.split(":")[0].split(" ")[0] for one in done.refused] == ["UNKNOWN_DESTINATION"]
    found = {f"NL-{number}": await decision(shop, f"NL-{number}") for number in range(1, 6)}
    for one in found.values():
        assert one.outcome == v1.Outcome.OUTCOME_OPTIMAL
        assert one.cost == one.bound
        assert one.cost.currency_code == "EUR"
        assert not one.unfilled_lines
        assert one.carriage_revision > 0
        for shipment in one.plan.shipments:
            assert shipment.co2e_milligrams > 0
    assert taken(found["NL-1"]) == {("TILBURG", "POST/STANDAARD", "POST-2026/1/1")}
    # In town the bicycle is cheaper than the post with its fuel, and there within hours.
    assert taken(found["NL-2"]) == {("WINKEL-AMS", "FIETS/TWEE-UUR", "FIETS-2026/1/1")}
    assert {tariff for _, _, tariff in taken(found["NL-3"])} == {"POST-2026/1/2 +REMOTE_AREA"}
    assert taken(found["NL-4"]) == {("TILBURG", "POST/STANDAARD+HAZMAT", "POST-2026/1/1 +HAZMAT")}
    # A pillow of 36 l weighs 9 kg by its size: 11.00 and 4 kg at 1.20, 12.5 % fuel, 0.90 a dollar.
    assert taken(found["NL-5"]) == {
        ("ALMERE", "EUROWAY/ROAD", "EUROWAY-2026/1/1 USD/EUR@2020-01-01T00:00:00Z/1")
    }
    (parcel,) = found["NL-5"].plan.shipments[0].parcels
    assert parcel.billable_grams == 9_000
    freight = next(
        term for term in found["NL-5"].cost_terms if term.kind == v1.CostTerm.KIND_FREIGHT
    )
    assert freight.amount == eur(11 * 1.125 * 0.9 + 4 * 1.215)


async def decision(house: House, order_id: str) -> v1.Decision:
    order = await house.order(order_id)
    assert order.state == v1.Order.STATE_RELEASED
    reply = await house.mesh.sourcing.GetDecision(
        v1.GetDecisionRequest(decision_id=order.decision_ids[-1])
    )
    return reply.decision


def taken(decided: v1.Decision) -> set[tuple[str, str, str]]:
    """From where, by which service, by which prices."""
    return {
        (shipment.location_id, parcel.service_id, parcel.tariff_id)
        for shipment in decided.plan.shipments
        for parcel in shipment.parcels
    }

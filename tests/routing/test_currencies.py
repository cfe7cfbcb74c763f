"""Locations with costs in several currencies: a policy adds them up, at the rates of the day."""

from ordermesh.api.routing import v1
from tests.dialects import on_sqlite
from tests.routing.freight import eur, exchange, moment, put
from tests.routing.house import House, entry, line, new_id, refused
from tests.routing.requests import policy

PICK, LABOR = v1.CostTerm.Kind.KIND_PICK, v1.CostTerm.Kind.KIND_LABOR

IN_EURO = {"pick_fee": eur(2.0), "labor_cost_per_unit": eur(0.5)}


async def decided(house: House) -> v1.Decision:
    return (await house.submit(new_id(), line("1", "MUG", 3))).decision


def terms(decision: v1.Decision) -> dict[int, float]:
    assert {one.amount.currency_code for one in decision.cost_terms} == {"USD"}
    return {int(one.kind): one.amount.units + one.amount.nanos / 1e9 for one in decision.cost_terms}


async def test_a_location_in_a_currency_that_nobody_knows_is_refused(house: House) -> None:
    refusal = await refused(house.network(entry("NEAR", **IN_EURO)))

    assert (refusal.reason, refusal.metadata) == (
        "CURRENCY_MISMATCH",
        {"wanted": "USD", "given": "EUR"},
    )
    await put(house, exchange("EUR/USD", 1_100_000_000, effective_time=moment(2090)))
    assert (await refused(house.network(entry("NEAR", **IN_EURO)))).reason == "CURRENCY_MISMATCH"


async def test_costs_are_converted_at_the_rate_of_the_day_and_the_rate_is_named(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 9})
    await put(house, exchange("EUR/USD", 1_100_000_000))
    await house.network(entry("NEAR", **IN_EURO))

    first = await decided(house)
    await put(house, exchange("EUR/USD", 1_200_000_000))
    second = await decided(house)

    assert (terms(first)[PICK], terms(first)[LABOR]) == (2.2, 1.65)
    assert (terms(second)[PICK], terms(second)[LABOR]) == (2.4, 1.8)
    assert 0 < first.carriage_revision < second.carriage_revision
    kind = v1.CarriageKind.CARRIAGE_KIND_CURRENCY_RATE
    then = await house.mesh.carriage.ListCarriage(
        v1.ListCarriageRequest(kind=kind, revision=first.carriage_revision)
    )
    assert [one.currency_rate.billionths for one in then.entries] == [1_100_000_000]


async def test_a_location_whose_costs_are_dear_after_conversion_is_looked_at_when_a_policy_is_saved(
    house: House,
) -> None:
    await put(house, exchange("EUR/USD", 40_000_000_000))
    await house.network(entry("NEAR", **IN_EURO))

    refusal = await refused(house.mesh.policies.SavePolicy(policy()))

    assert refusal.reason == "UNFILLED_MUST_DOMINATE"
    assert refusal.metadata["locationId"] == "NEAR"


@on_sqlite
async def test_a_policy_in_a_currency_that_nobody_knows_is_refused(house: House) -> None:
    swiss = {
        field: eur(9, "CHF")
        for field in (
            "split_charge",
            "transit_day_cost",
            "late_day_cost",
            "carbon_price_per_kilogram",
        )
    }
    zones = [
        v1.Zone(
            distance_km_max=5000,
            freight_per_parcel=eur(5, "CHF"),
            freight_per_kilogram=eur(1, "CHF"),
            transit_days=2,
        )
    ]
    penalty = v1.UnfilledPenalty(
        fixed=eur(99, "CHF"), per_unit=eur(99, "CHF"), per_kilogram=eur(99, "CHF")
    )
    wanted = policy(currency_code="CHF", zones=zones, unfilled_penalty=penalty, **swiss)

    refusal = await refused(house.mesh.policies.SavePolicy(wanted))

    assert refusal.reason == "CURRENCY_MISMATCH"

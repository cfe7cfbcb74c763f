"""Prices: made from orders of before, paid by orders of now, which leave what is worth more."""

import json
from collections.abc import AsyncIterator, Callable
from decimal import Decimal

import pytest

from ordermesh.api.routing.v1 import (
    Capacity,
    CapacityUnit,
    CostTerm,
    ExplainDecisionRequest,
    ExportDecisionRequest,
    ReplayDecisionRequest,
    StockSuggestion,
)
from ordermesh.client import proof
from tests.dialects import on_sqlite
from tests.routing.conftest import INVENTORY, ROUTING
from tests.routing.house import (
    House,
    entry,
    item,
    line,
)
from tests.routing.pricing import (
    BUYERS,
    NOON,
    from_the_south,
    labor_prices,
    last_decision,
    renew,
    scarce_in_the_east,
    stock_prices,
    suggested,
)
from tests.routing.reoptimizing import amount, near
from tests.routing.requests import a_day
from tests.routing.test_network import ShiftedClock

KIND = CostTerm.Kind
TRANSFER = StockSuggestion.KIND_TRANSFER
REPLENISHMENT = StockSuggestion.KIND_REPLENISHMENT


async def test_an_order_leaves_the_last_units_to_those_who_will_need_them_more(
    house: House,
) -> None:
    await scarce_in_the_east(house)
    assert await from_the_south(house, "BEFORE") == "EAST"

    made = await renew(house)

    assert await from_the_south(house, "AFTER") == "NEAR"
    before, after = await last_decision(house, "BEFORE"), await last_decision(house, "AFTER")
    assert not before.HasField("prices")
    assert (after.prices.version, after.prices.strength_permille) == (made.version, 1_000)
    assert amount(after.prices.paid) == 0
    # What it leaves is still there for the neighbours, who pay the price too: they have no better.
    await house.submit("NEIGHBOUR", line("1", "MUG"), destination=near("EAST"))
    (work,) = await house.work("NEIGHBOUR")
    assert work.location_id == "EAST"
    paying = await last_decision(house, "NEIGHBOUR")
    terms = {term.kind: amount(term.amount) for term in paying.cost_terms}
    assert amount(paying.prices.paid) == terms[KIND.KIND_STOCK_PRICE] > 0
    assert sum(terms.values()) == amount(paying.cost)


async def test_a_decision_with_prices_is_made_again_explained_and_proven_from_its_record(
    house: House,
) -> None:
    await scarce_in_the_east(house)
    await renew(house)
    await from_the_south(house, "ORDER")
    decision = await last_decision(house, "ORDER")
    # Newer prices, and none of the old, change nothing about what was decided with them.
    await house.receive({"MUG at EAST": 500})
    await renew(house)

    again = await house.mesh.sourcing.ReplayDecision(
        ReplayDecisionRequest(decision_id=decision.decision_id)
    )
    why = await house.mesh.sourcing.ExplainDecision(
        ExplainDecisionRequest(decision_id=decision.decision_id, location_ids=["EAST"])
    )
    exported = await house.mesh.sourcing.ExportDecision(
        ExportDecisionRequest(decision_id=decision.decision_id)
    )
    under = await house.mesh.sourcing.ReplayDecision(
        ReplayDecisionRequest(decision_id=decision.decision_id, policy_id="default")
    )

    assert again.identical
    assert again.decision.prices == decision.prices
    (east,) = why.locations
    differences = {term.kind: amount(term.amount) for term in east.differences}
    assert differences[KIND.KIND_STOCK_PRICE] > 0 > differences[KIND.KIND_CARBON]
    record = json.loads(exported.record_json)
    proof.check(record)
    assert record["prices"]["version"] == decision.prices.version
    kinds = {
        one["kind"] for place in record["problem"]["candidates"] for one in place["adjustments"]
    }
    assert "STOCK_PRICE" in kinds
    # Under another policy its own prices count, as they counted then.
    assert under.decision.prices.version == decision.prices.version
    assert under.decision.plan.shipments[0].location_id == "NEAR"


async def test_what_stock_and_work_are_worth_is_read_by_people_the_dearest_first(
    house: House,
) -> None:
    await scarce_in_the_east(house, left=3)

    made = await renew(house)

    (mug,) = [one for one in await stock_prices(house, sku="MUG") if one.location_id == "EAST"]
    assert mug.units == 3
    assert amount(mug.price) > 0 < amount(mug.last_unit_worth)
    assert amount(mug.next_unit_worth) > 0 < mug.missing_permille
    prices = [amount(one.price) for one in await stock_prices(house)]
    assert prices == sorted(prices, reverse=True)
    assert await stock_prices(house, location_id="WEST") == []
    assert await labor_prices(house) == []
    assert (made.orders, made.days, made.baskets) == (BUYERS, 4, BUYERS)
    assert made.orders_ahead > 0
    assert made.accuracy.days > 0
    assert 0 <= made.accuracy.error < 1
    assert made.cause == "asked for"


@pytest.fixture
async def timed(migrated_url: Callable[[str], str]) -> AsyncIterator[tuple[House, ShiftedClock]]:
    """A house whose clock the test sets, from noon in Chicago on."""
    clock = ShiftedClock(NOON)
    opened = House(migrated_url(INVENTORY), migrated_url(ROUTING), clock)
    await opened.open()
    yield opened, clock
    await opened.close()


@on_sqlite
async def test_an_hour_of_work_is_worth_what_is_sent_in_it_where_it_is_short(
    timed: tuple[House, ShiftedClock],
) -> None:
    house, _ = timed
    await scarce_in_the_east(house, left=1, now=NOON, over_days=1)
    await house.network(entry("NEAR", priority=1, capacities=[a_day(1)]))

    await renew(house)

    # What EAST lacks NEAR would have to send, and cannot.
    (one,) = await labor_prices(house)
    assert (one.location_id, one.units) == ("NEAR", 1)
    assert amount(one.price) > 0
    # One unit a day is none in an hour.
    assert amount(one.hour_worth) == 0
    await house.network(
        entry(
            "NEAR",
            priority=1,
            capacities=[
                Capacity(
                    capacity_id="noon",
                    unit=CapacityUnit.CAPACITY_UNIT_UNITS,
                    limit=1,
                    start_minute=690,
                    end_minute=750,
                )
            ],
        )
    )
    await renew(house)
    (one,) = await labor_prices(house)
    assert amount(one.hour_worth) == amount(one.price) > 0


async def test_units_that_lie_idle_are_suggested_where_they_are_missing_else_they_are_bought(
    house: House,
) -> None:
    await scarce_in_the_east(house)
    await renew(house)

    (moved,) = await suggested(house)
    assert (moved.kind, moved.from_location_id, moved.to_location_id) == (TRANSFER, "NEAR", "EAST")
    assert moved.units > 0 < amount(moved.value)

    # Nothing is idle any more.
    for number in range(9):
        await house.submit(f"BULK{number}", line("1", "MUG", 11), destination=near("NEAR"))
    await renew(house)
    bought = await suggested(house, kind=REPLENISHMENT)
    assert [(one.sku, one.from_location_id) for one in bought] == [("MUG", "")]
    assert amount(bought[0].value) > amount(moved.value)
    assert await suggested(house, kind=TRANSFER) == []


async def test_without_orders_of_before_prices_are_none_and_orders_go_where_they_did(
    house: House,
) -> None:
    await house.stock({"MUG at EAST": 2, "MUG at NEAR": 100})

    made = await renew(house)

    assert (made.orders, made.orders_ahead, made.accuracy.days) == (0, 0, 0)
    assert await stock_prices(house) == []
    assert await suggested(house) == []
    assert await from_the_south(house, "ORDER") == "EAST"


async def test_prices_keep_nothing_from_who_would_get_nothing_otherwise(house: House) -> None:
    await scarce_in_the_east(house)
    await renew(house)
    await house.submit("ALL", line("1", "MUG", 100), destination=near("NEAR"))

    assert await from_the_south(house, "LAST") == "EAST"


async def test_orders_with_kits_and_wide_lines_are_laid_out_and_pay_prices(house: House) -> None:
    await house.items("CUP", "PLATE", item("SET", {"CUP": 2, "PLATE": 1}))
    await house.receive({"CUP at EAST": 30, "PLATE at EAST": 14, "CUP at NEAR": 170})
    await house.receive({"PLATE at NEAR": 90})
    for number in range(BUYERS):
        await house.submit(
            f"S{number}", line("1", "SET"), line("2", "CUP", 12), destination=near("NEAR")
        )

    made = await renew(house)
    await house.submit("SET", line("1", "SET"), destination=near("EAST"))

    assert made.baskets >= BUYERS
    prices = {(one.sku, one.location_id): amount(one.price) for one in await stock_prices(house)}
    paid = amount((await last_decision(house, "SET")).prices.paid)
    (work,) = await house.work("SET")
    place = work.location_id
    whole = 2 * prices.get(("CUP", place), 0) + prices.get(("PLATE", place), 0)
    # A unit of a kit pays the mean of its parts, rounded.
    assert abs(paid - whole) <= Decimal("0.0003")

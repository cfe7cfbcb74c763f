"""Renewing prices: by call and on schedule, what is refused, and what becomes of old ones."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, timedelta

import grpc
import pytest

from ordermesh.api.routing.v1 import (
    GetPriceSetRequest,
    ListPriceSetsRequest,
    ListStockPricesRequest,
    Promotion,
    RenewPricesRequest,
    SourcingLine,
    SourcingQuestion,
)
from ordermesh.kernel.errors import Unavailable
from ordermesh.routing.background.pricing import PricingProcess
from ordermesh.routing.domain.foresight.ahead import Ahead, Priced
from ordermesh.routing.operations.renewing import Schedule
from tests.dialects import on_sqlite
from tests.eventually import eventually
from tests.routing.conftest import INVENTORY, ROUTING
from tests.routing.house import (
    House,
    PricingInThread,
    entry,
    line,
    new_id,
    refused,
)
from tests.routing.pricing import (
    BUYERS,
    NOON,
    from_the_south,
    last_decision,
    price_set,
    renew,
    scarce_in_the_east,
    since,
    stock_prices,
)
from tests.routing.reoptimizing import amount, near
from tests.routing.test_network import ShiftedClock


async def test_a_retry_is_told_the_same_version_and_makes_no_other(house: House) -> None:
    await scarce_in_the_east(house)
    request = RenewPricesRequest(request_id=new_id(), seed=1, cause="goods have come")

    first = await house.mesh.prices.RenewPrices(request, timeout=60)
    again = await house.mesh.prices.RenewPrices(request, timeout=60)
    request.cause = "none"
    other = await refused(house.mesh.prices.RenewPrices(request, timeout=60))

    assert first == again
    assert first.price_set.cause == "goods have come"
    assert other.reason == "REQUEST_ID_REUSED"
    sets = await house.mesh.prices.ListPriceSets(ListPriceSetsRequest())
    assert [one.version for one in sets.price_sets] == [first.price_set.version]


async def test_a_renewal_that_cannot_be_meant_is_refused_and_changes_nothing(house: House) -> None:
    ended = Promotion(sku="MUG", demand_permille=2_000, end_time=since(1))
    ahead = Promotion(sku="MUG", demand_permille=2_000, end_time=since(-1))

    async def refusal(**fields: object) -> tuple[str, set[str]]:
        request = RenewPricesRequest(**{"request_id": new_id(), **fields})  # type: ignore[arg-type]
        told = await refused(house.mesh.prices.RenewPrices(request))
        assert told.code is grpc.StatusCode.INVALID_ARGUMENT
        return told.reason, set(told.violations)

    assert await refusal(promotions=[ended]) == ("FIELD_VIOLATION", {"promotions[0].end_time"})
    assert (await refusal(promotions=[ahead, ahead]))[0] == "DUPLICATE_ENTRY"
    assert await refusal(baskets_max=5_001) == ("FIELD_VIOLATION", {"baskets_max"})
    assert await refusal(horizon=timedelta(minutes=59)) == ("FIELD_VIOLATION", {"horizon"})
    assert await refusal(fresh_duration=timedelta(days=8)) == (
        "FIELD_VIOLATION",
        {"fresh_duration"},
    )
    assert await refusal(solve_duration=timedelta(0)) == ("FIELD_VIOLATION", {"solve_duration"})
    assert await refusal(request_id="x") == ("FIELD_VIOLATION", {"request_id"})
    assert await refusal(seed=-1) == ("FIELD_VIOLATION", {"seed"})
    missing = await refused(house.mesh.prices.GetPriceSet(GetPriceSetRequest()))
    assert (missing.reason, missing.metadata["version"]) == ("PRICES_NOT_FOUND", "0")
    other = await refused(house.mesh.prices.ListStockPrices(ListStockPricesRequest(version=7)))
    assert (other.reason, other.metadata["version"]) == ("PRICES_NOT_FOUND", "7")


class _Away:
    """A solver that has stopped."""

    async def __call__(self, ahead: Ahead, seed: int, seconds: float) -> Priced:
        raise Unavailable("The solver has stopped.", service="solver", retry_after=0.1)


async def test_when_the_solver_or_the_ledger_is_away_the_prices_of_before_stay(
    house: House,
) -> None:
    await scarce_in_the_east(house)
    made = await renew(house)

    await house.stop_routing()
    house.pricing = _Away()
    await house.start_routing()
    with pytest.raises(grpc.aio.AioRpcError) as solver:
        await renew(house)
    await house.stop_inventory()
    with pytest.raises(grpc.aio.AioRpcError) as ledger:
        await renew(house)
    await house.start_inventory()

    assert solver.value.code() is ledger.value.code() is grpc.StatusCode.UNAVAILABLE
    assert (await price_set(house)).version == made.version
    assert await from_the_south(house, "ORDER") == "NEAR"


async def test_pages_go_on_in_the_version_they_began_with_whatever_comes_newer(
    house: House,
) -> None:
    await scarce_in_the_east(house)
    await house.stock({"LAMP at EAST": BUYERS, "LAMP at NEAR": 50})
    for number in range(BUYERS):
        await house.submit(f"L{number}", line("1", "LAMP"), destination=near("EAST"))
    first = await renew(house)
    request = ListStockPricesRequest(page_size=1)
    page = await house.mesh.prices.ListStockPrices(request)
    assert page.next_page_token

    await house.receive({"MUG at EAST": 900, "LAMP at EAST": 900})
    second = await renew(house)
    request.page_token = page.next_page_token
    rest = await house.mesh.prices.ListStockPrices(request)

    found = {(one.sku, one.location_id) for one in (*page.stock_prices, *rest.stock_prices)}
    assert found == {
        (one.sku, one.location_id) for one in await stock_prices(house, version=first.version)
    }
    assert len(found) == 2
    assert await stock_prices(house) == []
    sets = await house.mesh.prices.ListPriceSets(ListPriceSetsRequest(page_size=1))
    assert [one.version for one in sets.price_sets] == [second.version]
    older = await house.mesh.prices.ListPriceSets(
        ListPriceSetsRequest(page_size=1, page_token=sets.next_page_token)
    )
    assert [one.version for one in older.price_sets] == [first.version]
    request.location_id = "EAST"
    assert (await refused(house.mesh.prices.ListStockPrices(request))).reason == (
        "INVALID_PAGE_TOKEN"
    )


async def test_prices_are_renewed_on_schedule_and_when_the_network_changes(house: House) -> None:
    await scarce_in_the_east(house)
    await house.stop_routing()
    house.schedule = Schedule(seconds=3_600, look_seconds=0.05)
    await house.start_routing()

    await eventually(lambda: _has_been_made_for(house, "there were none"))
    await house.network(entry("WEST", priority=9))
    await eventually(lambda: _has_been_made_for(house, "changed: network"))

    newest = await price_set(house)
    # A schedule that is slower than prices usually fade is not left without any in between.
    assert newest.fade_time.ToDatetime() - newest.create_time.ToDatetime() == timedelta(hours=1)


async def _has_been_made_for(house: House, cause: str) -> bool:
    sets = await house.mesh.prices.ListPriceSets(ListPriceSetsRequest(page_size=1))
    return any(one.cause == cause for one in sets.price_sets)


async def test_a_promotion_raises_what_stock_is_worth_and_is_kept_until_it_ends(
    house: House,
) -> None:
    await scarce_in_the_east(house, left=40)
    usual = await renew(house)
    assert await stock_prices(house) == []

    promotion = Promotion(sku="MUG", demand_permille=6_000, end_time=since(-30))
    raised = await renew(house, promotions=[promotion])
    again = await renew(house)

    assert raised.orders_ahead > 4 * usual.orders_ahead
    assert [(one.sku, one.demand_permille) for one in again.promotions] == [("MUG", 6_000)]
    (mug,) = await stock_prices(house)
    assert (mug.sku, mug.location_id) == ("MUG", "EAST")
    assert amount(mug.price) > 0


async def test_the_process_finds_what_is_found_without_one(house: House) -> None:
    await scarce_in_the_east(house)
    seen: list[Ahead] = []

    class Watched(PricingInThread):
        async def __call__(self, ahead: Ahead, seed: int, seconds: float) -> Priced:
            seen.append(ahead)
            return await super().__call__(ahead, seed, seconds)

    await house.stop_routing()
    house.pricing = Watched()
    await house.start_routing()
    await renew(house)

    (ahead,) = seen
    here = await PricingInThread()(ahead, 1, 60)
    there = await PricingProcess()(ahead, 1, 60)
    for name in ("prices", "last", "next", "missing", "missing_value", "idle"):
        assert getattr(here, name).tolist() == getattr(there, name).tolist()
    assert (here.futures, here.is_cut) == (there.futures, there.is_cut)


@pytest.fixture
async def timed(migrated_url: Callable[[str], str]) -> AsyncIterator[tuple[House, ShiftedClock]]:
    """A house whose clock the test sets, from noon in Chicago on."""
    clock = ShiftedClock(NOON)
    opened = House(migrated_url(INVENTORY), migrated_url(ROUTING), clock)
    await opened.open()
    yield opened, clock
    await opened.close()


@on_sqlite
async def test_prices_that_nobody_renews_fade_and_are_gone_after_four_times_as_long(
    timed: tuple[House, ShiftedClock],
) -> None:
    house, clock = timed
    await scarce_in_the_east(house)
    made = await renew(house, fresh_duration=timedelta(minutes=10))
    start = made.create_time.ToDatetime(tzinfo=UTC)

    strengths = []
    for minutes in (0, 9, 25, 39):
        clock.set(start + timedelta(minutes=minutes))
        strengths.append((await price_set(house)).strength_permille)
    clock.set(start + timedelta(minutes=41))
    gone = await price_set(house)

    assert strengths[:2] == [1_000, 1_000]
    assert 450 <= strengths[2] <= 500
    assert 0 < strengths[3] <= 34
    assert gone.strength_permille == 0
    assert await from_the_south(house, "ORDER") == "EAST"
    assert not (await last_decision(house, "ORDER")).HasField("prices")


async def test_a_question_is_answered_with_the_prices_in_force(house: House) -> None:
    await scarce_in_the_east(house)
    made = await renew(house)
    question = SourcingQuestion(
        lines=[SourcingLine(line_id="1", sku="MUG", quantity=1)], destination=near("SOUTH")
    )

    decision = (await house.source("", question=question)).decision

    assert decision.prices.version == made.version
    assert [one.location_id for one in decision.plan.shipments] == ["NEAR"]

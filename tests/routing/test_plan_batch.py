"""A platform brings its orders and stock, and has them decided together."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.latlng_pb2 import LatLng
from google.type.money_pb2 import Money

from ordermesh.api.routing.v1 import (
    BatchItem,
    BatchLine,
    BatchLocation,
    BatchOrder,
    BatchOrderPlan,
    BatchRefusal,
    BatchShortage,
    BatchStock,
    BatchTerms,
    PlanBatchRequest,
    PlanBatchResponse,
    UnfilledPenalty,
    Zone,
)
from ordermesh.client.errors import Refusal, refusal_of
from ordermesh.routing.background.solving import BatchProcesses
from ordermesh.routing.domain.batch.intake import LIMITS
from ordermesh.routing.operations.batches import PlanBatch
from tests.routing.house import House, usd

HERE, THERE = LatLng(latitude=41.9, longitude=-87.6), LatLng(latitude=39.7, longitude=-105.0)
FRIDAY = Timestamp(seconds=int(datetime(2026, 1, 9, tzinfo=UTC).timestamp()))
THURSDAY = Timestamp(seconds=int(datetime(2026, 1, 8, tzinfo=UTC).timestamp()))


def terms(**fields: object) -> BatchTerms:
    wanted: dict[str, object] = {
        "currency_code": "USD",
        "zones": [zone(500, 6, 2), zone(5_000, 9, 4)],
        "split_charge": usd(2),
        "transit_day_cost": usd(0.3),
        "late_day_cost": usd(3.5),
        "carbon_price_per_kilogram": usd(0.1),
        "unfilled_penalty": UnfilledPenalty(fixed=usd(18), per_unit=usd(6), per_kilogram=usd(2)),
        "moves_per_order": 5,
        **fields,
    }
    return BatchTerms(**wanted)  # type: ignore[arg-type]  # fields by name


def zone(kilometres: int, parcel: float, days: int) -> Zone:
    return Zone(
        distance_km_max=kilometres,
        freight_per_parcel=usd(parcel),
        freight_per_kilogram=usd(0.5),
        transit_days=days,
    )


def location(name: str, position: LatLng = HERE, **fields: int) -> BatchLocation:
    return BatchLocation(
        location_id=name,
        position=position,
        pick_fee=usd(1.4),
        labor_cost_per_unit=usd(0.45),
        handling_days=1,
        **fields,
    )


def order(name: str, *lines: BatchLine, **fields: object) -> BatchOrder:
    wanted: dict[str, object] = {
        "order_id": name,
        "position": HERE,
        "lines": lines or [line("1", "MUG")],
        **fields,
    }
    return BatchOrder(**wanted)  # type: ignore[arg-type]  # fields by name


def line(name: str, sku: str, quantity: int = 1, **fields: bool) -> BatchLine:
    return BatchLine(line_id=name, sku=sku, quantity=quantity, **fields)


def stock(sku: str, place: str, units: int) -> BatchStock:
    return BatchStock(sku=sku, location_id=place, units=units)


def batch(**fields: object) -> PlanBatchRequest:
    """A mug at A, and whoever wants it."""
    wanted: dict[str, object] = {
        "terms": terms(),
        "locations": [location("A"), location("B", THERE)],
        "items": [BatchItem(sku="MUG", weight_grams=400), BatchItem(sku="PEN", weight_grams=20)],
        "stock": [stock("MUG", "A", 1)],
        "orders": [order("O1")],
        **fields,
    }
    return PlanBatchRequest(**wanted)  # type: ignore[arg-type]  # fields by name


async def planned(*pieces: PlanBatchRequest) -> list[PlanBatchResponse]:
    async def given() -> AsyncIterator[PlanBatchRequest]:
        for piece in pieces:
            yield piece

    return [answer async for answer in PlanBatch(BatchProcesses())(given())]


def by_order(answers: Sequence[PlanBatchResponse]) -> dict[str, BatchOrderPlan]:
    return {plan.order_id: plan for answer in answers for plan in answer.plans.orders}


def sources(plan: BatchOrderPlan) -> list[tuple[str, str, int]]:
    return [
        (shipment.location_id, one.sku, one.quantity)
        for shipment in plan.shipments
        for one in shipment.lines
    ]


def amount(money: Money) -> float:
    return money.units + money.nanos / 1e9


async def test_src_27_scarce_stock_follows_the_promise() -> None:
    """One unit: it is sent for whom it must be sent first, then for the higher priority."""
    first = await planned(
        batch(
            terms=terms(scarce_follows_promise=True),
            orders=[
                order("O1", ship_by_time=FRIDAY),
                # Far away: by costs alone the unit would go to the other.
                order("O2", ship_by_time=THURSDAY, position=THERE),
            ],
        )
    )
    second = await planned(
        batch(
            terms=terms(scarce_follows_promise=True),
            orders=[
                order("O1", ship_by_time=FRIDAY),
                order("O2", ship_by_time=FRIDAY, priority=1, position=THERE),
            ],
        )
    )

    for answers in (first, second):
        plans = by_order(answers)
        assert sources(plans["O2"]) == [("A", "MUG", 1)]
        assert sources(plans["O1"]) == []
        assert plans["O1"].unfilled[0].shortage == BatchShortage.BATCH_SHORTAGE_GIVEN_TO_OTHERS
        outcome = answers[-1].outcome
        assert (outcome.planned_orders, outcome.unfilled_units) == (2, 1)
        # Nobody waits for a less urgent one, so nothing is charged for it.
        assert outcome.cost == outcome.objective
        assert amount(outcome.bound) <= amount(outcome.objective)


async def test_where_costs_decide_scarce_stock_goes_where_it_costs_least() -> None:
    orders = [order("FAR", position=THERE), order("NEAR")]

    answers = await planned(batch(orders=orders, terms=terms(moves_per_order=20)))

    assert sources(by_order(answers)["NEAR"]) == [("A", "MUG", 1)]
    assert answers[-1].outcome.cost == answers[-1].outcome.objective
    assert amount(answers[-1].outcome.objective) < amount(answers[-1].outcome.one_by_one_objective)


async def test_an_order_that_cannot_be_decided_is_returned_and_the_rest_is_planned() -> None:
    answers = await planned(
        batch(
            orders=[
                order("WIDE", line("1", "PEN", 13)),
                order("STRANGE", line("1", "CUP")),
                order("TWICE", line("1", "MUG"), line("1", "PEN")),
                order("GOOD"),
                order("NOWHERE", line("1", "PEN"), line("2", "MUG", 5, keep_together=True)),
            ]
        )
    )

    plans = by_order(answers)
    assert list(plans) == ["WIDE", "STRANGE", "TWICE", "GOOD", "NOWHERE"]
    assert plans["WIDE"].refusal == BatchRefusal.BATCH_REFUSAL_TOO_WIDE
    assert plans["STRANGE"].refusal == BatchRefusal.BATCH_REFUSAL_UNKNOWN_SKU
    assert plans["TWICE"].refusal == BatchRefusal.BATCH_REFUSAL_LINE_TWICE
    assert sources(plans["GOOD"]) == [("A", "MUG", 1)]
    assert [(one.line_id, one.quantity, one.shortage) for one in plans["NOWHERE"].unfilled] == [
        ("1", 1, BatchShortage.BATCH_SHORTAGE_NOWHERE),
        ("2", 5, BatchShortage.BATCH_SHORTAGE_NOWHERE),
    ]
    outcome = answers[-1].outcome
    assert (outcome.planned_orders, outcome.refused_orders) == (2, 3)


async def test_where_all_are_refused_the_answer_says_so() -> None:
    answers = await planned(batch(orders=[order("STRANGE", line("1", "CUP"))]))

    assert by_order(answers)["STRANGE"].refusal == BatchRefusal.BATCH_REFUSAL_UNKNOWN_SKU
    assert answers[-1].outcome.refused_orders == 1
    assert answers[-1].outcome.planned_orders == 0


async def test_progress_is_told_and_the_outcome_closes_the_answer() -> None:
    answers = await planned(
        batch(orders=[order(f"O{number}") for number in range(30)]),
        PlanBatchRequest(stock=[stock("MUG", "B", 20)]),
        PlanBatchRequest(orders=[order(f"P{number}") for number in range(5)]),
    )

    kinds = [answer.WhichOneof("part") for answer in answers]
    assert kinds[0] == "progress"
    assert kinds[-2:] == ["plans", "outcome"]
    assert answers[0].progress.stage == "MYOPIC"
    assert len(by_order(answers)) == 35
    assert answers[-1].outcome.unfilled_units == 35 - 21
    assert not answers[-1].outcome.cut_off


async def test_a_batch_that_runs_out_of_time_has_a_plan() -> None:
    orders = [order(f"O{number}", line("1", "MUG"), line("2", "PEN")) for number in range(300)]

    answers = await planned(
        batch(
            orders=orders,
            stock=[stock(sku, place, 100) for sku in ("MUG", "PEN") for place in "AB"],
            terms=terms(moves_per_order=1_000, time_limit=Duration(nanos=200_000_000)),
        )
    )

    assert answers[-1].outcome.cut_off
    assert len(by_order(answers)) == 300
    assert sum(len(plan.shipments) for plan in by_order(answers).values()) >= 200


async def test_whoever_hangs_up_stops_the_solver() -> None:
    solving = BatchProcesses()

    orders = [order(f"O{number}", line("1", "MUG"), line("2", "PEN")) for number in range(400)]
    lying = [stock(sku, place, 100) for sku in ("MUG", "PEN") for place in "AB"]
    is_solving = asyncio.Event()

    async def given() -> AsyncIterator[PlanBatchRequest]:
        yield batch(orders=orders, stock=lying, terms=terms(moves_per_order=1_000))

    async def ask() -> None:
        async for _ in PlanBatch(solving)(given()):
            is_solving.set()

    asking = asyncio.create_task(ask())
    await is_solving.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    # There is room again: the process is gone.
    async with asyncio.timeout(30), solving.open():
        pass


WRONG: dict[str, tuple[Callable[[], list[PlanBatchRequest]], str, dict[str, str]]] = {
    "no orders": (lambda: [batch(orders=[])], "BATCH_EMPTY", {"field": "orders"}),
    "no locations": (
        lambda: [batch(locations=[], stock=[])],
        "BATCH_EMPTY",
        {"field": "locations"},
    ),
    "nothing at all": (list, "FIELD_VIOLATION", {"field": "terms"}),
    "terms not first": (
        lambda: [PlanBatchRequest(orders=[order("O1")]), batch()],
        "FIELD_VIOLATION",
        {"rule": "terms.first"},
    ),
    "terms twice": (
        lambda: [batch(), PlanBatchRequest(terms=terms())],
        "FIELD_VIOLATION",
        {"rule": "terms.once"},
    ),
    "an order twice": (
        lambda: [batch(), PlanBatchRequest(orders=[order("O1")])],
        "DUPLICATE_ENTRY",
        {"field": "orders", "value": "O1"},
    ),
    "an item twice": (
        lambda: [batch(), PlanBatchRequest(items=[BatchItem(sku="MUG", weight_grams=1)])],
        "DUPLICATE_ENTRY",
        {"field": "items", "value": "MUG"},
    ),
    "stock twice": (
        lambda: [batch(stock=[stock("MUG", "A", 1), stock("MUG", "A", 2)])],
        "DUPLICATE_ENTRY",
        {"field": "stock"},
    ),
    "stock nowhere": (
        lambda: [batch(stock=[stock("MUG", "C", 1)])],
        "UNKNOWN_LOCATION",
        {"locationId": "C"},
    ),
    "stock of nothing": (
        lambda: [batch(stock=[stock("CUP", "A", 1)])],
        "UNKNOWN_SKU",
        {"sku": "CUP"},
    ),
    "another currency": (
        lambda: [batch(terms=terms(split_charge=Money(currency_code="EUR", units=2)))],
        "CURRENCY_MISMATCH",
        {"wanted": "USD", "given": "EUR"},
    ),
    "another currency at a location": (
        lambda: [
            batch(),
            PlanBatchRequest(
                locations=[
                    BatchLocation(
                        location_id="C",
                        position=HERE,
                        pick_fee=Money(currency_code="EUR", units=1),
                        labor_cost_per_unit=usd(1),
                    )
                ]
            ),
        ],
        "CURRENCY_MISMATCH",
        {"given": "EUR"},
    ),
    "zones that fall back": (
        lambda: [batch(terms=terms(zones=[zone(500, 6, 2), zone(500, 9, 4)]))],
        "ZONES_NOT_ASCENDING",
        {"zone": "2"},
    ),
    "amounts beyond counting": (
        lambda: [
            batch(
                terms=terms(
                    unfilled_penalty=UnfilledPenalty(
                        fixed=Money(currency_code="USD", units=200_000_000_000),
                        per_unit=usd(6),
                        per_kilogram=usd(2),
                    )
                )
            )
        ],
        "FIELD_VIOLATION",
        {"rule": "amounts"},
    ),
    "more locations than can be": (
        lambda: [
            batch(locations=[], stock=[]),
            *(
                PlanBatchRequest(
                    locations=[location(f"L{place}") for place in range(start, start + 500)]
                )
                for start in range(0, LIMITS["locations"] + 500, 500)
            ),
        ],
        "BATCH_TOO_LARGE",
        {"field": "locations", "limit": str(LIMITS["locations"])},
    ),
}


async def test_what_cannot_be_decided_is_refused_with_its_reason(house: House) -> None:
    found = {name: await _refused(house, pieces()) for name, (pieces, _, _) in WRONG.items()}

    for name, (_, reason, facts) in WRONG.items():
        assert found[name].reason == reason, name
        assert facts.items() <= found[name].metadata.items(), name


async def test_a_field_beyond_its_limit_is_named(house: House) -> None:
    refusal = await _refused(house, [batch(orders=[order("O1", line("1", "MUG", 0))])])

    assert refusal.reason == "FIELD_VIOLATION"


async def test_a_batch_is_planned_over_grpc(house: House) -> None:
    answers = [
        answer async for answer in house.mesh.sourcing.PlanBatch(iter([batch(), *_more(600)]))
    ]

    plans = by_order(answers)
    assert len(plans) == 601
    assert answers[-1].outcome.planned_orders == 601
    assert sum(len(plan.shipments) for plan in plans.values()) == 401


def _more(orders: int) -> list[PlanBatchRequest]:
    """More orders than one message of the answer takes, and mugs for two of three."""
    return [
        PlanBatchRequest(stock=[stock("MUG", "B", 2 * orders // 3)]),
        PlanBatchRequest(orders=[order(f"P{number}") for number in range(orders // 2)]),
        PlanBatchRequest(orders=[order(f"Q{number}") for number in range(orders // 2)]),
    ]


async def _refused(house: House, pieces: Sequence[PlanBatchRequest]) -> Refusal:
    try:
        async for _ in house.mesh.sourcing.PlanBatch(iter(pieces)):
            pass
    except grpc.aio.AioRpcError as error:
        refusal = refusal_of(error)
        assert refusal is not None
        return refusal
    raise AssertionError("it was not refused")

"""Whether solving a batch delays what else the same pod answers.

Routing is a process of its own, as it is run. Empty calls begin at their time: alone, while a batch
is solved, and alone again, turn by turn. Each turn is compared with itself, and the turn in the
middle counts, so that what else a busy machine does meets both and decides nothing. Beside that, an
event loop that has a batch solved tells how long it was busy between two beats, in time of the
processor: that is what the pod itself delays, however busy the machine is.
"""

import asyncio
import itertools
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from google.protobuf.duration_pb2 import Duration
from google.type.latlng_pb2 import LatLng
from google.type.money_pb2 import Money

from ordermesh.api.routing.v1 import (
    BatchItem,
    BatchLine,
    BatchLocation,
    BatchOrder,
    BatchStock,
    BatchTerms,
    GetNetworkOverviewRequest,
    PlanBatchRequest,
    UnfilledPenalty,
    Zone,
)
from ordermesh.client.mesh import Mesh
from ordermesh.routing.background.solving import BatchProcesses
from ordermesh.routing.bench.compared import say
from ordermesh.routing.bench.over_grpc import started_mesh
from ordermesh.routing.domain.rates import declared_costs
from ordermesh.routing.operations.batches import PlanBatch
from ordermesh.sample.nouns import Retailer
from ordermesh.sample.retailer import build_retailer

PER_SECOND, BEAT_SECONDS = 50.0, 0.002
ROUNDS = 5
PIECE = 500

_EVERYWHERE = 20_100

One = TypeVar("One")


async def measure_beside(orders: int, seconds: float, seed: int) -> dict[str, float]:
    """Measure in ``ROUNDS`` turns of so many seconds, print it, and give the figures by name."""
    pieces = list(pieces_of(build_retailer(seed, orders, "peak", kits=0), seconds))
    alone: list[float] = []
    beside: list[float] = []
    turns: list[tuple[float, float]] = []
    solved = 0
    with tempfile.TemporaryDirectory() as directory:
        async with started_mesh(Path(directory)) as running:
            await _paced(running.mesh, 2.0)
            for _ in range(ROUNDS):
                without = await _paced(running.mesh, seconds / 2)
                planning = asyncio.create_task(_plan(running.mesh, pieces))
                during: list[float] = []
                while not planning.done():
                    during += await _paced(running.mesh, 1.0)
                solved += await planning
                without += await _paced(running.mesh, seconds / 2)
                turns.append((_percentile(without, 0.99), _percentile(during, 0.99)))
                alone += without
                beside += during
    found = {
        "calls_alone": float(len(alone)),
        "calls_beside": float(len(beside)),
        "p99_alone_ms": _percentile(alone, 0.99),
        "p99_beside_ms": _percentile(beside, 0.99),
        "p50_alone_ms": _percentile(alone, 0.5),
        "p50_beside_ms": _percentile(beside, 0.5),
        "plans": float(solved),
    }
    busy = await _busy(pieces)
    found["loop_busy_max_ms"] = round(max(busy) * 1_000, 2)
    found["p99_delay_ms"] = round(statistics.median(two - one for one, two in turns), 1)
    found["p99_delay_least_ms"] = round(min(two - one for one, two in turns), 1)
    found["p99_delay_most_ms"] = round(max(two - one for one, two in turns), 1)
    found["p99_ratio"] = round(statistics.median(two / max(one, 0.1) for one, two in turns), 2)
    say(
        f"Empty calls, {PER_SECOND:.0f} a second: p99 {found['p99_alone_ms']:.1f} ms alone,"
        f" (p50 {found['p50_alone_ms']:.1f}), {found['p99_beside_ms']:.1f} ms"
        f" (p50 {found['p50_beside_ms']:.1f}) while batches of {orders:,} orders are read,"
        f" solved and told. Turn by turn p99 is {found['p99_delay_ms']:+.1f} ms"
        f" ({found['p99_delay_least_ms']:+.1f} to {found['p99_delay_most_ms']:+.1f}), which is"
        f" {found['p99_ratio']:.2f} times as long, over {len(beside):,} calls and"
        f" {solved} batches. Between two of {len(busy):,} beats the loop was busy for at most"
        f" {found['loop_busy_max_ms']:.2f} ms of the processor."
    )
    return found


def pieces_of(retailer: Retailer, seconds: float) -> Iterator[PlanBatchRequest]:
    """The retailer's orders and stock as requests."""
    yield PlanBatchRequest(terms=_terms(seconds))
    network = {one.location_id: one for one in retailer.network}
    yield PlanBatchRequest(
        locations=[
            BatchLocation(
                location_id=one.location_id,
                position=LatLng(latitude=one.latitude, longitude=one.longitude),
                pick_fee=_money(network[one.location_id].pick_fee),
                labor_cost_per_unit=_money(network[one.location_id].labor_cost_per_unit),
                handling_days=network[one.location_id].handling_days,
                capacity_units=network[one.location_id].capacity_units_per_day,
            )
            for one in retailer.locations
        ]
    )
    items = (BatchItem(sku=one.sku, weight_grams=one.weight_grams) for one in retailer.items)
    for some in _pieces(items):
        yield PlanBatchRequest(items=some)
    stock = (
        BatchStock(sku=one.sku, location_id=one.location_id, units=one.quantity)
        for one in retailer.stock
    )
    for rows in _pieces(stock):
        yield PlanBatchRequest(stock=rows)
    orders = (
        BatchOrder(
            order_id=one.order_id,
            position=LatLng(
                latitude=one.destination.latitude or 0.0, longitude=one.destination.longitude or 0.0
            ),
            promise_days=one.promise_days,
            lines=[
                BatchLine(
                    line_id=line.line_id, sku=line.sku, quantity=line.quantity, keep_together=True
                )
                for line in one.lines
            ],
        )
        for one in retailer.orders
    )
    for wanted in _pieces(orders):
        yield PlanBatchRequest(orders=wanted)


async def _plan(mesh: Mesh, pieces: Sequence[PlanBatchRequest]) -> int:
    """Have a batch planned; gives 1 when a plan came to its end."""

    async def given() -> AsyncIterator[PlanBatchRequest]:
        for piece in pieces:
            yield piece

    outcomes = 0
    async for answer in mesh.sourcing.PlanBatch(given()):
        outcomes += answer.HasField("outcome")
    return outcomes


async def _busy(pieces: Sequence[PlanBatchRequest]) -> list[float]:
    """Seconds of the processor that the loop used between beats while a batch was solved."""
    taken: list[float] = []

    async def beat() -> None:
        last = time.thread_time()
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            now = time.thread_time()
            taken.append(now - last)
            last = now

    async def given() -> AsyncIterator[PlanBatchRequest]:
        for piece in pieces:
            yield piece

    beating = asyncio.create_task(beat())
    async for _ in PlanBatch(BatchProcesses())(given()):
        pass
    beating.cancel()
    return taken


async def _paced(mesh: Mesh, seconds: float) -> list[float]:
    """Empty calls that begin at their time; how long after it each was answered, in seconds."""

    async def call(due: float) -> float:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        await mesh.network.GetNetworkOverview(GetNetworkOverviewRequest())
        return time.monotonic() - due

    start, count = time.monotonic(), max(1, int(PER_SECOND * seconds))
    return await asyncio.gather(*(call(start + one / PER_SECOND) for one in range(count)))


def _percentile(taken: Sequence[float], share: float) -> float:
    ranked = sorted(taken)
    return round(ranked[min(len(ranked) - 1, int(share * len(ranked)))] * 1_000, 1)


def _pieces(some: Iterator[One]) -> Iterator[list[One]]:
    while piece := list(itertools.islice(some, PIECE)):
        yield piece


def _terms(seconds: float) -> BatchTerms:
    costs = declared_costs()
    return BatchTerms(
        currency_code=costs.currency,
        zones=[
            Zone(
                distance_km_max=one.distance_km_max or _EVERYWHERE,
                freight_per_parcel=_money(one.freight_per_parcel),
                freight_per_kilogram=_money(one.freight_per_kg),
                transit_days=one.transit_days,
            )
            for one in costs.zones
        ],
        split_charge=_money(costs.split_charge),
        transit_day_cost=_money(costs.transit_day),
        late_day_cost=_money(costs.late_day),
        carbon_price_per_kilogram=_money(costs.carbon.price_per_kg),
        unfilled_penalty=UnfilledPenalty(
            fixed=_money(costs.unfilled_per_atom),
            per_unit=_money(costs.unfilled_per_unit),
            per_kilogram=_money(costs.unfilled_per_kg),
        ),
        time_limit=Duration(seconds=int(seconds)),
        seed=1,
    )


def _money(amount: int) -> Money:
    units, rest = divmod(amount, 10_000)
    return Money(currency_code="USD", units=units, nanos=rest * 100_000)

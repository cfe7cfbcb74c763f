"""The named baselines, asked the same questions in the same order on a stock of their own."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from ordermesh.api.routing.v1 import SourceOrderRequest, SourcingMethod
from ordermesh.cli import messages
from ordermesh.cli.calls import patiently
from ordermesh.cli.comparison import Residual, Tally, stocked_skus
from ordermesh.client import Mesh
from ordermesh.kernel.ids import RandomIds
from ordermesh.sample.nouns import Item, Order

NEAREST = "nearest single"

METHODS: Mapping[str, SourcingMethod.ValueType] = {
    NEAREST: SourcingMethod.SOURCING_METHOD_NEAREST_SINGLE,
    "fewest splits": SourcingMethod.SOURCING_METHOD_FEWEST_SPLITS,
    "fixed priority list": SourcingMethod.SOURCING_METHOD_FIXED_PRIORITY_LIST,
}
"""The baselines by the names under which they are reported; the first one is always finished."""


async def simulate(
    mesh: Mesh,
    orders: Sequence[Order],
    items: Mapping[str, Item],
    start: Residual,
    *,
    seconds: Callable[[], float],
    advanced: Callable[[str], None] = lambda _: None,
) -> dict[str, Tally]:
    """What each baseline would have done, with one order after the other as they arrived.

    Each uses up its own copy of ``start``. The first one is always finished; then ``seconds`` says
    how long the others may still take, and one that is not finished by then is left out.
    ``advanced`` is told of every answer.
    """
    ids = RandomIds()
    tallies = {name: Tally() for name in METHODS}

    async def run(name: str) -> None:
        left = start.copy()
        for order in orders:
            skus = stocked_skus(order, items)
            stock = left.matrix(skus)
            request = SourceOrderRequest(
                request_id=str(ids.new()),
                question=messages.question(order),
                validate_only=True,
                method=METHODS[name],
                supplied_stock=stock,
                supplied_capacity=left.capacities(stock.location_ids),
            )
            decision = (await patiently(mesh.sourcing.SourceOrder, request)).decision
            left.take(decision)
            tallies[name].add(decision, order.promise_days)
            advanced(name)

    # All at once: routing answers one while the next question of another is written.
    running = {name: asyncio.create_task(run(name)) for name in METHODS}
    try:
        await running[NEAREST]
        await asyncio.wait(running.values(), timeout=seconds())
    finally:
        for task in running.values():
            task.cancel()
        results = await asyncio.gather(*running.values(), return_exceptions=True)
    for failure in results:
        if isinstance(failure, Exception):
            raise failure
    return {name: tally for name, tally in tallies.items() if tally.orders == len(orders)}

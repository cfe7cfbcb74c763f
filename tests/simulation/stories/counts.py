"""Counts: somebody looks how many there are of an item, and another whether that is so."""

from collections.abc import Callable
from typing import Any

from ordermesh.api.inventory.v1 import (
    AcceptCountRequest,
    AdjustmentReason,
    Balance,
    CancelCountRequest,
    CountedStock,
    ListBalancesRequest,
    OpenCountRequest,
    PlanCountRequest,
    SubmitCountRequest,
)
from ordermesh.api.order.v1 import StockKey
from tests.simulation.asking import Caller

COUNTERS = ("Kim", "Lee")
"""Who count, one after the other; what they find is believed by somebody else."""


async def count(
    caller: Caller,
    place: StockKey,
    found: Callable[[Balance], int],
    *,
    rest_seconds: float = 0.0,
    believed: float = 1.0,
) -> None:
    """Count a shelf: it has as many units as is ``found`` where the books say something.

    Other things happen there for ``rest_seconds``. ``believed`` is the share of the counts that are
    not called off when they differ from the books.
    """
    counts, count_id = caller.mesh.counts, caller.new_id()
    common: dict[str, Any] = {"count_id": count_id}
    plan = PlanCountRequest(
        request_id=caller.new_id(),
        location_id=place.location_id,
        skus=[place.sku],
        threshold_units=caller.random.choice((0, 2)),
        **common,
    )
    if not (await caller.ask(counts.PlanCount, plan)).is_ok:
        return
    opening = OpenCountRequest(request_id=caller.new_id(), **common)
    if not (await caller.ask(counts.OpenCount, opening)).is_ok:
        return
    counted = CountedStock(sku=place.sku, counted=found(await _said(caller, place)))
    if rest_seconds:
        await caller.rest(rest_seconds)
    for counter in COUNTERS:
        submit = SubmitCountRequest(
            request_id=caller.new_id(), counter=counter, lines=[counted], **common
        )
        await caller.ask(counts.SubmitCount, submit)
    if caller.likely(believed):
        accept = AcceptCountRequest(
            request_id=caller.new_id(),
            accepted_by="Robin",
            reason=AdjustmentReason.ADJUSTMENT_REASON_COUNTED,
            **common,
        )
        await caller.ask(counts.AcceptCount, accept)
    else:
        cancel = CancelCountRequest(request_id=caller.new_id(), **common)
        await caller.ask(counts.CancelCount, cancel)


async def _said(caller: Caller, place: StockKey) -> Balance:
    """What the books say of a shelf; nothing when they do not answer."""
    asked = ListBalancesRequest(skus=[place.sku], location_ids=[place.location_id])
    found = await caller.read(caller.mesh.ledger.ListBalances, asked)
    return found.balances[0] if found is not None and found.balances else Balance()

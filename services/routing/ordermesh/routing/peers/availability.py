"""What the ledger can promise, read for several decisions at once.

Decisions that are made at one moment ask about different items at nearly the same locations, and a
call costs more than what it asks. So those that wait while a question is under way become the next
question. None of them is answered with what was read before it asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from opentelemetry import context as tracing

from ordermesh.api.inventory.v1 import GetAvailabilityRequest
from ordermesh.api.order.v1 import StockMatrix
from ordermesh.client.mesh import Mesh
from ordermesh.routing.ports.stock import Availability
from ordermesh.runtime.answers import expected
from ordermesh.runtime.batching import LATER, Batcher, Later, Waiting
from ordermesh.runtime.carrier import linked_span
from ordermesh.runtime.telemetry import Attributes

INVENTORY = "inventory"
CALL_SECONDS = 2.0
SKUS_MAX = 250
"""How many items one question about availability names, so that its cells stay within limits."""

AT_ONCE = 2
"""So many questions are under way at most: while one is answered the next is put together."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one decision asks, and the trace that it belongs to."""

    skus: Sequence[str]
    channel: str
    trace: tracing.Context = field(default_factory=tracing.get_current)


class AvailabilityReader:
    """Asks inventory what can be promised now."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        self._batcher: Batcher[_Asked, Availability] = Batcher(
            self._together,
            weigh=lambda asked: len(asked.skus),
            weight_max=SKUS_MAX,
            workers=AT_ONCE,
        )

    async def read(
        self, skus: Sequence[str], excluding: Sequence[UUID], channel: str
    ) -> Availability:
        """What can be promised, at one revision; of very many items, at the lowest of several.

        A question that takes reservations out is its own: it is nobody else's.
        """
        if not skus:
            return Availability({}, 0)
        if not excluding and len(skus) <= SKUS_MAX:
            return await self._batcher.ask(_Asked(skus, channel))
        units: dict[str, dict[str, int]] = {}
        revisions = []
        for start in range(0, len(skus), SKUS_MAX):
            part = skus[start : start + SKUS_MAX]
            matrix, revision = await self._ask(part, excluding, channel)
            for location_id, held in _held(matrix, part, _rows(matrix)).items():
                units.setdefault(location_id, {}).update(held)
            revisions.append(revision)
        return Availability(units, min(revisions))

    async def _together(
        self, waiting: Sequence[Waiting[_Asked, Availability]]
    ) -> Sequence[Availability | Exception | Later]:
        """Those that ask for the first one's channel; the others wait for the next question."""
        wanted = [one for one in waiting if one.is_wanted] or list(waiting[:1])
        channel = wanted[0].item.channel
        answered = {id(one) for one in wanted if one.item.channel == channel}
        now = [one.item for one in wanted if id(one) in answered]
        skus = list(dict.fromkeys(sku for asked in now for sku in asked.skus))
        traces = [asked.trace for asked in now]
        with linked_span("read availability", traces, {Attributes.WORK_ROWS: len(now)}):
            matrix, revision = await self._ask(skus, (), channel)
        rows = _rows(matrix)
        return [
            Availability(_held(matrix, one.item.skus, rows), revision)
            if id(one) in answered
            else LATER
            for one in waiting
        ]

    async def _ask(
        self, skus: Sequence[str], excluding: Sequence[UUID], channel: str
    ) -> tuple[StockMatrix, int]:
        reply = await expected(
            INVENTORY,
            self._mesh.availability.GetAvailability(
                GetAvailabilityRequest(
                    skus=skus,
                    excluding_reservation_ids=[str(one) for one in excluding],
                    channel=channel,
                ),
                timeout=CALL_SECONDS,
            ),
        )
        return reply.available, reply.revision


def _rows(matrix: StockMatrix) -> Mapping[str, Sequence[int]]:
    """What can be promised of each item, in the order of the locations."""
    wide, cells = len(matrix.location_ids), list(matrix.quantities)
    return {sku: cells[row * wide : (row + 1) * wide] for row, sku in enumerate(matrix.skus)}


def _held(
    matrix: StockMatrix, skus: Sequence[str], rows: Mapping[str, Sequence[int]]
) -> dict[str, dict[str, int]]:
    """By location what it can promise of these items, where it can of any of them."""
    columns = zip(*(rows[sku] for sku in skus), strict=True)
    return {
        location_id: dict(zip(skus, column, strict=True))
        for location_id, column in zip(matrix.location_ids, columns, strict=True)
        if any(column)
    }

"""Planning a batch that a platform brings: it is checked here, and solved elsewhere."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from ordermesh.api.routing import v1
from ordermesh.routing.ports.batches import BatchSolving
from ordermesh.routing.wire.batch import Reading, seconds_of


class PlanBatch:
    """Checks the pieces of a request, passes them on, and the answer back."""

    def __init__(self, solving: BatchSolving) -> None:
        self._solving = solving

    async def __call__(
        self, pieces: AsyncIterator[v1.PlanBatchRequest]
    ) -> AsyncGenerator[v1.PlanBatchResponse, None]:
        """Plan it; raises what the contract lists."""
        reading, given = Reading(), list[bytes]()
        async for piece in pieces:
            reading.add(piece)
            given.append(piece.SerializeToString())
        reading.intake.check()
        seconds = 0.0 if reading.terms is None else seconds_of(reading.terms)
        # Only now: whoever sends slowly keeps nobody else from being solved.
        async with self._solving.open() as session:
            for raw in given:
                await session.send(raw)
            given.clear()
            async with aclosing(session.solve(seconds)) as answers:
                async for raw, is_cut in answers:
                    answer = v1.PlanBatchResponse.FromString(raw)
                    if is_cut:
                        answer.outcome.cut_off = True
                    yield answer

"""Deciding open orders again, by call and on schedule."""

import asyncio
import logging
from uuid import UUID

from ordermesh.api.routing import v1
from ordermesh.kernel.clock import Clock
from ordermesh.kernel.ids import derived_id
from ordermesh.routing.operations.patience import patience
from ordermesh.routing.operations.reoptimized import Run
from ordermesh.routing.operations.reoptimizing import ReoptimizeOrders
from ordermesh.routing.wire.reoptimization import outcome_message
from ordermesh.runtime.call import current_call
from ordermesh.runtime.carrier import place_of
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.doorbell import Doorbell
from ordermesh.runtime.idempotency import Mutations
from ordermesh.runtime.leadership import Leadership

ORDERS, SECONDS = 1_000, 5.0
"""How many orders are looked at, and how long the solver may take, where nothing is said."""

LEADER = "reoptimizing"
IDLE_SECONDS = 3_600.0

_log = logging.getLogger(__name__)


class Reoptimizing:
    """Answers calls."""

    def __init__(self, mutations: Mutations, clock: Clock, reoptimize: ReoptimizeOrders) -> None:
        self._mutations = mutations
        self._clock = clock
        self._reoptimize = reoptimize

    async def __call__(self, request: v1.ReoptimizeOrdersRequest) -> v1.ReoptimizeOrdersResponse:
        """Look, move, tell; the same id again is told the same, and moves nothing."""
        known = await self._mutations.known(request, v1.ReoptimizeOrdersResponse)
        if known is not None:
            return known
        seconds = SECONDS
        if request.HasField("solve_duration"):
            seconds = request.solve_duration.ToTimedelta().total_seconds()
        run = Run(
            orders_max=request.orders_max or ORDERS,
            seconds=seconds,
            seed=request.seed,
            is_rehearsal=request.validate_only,
        )
        # Asked again before there was an answer, it is the same run, and moves nothing twice.
        run_id = derived_id(
            "reoptimization", current_call().identity.name, UUID(request.request_id)
        )
        outcome = await self._reoptimize.run(run, patience(self._clock).answer_by, run_id)
        answer = outcome_message(outcome)

        async def told(tx: Transaction) -> v1.ReoptimizeOrdersResponse:  # noqa: ARG001 - an operation has a transaction
            return answer

        return await self._mutations.run(request, v1.ReoptimizeOrdersResponse, told)


class ReoptimizingOnSchedule:
    """Decides open orders again every so many seconds, in one of the replicas; 0: never."""

    def __init__(
        self, database: Database, clock: Clock, reoptimize: ReoptimizeOrders, seconds: float
    ) -> None:
        self._leadership = Leadership(database, clock, LEADER)
        self._clock = clock
        self._reoptimize = reoptimize
        self._seconds = seconds
        self._doorbell = Doorbell()
        self._is_stopping = False
        self._has_ended = asyncio.Event()
        self._has_ended.set()

    async def run(self) -> None:
        """Go on until stopped."""
        self._has_ended.clear()
        try:
            while not self._is_stopping:
                await self._doorbell.wait(self._clock, self._seconds or IDLE_SECONDS)
                if self._seconds and not self._is_stopping:
                    await self._once()
        finally:
            self._has_ended.set()

    async def stop(self) -> None:
        """End ``run``; returns when it has ended."""
        self._is_stopping = True
        self._doorbell.ring()
        await self._has_ended.wait()
        if self._seconds:
            await self._leadership.resign()

    async def _once(self) -> None:
        try:
            if await self._leadership.hold():
                # Each looks at the orders after those of the last one, whoever made that, and from
                # the oldest again after the newest.
                after = await self._reoptimize.position()
                outcome = await self._reoptimize.run(
                    Run(ORDERS, SECONDS, after=after, is_scheduled=True)
                )
                fates = {fate.value: number for fate, number in outcome.by_fate.items()}
                _log.info("orders were decided again", extra={"fates": fates})
        except Exception as error:  # noqa: BLE001 - the next time is another chance
            _log.warning("orders were not decided again", extra={"failure": place_of(error)})

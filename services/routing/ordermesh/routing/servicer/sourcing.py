"""Sourcing."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc

from ordermesh.api.routing import v1
from ordermesh.routing.operations.batches import PlanBatch
from ordermesh.routing.operations.explaining import Explaining
from ordermesh.routing.operations.reoptimization import Reoptimizing
from ordermesh.routing.operations.returning import FindReturnLocation
from ordermesh.routing.operations.sourcing import SourceOrder
from ordermesh.routing.queries.reading import Reading
from ordermesh.runtime.database import Database

Context = grpc.aio.ServicerContext[Any, Any]


class SourcingServicer(v1.SourcingServiceServicer):
    """Decides where orders are fulfilled."""

    def __init__(
        self,
        database: Database,
        source: SourceOrder,
        find_return_location: FindReturnLocation,
        reading: Reading,
        explaining: Explaining,
        plan_batch: PlanBatch,
        reoptimize: Reoptimizing,
    ) -> None:
        self._database = database
        self._source = source
        self._find_return_location = find_return_location
        self._reading = reading
        self._explaining = explaining
        self._plan_batch = plan_batch
        self._reoptimize = reoptimize

    async def SourceOrder(
        self,
        request: v1.SourceOrderRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.SourceOrderResponse:
        """Decide, or answer what would be decided."""
        return await self._source(request)

    async def FindReturnLocation(
        self,
        request: v1.FindReturnLocationRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.FindReturnLocationResponse:
        """Answer where goods go back to."""
        return await self._find_return_location(request)

    async def GetDecision(
        self,
        request: v1.GetDecisionRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.GetDecisionResponse:
        """Read one."""
        return await self._database.read(lambda tx: self._reading.decision(tx, request))

    async def ListDecisions(
        self,
        request: v1.ListDecisionsRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ListDecisionsResponse:
        """Read those of an order."""
        return await self._database.read(lambda tx: self._reading.decisions(tx, request))

    async def ExportDecision(
        self,
        request: v1.ExportDecisionRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ExportDecisionResponse:
        """Give the record for strangers to check."""
        return await self._explaining.export(request)

    async def ExplainDecision(
        self,
        request: v1.ExplainDecisionRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ExplainDecisionResponse:
        """Say why."""
        return await self._explaining.explain(request)

    async def AskCounterfactual(
        self,
        request: v1.AskCounterfactualRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.AskCounterfactualResponse:
        """Decide as if some things had been otherwise."""
        return await self._explaining.ask(request)

    async def FindAlternatives(
        self,
        request: v1.FindAlternativesRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.FindAlternativesResponse:
        """Give other plans."""
        return await self._explaining.alternatives(request)

    async def ReplayDecision(
        self,
        request: v1.ReplayDecisionRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ReplayDecisionResponse:
        """Decide again from the record."""
        return await self._explaining.replay(request)

    async def PlanBatch(
        self,
        request_iterator: AsyncIterator[v1.PlanBatchRequest],
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> AsyncIterator[v1.PlanBatchResponse]:
        """Decide many together."""
        async with aclosing(self._plan_batch(request_iterator)) as answers:
            async for answer in answers:
                yield answer

    async def ReoptimizeOrders(
        self,
        request: v1.ReoptimizeOrdersRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ReoptimizeOrdersResponse:
        """Decide open orders again, together."""
        return await self._reoptimize(request)

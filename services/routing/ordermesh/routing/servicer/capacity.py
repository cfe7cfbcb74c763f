"""Capacity of locations."""

from typing import Any

import grpc

from ordermesh.api.routing import v1
from ordermesh.routing.operations.capacity import HoldingCapacity
from ordermesh.runtime.database import Database

Context = grpc.aio.ServicerContext[Any, Any]


class CapacityServicer(v1.CapacityServiceServicer):
    """Holds what locations can do."""

    def __init__(self, database: Database, holding: HoldingCapacity) -> None:
        self._database = database
        self._holding = holding

    async def HoldCapacity(
        self,
        request: v1.HoldCapacityRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.HoldCapacityResponse:
        """Take of every window, or of none."""
        return await self._holding.hold(request)

    async def ConfirmCapacity(
        self,
        request: v1.ConfirmCapacityRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ConfirmCapacityResponse:
        """It is used."""
        return await self._holding.confirm(request)

    async def ReleaseCapacity(
        self,
        request: v1.ReleaseCapacityRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ReleaseCapacityResponse:
        """It is not needed."""
        return await self._holding.release(request)

    async def GetCapacity(
        self,
        request: v1.GetCapacityRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.GetCapacityResponse:
        """Say what is left."""
        return await self._database.read(lambda tx: self._holding.left(tx, request))

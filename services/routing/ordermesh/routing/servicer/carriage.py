"""Carriage."""

from typing import Any

import grpc

from ordermesh.api.routing import v1
from ordermesh.routing.operations.carriage import PutCarriage
from ordermesh.routing.queries.carriage import CarriageReading
from ordermesh.runtime.database import Database

Context = grpc.aio.ServicerContext[Any, Any]


class CarriageServicer(v1.CarriageServiceServicer):
    """Keeps carriage."""

    def __init__(self, database: Database, put: PutCarriage, reading: CarriageReading) -> None:
        self._database = database
        self._put = put
        self._reading = reading

    async def PutCarriage(
        self,
        request: v1.PutCarriageRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.PutCarriageResponse:
        """Make the next versions, or say what is wrong."""
        return await self._put(request)

    async def GetCarriage(
        self,
        request: v1.GetCarriageRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.GetCarriageResponse:
        """Read one version."""
        return await self._database.read(lambda tx: self._reading.entry(tx, request))

    async def ListCarriage(
        self,
        request: v1.ListCarriageRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ListCarriageResponse:
        """Read what is in force."""
        return await self._database.read(lambda tx: self._reading.entries(tx, request))

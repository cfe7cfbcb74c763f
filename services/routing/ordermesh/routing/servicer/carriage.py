"""Carriage and postal codes."""

from typing import Any

import grpc

from ordermesh.api.routing import v1
from ordermesh.routing.operations.carriage import PutCarriage
from ordermesh.routing.operations.obstacles import FindObstacles
from ordermesh.routing.operations.postal_codes import FindPostalCode, ImportPostalCodes
from ordermesh.routing.queries.carriage import CarriageReading
from ordermesh.runtime.database import Database

Context = grpc.aio.ServicerContext[Any, Any]


class CarriageServicer(v1.CarriageServiceServicer):
    """Keeps carriage."""

    def __init__(
        self,
        database: Database,
        put: PutCarriage,
        imports: ImportPostalCodes,
        find: FindPostalCode,
        obstacles: FindObstacles,
        reading: CarriageReading,
    ) -> None:
        self._database = database
        self._put = put
        self._imports = imports
        self._find = find
        self._obstacles = obstacles
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

    async def BeginPostalCodeImport(
        self,
        request: v1.BeginPostalCodeImportRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.BeginPostalCodeImportResponse:
        """Open a table, or say how far it has come."""
        return await self._imports.begin(request)

    async def PutPostalCodes(
        self,
        request: v1.PutPostalCodesRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.PutPostalCodesResponse:
        """Add the next part."""
        return await self._imports.put(request)

    async def CompletePostalCodeImport(
        self,
        request: v1.CompletePostalCodeImportRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.CompletePostalCodeImportResponse:
        """Take a table into use."""
        return await self._imports.complete(request)

    async def ListPostalCodeTables(
        self,
        request: v1.ListPostalCodeTablesRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ListPostalCodeTablesResponse:
        """Read all tables."""
        return await self._database.read(lambda tx: self._reading.postal_code_tables(tx, request))

    async def FindPostalCode(
        self,
        request: v1.FindPostalCodeRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.FindPostalCodeResponse:
        """Say where a postal code is."""
        return await self._find(request)

    async def FindObstacles(
        self,
        request: v1.FindObstaclesRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.FindObstaclesResponse:
        """Say which orders cannot be promised, and why."""
        return await self._obstacles(request)

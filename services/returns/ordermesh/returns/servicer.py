"""The return service as callers see it."""

import grpc

from ordermesh.api.returns.v1 import (
    GetReturnableRequest,
    GetReturnableResponse,
    ReturnServiceServicer,
)
from ordermesh.returns.ports import ShipmentStore
from ordermesh.returns.queries import get_returnable
from ordermesh.returns.wire import returnable_message
from ordermesh.runtime.database import Database


class ReturnServicer(ReturnServiceServicer):
    """Tells what can come back."""

    def __init__(self, database: Database, store: ShipmentStore) -> None:
        self._database = database
        self._store = store

    async def GetReturnable(
        self,
        request: GetReturnableRequest,
        _context: grpc.aio.ServicerContext[GetReturnableRequest, GetReturnableResponse],
    ) -> GetReturnableResponse:
        """Read what of an order has left, by line and item."""
        lines = await self._database.read(
            lambda tx: get_returnable(self._store, tx, request.order_id)
        )
        return returnable_message(lines)

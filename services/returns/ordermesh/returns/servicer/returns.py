"""ReturnService and DispositionService."""

from typing import Any

import grpc

from ordermesh.api.returns import v1
from ordermesh.returns.operations.authorize import AuthorizeReturn
from ordermesh.returns.operations.receive import ReceiveReturn
from ordermesh.returns.queries import Reading
from ordermesh.runtime.database import Database

Context = grpc.aio.ServicerContext[Any, Any]


class ReturnServicer(v1.ReturnServiceServicer):
    """Takes goods back."""

    def __init__(
        self,
        database: Database,
        authorize: AuthorizeReturn,
        receive: ReceiveReturn,
        reading: Reading,
    ) -> None:
        self._database = database
        self._authorize = authorize
        self._receive = receive
        self._reading = reading

    async def GetReturnable(
        self,
        request: v1.GetReturnableRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.GetReturnableResponse:
        """Read what of an order can come back."""
        return await self._database.read(lambda tx: self._reading.returnable(tx, request))

    async def AuthorizeReturn(
        self,
        request: v1.AuthorizeReturnRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.AuthorizeReturnResponse:
        """Allow goods to come back."""
        return await self._authorize(request)

    async def ReceiveReturn(
        self,
        request: v1.ReceiveReturnRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ReceiveReturnResponse:
        """Record what arrived."""
        return await self._receive.receive(request)

    async def CancelReturn(
        self,
        request: v1.CancelReturnRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.CancelReturnResponse:
        """Withdraw a return."""
        return await self._authorize.cancel(request)

    async def GetReturn(
        self,
        request: v1.GetReturnRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.GetReturnResponse:
        """Read one."""
        return await self._database.read(lambda tx: self._reading.one(tx, request))

    async def ListReturns(
        self,
        request: v1.ListReturnsRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ListReturnsResponse:
        """Read those that match."""
        return await self._database.read(lambda tx: self._reading.page(tx, request))


class DispositionServicer(v1.DispositionServiceServicer):
    """Decides later about what was kept apart."""

    def __init__(self, receive: ReceiveReturn) -> None:
        self._receive = receive

    async def DisposeReturned(
        self,
        request: v1.DisposeReturnedRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.DisposeReturnedResponse:
        """Decide what becomes of units that are kept apart."""
        return await self._receive.dispose(request)

"""Help for the tests of callers: services that they fake, and refusals as real ones give them.

::

    class Orders(OrderServiceServicer):
        async def GetOrder(self, request, context):
            await refuse(context, "ORDER_NOT_FOUND", code=grpc.StatusCode.NOT_FOUND)

    async with serving({"routing": [(add_OrderServiceServicer_to_server, Orders())]}) as mesh:
        await shop_under_test(mesh)

Where a stub itself is faked, ``refused`` makes the error that it would raise.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import grpc
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from ordermesh.client.errors import DETAILS_KEY
from ordermesh.client.mesh import Mesh

__all__ = ["refuse", "refused", "serving"]

Registration = tuple[Callable[[Any, grpc.aio.Server], None], object]
"""A generated ``add_...Servicer_to_server`` and what implements the service."""


@asynccontextmanager
async def serving(
    services: Mapping[str, Sequence[Registration]], *, caller: str = ""
) -> AsyncIterator[Mesh]:
    """A mesh of fakes: each service on a free port of loopback, for as long as the block lasts."""
    servers: list[grpc.aio.Server] = []
    targets: dict[str, str] = {}
    try:
        for name, registrations in services.items():
            server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
            for register, implementation in registrations:
                register(implementation, server)
            targets[name] = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
            await server.start()
            servers.append(server)
        async with Mesh(targets, caller=caller) as mesh:
            yield mesh
    finally:
        for server in servers:
            await server.stop(None)


def refused(
    reason: str,
    *,
    code: grpc.StatusCode = grpc.StatusCode.FAILED_PRECONDITION,
    service: str = "routing",
    sentence: str = "Refused in a test.",
    metadata: Mapping[str, str] | None = None,
    violations: Mapping[str, str] | None = None,
    retry_after: float | None = None,
) -> grpc.aio.AioRpcError:
    """The error that a stub raises when ``service`` refuses; ``refusal_of`` reads it back.

    ``violations`` are fields and words, ``retry_after`` is in seconds.
    """
    status = _status(reason, code, service, sentence, metadata, violations, retry_after)
    return grpc.aio.AioRpcError(
        code,
        initial_metadata=grpc.aio.Metadata(),
        trailing_metadata=grpc.aio.Metadata((DETAILS_KEY, status.SerializeToString())),
        details=sentence,
    )


async def refuse(
    context: grpc.aio.ServicerContext[Any, Any],
    reason: str,
    *,
    code: grpc.StatusCode = grpc.StatusCode.FAILED_PRECONDITION,
    service: str = "routing",
    sentence: str = "Refused in a test.",
    metadata: Mapping[str, str] | None = None,
    violations: Mapping[str, str] | None = None,
    retry_after: float | None = None,
) -> NoReturn:
    """Refuse a call from inside of a fake service; the arguments are those of ``refused``."""
    status = _status(reason, code, service, sentence, metadata, violations, retry_after)
    await context.abort(code, sentence, ((DETAILS_KEY, status.SerializeToString()),))


def _status(
    reason: str,
    code: grpc.StatusCode,
    service: str,
    sentence: str,
    metadata: Mapping[str, str] | None,
    violations: Mapping[str, str] | None,
    retry_after: float | None,
) -> Status:
    details: list[Message] = [
        ErrorInfo(reason=reason, domain=f"{service}.ordermesh", metadata=metadata or {})
    ]
    if violations:
        fields = [
            BadRequest.FieldViolation(field=field, description=description)
            for field, description in violations.items()
        ]
        details.append(BadRequest(field_violations=fields))
    if retry_after is not None:
        retry = RetryInfo()
        retry.retry_delay.FromNanoseconds(round(retry_after * 1_000_000_000))
        details.append(retry)
    status = Status(code=code.value[0], message=sentence)
    for detail in details:
        status.details.add().Pack(detail)
    return status

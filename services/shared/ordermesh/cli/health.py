"""Whether a service says that it serves."""

import asyncio

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]  # no types

_PAUSE_SECONDS = 0.05


async def state_of(target: str, *, service: str = "", seconds: float = 2.0) -> str:
    """What the service at this address says of itself: `SERVING`, `NOT_SERVING`, or `AWAY`."""
    async with grpc.aio.insecure_channel(target) as channel:
        try:
            reply = await health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service=service),
                timeout=seconds,
                wait_for_ready=True,
            )
        except grpc.aio.AioRpcError as error:
            away = error.code() in (
                grpc.StatusCode.UNAVAILABLE,
                grpc.StatusCode.DEADLINE_EXCEEDED,
            )
            return "AWAY" if away else error.code().name
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(reply.status))


async def is_serving(target: str, *, seconds: float) -> bool:
    """Wait until the service serves; False when it does not within so many seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while (left := deadline - loop.time()) > 0:
        if await state_of(target, seconds=min(2.0, left)) == "SERVING":
            return True
        await asyncio.sleep(_PAUSE_SECONDS)
    return False

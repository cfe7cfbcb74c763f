"""Recording: an interceptor of the client that writes down what was asked and what was told."""

import time
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from ordermesh.client.errors import refusal_of
from ordermesh.client.history.calls import Call, Fields, History, Outcome

_REFUSED = frozenset(
    {
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
    }
)
"""With these, and a published reason, a service says that it has done nothing."""


class Recorder(grpc.aio.UnaryUnaryClientInterceptor):
    """Writes the unary calls of one client into a history. ``client`` is the caller's name."""

    def __init__(
        self, history: History, client: str, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._history = history
        self._client = client
        self._now = now

    async def intercept_unary_unary(
        self,
        continuation: Callable[..., Any],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> Any:
        """Make the call, and write down how it ends; whoever is cancelled never learns it."""
        method: str | bytes = client_call_details.method
        name = (method.decode() if isinstance(method, bytes) else method).lstrip("/")
        call = self._history.begin(self._client, name, written(request), self._now())
        try:
            made = await continuation(client_call_details, request)
            reply = await made
        except grpc.aio.AioRpcError as error:
            self._fail(call, error)
            raise
        call.end_time, call.outcome, call.reply = self._now(), Outcome.OK, written(reply)
        return made

    def _fail(self, call: Call, error: grpc.aio.AioRpcError) -> None:
        refusal = refusal_of(error)
        call.end_time, call.code = self._now(), error.code().name
        call.reason = "" if refusal is None else refusal.reason
        if error.code() in _REFUSED and refusal is not None:
            call.outcome = Outcome.FAIL


def written(message: Message) -> Fields:
    """A message as a history has it."""
    fields: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    return fields

"""Callers: they ask until they know, or give up, and note everything that they were told."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any
from uuid import UUID

import grpc
from google.protobuf.message import Message

from ordermesh.api.routing.v1 import FulfillmentOrder
from ordermesh.client.errors import refusal_of
from ordermesh.client.mesh import Mesh
from tests.simulation.history import History
from tests.simulation.markers import reached

PATIENCE_SECONDS = (0.3, 1.0, 3.0)
TRIES = (1, 3, 6, 12)
REST_SECONDS_MAX = 1.5

_UNDECIDED = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }
)


class Outcome(StrEnum):
    """What a caller knows of a request."""

    OK = "ok"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass
class Told:
    """A request, and what its caller was told."""

    caller: str
    method: str
    request: Any
    call: Callable[..., Any]
    outcome: Outcome = Outcome.UNKNOWN
    reply: Any = None
    reason: str = ""
    is_lasting: bool = True
    attempts: int = 0
    begin_seconds: float = 0.0
    end_seconds: float = 0.0

    @property
    def is_ok(self) -> bool:
        return self.outcome is Outcome.OK


@dataclass
class Notebook:
    """Everything that all callers were told, and what they found strange."""

    told: list[Told] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)

    def of(self, method: str) -> list[Told]:
        """What was told of the calls of one method."""
        return [one for one in self.told if one.method == method]


class Caller:
    """One caller with a mesh and chance of its own."""

    def __init__(
        self, name: str, mesh: Mesh, random: Random, history: History, notebook: Notebook
    ) -> None:
        self.name = name
        self.mesh = mesh
        self.random = random
        self.notebook = notebook
        self._history = history

    def new_id(self) -> str:
        """A fresh id."""
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def likely(self, share: float) -> bool:
        """Whether something happens that happens in so many cases."""
        return self.random.random() < share

    async def rest(self, seconds: float) -> None:
        """Wait for up to so long."""
        await asyncio.sleep(self.random.uniform(0.0, seconds))

    async def ask(
        self, method: Callable[..., Any], request: Message, *, tries: int | None = None
    ) -> Told:
        """Send a request until it is decided. Some callers soon give up, some ask once more."""
        told = Told(self.name, type(request).__name__.removesuffix("Request"), request, method)
        self.notebook.told.append(told)
        loop = asyncio.get_running_loop()
        told.begin_seconds = loop.time()
        for _ in range(self.random.choice(TRIES) if tries is None else tries):
            await self._attempt(told)
            if told.outcome is not Outcome.UNKNOWN:
                break
            await self.rest(REST_SECONDS_MAX)
        told.end_seconds = loop.time()
        if told.outcome is Outcome.UNKNOWN:
            reached("a caller was never told what became of its request")
        elif told.attempts > 1:
            reached("a request was decided at a later attempt")
        if told.reason:
            reached(f"refused {told.reason}")
        self._history.add(self.name, "told", f"{told.method} {told.outcome} {told.reason}".rstrip())
        if told.outcome is not Outcome.UNKNOWN and self.likely(0.15):
            await self.rest(self.random.choice((0.01, 5.0)))
            await self.ask_again(told)
        return told

    async def _attempt(self, told: Told) -> None:
        told.attempts += 1
        call = told.call(told.request, timeout=self.random.choice(PATIENCE_SECONDS))
        if self.likely(0.02):
            asyncio.get_running_loop().call_later(self.random.uniform(0.0, 0.05), call.cancel)
        try:
            told.reply = await call
            told.outcome = Outcome.OK
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            reached("a call was cancelled by its caller")
        except grpc.aio.AioRpcError as error:
            if error.code() in _UNDECIDED:
                return
            refusal = refusal_of(error)
            if refusal is None or error.code() is grpc.StatusCode.INTERNAL:
                self.notebook.strange.append(
                    f"{told.method} of {told.caller} ended with {error.code().name}:"
                    f" {error.details()}"
                )
                return
            told.outcome, told.reason = Outcome.REFUSED, refusal.reason
            # What was not found, or was wrong, is looked at anew when it is asked again.
            told.is_lasting = error.code() is grpc.StatusCode.FAILED_PRECONDITION

    async def ask_again(self, told: Told) -> None:
        """Ask the same once more, perhaps much later: the answer is the same.

        What was not known until now is known then.
        """
        if told.outcome is Outcome.REFUSED and not told.is_lasting:
            # It is looked at anew, and until that is answered nobody knows what becomes of it.
            told.outcome, told.reason, told.is_lasting = Outcome.UNKNOWN, "", True
        if told.outcome is Outcome.UNKNOWN:
            await self._attempt(told)
            return
        twin = Told(self.name, told.method, told.request, told.call)
        for _ in range(3):
            await self._attempt(twin)
            if twin.outcome is not Outcome.UNKNOWN:
                break
            await self.rest(REST_SECONDS_MAX)
        if twin.outcome is Outcome.UNKNOWN:
            return
        reached("a request was asked again and got its answer again")
        if _is_decided_by_now(told, twin):
            reached("goods were told to be leaving, and were not there")
            return
        is_same = (twin.outcome, twin.reason) == (told.outcome, told.reason)
        if not is_same or not _is_as_before(told.reply, twin.reply):
            self.notebook.strange.append(
                f"{told.method} {told.request.request_id} was answered {told.outcome} {told.reason}"
                f" {told.reply} and then {twin.outcome} {twin.reason} {twin.reply}"
            )

    async def ask_altered(self, told: Told) -> None:
        """Ask something else under the id of a request that was decided: that is refused."""
        altered = type(told.request)()
        altered.CopyFrom(told.request)
        altered.on_behalf_of = f"{told.request.on_behalf_of}, or somebody else"
        try:
            await told.call(altered, timeout=3.0)
        except grpc.aio.AioRpcError as error:
            refusal = refusal_of(error)
            if error.code() in _UNDECIDED:
                return
            if refusal is not None and refusal.reason == "REQUEST_ID_REUSED":
                reached("a request id that was used for something else was refused")
                return
        self.notebook.strange.append(
            f"{told.method} {told.request.request_id} was answered to another request"
        )

    async def read(self, method: Callable[..., Any], request: Message) -> Any:
        """The answer to a question, or None: nobody insists on it."""
        try:
            return await method(request, timeout=self.random.choice(PATIENCE_SECONDS))
        except grpc.aio.AioRpcError as error:
            if error.code() in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN):
                self.notebook.strange.append(
                    f"{type(request).__name__} ended with {error.code().name}: {error.details()}"
                )
            return None


def _is_decided_by_now(told: Told, twin: Told) -> bool:
    """Whether a receipt for goods that were leaving was followed by the word of the ledger."""
    return (
        told.method == "ShipFulfillmentOrder"
        and told.is_ok
        and told.reply.fulfillment_order.state == FulfillmentOrder.STATE_SHIPPING
        and (twin.outcome, twin.reason) == (Outcome.REFUSED, "INSUFFICIENT_STOCK")
    )


def _is_as_before(before: Any, after: Any) -> bool:
    """Whether a reply may follow one to the same request.

    The ledger gives what it gave. Others tell of orders, work and returns as they are by now.
    """
    for name in ("order", "fulfillment_order", "order_return"):
        if before is not None and name in before.DESCRIPTOR.fields_by_name:
            return bool(getattr(before, name).version <= getattr(after, name).version)
    return bool(before == after)

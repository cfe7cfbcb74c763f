"""What was answered: of all requests that which must never be answered otherwise."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

from google.protobuf.message import Message
from google.rpc.code_pb2 import FAILED_PRECONDITION
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from ordermesh.api.inventory.v1 import ReserveBulkRequest, ReserveBulkResponse, ReserveRequest


@dataclass(frozen=True)
class Refused:
    """Why a request was refused; ``is_recorded``: by a rule, so that it stays the answer."""

    reason: str
    is_recorded: bool


Request = Message | tuple[Message, ...]
"""A request, or the frames of a stream."""

Answer = Message | Refused | tuple[Message | Refused, ...]
"""The reply or the refusal; of a stream replies to its frames, and perhaps a refusal at last."""

Places = Counter[str]
"""Units by stock key: "SKU-7 at A"."""


@dataclass
class Record:
    """What callers were told.

    ``answers`` has a digest of each answer that is kept, by request id; ``made`` the units of each
    reservation when it was made. ``movements`` are those of which it is known what they did to the
    goods that are there; they are forgotten once they were looked at.
    """

    answers: dict[UUID, bytes] = field(default_factory=dict)
    made: dict[UUID, int] = field(default_factory=dict)
    movements: dict[UUID, Places] = field(default_factory=dict)

    def note(self, request: Request, answer: Answer) -> None:
        """Remember an answer."""
        if isinstance(request, ReserveBulkRequest) and isinstance(answer, ReserveBulkResponse):
            for wish, verdict in zip(request.requests, answer.verdicts, strict=True):
                if verdict.HasField("reply"):
                    self._keep(wish, digest_of_reply(verdict.reply.SerializeToString()))
                elif verdict.refusal.code == FAILED_PRECONDITION:
                    self._keep(wish, digest_of_refusal(reason_of(verdict.refusal)))
        else:
            requests = request if isinstance(request, tuple) else (request,)
            answers = answer if isinstance(answer, tuple) else (answer,)
            for one, told in zip(requests, answers, strict=False):
                if not isinstance(told, Refused):
                    self._keep(one, digest_of_reply(told.SerializeToString()))
                elif told.is_recorded:
                    self._keep(one, digest_of_refusal(told.reason))

    def _keep(self, request: Message, digest: bytes) -> None:
        request_id = UUID(cast("ReserveRequest", request).request_id)
        assert self.answers.setdefault(request_id, digest) == digest, f"{request_id}: two answers"

    def move(self, movement_id: str, places: Places) -> None:
        """A movement of goods that was acknowledged: how many more units are where."""
        if movement_id:
            self.movements[UUID(movement_id)] = places


def digest_of_reply(written: bytes) -> bytes:
    """A reply, shortened."""
    return hashlib.blake2b(b"reply" + written, digest_size=16).digest()


def digest_of_refusal(reason: str) -> bytes:
    """A refusal, shortened."""
    return hashlib.blake2b(b"refusal" + reason.encode(), digest_size=16).digest()


def reason_of(status: Status) -> str:
    """Why a request in a bulk call was refused."""
    for detail in status.details:
        told = ErrorInfo()
        if detail.Unpack(told):
            return told.reason
    raise AssertionError(f"A refusal without a reason: {status}")


def stored_reason(refusal: str) -> str:
    """Why a request was refused, as it is kept."""
    return str(json.loads(refusal)["reason"])

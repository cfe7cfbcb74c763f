"""Many answers in one message: what would not fit is refused before it is decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar
from uuid import UUID

from google.protobuf.message import Message

from ordermesh.api.inventory.v1 import ReserveRequest, ReserveResponse, ReserveVerdict
from ordermesh.inventory.domain.answers import Room
from ordermesh.inventory.domain.errors.requests import TooMuchAsked
from ordermesh.runtime.limits import Limits
from ordermesh.runtime.status import to_status

ANSWERS_BYTES_MAX = 3_900_000
"""What the answers of one call may take together; the rest of a message is for refusals."""

MESSAGE_BYTES_MAX = Limits.reply_bytes - 1024
"""What verdicts may take together, so that a message of them is no larger than it may be."""

_FRAME_BYTES = 6
"""What a verdict takes beside itself."""


R = TypeVar("R", bound=Message)


def fitting(reply: R) -> R:
    """The reply to a verb, to be asked for inside of its transaction.

    Raises ``TooMuchAsked`` where it does not fit in a message: nobody would ever hear of it.
    """
    if reply.ByteSize() > MESSAGE_BYTES_MAX:
        raise TooMuchAsked("The answer would be too large.", MESSAGE_BYTES_MAX)
    return reply


@dataclass
class Company:
    """The requests of one call. ``is_aside``: what is left of them is decided apart from others."""

    requests: Sequence[ReserveRequest]
    is_aside: bool = False

    @cached_property
    def room(self) -> Room:
        """What is left for answers that say more than their requests: that kits are taken apart."""
        return Room(ANSWERS_BYTES_MAX - sum(map(share_of, self.requests)))

    @property
    def is_surely_small(self) -> bool:
        """Whether nothing was decided or known but what surely fits."""
        return "room" not in vars(self)

    def count(self, request: ReserveRequest, reply: ReserveResponse) -> None:
        """Count the reply that a request got before: what is decided beside it has less room."""
        more = max(0, reply.ByteSize() - share_of(request))
        self.room.take(UUID(request.reservation_id), more)


def share_of(request: ReserveRequest) -> int:
    """So many bytes are there for the answer to a request, whatever the others ask.

    It is what is said of lines that are held as they were asked for, at most.
    """
    return request.ByteSize() * 5 // 2


def fit(verdicts: list[ReserveVerdict]) -> None:
    """Let verdicts that do not fit in one message say so; refusals give way to replies.

    These are refusals and replies of before: whoever asks again, in another call, gets them. What
    is granted in the call itself fits: see ``Room``.
    """
    sizes = [one.ByteSize() + _FRAME_BYTES for one in verdicts]
    if sum(sizes) <= MESSAGE_BYTES_MAX:
        return
    refusal = TooMuchAsked("The answers of the call are too large together.", MESSAGE_BYTES_MAX)
    too_much = ReserveVerdict(refusal=to_status(refusal, service="inventory"))
    left = MESSAGE_BYTES_MAX - (too_much.ByteSize() + _FRAME_BYTES) * len(verdicts)
    for place in sorted(range(len(verdicts)), key=lambda one: verdicts[one].HasField("refusal")):
        if sizes[place] > left:
            verdicts[place] = too_much
        else:
            left -= sizes[place]

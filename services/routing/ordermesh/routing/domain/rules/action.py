"""Actions of rules: what becomes of an order when it is known what its decision comes to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

CARE = "care"
"""The queue of people who look after orders."""


class Filling(StrEnum):
    """What a decision leaves of what it is about: nothing, some or all of it."""

    FILLED = "FILLED"
    PARTLY_FILLED = "PARTLY_FILLED"
    UNFILLED = "UNFILLED"


@dataclass(frozen=True, slots=True)
class MoveToQueue:
    """The order waits in another queue."""

    queue: str
    kind: Literal["MOVE_TO_QUEUE"] = "MOVE_TO_QUEUE"


@dataclass(frozen=True, slots=True)
class SendToCare:
    """The order waits for people; ``reason`` "" is the name of the rule."""

    reason: str = ""
    kind: Literal["SEND_TO_CARE"] = "SEND_TO_CARE"


@dataclass(frozen=True, slots=True)
class SetAutoCancel:
    """What is unfilled so long after the decision is cancelled by itself."""

    after: timedelta
    kind: Literal["SET_AUTO_CANCEL"] = "SET_AUTO_CANCEL"


@dataclass(frozen=True, slots=True)
class ClearAutoCancel:
    """What is unfilled is not cancelled by itself."""

    kind: Literal["CLEAR_AUTO_CANCEL"] = "CLEAR_AUTO_CANCEL"


@dataclass(frozen=True, slots=True)
class CancelUnfilled:
    """What is unfilled is cancelled at once."""

    kind: Literal["CANCEL_UNFILLED"] = "CANCEL_UNFILLED"


@dataclass(frozen=True, slots=True)
class HoldOrder:
    """New work of the order waits until a hold of this type is released.

    ``release_after`` the decision that is by itself, None: never.
    """

    hold_type: str
    release_after: timedelta | None = None
    kind: Literal["HOLD"] = "HOLD"


@dataclass(frozen=True, slots=True)
class OfferAndWait:
    """New work goes to the next best location unless it is accepted within so long."""

    answer_within: timedelta
    kind: Literal["OFFER"] = "OFFER"


Deed = (
    MoveToQueue
    | SendToCare
    | SetAutoCancel
    | ClearAutoCancel
    | CancelUnfilled
    | HoldOrder
    | OfferAndWait
)
"""What is done."""

_ON_QUEUE = (MoveToQueue, SendToCare)
_ON_UNFILLED = (SetAutoCancel, ClearAutoCancel, CancelUnfilled)


@dataclass(frozen=True, slots=True)
class OrderAction:
    """What is done after decisions that came out in one of these ways; none: after any."""

    deed: Deed
    outcomes: tuple[Filling, ...] = ()
    kind: Literal["ACTION"] = "ACTION"

    @property
    def after(self) -> frozenset[Filling]:
        """After what it acts."""
        return frozenset(self.outcomes or Filling)

    @property
    def is_idle(self) -> bool:
        """Whether it only acts where there is nothing for it to do."""
        if isinstance(self.deed, OfferAndWait):
            return self.after == {Filling.UNFILLED}
        is_cancelling = isinstance(self.deed, SetAutoCancel | CancelUnfilled)
        return is_cancelling and self.after == {Filling.FILLED}


@dataclass(frozen=True, slots=True)
class RuleAction:
    """The action of a rule whose conditions hold; ``title`` is what people call the rule."""

    rule_id: str
    title: str
    action: OrderAction


@dataclass(frozen=True, slots=True)
class Intended:
    """What is to become of an order that was decided at ``time``, by what comes of it."""

    time: datetime
    actions: tuple[RuleAction, ...]


def clash(first: Deed, second: Deed) -> str:
    """What two of them say that cannot both be; "" where they can."""
    if isinstance(first, SetAutoCancel) and isinstance(second, SetAutoCancel):
        return ""
    if first == second:
        return ""
    if isinstance(first, _ON_QUEUE) and isinstance(second, _ON_QUEUE):
        return "put one order into two queues"
    if isinstance(first, _ON_UNFILLED) and isinstance(second, _ON_UNFILLED):
        return "say different things of when what is unfilled is cancelled"
    if isinstance(first, OfferAndWait) and isinstance(second, OfferAndWait):
        return "give locations different times to answer"
    if isinstance(first, HoldOrder) and isinstance(second, HoldOrder):
        is_same = first.hold_type == second.hold_type
        return f"hold ({first.hold_type}) for different times" if is_same else ""
    return ""


def acting(wanted: Iterable[RuleAction], filling: Filling) -> tuple[RuleAction, ...]:
    """Those that act when a decision came out so; of what cannot both be the first."""
    chosen: list[RuleAction] = []
    for one in wanted:
        deed = one.action.deed
        if filling in one.action.after and not any(
            clash(before.action.deed, deed) for before in chosen
        ):
            chosen.append(one)
    return tuple(chosen)


def told(one: RuleAction) -> str:
    """What the rule does, for people."""
    match one.action.deed:
        case MoveToQueue(queue):
            what = f"moved to queue {queue}"
        case SendToCare(reason):
            what = f"sent to care ({reason})" if reason else "sent to care"
        case SetAutoCancel(after):
            what = f"what is unfilled after {after} is cancelled"
        case ClearAutoCancel():
            what = "what is unfilled is not cancelled by itself"
        case CancelUnfilled():
            what = "what is unfilled is cancelled"
        case HoldOrder(hold_type, None):
            what = f"held ({hold_type})"
        case HoldOrder(hold_type, after):
            what = f"held ({hold_type}) for {after}"
        case OfferAndWait(within):
            what = f"offered; without an answer within {within} to the next best location"
    return f"{one.title}: {what}"

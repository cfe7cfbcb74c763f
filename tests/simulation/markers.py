"""Which situations the runs really visited: a fault that met nothing has shown nothing.

Whoever sees a situation says ``reached("its name")``; those that no run reached are printed.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from ordermesh.runtime.points import POINTS

_FAULTS = (
    "crash",
    "restart",
    "pause",
    "step",
    "disk full",
    "cut",
    "loss",
    "delay",
    "twice",
    "turmoil",
    "mail",
    "point",
)

_REFUSALS = (
    "INSUFFICIENT_STOCK",
    "NOT_STOCKED_HERE",
    "RESERVATION_EXPIRED",
    "RESERVATION_CLOSED",
    "RESERVATION_RELEASED",
    "RESERVATION_NOT_FOUND",
    "RESERVATION_ID_TAKEN",
    "ORDER_ID_TAKEN",
    "ORDER_NOT_FOUND",
    "ORDER_CANCELLED",
    "ALREADY_SHIPPED",
    "WRONG_STATE",
    "ON_HAND_BELOW_RESERVED",
    "NOT_SHIPPED",
    "OVER_RETURNED",
)

_SITUATIONS = (
    "a caller was never told what became of its request",
    "a request was decided at a later attempt",
    "a request was asked again and got its answer again",
    "a request id that was used for something else was refused",
    "a call was cancelled by its caller",
    "a process died inside of a transaction",
    "a process died and none of its work was open",
    "a process woke up after its lease",
    "a call arrived while nobody served",
    "a call had its effect and its reply was lost",
    "a request came when its caller had gone",
    "a stream of changes went on after it broke",
    "a commit met a full disk",
    "an order waited for inventory and was sourced later",
    "a checkout was asked again while it was undecided",
    "an order was planned more than once",
    "an order was split over locations",
    "an order was fulfilled",
    "an order was cancelled",
    "an order could not be filled",
    "an order was fulfilled in part",
    "an order that was refused left nothing",
    "a cart became an order",
    "a cart died by its time",
    "a cart was released",
    "a larger cart took the place of a cart",
    "a cart stayed where a larger one was refused",
    "a hold was lost and reserved again",
    "work was rejected",
    "work was cancelled",
    "goods were shipped that were not there",
    "goods were told to be leaving, and were not there",
    "a picker found less",
    "a shortfall was opened",
    "a shortfall was closed",
    "a count changed the books",
    "units went to another location",
    "a return was received",
    "a return was decided about",
    "a return was cancelled",
    "a mail was sent, and perhaps twice",
    "a mail was dropped",
)

_ELSEWHERE = (
    "routing.replanned",
    "routing.reassignment_stored",
    "routing.before_reassign",
    "routing.after_reassign",
    "routing.reassigned",
    "routing.after_giving_back",
)
"""Points that no simulated story passes: many orders are planned together by child processes, which
do not run in the thread, and no shop has limits of purchase. The matrix of real processes passes
them."""

EXPECTED: Sequence[str] = (
    *(f"point {name}" for name in POINTS if name not in _ELSEWHERE),
    *(f"fault {kind}" for kind in _FAULTS),
    *(f"refused {reason}" for reason in _REFUSALS),
    *_SITUATIONS,
)

_reached: Counter[str] = Counter()


def reached(name: str) -> None:
    """The situation of this name is there."""
    _reached[name] += 1


def take() -> Counter[str]:
    """What was reached since it was last asked."""
    found = Counter(_reached)
    _reached.clear()
    return found


def missed(found: Iterable[str]) -> list[str]:
    """What no run reached."""
    known = frozenset(found)
    return [name for name in EXPECTED if name not in known]

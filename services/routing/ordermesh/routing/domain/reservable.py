"""A plan is held by one reservation: what it has too many parts for is not sent.

A part is what one location sends of one item for one order line. Where a plan has more of them than
a reservation has lines, lines in the most parts are taken out of the question, it is decided again,
and what they cost unfilled is added. Planned apart they would be held apart, and an order is held
as a whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ordermesh.routing.domain.decision import Decision, UnfilledLine
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.domain.question import Question
from ordermesh.routing.domain.together import Bundles, told_apart
from ordermesh.routing.domain.wanted import Wanted
from ordermesh.routing.domain.whole_kits import Trimmed, without

TOO_MANY_PARTS = "TOO_MANY_PARTS"
"""Why something is unfilled that one reservation cannot hold beside the rest of its order."""

LINES_MAX = 5_000
"""How many lines one reservation has at most, by its contract: one for each part of a plan."""

BYTES_MAX = 600_000
"""What the names of all parts take in a message, at most: the reservation is asked for in one of a
MiB, and told, with the whole order beside it, in an event of 900,000 bytes."""

_PART_BYTES = 24
"""What a part takes in a message beside its names."""


@dataclass(frozen=True)
class _Size:
    """How much of a reservation something takes: lines of it, and bytes of the message."""

    parts: int = 0
    size: int = 0

    def __add__(self, other: "_Size") -> "_Size":
        return _Size(self.parts + other.parts, self.size + other.size)


def reservable(
    question: Question,
    problem: Problem,
    decision: Decision,
    bundles: Bundles,
    *,
    lines_max: int = LINES_MAX,
) -> Trimmed | None:
    """The question without what a reservation has no lines for; None where it has enough.

    The decision is that of the question, in which lines that stay together are one.
    """
    taken = _sizes(told_apart(decision, bundles), bundles)
    most = _Size(lines_max, BYTES_MAX)
    if _fits(sum(taken.values(), _Size()), most):
        return None
    kept: set[str] = set()
    if not problem.all_or_nothing:
        total = _Size()
        for one in sorted(question.wanted, key=lambda one: _share(taken, one)):
            total += taken.get(one.line.line_id, _Size())
            if not _fits(total, most):
                break
            kept.add(one.line.line_id)
    left = [
        UnfilledLine(one.line.line_id, sku, units, units, units, TOO_MANY_PARTS, "")
        for one in question.wanted
        if one.line.line_id not in kept
        for sku, units in one.units.items()
    ]
    wanted = tuple(one for one in question.wanted if one.line.line_id in kept)
    return without(question, problem, wanted, left)


def _sizes(decision: Decision, bundles: Bundles) -> dict[str, _Size]:
    """What each line of the question takes, by its id."""
    parts = {
        (line.line_id, line.sku, one.location_id)
        for shipment in decision.shipments
        for one in shipment.legs or (shipment,)
        for line in one.lines
    }
    taken: dict[str, _Size] = {}
    for part in parts:
        size = _Size(1, _PART_BYTES + sum(len(name.encode()) for name in part))
        line_id = bundles.name(part[0])
        taken[line_id] = taken.get(line_id, _Size()) + size
    return taken


def _fits(size: _Size, most: _Size) -> bool:
    return size.parts <= most.parts and size.size <= most.size


def _share(taken: Mapping[str, _Size], one: Wanted) -> tuple[int, int]:
    size = taken.get(one.line.line_id, _Size())
    return size.parts, size.size

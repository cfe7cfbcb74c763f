"""Which orders could move, what they hold, and what that is called in the words of a problem."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.fulfillment import (
    OPEN_TO_CHANGE,
    FulfillmentOrder,
    FulfillmentState,
)
from ordermesh.routing.domain.network import SHIP
from ordermesh.routing.domain.plan import Assignment
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.domain.question import Question
from ordermesh.routing.domain.reoptimizing.fate import Fate, Staying
from ordermesh.routing.domain.saga import Step
from ordermesh.routing.domain.season import ASKED_FOR, NAMED
from ordermesh.routing.domain.story import Story
from ordermesh.routing.domain.wanted import Wanted

ATOMS_MAX = 12
"""Parts of one order that are decided together with others."""

_CLOSED = frozenset({FulfillmentState.REJECTED, FulfillmentState.CANCELLED})


@dataclass(frozen=True)
class DecidedBy:
    """The policy, and the version of it, by which somebody wanted an order to be decided.

    Without a policy it is the order's own, without a version that which is in force.
    """

    policy_id: str = ""
    version: int = 0


def decided_by(policy_id: str, version: int, reason: str) -> DecidedBy:
    """What the present decision says of it: such a wish holds until somebody has another.

    A policy that was chosen by what the order is like is chosen anew.
    """
    if reason == ASKED_FOR:
        return DecidedBy(policy_id, version)
    return DecidedBy(policy_id) if reason == NAMED else DecidedBy()


@dataclass(frozen=True)
class Movable:
    """An order with its work that nobody has begun, all of it held."""

    story: Story
    work: tuple[FulfillmentOrder, ...]

    @property
    def order_id(self) -> str:
        """Which order."""
        return self.story.order.order_id

    @property
    def held(self) -> Mapping[tuple[str, str], int]:
        """Units by location and SKU that the ledger holds for it."""
        units: dict[tuple[str, str], int] = {}
        for one in self.work:
            for line in one.lines:
                key = (one.location_id, line.sku)
                units[key] = units.get(key, 0) + line.quantity
        return units

    @property
    def wanted(self) -> tuple[Wanted, ...]:
        """What is decided again: what it holds, and nothing that is unfilled."""
        by_line: dict[str, dict[str, int]] = {}
        for one in self.work:
            for line in one.lines:
                units = by_line.setdefault(line.line_id, {})
                units[line.sku] = units.get(line.sku, 0) + line.quantity
        return tuple(
            Wanted(replace(line, accepts_substitutes=False), by_line[line.line_id])
            for line in self.story.order.lines
            if line.line_id in by_line
        )

    def question(self, rejected: Iterable[tuple[str, str, str]], by: DecidedBy) -> Question:
        """Where it would be sourced now, by the policy that somebody chose for it."""
        order, saga = self.story.order, self.story.saga
        return Question(
            order_id=order.order_id,
            wanted=self.wanted,
            place=order.destination.place,
            address=order.destination.address,
            promise_days=order.promise_days,
            promise=order.promise,
            policy_id=by.policy_id or order.policy_id,
            policy_version=by.version,
            rejected=tuple(rejected),
            channel=order.channel,
            context=order.context,
            attempt=saga.epoch + 1,
        )


def look_at(story: Story) -> Movable | Staying:
    """The order as it could move, or why it cannot."""
    order, saga = story.order, story.saga
    open_work = tuple(one for one in story.work if one.state not in _CLOSED)
    if saga.step is not Step.PLAN or order.is_undecided or not story.is_at_rest:
        return Staying(Fate.BEGUN, "something of it is being decided, moved or cancelled")
    if any(one.is_freed for one in story.work) or not open_work:
        return Staying(Fate.BEGUN, "what it holds is being settled")
    begun = [one for one in open_work if one.state not in OPEN_TO_CHANGE]
    if begun:
        return Staying(Fate.BEGUN, f"{begun[0].location_id} has begun: {begun[0].state.lower()}")
    if order.pickup_location_id or any(one.method != SHIP for one in open_work):
        return Staying(Fate.NOT_MOVABLE, "the customer collects it")
    if any(one.hub_location_id or one.brought_by for one in open_work):
        return Staying(Fate.NOT_MOVABLE, "it is brought together at a hub")
    if any(one.answer_within is not None for one in open_work):
        return Staying(Fate.NOT_MOVABLE, "it is offered to its locations")
    if any(one.available_time is not None for one in open_work):
        return Staying(Fate.NOT_MOVABLE, "it waits for supply")
    if any(line.components for line in order.lines):
        return Staying(Fate.NOT_MOVABLE, "it has a kit")
    lines = [line for one in open_work for line in one.lines]
    if any(line.instead_of for line in lines):
        return Staying(Fate.NOT_MOVABLE, "something else is sent than was ordered")
    if any(line.reservation_id is None or line.held != line.quantity for line in lines):
        return Staying(Fate.NOT_MOVABLE, "not all of it is held")
    return Movable(story, open_work)


@dataclass(frozen=True)
class Compared:
    """An order beside its problem: what it costs where it is, and by when it may arrive.

    ``assignment`` is where it is. A shipment may arrive within ``days_max``: the promise, or when
    all of it arrives now where that is later. Of the ``cost``, ``prices`` are what its units
    and work are worth to orders that may come.
    """

    movable: Movable
    problem: Problem
    assignment: Assignment
    cost: Money
    days_max: int | None
    charge: Money
    prices: Money


def assignment_of_work(problem: Problem, work: Iterable[FulfillmentOrder]) -> Assignment | None:
    """Where the work is, in atoms of the problem's groups; None where that cannot be said."""
    groups = {group.name: (place, group) for place, group in enumerate(problem.groups)}
    found: dict[str, dict[int, int]] = {}
    for one in work:
        for line in one.lines:
            known = groups.get((line.line_id, line.sku))
            if known is None:
                return None
            place, group = known
            number, rest = divmod(line.quantity, group.units)
            if rest:
                return None
            atoms = found.setdefault(one.location_id, {})
            atoms[place] = atoms.get(place, 0) + number
    placed = [sum(atoms.get(place, 0) for atoms in found.values()) for place, _ in groups.values()]
    if placed != [group.atoms for group in problem.groups]:
        return None
    return found


def days_allowed(story: Story, now: datetime, days_now: int) -> int | None:
    """Within how many days from now all of an order must arrive; None where nothing was promised.

    A day that has begun is gone: days from now end at this time of day, which may be later than
    that of the order. What is late already may not become later.
    """
    order = story.order
    if not order.promise_days:
        # What was promised by an instant is a rule of the problem.
        return None
    gone = -((order.order_time - now) // timedelta(days=1))
    return max(order.promise_days - max(0, gone), days_now)


def is_divisible_alike(problem: Problem) -> bool:
    """Whether every group is of one SKU, so that a cell of stock serves it."""
    return all(len(group.parts) == 1 for group in problem.groups)


def atoms_of(problem: Problem) -> int:
    """Into how many parts the order may be taken."""
    return sum(group.atoms for group in problem.groups)

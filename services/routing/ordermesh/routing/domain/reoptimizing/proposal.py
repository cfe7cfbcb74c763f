"""From where orders are, and where they would be, to changes that can each be made alone.

Orders that need each other's units or room change together, all or none. A change is worth making
where what its orders cost by their own problems, with the charge for each new fulfillment order, is
less than what they cost where they are: with the prices of units and work in force, and in money
alone. With prices, or a run would take the units that the decision left to others; in money alone,
because prices are guesses that the next version has otherwise: orders would go back and forth, and
what is paid would rise each time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.batch.instance import Batch
from ordermesh.routing.domain.judging import tier_values
from ordermesh.routing.domain.plan import Assignment, Plan, assemble
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.domain.reoptimizing.fate import Fate, Staying
from ordermesh.routing.domain.reoptimizing.movable import Compared
from ordermesh.routing.domain.verification import PlanRefused, verify

CHANGES_MAX = 200
"""Orders that change together at most: the ledger moves them in one transaction."""

MOVES_MAX = 1_000
"""Parts of lines that change together at most: the ledger refuses more at once."""


@dataclass(frozen=True)
class Move:
    """An order that would be elsewhere: its plan, and how many fulfillment orders would be new."""

    compared: Compared
    plan: Plan
    assignment: Assignment
    new_work: int

    @property
    def order_id(self) -> str:
        """Which order."""
        return self.compared.movable.order_id

    @property
    def charge(self) -> int:
        """What the move is charged."""
        return self.compared.charge * self.new_work


@dataclass(frozen=True)
class Change:
    """Orders that move together."""

    moves: tuple[Move, ...]

    @property
    def before(self) -> int:
        """What they cost where they are."""
        return sum(move.compared.cost for move in self.moves)

    @property
    def after(self) -> int:
        """What they would cost."""
        return sum(move.plan.costs.total for move in self.moves)

    @property
    def charge(self) -> int:
        """What their moves are charged."""
        return sum(move.charge for move in self.moves)

    @property
    def saving(self) -> int:
        """What is saved beyond the charge, prices counted."""
        return self.before - self.after - self.charge

    @property
    def prices_before(self) -> int:
        """What of it is prices where they are."""
        return sum(move.compared.prices for move in self.moves)

    @property
    def prices_after(self) -> int:
        """What of it would be prices."""
        return sum(prices_in(move.plan) for move in self.moves)

    @property
    def money_saving(self) -> int:
        """What is saved beyond the charge by itself, without prices."""
        return self.saving - (self.prices_before - self.prices_after)


@dataclass(frozen=True)
class Proposal:
    """The changes worth making, and why every other order stays; by order id."""

    changes: tuple[Change, ...]
    staying: Mapping[str, Staying]


def propose(
    compared: Sequence[Compared], batch: Batch, assignments: Sequence[Assignment | None]
) -> Proposal:
    """What is worth changing of what a plan of all says."""
    staying: dict[str, Staying] = {}
    moved: list[int] = []
    for number, (one, assignment) in enumerate(zip(compared, assignments, strict=True)):
        if assignment is None or _is_same(assignment, one.assignment):
            staying[one.movable.order_id] = Staying(
                Fate.BEST_WHERE_IT_IS, "no cheaper plan of all orders moves it"
            )
        else:
            moved.append(number)
    changes: list[Change] = []
    for group in _together(compared, batch, assignments, moved):
        told = _change(group, compared, assignments)
        if isinstance(told, Change):
            changes.append(told)
            continue
        for number in group:
            staying[compared[number].movable.order_id] = told
    return Proposal(tuple(changes), staying)


def planned(problem: Problem, assignment: Assignment) -> Plan | None:
    """The plan of an assignment, if the order's own problem allows it."""
    try:
        plan = assemble(problem, assignment)
        verify(problem, plan)
    except (KeyError, ValueError, PlanRefused):
        return None
    return plan if plan.is_complete else None


def prices_in(plan: Plan) -> Money:
    """The part of its cost that nobody is paid: what it takes is worth that to orders to come."""
    return Money(plan.costs.stock_price + plan.costs.labor_price)


def arrives(plan: Plan) -> int:
    """The day on which the last of it arrives."""
    return max((shipment.days for shipment in plan.shipments), default=0)


def _change(
    group: Sequence[int],
    compared: Sequence[Compared],
    assignments: Sequence[Assignment | None],
) -> Change | Staying:
    if len(group) > CHANGES_MAX:
        return Staying(Fate.NOT_ALLOWED, f"more than {CHANGES_MAX} orders would have to move")
    moves: list[Move] = []
    parts = 0
    for number in group:
        one, assignment = compared[number], assignments[number]
        plan = None if assignment is None else planned(one.problem, assignment)
        if plan is None or assignment is None:
            return Staying(Fate.NOT_ALLOWED, f"its rules forbid the plan for {_name(one)}")
        if one.days_max is not None and arrives(plan) > one.days_max:
            return Staying(Fate.WOULD_ARRIVE_LATER, f"{_name(one)} would arrive later")
        if not _keeps_tiers(one, plan):
            return Staying(Fate.NOT_ALLOWED, f"an earlier tier would be worse for {_name(one)}")
        parts += parts_of(one, plan)
        if parts > MOVES_MAX:
            return Staying(Fate.NOT_ALLOWED, f"more than {MOVES_MAX} parts would have to move")
        moves.append(Move(one, plan, assignment, _new_work(one, assignment)))
    change = Change(tuple(moves))
    if change.saving <= 0:
        return Staying(Fate.SAVES_TOO_LITTLE, "what it saves is no more than the move is charged")
    if change.money_saving <= 0:
        return Staying(Fate.SAVES_TOO_LITTLE, "it would save for orders that may come, not now")
    return change


def parts_of(one: Compared, plan: Plan) -> int:
    """At most so many moves the ledger is asked for: each uses up what is held, or wanted."""
    held = sum(len(work.lines) for work in one.movable.work)
    return held + sum(len(shipment.lines) for shipment in plan.shipments)


def _name(one: Compared) -> str:
    return f"order {one.movable.order_id}"


def _keeps_tiers(one: Compared, plan: Plan) -> bool:
    """Whether what counts before the cost gets no worse."""
    if len(one.problem.tiers) == 1:
        return True
    now = planned(one.problem, one.assignment)
    if now is None:
        return False
    before, after = tier_values(one.problem, now), tier_values(one.problem, plan)
    return after <= before


def _new_work(one: Compared, assignment: Assignment) -> int:
    """How many locations get work that they do not have just so."""
    return sum(
        1 for place, atoms in assignment.items() if dict(one.assignment.get(place, {})) != atoms
    )


def _is_same(one: Assignment, other: Assignment) -> bool:
    return {place: dict(atoms) for place, atoms in one.items()} == {
        place: dict(atoms) for place, atoms in other.items()
    }


def _together(
    compared: Sequence[Compared],
    batch: Batch,
    assignments: Sequence[Assignment | None],
    moved: Sequence[int],
) -> Iterator[list[int]]:
    """The orders that move, each with those that must make room for it.

    What is free is given out first; only who needs more is bound to those who give something up.
    """
    leader = {number: number for number in moved}

    def find(number: int) -> int:
        while leader[number] != number:
            number = leader[number]
        return number

    differences = _differences(compared, assignments, moved)
    free = _free(compared, batch)
    for resource, by_order in differences.items():
        room = free.get(resource, 0)
        giving = [(number, -units) for number, units in by_order.items() if units < 0]
        for number, units in by_order.items():
            if units <= 0:
                continue
            from_room = min(units, room)
            room -= from_room
            needed = units - from_room
            while needed > 0 and giving:
                other, there = giving.pop()
                taken = min(needed, there)
                needed -= taken
                if there > taken:
                    giving.append((other, there - taken))
                leader[find(number)] = find(other)
    groups: dict[int, list[int]] = {}
    for number in moved:
        groups.setdefault(find(number), []).append(number)
    yield from groups.values()


_Resource = tuple[str, str]
"""A location and a SKU; of a location's room, no SKU."""


def _uses(one: Compared, assignment: Assignment) -> dict[_Resource, int]:
    used: dict[_Resource, int] = {}
    for place, atoms in assignment.items():
        for line, number in atoms.items():
            group = one.problem.groups[line]
            for key in ((place, group.parts[0].sku), (place, "")):
                used[key] = used.get(key, 0) + number * group.units
    return used


def _differences(
    compared: Sequence[Compared],
    assignments: Sequence[Assignment | None],
    moved: Sequence[int],
) -> dict[_Resource, dict[int, int]]:
    """By resource, what each moved order would use of it more than now."""
    found: dict[_Resource, dict[int, int]] = {}
    for number in moved:
        one, assignment = compared[number], assignments[number] or {}
        before, after = _uses(one, one.assignment), _uses(one, assignment)
        for key in before.keys() | after.keys():
            units = after.get(key, 0) - before.get(key, 0)
            if units:
                found.setdefault(key, {})[number] = units
    return found


def _free(compared: Sequence[Compared], batch: Batch) -> dict[_Resource, int]:
    """What of each resource no compared order uses now."""
    places, skus = batch.locations.ids, batch.items.skus
    rows = zip(
        batch.stock.item.tolist(),
        batch.stock.location.tolist(),
        batch.stock.units.tolist(),
        strict=True,
    )
    free = {(places[place], skus[item]): units for item, place, units in rows}
    free |= {
        (name, ""): units
        for name, units in zip(places, batch.locations.capacity.tolist(), strict=True)
    }
    for one in compared:
        for key, units in _uses(one, one.assignment).items():
            free[key] = free.get(key, 0) - units
    return {key: max(0, units) for key, units in free.items()}


def charge_of(changes: Sequence[Change]) -> Money:
    """What all changes are charged."""
    return Money(sum(change.charge for change in changes))

"""The independent check of a batch's plan and of its bound, in Python's own integers.

It reads the instance and what is claimed, and nothing that a solver made of it: every term of the
cost is recomputed from the rates, every unit of stock and labor is counted, and the bound is summed
order by order by a recurrence of its own. It refuses on a difference of 1.

    ``LB(price) = sum over orders of min over plans (cost + price x use) - sum of price x capacity``

holds for any prices that are not negative: on the right, plans need not share stock and labor, but
they pay for it. Where a plan is said to be the cheapest although its bound lies below it, a cheaper
one is looked for (``ordermesh.routing.domain.batch.exhaustion``): one that is found refuses the
plan, and ``exhaust`` says whether all were tried.
"""

from collections.abc import Iterator, Sequence

from ordermesh.routing.domain.batch.exhaustion import Exhaustion, exhaust
from ordermesh.routing.domain.batch.instance import Batch
from ordermesh.routing.domain.batch.plan import LEFT, BatchPlan, BatchStatus
from ordermesh.routing.domain.batch.recounting import Lists, bound_of, cost_of_order, lists_of

__all__ = ["BatchRefused", "bound_of", "find_batch_faults", "verify_batch"]


class BatchRefused(ValueError):
    """A plan or a claim that is not true; the sentences say why."""


def verify_batch(batch: Batch, plan: BatchPlan, *, with_bound: bool = True) -> None:
    """Raise ``BatchRefused`` unless the plan can be carried out and all that is claimed is true."""
    faults = find_batch_faults(batch, plan, with_bound=with_bound)
    if faults:
        raise BatchRefused("; ".join(faults[:5]))


def find_batch_faults(batch: Batch, plan: BatchPlan, *, with_bound: bool = True) -> list[str]:
    """Why the plan is refused, in sentences; none where it is accepted."""
    lists = lists_of(batch)
    location = [int(one) for one in plan.location]
    if len(location) != len(lists.item):
        return ["The plan does not name a place for every atom."]
    if any(not LEFT <= place < len(lists.capacity) for place in location):
        return ["The plan names a location that is not there."]
    faults = list(_overdrawn(lists, location))
    if faults:
        return faults
    cost = 0
    for order in range(len(lists.destination)):
        found = cost_of_order(lists, order, location)
        if found is None:
            name = batch.orders.ids[order]
            return [f"Order {name} goes where nobody delivers, too late or in too heavy a parcel."]
        cost += found
    if cost != plan.cost:
        faults.append(f"The plan costs {cost}, not {plan.cost}.")
    if plan.bound > plan.cost:
        faults.append("The bound is above the plan.")
    if with_bound:
        faults.extend(_false_bound(batch, plan))
        if not faults and plan.status is BatchStatus.OPTIMAL:
            shown = exhaust(batch, plan.cost, plan.prices.tolist())
            if shown is Exhaustion.CHEAPER_FOUND:
                faults.append("There is a cheaper plan.")
    return faults


def _false_bound(batch: Batch, plan: BatchPlan) -> Iterator[str]:
    prices = [int(price) for price in plan.prices]
    try:
        proven = bound_of(batch, prices)
    except ValueError as wrong:
        yield f"The prices prove nothing: {wrong}."
        return
    if plan.bound > proven:
        yield f"The prices prove {proven}, not {plan.bound}."


def _overdrawn(lists: Lists, location: Sequence[int]) -> Iterator[str]:
    """What is taken that is not there."""
    taken: dict[int, int] = {}
    labor: dict[int, int] = {}
    for atom, place in enumerate(location):
        if place == LEFT:
            continue
        row = lists.rows_of_item.get(lists.item[atom], {}).get(place)
        if row is None:
            yield f"Atom {atom} is taken from location {place}, which has none."
            continue
        taken[row] = taken.get(row, 0) + lists.units[atom]
        labor[place] = labor.get(place, 0) + lists.units[atom]
    for row, units in taken.items():
        if units > lists.stock_units[row]:
            yield f"{units} units are taken of stock row {row}, which has {lists.stock_units[row]}."
    for place, units in labor.items():
        if units > lists.capacity[place]:
            yield f"Location {place} sends {units} units and can send {lists.capacity[place]}."

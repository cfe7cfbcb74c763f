"""What a candidate costs an order: its parcel, and each group, in the costs of the order's problem.

Costs are exact where a service's price is linear in weight; elsewhere the parcel is priced as if
all of the order were in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ordermesh.routing.domain.costs import atom_terms, line_terms, parcel_terms, shipment_terms
from ordermesh.routing.domain.problem import Candidate, Group, Option, Problem


@dataclass(frozen=True)
class CandidateRow:
    """A candidate of an order, with what each of its groups costs there; None: it cannot.

    The parcel is that of the service which carries most. What it does not carry goes by another.
    """

    candidate: Candidate
    parcel: int
    costs: Sequence[int | None]


def row_of(
    problem: Problem,
    groups: Sequence[Group],
    candidate: Candidate,
    more: int = 0,
    days_max: int | None = None,
) -> CandidateRow | None:
    """The candidate, if any of its services takes any of the groups in time.

    A parcel costs ``more`` than the problem says.
    """
    priced = [
        _priced(problem, groups, candidate, option, more)
        for option in candidate.options
        if days_max is None or option.days <= days_max
    ]
    if not priced:
        return None
    best = min(priced, key=_least)
    costs: list[int | None] = []
    for line, cost in enumerate(best.costs):
        others = [other for row in priced if (other := row.costs[line]) is not None]
        costs.append(min(others, default=None) if cost is None else cost)
    return replace(best, costs=costs) if any(cost is not None for cost in costs) else None


def _least(row: CandidateRow) -> tuple[int, int]:
    """The option that takes most, and of these the cheapest."""
    taken = [cost for cost in row.costs if cost is not None]
    return (len(row.costs) - len(taken), row.parcel + sum(taken))


def _priced(
    problem: Problem, groups: Sequence[Group], candidate: Candidate, option: Option, more: int
) -> CandidateRow:
    available = dict(candidate.available)
    tariff = problem.tariffs[option.tariff]
    grams = sum(group.grams * group.atoms for group in groups)
    volume = sum(group.cubic_mm * group.atoms for group in groups)
    billable = tariff.billable_grams(grams, volume)
    parcel = int(parcel_terms(problem, candidate, option, billable).total)
    parcel += shipment_terms(candidate).total
    parcel += problem.costs.split_charge + more
    costs: list[int | None] = []
    for group in groups:
        is_out = group.line_id in (*candidate.excluded_line_ids, *option.excluded_line_ids)
        if is_out or available.get(group.parts[0].sku, 0) < group.units:
            costs.append(None)
            continue
        cost = int(atom_terms(problem, candidate, option, group).total)
        # Counted with the atom: exact for a line that stays together.
        costs.append(cost + int(line_terms(candidate, 1).total) // group.atoms)
    return CandidateRow(candidate, int(parcel), costs)

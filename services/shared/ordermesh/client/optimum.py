"""Looks for a plan that is cheaper than an exported decision's, among all there are.

It stands on ``ordermesh.client.proof`` alone and shares no line with the service that made the
decision. ``python -m ordermesh.client.optimum decision.json`` ends with 1 when there is one. Only
small orders are looked at, of which cost alone was minimised, without limits of parcels.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ordermesh.client.proof import Check, Record, billable, check, equal, grams_of

PROVABLE_ATOMS = 7
"""Of so many atoms every set is tried."""


def optimum(check: Check) -> float | None:
    """The cost of the cheapest of all plans; None where there are too many, or there are limits.

    Every location in turn may take every set of atoms, in every way to part it into parcels.
    """
    problem, split = check.problem, check.costs["split_charge"]
    atoms = [group for group in check.groups for _ in range(group["atoms"])]
    limits = [t["grams_max"] for t in problem["tariffs"]] + [check.costs["parcel_limit_grams"]]
    odd = (
        problem["shipments_max"]
        or problem["parcels_max"]
        or problem["all_or_nothing"]
        or limits.count(None) < len(limits)
    )
    plain = [tier["terms"] for tier in problem["tiers"]] == [
        [{"term": "COST", "thousandths": 1000}]
    ]
    if odd or not plain or len(atoms) > PROVABLE_ATOMS:
        return None
    sets = [[a for i, a in enumerate(atoms) if mask >> i & 1] for mask in range(1 << len(atoms))]
    left = [sum(check.penalty(group) for group in each) for each in sets]
    some: list[float] = [float("inf")] * len(sets)
    for where in problem["candidates"]:
        once = [_once(check, where, each) for each in sets]
        alone = [_one_parcel(check, where, each) for each in sets]
        packed: list[float] = [0]
        for mask in range(1, len(sets)):
            firsts = [part for part in _parts_of(mask) if part & mask & -mask]
            packed.append(min(alone[p] + split + packed[mask ^ p] for p in firsts))
        may = [_fits(where, each) for each in sets]
        best = [
            min(
                [
                    float("inf"),
                    *(
                        min(some[m ^ p], left[m ^ p]) + packed[p] + once[p]
                        for p in _parts_of(m)
                        if may[p]
                    ),
                ]
            )
            for m in range(len(sets))
        ]
        some = [min(before, now) for before, now in zip(some, best, strict=True)]
    return float(min(left[-1], some[-1] - split))


def _parts_of(mask: int) -> Iterator[int]:
    """Every part of a set but the empty one."""
    part = mask
    while part:
        yield part
        part = part - 1 & mask


def _once(check: Check, where: Record, atoms: list[Record]) -> float:
    """What a shipment of these atoms costs beside its parcels and each of them."""
    lines = [{"line_id": group["line_id"]} for group in atoms]
    return float(check.shipment_costs(where, {"parcels": [], "lines": lines}, []).total())


def _one_parcel(check: Check, where: Record, atoms: list[Record]) -> float:
    """What atoms cost in one parcel by the cheapest service."""
    categories = {group["category"] for group in atoms}
    if any(set(pair) <= categories for pair in check.problem["apart"]):
        return float("inf")
    found = [float("inf")]
    grams = sum(grams_of(group) for group in atoms)
    volume = sum(p["units"] * p["cubic_mm"] for group in atoms for p in group["parts"])
    for option in where["options"]:
        if not any(group["line_id"] in option["excluded_line_ids"] for group in atoms):
            charged = billable(check.problem["tariffs"][option["tariff"]], grams, volume)
            each = [check.atom_costs(where, option, group).total() for group in atoms]
            found.append(check.parcel_costs(where, option, charged).total() + sum(each))
    return min(found)


def _fits(where: Record, atoms: list[Record]) -> bool:
    """Whether a location may ship these atoms together."""
    units = Counter(sku for g in atoms for p in g["parts"] for sku in [p["sku"]] * p["units"])
    held, room = dict(where["available"]), where["capacity_units"]
    barred = any(group["line_id"] in where["excluded_line_ids"] for group in atoms)
    enough = all(number <= held.get(sku, 0) for sku, number in units.items())
    return not barred and enough and (room is None or units.total() <= room)


def main() -> int:
    """Check the files that are named; 1 if any plan is not the cheapest."""
    for file in sys.argv[1:]:
        record = json.loads(Path(file).read_text())
        check(record)
        best = optimum(Check(record["problem"], record["plan"]))
        if best is None:
            print(f"{file}: too large, or limited, to look at every plan")  # noqa: T201 - its use
            continue
        equal("cheapest of all plans", record["certificate"]["objective"], best)
        print(f"{file}: no plan is cheaper")  # noqa: T201 - as above
    return 0


if __name__ == "__main__":
    sys.exit(main())

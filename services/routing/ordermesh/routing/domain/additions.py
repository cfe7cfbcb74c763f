"""Money of rules as the solver takes it: for units of a line, once for a shipment, for parcels."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.network import NetworkLocation
from ordermesh.routing.domain.problem import Adjustment, AdjustmentKind
from ordermesh.routing.domain.rules.result import Evaluation
from ordermesh.routing.domain.rules.rule import Purpose

_KINDS: Mapping[Purpose, AdjustmentKind] = {
    Purpose.PREFERENCE: AdjustmentKind.PREFERENCE,
    Purpose.EXCESS_STOCK: AdjustmentKind.PREFERENCE,
    Purpose.SIZE_RUN: AdjustmentKind.PREFERENCE,
    Purpose.MARKDOWN: AdjustmentKind.MARKDOWN,
    Purpose.STOCK_OUT: AdjustmentKind.STOCK_OUT,
    Purpose.REJECT_RISK: AdjustmentKind.REJECT_RISK,
}


@dataclass(frozen=True)
class Additions:
    """What rules add to the costs of locations; what is for parcels goes with the pick fee."""

    by_location: Mapping[str, tuple[Adjustment, ...]] = field(default_factory=dict)
    per_parcel: Mapping[str, int] = field(default_factory=dict)

    def pick_fee(self, entry: NetworkLocation, more: int) -> Money:
        """What a parcel costs to pick and pack at a location, by itself and by rules."""
        return Money(entry.pick_fee + self.per_parcel.get(entry.location_id, 0) + more)


def additions(evaluation: Evaluation, line_ids: Collection[str]) -> Additions:
    """The money of all rules, added up by location, line and kind; only of these lines."""
    sums: dict[str, dict[tuple[str, AdjustmentKind], int]] = {}
    parcels: dict[str, int] = {}
    for one in evaluation.adjustments:
        if one.per_parcel:
            parcels[one.location_id] = parcels.get(one.location_id, 0) + one.per_parcel
        amount = one.per_unit if one.line_id else one.per_shipment
        if not amount or (one.line_id and one.line_id not in line_ids):
            continue
        key = (one.line_id, _KINDS[one.purpose])
        there = sums.setdefault(one.location_id, {})
        there[key] = there.get(key, 0) + amount
    by_location = {
        location_id: tuple(
            Adjustment(kind, line_id, Money(amount))
            for (line_id, kind), amount in sorted(there.items())
            if amount
        )
        for location_id, there in sums.items()
    }
    return Additions(by_location, parcels)

"""A rate card as the costs of a batch: zones by distance, brackets of weight, prices of a kg."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from ordermesh.kernel.money import Money
from ordermesh.routing.audit.reading import NotRead, Rate
from ordermesh.routing.domain.batch.instance import Brackets
from ordermesh.routing.domain.rates import CarbonRates, CostModel, ZoneRates

ANY_GRAMS = 2**40
"""The edge of a bracket for parcels of any weight."""

_NOTHING = Money(0)


@dataclass(frozen=True)
class Tariff:
    """What is charged for parcels. ``dearest`` is no less than any parcel of so many grams."""

    costs: CostModel
    brackets: Brackets | None

    def dearest(self, grams: int) -> int:
        """What the dearest parcel of at most this weight costs."""
        base = int(max(zone.freight_per_parcel for zone in self.costs.zones))
        base += 0 if self.brackets is None else int(self.brackets.price.max())
        each = max(zone.freight_per_kg for zone in self.costs.zones)
        return int(base + each * (grams // 1_000 + 1))


def make_tariff(rates: Sequence[Rate], currency: str) -> Tariff:
    """The card as costs of a batch; raises ``NotRead`` where it contradicts itself."""
    zones = [tuple(lines) for _, lines in groupby(rates, key=lambda one: one.zone)]
    if len({lines[0].zone for lines in zones}) < len(zones):
        raise NotRead("the lines of a zone do not have the same far edge")
    for lines in zones:
        _check(lines)
    edges = sorted({edge for lines in zones for edge in map(_edge, lines)})
    if len({_edge(lines[-1]) for lines in zones}) > 1:
        raise NotRead("every zone has a price for parcels as heavy as any other zone has")
    is_plain = edges == [ANY_GRAMS]
    try:
        costs = CostModel(
            version="rate card",
            currency=currency,
            zones=tuple(
                ZoneRates(
                    zone=lines[0].zone,
                    distance_km_max=lines[0].distance_km_max,
                    freight_per_parcel=lines[0].price if is_plain else _NOTHING,
                    freight_per_kg=lines[0].price_per_kg,
                    transit_days=lines[0].transit_days,
                )
                for lines in zones
            ),
            split_charge=_NOTHING,
            transit_day=_NOTHING,
            late_day=_NOTHING,
            unfilled_per_atom=_NOTHING,
            unfilled_per_unit=_NOTHING,
            unfilled_per_kg=_NOTHING,
            carbon=CarbonRates(0, 0, 0, _NOTHING, "none"),
        )
    except ValueError as wrong:
        raise NotRead(f"the rate card cannot be used: {wrong}") from wrong
    if is_plain:
        return Tariff(costs, None)
    price = [[_price(lines, edge) for edge in edges] for lines in zones]
    return Tariff(costs, Brackets(np.array(edges, np.int64), np.array(price, np.int64)))


def _check(lines: Sequence[Rate]) -> None:
    name = f"zone {lines[0].zone}"
    if len({(one.distance_km_max, one.transit_days, one.price_per_kg) for one in lines}) > 1:
        raise NotRead(f"{name} has one far edge, one transit time and one price per kilogram")
    edges = [_edge(one) for one in lines]
    if len(set(edges)) < len(edges):
        raise NotRead(f"{name} has two prices for one weight")
    prices = [one.price for one in lines]
    if prices != sorted(prices):
        raise NotRead(f"{name} charges less for a heavier parcel")


def _edge(rate: Rate) -> int:
    return ANY_GRAMS if rate.up_to_grams is None else rate.up_to_grams


def _price(lines: Iterable[Rate], grams: int) -> int:
    return next(int(one.price) for one in lines if _edge(one) >= grams)

"""Tariffs: what a carrier takes for one parcel, by its billable weight; all of it integers.

The billable weight is the greater of what a parcel weighs and what it would weigh at the carrier's
density (dimensional weight), rounded up to whole steps. Money is in 1e-4 of one currency.
"""

import itertools
from dataclasses import dataclass
from functools import cached_property

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.rates import GRAMS_PER_KG, CarbonRates, CostModel, ZoneRates
from ordermesh.routing.domain.rounding import divide_half_even

FREE = Money(0)


@dataclass(frozen=True, slots=True)
class Bracket:
    """A parcel of at most ``grams_max`` billable grams costs ``price``."""

    grams_max: int
    price: Money


@dataclass(frozen=True)
class Tariff:
    """The price of one parcel.

    With ``brackets`` it is that of the first that holds the billable weight; beyond the last one,
    or without any, it is ``per_parcel`` and ``per_kg`` for what is above the last bracket.
    A parcel weighs at most ``grams_max``. ``cubic_mm_per_gram`` is the carrier's density, 0 where
    size does not matter (a divisor of 5,000 cm3 per kg is 5,000 mm3 per gram). ``carbon`` None
    means the factors of the cost model. Every unit costs ``per_unit`` on top, whatever it weighs.

    A tariff that is ``is_linear`` charges every atom for its own weight, rounded for each, so that
    only the number of parcels matters; any other charges each parcel for what is in it.

    Raises ``ValueError`` if brackets do not rise, a heavier parcel is cheaper, or a number is
    negative.
    """

    tariff_id: str
    per_parcel: Money
    per_kg: Money
    brackets: tuple[Bracket, ...] = ()
    grams_max: int | None = None
    cubic_mm_per_gram: int = 0
    grams_step: int = 1
    carbon: CarbonRates | None = None
    per_unit: Money = FREE

    def __post_init__(self) -> None:
        edges = [bracket.grams_max for bracket in self.brackets]
        prices = [bracket.price for bracket in self.brackets]
        if edges != sorted(set(edges)) or (edges and edges[0] <= 0):
            raise ValueError("the far edges of brackets must rise")
        if min(self.per_parcel, self.per_kg, self.per_unit, *prices) < 0:
            raise ValueError("a price is negative")
        if self.cubic_mm_per_gram < 0:
            raise ValueError("a density is negative")
        prices.append(self.per_parcel)
        if prices != sorted(prices):
            raise ValueError("a heavier parcel is never cheaper")
        if self.grams_step <= 0 or (self.grams_max is not None and self.grams_max <= 0):
            raise ValueError("steps and limits of weight are positive")

    @property
    def is_linear(self) -> bool:
        """Whether a parcel's price is a sum over what is in it, and a constant."""
        return not self.brackets and not self.cubic_mm_per_gram and self.grams_step == 1

    def billable_grams(self, grams: int, cubic_mm: int) -> int:
        """What a parcel of this weight and volume is charged for."""
        if self.cubic_mm_per_gram:
            grams = max(grams, -(-cubic_mm // self.cubic_mm_per_gram))
        return -(-grams // self.grams_step) * self.grams_step

    def price(self, billable_grams: int) -> Money:
        """What one parcel costs that is charged as a whole; see ``is_linear``."""
        for bracket in self.brackets:
            if billable_grams <= bracket.grams_max:
                return bracket.price
        above = billable_grams - (self.brackets[-1].grams_max if self.brackets else 0)
        return Money(self.per_parcel + divide_half_even(above * self.per_kg, GRAMS_PER_KG))

    @cached_property
    def merging_excess(self) -> int:
        """How much dearer one parcel can be than two with the same goods, at most; maybe negative.

        Where what a second parcel costs beside its price is no less, nothing is gained by packing
        what fits one parcel into several. Each bracket is fullest at its edge, so edges decide;
        beyond the last one the price is a line, whose start counts as an edge, and a unit of money
        covers the rounding.
        """
        if not self.brackets:
            # Two parcels pay the constant twice; the weights add up, but for the rounding.
            return 1 - self.per_parcel
        edges = [bracket.grams_max for bracket in self.brackets]
        beyond = edges[-1] + 1
        pairs = itertools.combinations_with_replacement([*edges, beyond], 2)
        return 2 + max(
            self.price(first + second) - self.price(first) - self.price(second)
            for first, second in pairs
        )


def zone_tariff(costs: CostModel, zone: ZoneRates) -> Tariff:
    """The tariff that a zone of the cost model stands for."""
    return Tariff(f"{costs.version}/{zone.zone}", zone.freight_per_parcel, zone.freight_per_kg)

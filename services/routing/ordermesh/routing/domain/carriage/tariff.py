"""Tariffs: the price of one parcel by its billable weight, in integers that were rounded once."""

from dataclasses import dataclass

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.rounding import divide_half_even

GRAMS_PER_KG = 1_000
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Conversion:
    """A currency's amount times ``numerator`` over ``denominator`` is another's, both positive.

    ``version`` names the rate, "" where nothing is converted.
    """

    numerator: int
    denominator: int
    version: str = ""

    def __post_init__(self) -> None:
        if self.numerator <= 0 or self.denominator <= 0:
            raise ValueError("a rate of exchange is positive")

    def of(self, amount: int) -> Money:
        """The amount in the other currency, rounded half to even."""
        return Money(divide_half_even(amount * self.numerator, self.denominator))


SAME = Conversion(1, 1)
"""Nothing is converted."""


def price_once(plain: int, fueled: int, fuel_millionths: int, conversion: Conversion) -> Money:
    """An amount, and one that bears a percentage, converted together and rounded once."""
    exact = plain * MILLION + fueled * (MILLION + fuel_millionths)
    return Money(divide_half_even(exact * conversion.numerator, MILLION * conversion.denominator))


@dataclass(frozen=True, slots=True)
class Step:
    """Parcels up to and with this weight, and over that of the step before, cost this."""

    grams_max: int
    price: Money


@dataclass(frozen=True, slots=True)
class Tariff:
    """The prices of parcels into one zone; steps rise in weight.

    ``per_kg_beyond`` is for what exceeds the last step, None where nothing heavier is carried.
    """

    steps: tuple[Step, ...]
    per_kg_beyond: Money | None
    weight_step_grams: int = 1
    volume_divisor: int = 0

    def billable_grams(self, grams: int, volume_mm3: int) -> int:
        """Weight or volume, whichever is more, rounded up to the step of the carrier's scales."""
        by_volume = -(-volume_mm3 // self.volume_divisor) if self.volume_divisor else 0
        billable = max(grams, by_volume)
        return -(-billable // self.weight_step_grams) * self.weight_step_grams

    def price(self, billable_grams: int) -> Money | None:
        """What a parcel costs; None when it is too heavy for the service."""
        for step in self.steps:
            if billable_grams <= step.grams_max:
                return step.price
        if self.per_kg_beyond is None:
            return None
        last = self.steps[-1]
        over = (billable_grams - last.grams_max) * self.per_kg_beyond
        return Money(last.price + divide_half_even(over, GRAMS_PER_KG))

    @property
    def merging_is_never_dearer(self) -> bool:
        """Whether two parcels never cost more as one than apart, in whatever weights.

        Within steps prices do not change and rise from one to the next, so that the heaviest
        parcels of two steps are the worst pair. Beyond the last step a gram adds the same
        everywhere, but for rounding, which is counted against merging. Where heavy parcels are not
        carried, merging can be impossible: that is dearer.
        """
        if self.per_kg_beyond is None:
            return False
        for first in self.steps:
            for second in self.steps:
                merged = self.price(first.grams_max + second.grams_max)
                if merged is None or merged > first.price + second.price:
                    return False
        per_kg, last = self.per_kg_beyond, self.steps[-1]
        if any(per_kg * step.grams_max // GRAMS_PER_KG + 1 > step.price for step in self.steps):
            return False
        return per_kg * last.grams_max // GRAMS_PER_KG + 2 <= last.price

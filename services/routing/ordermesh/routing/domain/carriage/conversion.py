"""From one currency to another, with a percentage on top, rounded once."""

from dataclasses import dataclass

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.rounding import divide_half_even

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

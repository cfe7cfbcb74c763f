"""Money as integers: 1e-4 of one currency unit, added without rounding."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import NewType

Money = NewType("Money", int)
"""An amount in units of 1e-4 of one currency; the currency is named once, beside it."""

SCALE = 10_000


def from_decimal(amount: Decimal | str) -> Money:
    """The amount, rounded once, half to even, to 1e-4 units."""
    return Money(int((Decimal(amount) * SCALE).to_integral_value(ROUND_HALF_EVEN)))


def to_decimal(amount: int) -> Decimal:
    """The amount in currency units, exactly."""
    return Decimal(amount) / SCALE


def from_units_and_nanos(units: int, nanos: int) -> Money:
    """From the two numbers of ``google.type.Money``; nanos below 1e-4 are rounded half to even."""
    return Money(units * SCALE + from_decimal(Decimal(nanos) / 1_000_000_000))


def to_units_and_nanos(amount: int) -> tuple[int, int]:
    """The two numbers of ``google.type.Money``: both carry the sign of the amount."""
    sign = -1 if amount < 0 else 1
    units, rest = divmod(abs(amount), SCALE)
    return sign * units, sign * rest * (1_000_000_000 // SCALE)

"""What is asked or paid for something."""

from dataclasses import dataclass

from ordermesh.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Price:
    """An amount with its currency."""

    currency_code: str
    amount: Money

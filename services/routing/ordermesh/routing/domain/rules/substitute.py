"""What rules let be sent instead of an item."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from ordermesh.kernel.money import Money


class When(StrEnum):
    """Under which circumstances a substitute may be sent."""

    SHORT = "SHORT"
    CHEAPER = "CHEAPER"


class PaidFor(StrEnum):
    """What the customer pays for a substitute."""

    AS_ORDERED = "AS_ORDERED"
    LOWER = "LOWER"


@dataclass(frozen=True, slots=True)
class Substitute:
    """So many units of another item may be sent for each one that was ordered.

    ``per_unit`` is what each unit that is sent costs beside what the plan does.
    """

    sku: str
    when: When
    units_each: int = 1
    price: PaidFor = PaidFor.AS_ORDERED
    per_unit: Money = Money(0)  # noqa: RUF009 - an integer, which never changes
    kind: Literal["SUBSTITUTE"] = "SUBSTITUTE"


@dataclass(frozen=True, slots=True)
class Offered:
    """A substitute that a rule offers for a line whose customer would take one."""

    rule_id: str
    title: str
    line_id: str
    substitute: Substitute

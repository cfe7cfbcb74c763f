"""Rules: a scope, conditions, and one effect."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.rules.action import OrderAction
from ordermesh.routing.domain.rules.conditions import AnyOf, Condition, Test
from ordermesh.routing.domain.rules.substitute import Substitute
from ordermesh.routing.domain.rules.vocabulary import Fact

NOTHING = Money(0)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time whose end is no part of it; None is open."""

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether this instant lies in it."""
        return (self.start is None or self.start <= now) and (self.end is None or now < self.end)


def in_force(windows: Iterable[Window], now: datetime) -> bool:
    """Whether this instant lies in one of them; without any, always."""
    listed = tuple(windows)
    return not listed or any(window.holds(now) for window in listed)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a rule holds; what is empty lets everything pass.

    Locations are named or in a group; items are named, tagged, or need some care.
    """

    location_ids: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()
    item_tags: tuple[str, ...] = ()
    item_handling: tuple[str, ...] = ()

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The same, as conditions."""
        sides = (
            ((Fact.LOCATION_ID, self.location_ids), (Fact.LOCATION_GROUP, self.groups)),
            (
                (Fact.ITEM_SKU, self.skus),
                (Fact.ITEM_TAG, self.item_tags),
                (Fact.ITEM_HANDLING, self.item_handling),
            ),
        )
        listed = []
        for side in sides:
            tests = tuple(Test(fact, values=names) for fact, names in side if names)
            if tests:
                listed.append(tests[0] if len(tests) == 1 else AnyOf(tests))
        return tuple(listed)


class Purpose(StrEnum):
    """What money of a rule stands for."""

    PREFERENCE = "PREFERENCE"
    EXCESS_STOCK = "EXCESS_STOCK"
    SIZE_RUN = "SIZE_RUN"
    MARKDOWN = "MARKDOWN"
    STOCK_OUT = "STOCK_OUT"
    REJECT_RISK = "REJECT_RISK"


@dataclass(frozen=True, slots=True)
class Fence:
    """Takes locations away."""

    kind: Literal["FENCE"] = "FENCE"


@dataclass(frozen=True, slots=True)
class Scale:
    """A number as a share of an amount: nothing at one end, all of it at the other."""

    fact: Fact
    nothing_at: int
    all_at: int

    def share(self, amount: int, value: int) -> int:
        """So much of an amount as the number makes of it, rounded half to even."""
        width = self.all_at - self.nothing_at
        way = value - self.nothing_at
        if width < 0:
            width, way = -width, -way
        way = min(max(way, 0), width)
        quotient, rest = divmod(amount * way, width)
        return quotient + (2 * rest > width or (2 * rest == width and quotient % 2 == 1))


@dataclass(frozen=True, slots=True)
class Charge:
    """Money for units, shipments and parcels; negative ones are credits."""

    per_unit: Money = NOTHING
    per_shipment: Money = NOTHING
    per_parcel: Money = NOTHING
    scale: Scale | None = None
    purpose: Purpose = Purpose.PREFERENCE
    kind: Literal["CHARGE"] = "CHARGE"


@dataclass(frozen=True, slots=True)
class SplitLimit:
    """How an order may be split; 0 and None mean no limit."""

    shipments_max: int = 0
    parcels_max: int = 0
    ship_complete: bool = False
    lines_whole: bool = False
    lines_together: bool = False
    item_value_min: Money | None = None
    order_value_min: Money | None = None
    only_if_available: bool = False
    kind: Literal["SPLIT_LIMIT"] = "SPLIT_LIMIT"


class Mode(StrEnum):
    """What a full location may do."""

    HARD = "HARD"
    RANK_LAST = "RANK_LAST"
    IGNORED = "IGNORED"


@dataclass(frozen=True, slots=True)
class CapacityMode:
    """What the end of a location's capacity means."""

    mode: Mode
    kind: Literal["CAPACITY_MODE"] = "CAPACITY_MODE"


@dataclass(frozen=True, slots=True)
class ServiceRule:
    """Services that are banned, or charged for each parcel that takes them.

    They are named, have one of the ``features``, or lack one of ``without_features``.
    """

    service_ids: tuple[str, ...]
    banned: bool = False
    per_parcel: Money = NOTHING
    features: tuple[str, ...] = ()
    without_features: tuple[str, ...] = ()
    kind: Literal["SERVICE"] = "SERVICE"

    def is_about(self, service_id: str, features: Collection[str] | None) -> bool:
        """Whether it speaks of a service; ``features`` None is one that no carrier sells."""
        if service_id in self.service_ids:
            return True
        if features is None:
            return False
        return any(one in features for one in self.features) or any(
            one not in features for one in self.without_features
        )


@dataclass(frozen=True, slots=True)
class PromiseRule:
    """What the promise means."""

    hard: bool
    tolerance_days: int = 0
    kind: Literal["PROMISE"] = "PROMISE"


@dataclass(frozen=True, slots=True)
class Consolidate:
    """An order may be brought together at one of these hubs; with ``required`` it leaves as one."""

    hub_location_ids: tuple[str, ...]
    required: bool = False
    kind: Literal["CONSOLIDATE"] = "CONSOLIDATE"


@dataclass(frozen=True, slots=True)
class KeepApart:
    """Goods share no parcel with others."""

    kind: Literal["KEEP_APART"] = "KEEP_APART"


Effect = (
    Fence
    | Charge
    | SplitLimit
    | CapacityMode
    | ServiceRule
    | PromiseRule
    | OrderAction
    | Substitute
    | Consolidate
    | KeepApart
)


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens where all conditions hold."""

    rule_id: str
    effect: Effect
    name: str = ""
    windows: tuple[Window, ...] = ()
    scope: Scope = field(default_factory=Scope)
    conditions: tuple[Condition, ...] = ()
    disabled: bool = False

    @property
    def all_conditions(self) -> tuple[Condition, ...]:
        """Those of the scope too."""
        return (*self.scope.conditions, *self.conditions)

    @property
    def title(self) -> str:
        """What people call it."""
        return self.name or self.rule_id

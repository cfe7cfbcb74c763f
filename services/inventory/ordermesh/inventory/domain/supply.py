"""Supplies: goods that are expected at a location, and what may become of one.

::

    PLANNED ──▶ CONFIRMED ──▶ IN_TRANSIT ──▶ RECEIVED
       │            │              └───────▶ CANCELLED
       └────────────┴── also at once to each state further on

What is promised of a supply is never more than what of it is still to come.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ordermesh.inventory.domain.errors.requests import DuplicateEntry, SameLocation
from ordermesh.inventory.domain.errors.supply import (
    SupplyKeyChanged,
    SupplyStateRefused,
    SupplyVersionReused,
    TransferInTransit,
)
from ordermesh.inventory.domain.item import ExternalReference
from ordermesh.inventory.domain.key import StockKey


class SupplyKind(enum.IntEnum):
    """What kind of document announces it; the numbers are the contract's."""

    PURCHASE_ORDER = 1
    SHIPPING_NOTICE = 2
    TRANSFER = 3


class SupplyState(enum.IntEnum):
    """How far it has come; the numbers are the contract's."""

    PLANNED = 1
    CONFIRMED = 2
    IN_TRANSIT = 3
    RECEIVED = 4
    CANCELLED = 5


_ENDS = frozenset({SupplyState.RECEIVED, SupplyState.CANCELLED})

TRANSITIONS: Mapping[SupplyState, frozenset[SupplyState]] = {
    SupplyState.PLANNED: _ENDS | {SupplyState.CONFIRMED, SupplyState.IN_TRANSIT},
    SupplyState.CONFIRMED: _ENDS | {SupplyState.IN_TRANSIT},
    SupplyState.IN_TRANSIT: _ENDS,
    SupplyState.RECEIVED: frozenset(),
    SupplyState.CANCELLED: frozenset(),
}
"""What a supply may become. A state from which nothing leads on is closed for ever."""

EXPECTED = frozenset(state for state, next_states in TRANSITIONS.items() if next_states)
"""The states in which something is still to come."""


@dataclass(frozen=True)
class Supply:
    """So many units of one key that are expected.

    ``expected_time`` is when they are there at the latest, ``earliest_time`` when at the earliest
    (None: not said). ``quantity`` is all that was announced; ``received`` and ``lost`` of it have
    come or never will. ``promised`` are units that reservations wait for. ``source_version`` is
    the announcer's count (0: it has none), ``version`` ours: one more with every change.
    """

    supply_id: str
    kind: SupplyKind
    key: StockKey
    quantity: int
    expected_time: datetime
    confidence_percent: int
    state: SupplyState = SupplyState.PLANNED
    document: str = ""
    from_location_id: str = ""
    earliest_time: datetime | None = None
    external_references: tuple[ExternalReference, ...] = ()
    source_version: int = 0
    received: int = 0
    lost: int = 0
    promised: int = 0
    version: int = 0
    create_time: datetime | None = field(default=None, compare=False)
    update_time: datetime | None = field(default=None, compare=False)

    @property
    def is_expected(self) -> bool:
        """Whether something of it may still come."""
        return self.state in EXPECTED

    @property
    def open_quantity(self) -> int:
        """Units that are still to come."""
        return max(0, self.quantity - self.received - self.lost) if self.is_expected else 0

    @property
    def unpromised(self) -> int:
        """Units that are still to come and are promised to nobody."""
        return self.open_quantity - self.promised

    @property
    def is_on_its_way(self) -> bool:
        """Whether it is a transfer whose units have left one location and not reached the other."""
        return self.kind is SupplyKind.TRANSFER and self.state is SupplyState.IN_TRANSIT

    def become(self, state: SupplyState) -> "Supply":
        """The supply in another state; raises ``SupplyStateRefused`` where no way leads there."""
        if state not in TRANSITIONS[self.state]:
            raise SupplyStateRefused(self.supply_id, self.state.name, state.name)
        return replace(self, state=state)


@dataclass(frozen=True)
class SupplyRule:
    """Which supplies may be counted on: due within the horizon, and certain enough.

    What is overdue is not counted on until it has a new date.
    """

    horizon: timedelta = timedelta(days=90)
    confidence_percent: int = 50

    def as_sure_as(self, confidence_percent: int) -> "SupplyRule":
        """The rule for somebody who wants to be as sure, if that is surer."""
        return replace(self, confidence_percent=max(confidence_percent, self.confidence_percent))

    def counts(self, supply: Supply, now: datetime) -> bool:
        """Whether new promises may be made of the supply."""
        return (
            supply.is_expected
            and now <= supply.expected_time <= now + self.horizon
            and supply.confidence_percent >= self.confidence_percent
        )


ORDINARY_RULE = SupplyRule()
"""What holds where nobody set anything else."""


class PutVerdict(enum.IntEnum):
    """What became of one announcement; the numbers are the contract's."""

    CREATED = 1
    CHANGED = 2
    UNCHANGED = 3
    OUTDATED = 4
    CLOSED = 5


@dataclass(frozen=True)
class Put:
    """An announcement: what became of it, and the supply before and after."""

    verdict: PutVerdict
    before: Supply | None
    after: Supply

    @property
    def is_change(self) -> bool:
        """Whether anything is to be stored."""
        return self.verdict in (PutVerdict.CREATED, PutVerdict.CHANGED)


def refuse_impossible(supplies: Sequence[Supply]) -> None:
    """Raise ``DuplicateEntry`` for an id that comes twice, ``SameLocation`` for a transfer home."""
    seen: set[str] = set()
    for number, supply in enumerate(supplies):
        if supply.supply_id in seen:
            raise DuplicateEntry(f"supplies[{number}].supply_id", supply.supply_id)
        seen.add(supply.supply_id)
        if supply.from_location_id == supply.key.location_id:
            raise SameLocation(supply.key)


def put(announced: Iterable[Supply], stored: Mapping[str, Supply]) -> list[Put]:
    """Take announcements over, each decided for itself.

    What is closed stays as it is, and so does what a later version has told of already. Raises
    ``SupplyKeyChanged``, ``SupplyVersionReused``, ``SupplyStateRefused``, ``TransferInTransit``.
    """
    return [_put(one, stored.get(one.supply_id)) for one in announced]


def _put(told: Supply, before: Supply | None) -> Put:
    if before is None:
        _refuse_sending(told)
        return Put(PutVerdict.CREATED, None, replace(told, version=1))
    if (told.key, told.kind) != (before.key, before.kind):
        raise SupplyKeyChanged(told.supply_id, before.key)
    if not before.is_expected:
        return Put(PutVerdict.CLOSED, before, before)
    if 0 < told.source_version < before.source_version:
        return Put(PutVerdict.OUTDATED, before, before)
    after = replace(
        told,
        source_version=max(told.source_version, before.source_version),
        received=before.received,
        lost=before.lost,
        promised=before.promised,
        version=before.version,
    )
    if after == before:
        return Put(PutVerdict.UNCHANGED, before, before)
    if 0 < told.source_version == before.source_version:
        raise SupplyVersionReused(told.supply_id, told.source_version)
    _refuse_change(before, after)
    if after.received and not after.open_quantity:
        after = after.become(SupplyState.RECEIVED)
    return Put(PutVerdict.CHANGED, before, replace(after, version=before.version + 1))


def _refuse_sending(told: Supply) -> None:
    """A transfer leaves by being sent, because units leave the books of its origin with it."""
    if told.is_on_its_way:
        raise SupplyStateRefused(told.supply_id, SupplyState.PLANNED.name, told.state.name)


def _refuse_change(before: Supply, after: Supply) -> None:
    if before.is_on_its_way:
        what = (before.quantity, before.from_location_id, before.state)
        if what != (after.quantity, after.from_location_id, after.state):
            raise TransferInTransit(before.supply_id, before.open_quantity)
    elif after.state is not before.state:
        before.become(after.state)
        _refuse_sending(after)


def due(supplies: Iterable[Supply], by: datetime, returning: Mapping[str, int]) -> int:
    """Units of supplies that are there by an instant, and promised to nobody.

    ``returning`` are promised units, by supply, that are to be counted as if they were not.
    """
    return sum(
        one.unpromised + returning.get(one.supply_id, 0)
        for one in supplies
        if one.expected_time <= by
    )

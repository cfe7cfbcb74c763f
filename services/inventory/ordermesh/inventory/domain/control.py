"""Channel controls: rules about what may be sold of what is there, where, and by whom."""

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ordermesh.inventory.domain.errors.control import ControlInvalid
from ordermesh.inventory.domain.errors.requests import DuplicateEntry


class ControlKind(enum.IntEnum):
    """What a control does; the numbers are the contract's."""

    EXCLUDE = 1
    SAFETY_STOCK = 2
    BUFFER_UNITS = 3
    BUFFER_PERCENT = 4
    CAP = 5
    POOL = 6
    LIMIT_PER_LINE = 7
    LIMIT_PER_ORDER = 8
    LIMIT_PER_CUSTOMER = 9
    LOW_LEVEL = 10


LIMITS = frozenset(
    {ControlKind.LIMIT_PER_LINE, ControlKind.LIMIT_PER_ORDER, ControlKind.LIMIT_PER_CUSTOMER}
)
"""The kinds that limit what one line, order or customer may have."""

Precedence = tuple[int, int, int, int, str]
"""Sorts the control that wins first."""


@dataclass(frozen=True)
class Control:
    """One rule. Empty texts mean all; ``start_time`` is inclusive, ``end_time`` is not.

    ``number`` is the store's own: a control that was deleted and is put again has another one.
    ``version`` is that of all controls that put it as it is.
    """

    control_id: str
    kind: ControlKind
    value: int
    location_group: str = ""
    location_id: str = ""
    tag: str = ""
    sku: str = ""
    channel: str = ""
    start_time: datetime | None = None
    end_time: datetime | None = None
    priority: int = 0
    note: str = ""
    window: timedelta | None = None
    number: int = field(default=0, compare=False)
    version: int = field(default=0, compare=False)
    update_time: datetime | None = field(default=None, compare=False)

    @property
    def precedence(self) -> Precedence:
        """The lowest wins: product before place before channel, then priority, then id."""
        product = 2 if self.sku else 1 if self.tag else 0
        place = 2 if self.location_id else 1 if self.location_group else 0
        return (-product, -place, -bool(self.channel), -self.priority, self.control_id)

    def is_in_force(self, now: datetime) -> bool:
        """Whether it counts at an instant."""
        return (self.start_time is None or self.start_time <= now) and (
            self.end_time is None or now < self.end_time
        )

    def is_for(self, channel: str) -> bool:
        """Whether it counts for a channel; empty is a caller that names none."""
        return self.channel in ("", channel)


def refuse_impossible(controls: Sequence[Control]) -> None:
    """Raise ``DuplicateEntry`` or ``ControlInvalid``, which names the field that is wrong."""
    seen: set[str] = set()
    for number, control in enumerate(controls):
        if control.control_id in seen:
            raise DuplicateEntry(f"controls[{number}].control_id", control.control_id)
        seen.add(control.control_id)
        for wrong, where, sentence in _mistakes(control):
            if wrong:
                raise ControlInvalid(control.control_id, where, sentence)


def _mistakes(control: Control) -> Iterable[tuple[bool, str, str]]:
    kind, value = control.kind, control.value
    yield bool(control.sku and control.tag), "tag", "names a SKU and a tag"
    yield bool(control.location_id and control.location_group), "location_group", "names two places"
    yield kind is ControlKind.EXCLUDE and value > 1, "value", "excludes, or does not"
    yield kind is ControlKind.BUFFER_PERCENT and value > 100, "value", "holds back more than all"
    yield kind in LIMITS and value == 0, "value", "allows nothing: exclude it instead"
    yield kind is ControlKind.POOL and not control.channel, "channel", "is a pool of nobody"
    is_placed = bool(control.location_id or control.location_group)
    yield kind in LIMITS and is_placed, "location_id", "limits purchases, which have no place"
    has_window = control.window is not None
    is_timed = kind is ControlKind.LIMIT_PER_CUSTOMER
    yield has_window and not is_timed, "window", "has a window and does not look back"
    starts, ends = control.start_time, control.end_time
    yield starts is not None and ends is not None and starts >= ends, "end_time", "ends first"


def put(
    controls: Iterable[Control], stored: Iterable[Control], version: int, now: datetime
) -> list[Control]:
    """The controls that differ from what is stored, as they are to be stored."""
    known = {control.control_id: control for control in stored}
    return [
        replace(
            control,
            number=known[control.control_id].number if control.control_id in known else 0,
            version=version,
            update_time=now,
        )
        for control in controls
        if known.get(control.control_id) != control
    ]

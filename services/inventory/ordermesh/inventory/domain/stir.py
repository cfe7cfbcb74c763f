"""Controls that were changed, began or ended, and what that touches."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ordermesh.inventory.domain.control import LIMITS, Control, ControlKind
from ordermesh.inventory.domain.control_table import ControlTable

_HOLDING_BACK = frozenset(ControlKind) - LIMITS - {ControlKind.LOW_LEVEL}
"""The kinds that change what is available."""


@dataclass(frozen=True)
class Stir:
    """Controls that were changed, began or ended, and so changed what may be sold.

    ``is_public``: callers that name no channel can tell the difference.
    """

    controls: Sequence[Control]
    is_public: bool
    version: int
    now: datetime


def stirred(
    table: ControlTable, changed: Sequence[Control], since: datetime | None, now: datetime
) -> Stir | None:
    """What ``changed`` controls, and those that began or ended after ``since``, have stirred."""
    turned = [
        control
        for control in table.controls
        if any(
            instant is not None and (since is None or since < instant) and instant <= now
            for instant in (control.start_time, control.end_time)
        )
    ]
    controls = [*changed, *turned]
    if not controls:
        return None
    is_public = any(
        control.kind in _HOLDING_BACK and (not control.channel or control.kind is ControlKind.POOL)
        for control in controls
    )
    return Stir(controls, is_public, table.version, now)

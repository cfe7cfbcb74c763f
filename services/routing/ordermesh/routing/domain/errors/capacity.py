"""Capacity that is not there."""

from collections.abc import Sequence
from typing import ClassVar

from ordermesh.kernel.errors import NotFound, RuleViolated


class CapacityFull(RuleViolated):
    """A window has less left than is wanted; ``rows`` are the facts by window."""

    reason: ClassVar[str] = "CAPACITY_FULL"

    def __init__(self, rows: Sequence[tuple[str, str, int, int]]) -> None:
        super().__init__(
            "A window has less left than is wanted.",
            *(
                {"locationId": place, "capacityId": name, "wanted": wanted, "left": left}
                for place, name, wanted, left in rows
            ),
        )


class CapacityHoldNotFound(NotFound):
    """No hold of the caller's has this id."""

    reason: ClassVar[str] = "CAPACITY_HOLD_NOT_FOUND"

    def __init__(self, hold_id: str) -> None:
        super().__init__("There is no such hold.", {"holdId": hold_id})


class CapacityHoldClosed(RuleViolated):
    """The hold was released, or has expired."""

    reason: ClassVar[str] = "CAPACITY_HOLD_CLOSED"

    def __init__(self, hold_id: str, state: str) -> None:
        super().__init__(f"The hold is {state.lower()}.", {"holdId": hold_id, "state": state})


class CapacityHoldIdTaken(RuleViolated):
    """Another hold has this id."""

    reason: ClassVar[str] = "CAPACITY_HOLD_ID_TAKEN"

    def __init__(self, hold_id: str) -> None:
        super().__init__("Another hold has this id.", {"holdId": hold_id})

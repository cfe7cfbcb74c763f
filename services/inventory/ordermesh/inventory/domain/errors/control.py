"""Controls that cannot be, and purchases that they forbid."""

from collections.abc import Sequence
from typing import ClassVar

from ordermesh.inventory.domain.errors.facts import named
from ordermesh.kernel.errors import Facts, InvalidRequest, NotFound, RuleViolated


class ControlInvalid(InvalidRequest):
    """A control that can never mean anything."""

    reason: ClassVar[str] = "CONTROL_INVALID"

    def __init__(self, control_id: str, field: str, sentence: str) -> None:
        super().__init__(
            f"Control {control_id} {sentence}.", {"controlId": control_id, "field": field}
        )


class UnknownControlVersion(NotFound):
    """There is no such version of the controls."""

    reason: ClassVar[str] = "UNKNOWN_CONTROL_VERSION"

    def __init__(self, version: int, latest: int) -> None:
        super().__init__(
            f"The controls have no version {version}.",
            {"version": version, "latestVersion": latest},
        )


class PurchaseLimit(RuleViolated):
    """More is wanted than one line, order or customer may have. Rows: everything over a limit."""

    reason: ClassVar[str] = "PURCHASE_LIMIT"

    def __init__(self, rows: Sequence[Facts]) -> None:
        skus = dict.fromkeys(row["sku"] for row in rows)
        super().__init__(f"More is wanted than anybody may have of {named(skus)}.", *rows)

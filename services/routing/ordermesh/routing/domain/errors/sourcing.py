"""Orders that cannot be sourced, and decisions that are not there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ordermesh.kernel.errors import InvalidRequest, NotFound, RuleViolated
from ordermesh.routing.domain.errors.facts import named


@dataclass(frozen=True, slots=True)
class ShortLine:
    """A line of which less is available than is wanted.

    ``location_id`` is one that could have sent it; ``available`` counts units over all locations.
    """

    line_id: str
    sku: str
    location_id: str
    wanted: int
    available: int


class InsufficientStock(RuleViolated):
    """Less is available than is wanted."""

    reason: ClassVar[str] = "INSUFFICIENT_STOCK"

    def __init__(self, lines: Iterable[ShortLine]) -> None:
        rows = [
            {
                "lineId": line.line_id,
                "sku": line.sku,
                "locationId": line.location_id,
                "wanted": line.wanted,
                "available": line.available,
            }
            for line in lines
        ]
        skus = sorted({str(row["sku"]) for row in rows})
        super().__init__(f"There is not enough of {named(skus)}.", *rows)


class CannotBeSourced(RuleViolated):
    """A rule keeps the order from being sourced; ``lines`` are (line id, SKU, rule)."""

    reason: ClassVar[str] = "CANNOT_BE_SOURCED"

    def __init__(self, lines: Iterable[tuple[str, str, str]]) -> None:
        rows = [{"lineId": line, "sku": sku, "rule": rule} for line, sku, rule in lines]
        super().__init__("A rule keeps the order from being sourced.", *rows)


class PurchaseLimit(RuleViolated):
    """More is wanted than one line, order or customer may have; ``rows`` are the facts by line."""

    reason: ClassVar[str] = "PURCHASE_LIMIT"

    def __init__(self, rows: Sequence[Mapping[str, str]]) -> None:
        skus = sorted({row["sku"] for row in rows})
        super().__init__(f"More of {named(skus)} is wanted than is allowed.", *rows)


class HoldQuotaExceeded(RuleViolated):
    """The customer would have more open holds than it may; ``facts`` are the ledger's."""

    reason: ClassVar[str] = "HOLD_QUOTA_EXCEEDED"

    def __init__(self, facts: Mapping[str, str]) -> None:
        super().__init__("More would be held for one than may be.", facts)


class BaselineIsNoDecision(InvalidRequest):
    """A baseline only answers questions."""

    reason: ClassVar[str] = "BASELINE_IS_NO_DECISION"

    def __init__(self, method: str) -> None:
        super().__init__("A baseline only answers questions.", {"method": method})


class MatrixSize(InvalidRequest):
    """Supplied stock is not the product of its sides, or was given where it may not be."""

    reason: ClassVar[str] = "MATRIX_SIZE"

    def __init__(self, wanted: int, given: int) -> None:
        super().__init__(
            f"The supplied stock has {given} cells, not {wanted}.",
            {"wanted": wanted, "given": given},
        )


class DecisionNotFound(NotFound):
    """No decision has this id."""

    reason: ClassVar[str] = "DECISION_NOT_FOUND"

    def __init__(self, decision_id: str) -> None:
        super().__init__("There is no such decision.", {"decisionId": decision_id})


class NoRecord(RuleViolated):
    """There was nothing to solve for this decision, or it is older than records are."""

    reason: ClassVar[str] = "NO_RECORD"

    def __init__(self, decision_id: str) -> None:
        super().__init__(
            f"Decision {decision_id} has no record to be made again from.",
            {"decisionId": decision_id},
        )

"""Counts that cannot go on as somebody wants."""

from collections.abc import Sequence
from typing import ClassVar

from ordermesh.inventory.domain.errors.facts import named, place
from ordermesh.inventory.domain.key import StockKey
from ordermesh.kernel.errors import Facts, NotFound, RuleViolated


class CountNotFound(NotFound):
    """No count has this id."""

    reason: ClassVar[str] = "COUNT_NOT_FOUND"

    def __init__(self, count_id: str) -> None:
        super().__init__(f"There is no count {count_id}.", {"countId": count_id})


class CountIdTaken(RuleViolated):
    """Another count has this id."""

    reason: ClassVar[str] = "COUNT_ID_TAKEN"

    def __init__(self, count_id: str) -> None:
        super().__init__(f"There is a count {count_id} already.", {"countId": count_id})


class WrongCountState(RuleViolated):
    """A count, or a line of it, has come too far for this, or not far enough.

    ``sku`` names the line; "" means the count itself.
    """

    reason: ClassVar[str] = "WRONG_COUNT_STATE"

    def __init__(self, count_id: str, state: str, sku: str = "") -> None:
        facts: Facts = {"countId": count_id, "state": state}
        if sku:
            facts = {**facts, "sku": sku}
        what = f"The line {sku} of count {count_id}" if sku else f"Count {count_id}"
        super().__init__(f"{what} is {state}.", facts)


class NotInCount(RuleViolated):
    """The count has no such item."""

    reason: ClassVar[str] = "NOT_IN_COUNT"

    def __init__(self, count_id: str, sku: str) -> None:
        super().__init__(
            f"Count {count_id} does not count {sku}.", {"countId": count_id, "sku": sku}
        )


class SamePerson(RuleViolated):
    """Who counted can neither count again nor accept. Rows: every line of theirs."""

    reason: ClassVar[str] = "SAME_PERSON"

    def __init__(self, count_id: str, person: str, skus: Sequence[str]) -> None:
        super().__init__(
            f"Somebody else must look at {named(skus)}.",
            *({"countId": count_id, "person": person, "sku": sku} for sku in skus),
        )


class CountOvertaken(RuleViolated):
    """More has left since than was counted: it is to be counted once more."""

    reason: ClassVar[str] = "COUNT_OVERTAKEN"

    def __init__(self, count_id: str, key: StockKey, counted: int) -> None:
        super().__init__(
            f"More of {key} has left since it was counted than was found.",
            {**place(key), "countId": count_id, "counted": counted},
        )

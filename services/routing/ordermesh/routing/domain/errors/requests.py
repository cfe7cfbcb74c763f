"""Requests that cannot be meant."""

from typing import ClassVar

from ordermesh.kernel.errors import InvalidRequest


class FieldViolation(InvalidRequest):
    """A field breaks a rule that the contract states in words; ``rule`` names it."""

    reason: ClassVar[str] = "FIELD_VIOLATION"

    def __init__(self, field: str, rule: str, sentence: str) -> None:
        super().__init__(sentence, {"field": field, "rule": rule})


class DuplicateEntry(InvalidRequest):
    """The request names the same thing twice where it must be named once."""

    reason: ClassVar[str] = "DUPLICATE_ENTRY"

    def __init__(self, field: str, value: str) -> None:
        super().__init__(f"{field} names {value} twice.", {"field": field, "value": value})

"""The rules that stand in the contracts, held against every request before it is served."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

import protovalidate
from google.protobuf.message import Message

from ordermesh.kernel.errors import InvalidRequest


@dataclass(frozen=True)
class FieldViolation:
    """A field that breaks its rule.

    ``field`` is a path such as ``lines[2].sku``, empty when the rule is about the message as a
    whole. ``rule`` is the rule's id, such as ``string.min_len``.
    """

    field: str
    description: str
    rule: str


class InvalidFields(InvalidRequest):
    """Fields of the request break the rules of the contract."""

    reason: ClassVar[str] = "FIELD_VIOLATION"

    def __init__(self, sentence: str, *violations: FieldViolation) -> None:
        super().__init__(sentence)
        self.violations = violations


def validate(message: Message) -> None:
    """Raise ``InvalidFields`` with all rules that the message breaks."""
    found = protovalidate.collect_violations(message)
    if not found:
        return
    violations = tuple(_violation(one) for one in found)
    first = violations[0]
    more = f" There are {len(violations) - 1} more." if len(violations) > 1 else ""
    where = first.field or message.DESCRIPTOR.name
    raise InvalidFields(f"{where}: {first.description}.{more}", *violations)


def distinct_ids(field: str, written: Iterable[str]) -> list[UUID]:
    """The ids of a field that names each once, however they are spelt (RFC 9562, section 4).

    The contract's own rule compares texts, and an id has many. Raises ``InvalidFields``.
    """
    ids = [UUID(one) for one in written]
    seen: set[UUID] = set()
    for place, one in enumerate(ids):
        if one in seen:
            where, words = f"{field}[{place}]", "the same id as another, in another spelling"
            violation = FieldViolation(field=where, description=words, rule="repeated.unique")
            raise InvalidFields(f"{where}: {words}.", violation)
        seen.add(one)
    return ids


def undecodable() -> InvalidFields:
    """The refusal of bytes that are no message of the type that the method takes."""
    return InvalidFields(
        "The bytes of the request are not a message of its type.",
        FieldViolation(field="", description="not a message of its type", rule="wire_format"),
    )


def warm(message_types: Iterable[type[Message]]) -> None:
    """Compile the rules of these messages now: the first use of a type costs milliseconds.

    Raises ``protovalidate.CompilationError`` for a rule that cannot be compiled.
    """
    for message_type in message_types:
        protovalidate.collect_violations(message_type())


def _violation(found: protovalidate.Violation) -> FieldViolation:
    violation = found.proto
    elements = violation.field.elements if violation.field is not None else ()
    path = ""
    for element in elements:
        path += f".{element.field_name}" if path else str(element.field_name)
        if element.subscript is not None:
            key = element.subscript.value
            path += f'["{key}"]' if isinstance(key, str) else f"[{str(key).lower()}]"
    return FieldViolation(
        field=path,
        description=violation.message or violation.rule_id,
        rule=violation.rule_id,
    )

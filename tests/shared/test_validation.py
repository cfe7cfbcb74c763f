"""The rules of the contracts, as they are held against requests."""

from uuid import UUID, uuid4

import protovalidate
import pytest
from buf.validate import validate_pb2
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from ordermesh.api.event.v1 import DeliverRequest, EventEnvelope
from ordermesh.api.inventory.v1 import ReserveRequest
from ordermesh.runtime.validation import InvalidFields, distinct_ids, undecodable, validate, warm
from tests.shared.echo import request


def violations_of(message: DeliverRequest | ReserveRequest) -> dict[str, str]:
    with pytest.raises(InvalidFields) as caught:
        validate(message)
    return {one.field: one.rule for one in caught.value.violations}


def test_a_message_that_keeps_its_rules_passes() -> None:
    validate(request())


def test_all_fields_that_break_rules_are_named_with_subscripts() -> None:
    message = request()
    message.events.append(EventEnvelope(event_id="no"))

    found = violations_of(message)

    assert found["events[1].event_id"] == "string.uuid"
    assert found["events[1].event_time"] == "required"
    assert not any(path.startswith("events[0]") for path in found)


def test_a_rule_about_a_list_names_the_list() -> None:
    assert violations_of(DeliverRequest()) == {"events": "repeated.min_items"}


def test_the_sentence_tells_the_first_and_how_many_more() -> None:
    with pytest.raises(InvalidFields, match="There are 2 more") as caught:
        validate(ReserveRequest())

    assert caught.value.reason == "FIELD_VIOLATION"
    assert caught.value.sentence.startswith("request_id: ")


def test_what_is_no_message_of_the_type_is_a_violation_without_a_path() -> None:
    (violation,) = undecodable().violations

    assert violation.field == ""


def test_an_id_that_is_named_twice_is_refused_however_it_is_spelt() -> None:
    first, second = str(uuid4()), str(uuid4())
    assert distinct_ids("ids", [first, second]) == [UUID(first), UUID(second)]

    with pytest.raises(InvalidFields) as caught:
        distinct_ids("ids", [second, first, second.upper()])

    (violation,) = caught.value.violations
    assert (violation.field, violation.rule) == ("ids[2]", "repeated.unique")


def with_rule(expression: str) -> type[Message]:
    """A type of message whose only field has this rule."""
    file = FileDescriptorProto(
        name=f"{uuid4()}.proto",
        package=f"rules{uuid4().hex}",
        dependency=[validate_pb2.DESCRIPTOR.name],
        syntax="proto3",
    )
    field = file.message_type.add(name="Ruled").field.add(
        name="number", number=1, type="TYPE_INT64", label="LABEL_OPTIONAL"
    )
    rule = field.options.Extensions[validate_pb2.field].cel.add(id="rule", message="It is wrong.")
    rule.expression = expression
    pool = descriptor_pool.Default()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(f"{file.package}.Ruled"))


def test_rules_are_compiled_before_the_first_call() -> None:
    warm([DeliverRequest, ReserveRequest, with_rule("this >= 0")])

    with pytest.raises(protovalidate.CompilationError):
        warm([DeliverRequest, with_rule("this >= nonsense(")])

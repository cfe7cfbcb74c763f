"""What every method of the contracts owes its callers."""

import importlib
from collections.abc import Mapping

import pytest
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from ordermesh.runtime.auth import Rules
from tests.contracts.reading import INBOX, SERVICES, idempotency, is_read, methods


def _mutations() -> list[MethodDescriptor]:
    return [
        method
        for method in methods()
        if not is_read(method) and method.containing_service.full_name != INBOX
    ]


def _rules(service: str) -> Mapping[str, frozenset[str]]:
    table: Mapping[str, frozenset[str]] = importlib.import_module(
        f"ordermesh.{service}.access"
    ).RULES
    return table


def _path(method: MethodDescriptor) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


def test_every_method_says_what_calling_it_twice_does() -> None:
    assert [method.full_name for method in methods() if not idempotency(method)] == []


def test_there_are_methods_that_change_something() -> None:
    assert len(_mutations()) > 10


@pytest.mark.parametrize(("name", "number"), [("request_id", 1), ("on_behalf_of", 2)])
def test_every_change_says_which_request_it_is_and_for_whom(name: str, number: int) -> None:
    without = [
        method.full_name
        for method in _mutations()
        if not _has_text(_single(method.input_type), name, number)
    ]

    assert without == []


def _single(request: Descriptor) -> Descriptor:
    """The request itself; of a call that carries many, one of them."""
    many = request.fields_by_name.get("requests")
    return request if many is None or many.message_type is None else many.message_type


def _has_text(request: Descriptor, name: str, number: int) -> bool:
    field = request.fields_by_name.get(name)
    return (
        field is not None
        and field.number == number
        and field.type == FieldDescriptorProto.TYPE_STRING
    )


def test_no_read_asks_for_a_request_id() -> None:
    asking = [
        method.full_name
        for method in methods()
        if is_read(method) and "request_id" in method.input_type.fields_by_name
    ]

    assert asking == []


def test_a_list_has_pages_from_the_first_version_on() -> None:
    without = [
        method.full_name
        for method in methods()
        if method.name.startswith("List")
        and not (
            {"page_size", "page_token"} <= set(method.input_type.fields_by_name)
            and "next_page_token" in method.output_type.fields_by_name
        )
    ]

    assert without == []


def test_a_watch_begins_at_a_revision_and_says_how_far_it_has_come() -> None:
    wrong = [
        method.full_name
        for method in methods()
        if method.name.startswith("Watch")
        and not (
            method.server_streaming
            and "start_revision" in method.input_type.fields_by_name
            and "revision" in method.output_type.fields_by_name
        )
    ]

    assert wrong == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_method_has_a_rule_that_says_who_may_call_it(service: str) -> None:
    served = {_path(method) for method in methods(f"ordermesh.api.{service}.v1")}

    assert served - _rules(service).keys() == set()


@pytest.mark.parametrize("service", SERVICES)
def test_a_rule_is_about_a_method_and_roles_that_exist(service: str) -> None:
    rules = _rules(service)

    assert rules.keys() - {_path(method) for method in methods()} == set()
    assert [method for method, roles in rules.items() if not roles] == []
    Rules(rules)

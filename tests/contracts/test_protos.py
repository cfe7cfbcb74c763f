"""The contracts: stubs fresh, lint clean, nothing broken; and each check refuses what it should."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)

from protos import check

RESERVATION_SERVICE = "ordermesh/api/inventory/v1/reservation_service.proto"


def test_the_stubs_are_what_the_contracts_give() -> None:
    assert check.stale() == []


def test_the_contracts_pass_the_lint(descriptor_file: Path) -> None:
    assert check.lint(descriptor_file) == []


def test_nothing_breaks_the_contracts_of_the_last_release(descriptor_file: Path) -> None:
    assert check.breaks(descriptor_file) == []


def test_stubs_that_were_edited_or_forgotten_are_found(tmp_path: Path) -> None:
    generated = tmp_path / "gen"
    shutil.copytree(check.GENERATED, generated, ignore=shutil.ignore_patterns("__pycache__"))
    package = generated / "ordermesh" / "api" / "event" / "v1"
    with (package / "event_pb2.py").open("a") as stub:
        stub.write("# edited\n")
    (package / "event_pb2.pyi").unlink()
    (package / "gone_pb2.py").touch()

    findings = check.stale(generated)

    assert findings == [
        "ordermesh/api/event/v1/event_pb2.pyi is missing.",
        "ordermesh/api/event/v1/gone_pb2.py belongs to no contract.",
        "ordermesh/api/event/v1/event_pb2.py is not what its contract gives.",
        "Run `make protos`.",
    ]


def test_a_field_without_a_comment_does_not_pass_the_lint(
    descriptor_file: Path, tmp_path: Path
) -> None:
    def forget_comments(files: FileDescriptorSet) -> None:
        for location in _file(files, RESERVATION_SERVICE).source_code_info.location:
            location.ClearField("leading_comments")

    findings = check.lint(_planted(descriptor_file, tmp_path, forget_comments))

    assert any("should have a non-empty comment" in finding for finding in findings)


def _rename_a_method(files: FileDescriptorSet) -> None:
    _method(files, "Reserve").name = "Hold"


def _delete_a_method(files: FileDescriptorSet) -> None:
    file = _file(files, RESERVATION_SERVICE)
    file.service[0].method.remove(_method(files, "Reserve"))


def _delete_a_field(files: FileDescriptorSet) -> None:
    message = _message(files, "ReserveRequest")
    del message.field[_place(message, "order_id")]


def _change_a_number(files: FileDescriptorSet) -> None:
    message = _message(files, "ReserveRequest")
    message.field[_place(message, "order_id")].number = 77


def _change_a_type(files: FileDescriptorSet) -> None:
    message = _message(files, "ReserveRequest")
    field = message.field[_place(message, "order_id")]
    field.type = field.TYPE_BYTES


def _delete_a_file(files: FileDescriptorSet) -> None:
    files.file.remove(_file(files, RESERVATION_SERVICE))


@pytest.mark.parametrize(
    "plant",
    [
        _rename_a_method,
        _delete_a_method,
        _delete_a_field,
        _change_a_number,
        _change_a_type,
        _delete_a_file,
    ],
)
def test_a_break_is_refused(plant: Callable[[FileDescriptorSet], None], tmp_path: Path) -> None:
    findings = check.breaks(_planted(check.RELEASED, tmp_path, plant))

    assert len(findings) >= 2


def test_before_the_first_release_a_refused_break_says_how_to_accept_it(tmp_path: Path) -> None:
    advice = check.breaks(_planted(check.RELEASED, tmp_path, _rename_a_method))[-1]

    assert ("make protos-release" in advice) is not check.is_frozen(check.version())


def test_the_contracts_are_frozen_from_the_first_release_on() -> None:
    assert not check.is_frozen("0.0.1")
    assert check.is_frozen("0.1.0")
    assert check.is_frozen("1.0.0")


def test_what_is_kept_at_a_release_is_what_later_contracts_are_compared_with(
    descriptor_file: Path, tmp_path: Path
) -> None:
    baseline = tmp_path / "released.binpb"

    assert check.release(descriptor_file, baseline) == []

    assert check.breaks(descriptor_file, baseline) == []
    assert check.breaks(_planted(descriptor_file, tmp_path, _rename_a_method), baseline) != []


def _planted(file: Path, scratch: Path, plant: Callable[[FileDescriptorSet], None]) -> Path:
    files = FileDescriptorSet.FromString(file.read_bytes())
    plant(files)
    planted = scratch / "planted.binpb"
    planted.write_bytes(files.SerializeToString())
    return planted


def _file(files: FileDescriptorSet, name: str) -> FileDescriptorProto:
    return next(file for file in files.file if file.name == name)


def _method(files: FileDescriptorSet, name: str) -> MethodDescriptorProto:
    service = _file(files, RESERVATION_SERVICE).service[0]
    return next(method for method in service.method if method.name == name)


def _message(files: FileDescriptorSet, name: str) -> DescriptorProto:
    messages = _file(files, RESERVATION_SERVICE).message_type
    return next(message for message in messages if message.name == name)


def _place(message: DescriptorProto, name: str) -> int:
    return [field.name for field in message.field].index(name)

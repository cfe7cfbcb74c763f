"""Reads the contracts and the code that answers for them, for the tests that compare both."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import (
    Descriptor,
    EnumDescriptor,
    FieldDescriptor,
    FileDescriptor,
    MethodDescriptor,
)
from google.protobuf.descriptor_pb2 import FileDescriptorSet, MethodOptions
from google.rpc import code_pb2

from ordermesh.runtime.status import code_of
from protos.generate import sources

SERVICES = ("inventory", "notify", "returns", "routing")

INBOX = "ordermesh.api.event.v1.InboxService"


def files() -> list[FileDescriptor]:
    """Our contracts, loaded from the stubs."""
    loaded = []
    for source in sources():
        importlib.import_module(source.removesuffix(".proto").replace("/", ".") + "_pb2")
        loaded.append(descriptor_pool.Default().FindFileByName(source))
    return loaded


def methods(package: str = "") -> list[MethodDescriptor]:
    """The methods of all services, or of those in one package."""
    return [
        method
        for file in files()
        if package in ("", file.package)
        for service in file.services_by_name.values()
        for method in service.methods
    ]


def is_read(method: MethodDescriptor) -> bool:
    """Whether the contract says that the method changes nothing."""
    return idempotency(method) == MethodOptions.NO_SIDE_EFFECTS


def idempotency(method: MethodDescriptor) -> int:
    """What the contract says of calling the method twice; 0 when it says nothing."""
    options: MethodOptions = method.GetOptions()
    return options.idempotency_level


def request_fields() -> dict[str, FieldDescriptor]:
    """Every field that a caller can fill in, by its full name."""
    found: dict[str, FieldDescriptor] = {}
    for method in methods():
        _collect(method.input_type, found)
    return found


def enums() -> list[EnumDescriptor]:
    """All enums, nested ones included."""
    found: list[EnumDescriptor] = []
    for file in files():
        found += file.enum_types_by_name.values()
        for message in file.message_types_by_name.values():
            found += _nested_enums(message)
    return found


def enum_comments(descriptor_file: Path, package: str, enum: str) -> dict[str, str]:
    """The comments of the values of an enum at the top of a file, each on one line."""
    for file in FileDescriptorSet.FromString(descriptor_file.read_bytes()).file:
        for place, found in enumerate(file.enum_type):
            if file.package != package or found.name != enum:
                continue
            comments = {
                tuple(location.path): " ".join(location.leading_comments.split())
                for location in file.source_code_info.location
            }
            # 5 is `enum_type` in a file, 2 is `value` in an enum.
            return {
                value.name: comments[5, place, 2, number]
                for number, value in enumerate(found.value)
            }
    raise LookupError(f"{package} has no enum {enum}.")


def modules(package: str) -> Iterator[ModuleType]:
    """A package and all below it, but for what runs when it is imported."""
    door = importlib.import_module(package)
    yield door
    for found in pkgutil.iter_modules(door.__path__, prefix=package + "."):
        if found.name.rpartition(".")[2] in ("__main__", "migrations"):
            continue
        if found.ispkg:
            yield from modules(found.name)
        else:
            yield importlib.import_module(found.name)


@dataclass(frozen=True)
class Refusal:
    """An error class that carries a reason: its full name, its reason, and its status.

    ``is_own_reason`` is false when the reason is that of the class it derives from.
    """

    name: str
    reason: str
    status: str
    is_own_reason: bool


def refusals(*packages: str) -> list[Refusal]:
    """The errors with a reason that these packages define."""
    return [
        Refusal(
            name=f"{kind.__module__}.{kind.__qualname__}",
            reason=str(getattr(kind, "reason")),  # noqa: B009 - no type of errors promises it
            status=code_pb2.Code.Name(code_of(kind.__new__(kind))),
            is_own_reason="reason" in vars(kind),
        )
        for package in packages
        for module in modules(package)
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, Exception)
        and kind.__module__ == module.__name__
        and hasattr(kind, "reason")
    ]


def _collect(message: Descriptor, found: dict[str, FieldDescriptor]) -> None:
    for field in message.fields:
        if field.full_name in found:
            continue
        found[field.full_name] = field
        if field.message_type is not None and field.message_type.file.package.startswith(
            "ordermesh."
        ):
            _collect(field.message_type, found)


def _nested_enums(message: Descriptor) -> Iterator[EnumDescriptor]:
    yield from message.enum_types
    for nested in message.nested_types:
        yield from _nested_enums(nested)

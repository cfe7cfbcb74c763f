"""What the contracts say of the services that a server registers: methods, messages, streams."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import Message


@dataclass(frozen=True)
class Method:
    """One method: its full name ``/package.Service/Method`` and the type of its requests."""

    name: str
    request_type: type[Message]


class UnknownService(Exception):
    """No contract with this name is loaded."""


class MissingRules(Exception):
    """Methods would be served of which nobody said who may call them."""


def methods_of(service_name: str) -> Iterator[Method]:
    """The methods of a service by its full name; raises ``UnknownService``."""
    try:
        service = descriptor_pool.Default().FindServiceByName(service_name)
    except KeyError as error:
        raise UnknownService(f"No contract of a service {service_name} is loaded.") from error
    for method in service.methods:
        yield Method(
            name=f"/{service.full_name}/{method.name}",
            request_type=message_factory.GetMessageClass(method.input_type),
        )


def require_rules(service_names: tuple[str, ...], rules: Mapping[str, frozenset[str]]) -> None:
    """Raise ``MissingRules`` that names every method of these services without a rule."""
    missing = [
        method.name
        for service_name in service_names
        for method in methods_of(service_name)
        if method.name not in rules
    ]
    if missing:
        raise MissingRules(f"No rule says who may call {', '.join(missing)}.")

"""The network."""

from collections.abc import Iterable

from ordermesh.api.routing.v1 import FindReturnLocationResponse, ReturnLocation
from ordermesh.api.routing.v1 import NetworkLocation as NetworkLocationMessage
from ordermesh.api.routing.v1 import ReturnHandling as ReturnHandlingMessage
from ordermesh.routing.domain.errors.requests import DuplicateEntry
from ordermesh.routing.domain.network import NetworkLocation, ReturnHandling
from ordermesh.routing.domain.policy import Policy
from ordermesh.routing.domain.return_place import Choice, WayBack
from ordermesh.routing.wire.money import amount, money_message, timestamp
from ordermesh.routing.wire.order import method_name, method_value


def network(messages: Iterable[NetworkLocationMessage]) -> tuple[NetworkLocation, ...]:
    """Entries to be stored; raises ``DuplicateEntry`` and ``CurrencyMismatch``."""
    entries: dict[str, NetworkLocation] = {}
    for message in messages:
        if message.location_id in entries:
            raise DuplicateEntry("locations", message.location_id)
        entries[message.location_id] = _entry(message)
    return tuple(entries.values())


def _entry(message: NetworkLocationMessage) -> NetworkLocation:
    currency = message.pick_fee.currency_code
    has_capacity = message.HasField("capacity_units_per_day")
    return NetworkLocation(
        location_id=message.location_id,
        methods=tuple(sorted(method_name(method) for method in message.methods)),
        priority=message.priority,
        currency_code=currency,
        pick_fee=amount(message.pick_fee, currency),
        labor_cost_per_unit=amount(message.labor_cost_per_unit, currency),
        capacity_units_per_day=message.capacity_units_per_day if has_capacity else None,
        handling_days=message.handling_days,
        return_handling=_handling(message.return_handling),
    )


def network_message(entry: NetworkLocation) -> NetworkLocationMessage:
    """An entry as it is told."""
    message = NetworkLocationMessage(
        location_id=entry.location_id,
        methods=[method_value(method) for method in entry.methods],
        priority=entry.priority,
        pick_fee=money_message(entry.pick_fee, entry.currency_code),
        labor_cost_per_unit=money_message(entry.labor_cost_per_unit, entry.currency_code),
        handling_days=entry.handling_days,
        return_handling=handling_value(entry.return_handling),
    )
    if entry.capacity_units_per_day is not None:
        message.capacity_units_per_day = entry.capacity_units_per_day
    if entry.update_time is not None:
        message.update_time.CopyFrom(timestamp(entry.update_time))
    return message


def handling_value(handling: ReturnHandling) -> "ReturnHandlingMessage.ValueType":
    """What a location does with goods that come back, as it is told."""
    return ReturnHandlingMessage.Value(f"RETURN_HANDLING_{handling}")


def _handling(value: "ReturnHandlingMessage.ValueType") -> ReturnHandling:
    if value == ReturnHandlingMessage.RETURN_HANDLING_UNSPECIFIED:
        return ReturnHandling.NONE
    return ReturnHandling(ReturnHandlingMessage.Name(value).removeprefix("RETURN_HANDLING_"))


def return_location_reply(choice: Choice, policy: Policy) -> FindReturnLocationResponse:
    """Where goods go back to, as it is told."""
    return FindReturnLocationResponse(
        chosen=_way_message(choice.chosen, policy.currency_code),
        reason=choice.reason,
        others=[_way_message(one, policy.currency_code) for one in choice.others],
        policy_id=policy.policy_id,
        policy_version=policy.version,
    )


def _way_message(way: WayBack, currency_code: str) -> ReturnLocation:
    return ReturnLocation(
        location_id=way.location_id,
        handling=handling_value(way.handling),
        cost=money_message(way.cost, currency_code),
        distance_km=way.distance_km,
        zone=way.zone,
    )

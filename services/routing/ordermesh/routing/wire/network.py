"""The network."""

from collections.abc import Iterable

from ordermesh.api.routing.v1 import (
    Capability,
    FindReturnLocationResponse,
    ReturnLocation,
)
from ordermesh.api.routing.v1 import NetworkLocation as NetworkLocationMessage
from ordermesh.api.routing.v1 import ReturnHandling as ReturnHandlingMessage
from ordermesh.routing.domain.capacity import check as check_capacities
from ordermesh.routing.domain.errors.requests import DuplicateEntry
from ordermesh.routing.domain.network import FREE, NetworkLocation, ReturnHandling
from ordermesh.routing.domain.policy import Policy
from ordermesh.routing.domain.return_place import Choice, WayBack
from ordermesh.routing.domain.timetable import ALWAYS, check
from ordermesh.routing.wire.capacity import capacities_of, capacity_message
from ordermesh.routing.wire.money import amount, money_message, timestamp
from ordermesh.routing.wire.order import method_name, method_value
from ordermesh.routing.wire.timetable import (
    points,
    points_messages,
    timetable_message,
    timetable_of,
)


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
    processing = points(message.processing)
    timetable = timetable_of(message.timetable)
    check(timetable, processing)
    capacities = capacities_of(message.capacities)
    check_capacities(capacities)
    return NetworkLocation(
        location_id=message.location_id,
        methods=tuple(sorted(method_name(method) for method in message.methods)),
        priority=message.priority,
        currency_code=currency,
        pick_fee=amount(message.pick_fee, currency),
        labor_cost_per_unit=amount(message.labor_cost_per_unit, currency),
        handling_days=message.handling_days,
        return_handling=_handling(message.return_handling),
        capabilities=tuple(sorted(capability_name(one) for one in message.capabilities)),
        timetable=timetable,
        processing=processing,
        reject_permille=message.reject_permille,
        capacities=capacities,
        labor_cost_per_line=amount(message.labor_cost_per_line, currency)
        if message.HasField("labor_cost_per_line")
        else FREE,
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
        capabilities=[Capability.Value(f"CAPABILITY_{one}") for one in entry.capabilities],
        processing=points_messages(entry.processing),
        reject_permille=entry.reject_permille,
        capacities=[capacity_message(one) for one in entry.capacities],
    )
    if entry.labor_cost_per_line:
        message.labor_cost_per_line.CopyFrom(
            money_message(entry.labor_cost_per_line, entry.currency_code)
        )
    if entry.timetable != ALWAYS:
        message.timetable.CopyFrom(timetable_message(entry.timetable))
    if entry.update_time is not None:
        message.update_time.CopyFrom(timestamp(entry.update_time))
    return message


def handling_value(handling: ReturnHandling) -> "ReturnHandlingMessage.ValueType":
    """What a location does with goods that come back, as it is told."""
    return ReturnHandlingMessage.Value(f"RETURN_HANDLING_{handling}")


def capability_name(value: "Capability.ValueType") -> str:
    """The name of a capability without its prefix."""
    return Capability.Name(value).removeprefix("CAPABILITY_")


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

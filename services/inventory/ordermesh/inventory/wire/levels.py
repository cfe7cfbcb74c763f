"""What is told when a level of availability is crossed."""

from collections.abc import Mapping

from ordermesh.api.inventory.v1 import (
    AvailabilityBack,
    AvailabilityCrossing,
    AvailabilityLevel,
    AvailabilityLow,
    AvailabilityOut,
    AvailabilityRecovered,
)
from ordermesh.inventory.domain.levels import Crossing, Told

Message = AvailabilityLow | AvailabilityOut | AvailabilityBack | AvailabilityRecovered

_MESSAGES: Mapping[Crossing, type[Message]] = {
    Crossing.LOW: AvailabilityLow,
    Crossing.OUT: AvailabilityOut,
    Crossing.BACK: AvailabilityBack,
    Crossing.RECOVERED: AvailabilityRecovered,
}


def crossed_message(told: Told, control_version: int) -> Message:
    """What became of the availability of an item, or a kit, for a channel."""
    look = told.look
    crossing = AvailabilityCrossing(
        sku=look.subject.sku,
        channel=look.subject.channel,
        location_id=look.subject.location_id,
        level=AvailabilityLevel.ValueType(look.level),
        previous_level=AvailabilityLevel.ValueType(told.previous),
        available=look.available,
        low_level=look.low_level,
        control_version=control_version,
    )
    return _MESSAGES[told.crossing](crossing=crossing)

"""What the network does not know."""

from typing import ClassVar

from ordermesh.kernel.errors import InvalidRequest, NotFound


class UnknownHolidays(InvalidRequest):
    """Nobody knows the holidays of the country, or of this part of it."""

    reason: ClassVar[str] = "UNKNOWN_HOLIDAYS"

    def __init__(self, country_code: str, subdivision: str) -> None:
        super().__init__(
            f"Nobody knows the holidays of {country_code} {subdivision}".strip() + ".",
            {"countryCode": country_code, "subdivision": subdivision},
        )


class NotInNetwork(NotFound):
    """The network has no such location."""

    reason: ClassVar[str] = "NOT_IN_NETWORK"

    def __init__(self, location_id: str) -> None:
        super().__init__(f"The network has no {location_id}.", {"locationId": location_id})


class SwitchNotFound(NotFound):
    """No switch has this id."""

    reason: ClassVar[str] = "SWITCH_NOT_FOUND"

    def __init__(self, switch_id: str) -> None:
        super().__init__("There is no such switch.", {"switchId": switch_id})

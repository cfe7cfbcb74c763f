"""Who asks about what is not theirs."""

from collections.abc import Iterable
from typing import ClassVar

from ordermesh.kernel.errors import NotAllowed


class NotYourLocation(NotAllowed):
    """The caller speaks for other locations."""

    reason: ClassVar[str] = "NOT_YOUR_LOCATION"

    def __init__(self, caller: str, location_ids: Iterable[str]) -> None:
        rows = [{"locationId": one, "caller": caller} for one in sorted(set(location_ids))]
        super().__init__(f"{caller} does not speak for the location.", *rows)

"""What belongs to whom: a caller in the role of a location speaks for its own locations alone."""

from collections.abc import Collection
from dataclasses import dataclass

from ordermesh.routing.domain.errors.fulfillment import NotYourLocation
from ordermesh.routing.domain.errors.requests import FieldViolation


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks, and for which locations; None means for any."""

    caller: str
    own_locations: Collection[str] | None

    def refuse_foreign(self, location_id: str) -> None:
        """Raise ``NotYourLocation`` when the work of a location is not the speaker's."""
        if self.own_locations is not None and location_id not in self.own_locations:
            raise NotYourLocation(self.caller, location_id)

    def refuse_unnamed(self, location_id: str) -> None:
        """As ``refuse_foreign``, for lists: who is confined names a location of its own.

        Raises ``FieldViolation`` where it names none.
        """
        if self.own_locations is not None and not location_id:
            raise FieldViolation("location_id", "own", "Name a location of your own.")
        self.refuse_foreign(location_id)

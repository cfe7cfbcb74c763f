"""Where postal codes are: those of the United States, from the package ``zipcodes``."""

from functools import cached_property

import zipcodes

from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.submission import Whereto

_DIGITS = 5


class PostalCodes:
    """Finds places by postal code. The table is read when it is first needed, or by ``load``."""

    def load(self) -> None:
        """Read the table now, because it takes a while."""
        _ = self._united_states

    def find(self, whereto: Whereto) -> Place | None:
        """The place of a destination; None when nobody knows. ``12345-6789`` is ``12345``."""
        if whereto.country_code != "US":
            return None
        return self._united_states.get(whereto.postal_code.strip()[:_DIGITS])

    @cached_property
    def _united_states(self) -> dict[str, Place]:
        return {
            row["zip_code"]: Place.from_degrees(float(row["lat"]), float(row["long"]))
            for row in zipcodes.list_all()  # type: ignore[no-untyped-call]  # it has no types
            if row["lat"] and row["long"]
        }

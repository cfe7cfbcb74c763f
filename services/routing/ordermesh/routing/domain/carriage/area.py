"""Areas of the map by the words of addresses: countries, regions, prefixes of postal codes."""

from dataclasses import dataclass
from functools import lru_cache


@lru_cache(maxsize=100_000)
def plain(postal_code: str) -> str:
    """A postal code as it is compared: capital letters and digits alone.

    ``1012 ab`` is ``1012AB``, ``100-0001`` is ``1000001``.
    """
    return "".join(sign for sign in postal_code.upper() if sign.isalnum())


@dataclass(frozen=True, slots=True)
class Address:
    """What zones, lanes and surcharges go by: no street, no name. Empty where nobody knows."""

    country_code: str
    region: str = ""
    postal_code: str = ""
    is_business: bool = False


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the map; without a country it is everywhere.

    ``postal_prefix`` is compared without spaces and hyphens. Raises ``ValueError`` for a region or
    a prefix of no country.
    """

    country_code: str = ""
    region: str = ""
    postal_prefix: str = ""

    def __post_init__(self) -> None:
        if not self.country_code and (self.region or self.postal_prefix):
            raise ValueError("a region or a postal code belongs to a country")

    def holds(self, address: Address) -> bool:
        """Whether the address lies in it."""
        if not self.country_code:
            return True
        return (
            self.country_code == address.country_code
            and (not self.region or self.region.casefold() == address.region.casefold())
            and plain(address.postal_code).startswith(plain(self.postal_prefix))
        )

    @property
    def precision(self) -> tuple[int, int, int]:
        """How narrow it is: of two areas that hold an address, the greater is the narrower."""
        return (len(plain(self.postal_prefix)), bool(self.region), bool(self.country_code))

    def __str__(self) -> str:
        parts = (self.country_code, self.region, self.postal_prefix and f"{self.postal_prefix}*")
        return " ".join(part for part in parts if part) or "everywhere"


EVERYWHERE = Area()

NOWHERE = Address("")
"""An address that nobody said."""

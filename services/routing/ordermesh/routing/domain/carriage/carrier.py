"""Carriers and what they offer: services with features, goods they may carry, and days or hours."""

from dataclasses import dataclass
from enum import StrEnum

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.rates import CarbonRates
from ordermesh.routing.domain.rounding import divide_half_even

HOURS_PER_DAY = 24
PER_MILLE = 1_000


class TransitUnit(StrEnum):
    """What transit is counted in: days of the carrier's calendar, or hours of the clock."""

    DAYS = "DAYS"
    HOURS = "HOURS"


@dataclass(frozen=True, slots=True)
class TransitOutcome:
    """So often, in thousandths, transit takes so many days or hours."""

    amount: int
    per_mille: int


@dataclass(frozen=True, slots=True)
class ZoneTransit:
    """How long a service takes into a zone.

    ``amount`` is what is published; ``outcomes`` are how long it really takes, rising, and add up
    to 1000 thousandths. Without outcomes it always takes ``amount``.
    """

    zone: int
    unit: TransitUnit
    amount: int
    outcomes: tuple[TransitOutcome, ...] = ()

    def at_confidence(self, per_mille: int) -> int:
        """The fewest days or hours within which so many thousandths of parcels have arrived."""
        reached = 0
        for outcome in self.outcomes:
            reached += outcome.per_mille
            if reached >= per_mille:
                return outcome.amount
        return self.amount if not self.outcomes else self.outcomes[-1].amount

    @property
    def days(self) -> int:
        """Whole days: two hours are none, 24 hours are one."""
        if self.unit is TransitUnit.DAYS:
            return self.amount
        return self.amount // HOURS_PER_DAY


@dataclass(frozen=True, slots=True)
class Service:
    """One thing that a carrier sells.

    Its zones, for transit and for prices, are those of ``zone_table_id``. ``features`` are free
    words by which policies and orders choose. ``handling`` are the classes of goods beyond the
    ordinary that it carries. ``calendar`` names the days on which it moves parcels, "" is every
    day. ``longest_side_mm_max`` of 0 means no limit.
    """

    service_id: str
    name: str
    zone_table_id: str
    transit: tuple[ZoneTransit, ...]
    calendar: str = ""
    features: tuple[str, ...] = ()
    handling: tuple[str, ...] = ()
    longest_side_mm_max: int = 0
    emission_factor_id: str = ""

    def transit_into(self, zone: int) -> ZoneTransit | None:
        """How long it takes into a zone; None when it does not say."""
        for transit in self.transit:
            if transit.zone == zone:
                return transit
        return None


@dataclass(frozen=True)
class Carrier:
    """Who carries. ``version`` is 0 until it is stored; a withdrawn carrier carries nothing."""

    carrier_id: str
    name: str
    services: tuple[Service, ...]
    version: int = 0
    is_withdrawn: bool = False


@dataclass(frozen=True, slots=True, order=True)
class ServiceKey:
    """The full name of a service."""

    carrier_id: str
    service_id: str

    def __str__(self) -> str:
        return f"{self.carrier_id}/{self.service_id}"


@dataclass(frozen=True)
class EmissionFactor:
    """Grams of CO2e that a parcel causes, in micrograms so that small factors keep their digits.

    A parcel emits ``parcel_micrograms + parcel_micrograms_per_km * km``, and its weight
    ``micrograms_per_kg_km`` for each kilogram and kilometre. ``source`` says who published it.
    """

    emission_factor_id: str
    source: str
    mode: str
    parcel_micrograms: int
    parcel_micrograms_per_km: int
    micrograms_per_kg_km: int
    version: int = 0

    @property
    def name(self) -> str:
        """What records call this version."""
        return f"{self.emission_factor_id}/{self.version}"

    def rates(self, price_per_kg: Money) -> CarbonRates:
        """The factors as decisions count: whole micrograms for a gram and a kilometre."""
        return CarbonRates(
            parcel_micrograms=self.parcel_micrograms,
            parcel_micrograms_per_km=self.parcel_micrograms_per_km,
            micrograms_per_gram_km=divide_half_even(self.micrograms_per_kg_km, 1_000),
            price_per_kg=price_per_kg,
            factor_version=self.name,
        )

"""The cost model: the versioned prices that a decision is made under, all of them integers.

Money is in 1e-4 of one currency (``ordermesh.kernel.money``), carbon in micrograms of CO2e.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from ordermesh.kernel.money import Money, from_decimal
from ordermesh.routing.domain.canonical import plain, written
from ordermesh.routing.domain.geography import band
from ordermesh.routing.domain.rounding import divide_half_even

GRAMS_PER_KG = 1_000


class LocationKind(StrEnum):
    """What sort of place fulfills; the declared fees differ by it."""

    DC = "dc"
    STORE = "store"


@dataclass(frozen=True, slots=True)
class ZoneRates:
    """What a carrier charges in one zone, and how many days it takes.

    ``distance_km_max`` is the zone's far edge, which belongs to it; None reaches everywhere.
    """

    zone: int
    distance_km_max: int | None
    freight_per_parcel: Money
    freight_per_kg: Money
    transit_days: int


@dataclass(frozen=True, slots=True)
class HandlingRates:
    """What a location costs: a fee for each parcel picked, labor for each unit."""

    pick_fee_per_parcel: Money
    labor_per_unit: Money


@dataclass(frozen=True, slots=True)
class CarbonRates:
    """Emissions of a parcel and of its weight over the distance, and what a kilogram costs.

    A parcel emits ``parcel_micrograms + parcel_micrograms_per_km * km``; its contents emit
    ``micrograms_per_gram_km * grams * km``. ``factor_version`` names the source of the factors.
    """

    parcel_micrograms: int
    parcel_micrograms_per_km: int
    micrograms_per_gram_km: int
    price_per_kg: Money
    factor_version: str


@dataclass(frozen=True)
class CostModel:
    """Every price of a decision that is not a location's own, under one version and currency.

    ``split_charge`` is charged for each parcel of an order beyond the first. ``transit_day`` and
    ``late_day`` are charged for each atom and day: for each unit of a divisible line, once for a
    line that stays together. What stays unfilled costs ``unfilled_per_atom + unfilled_per_unit *
    units + unfilled_per_kg * kg`` for each atom. A parcel weighs at most ``parcel_limit_grams``; a
    heavier unit is a parcel of its own; without a limit a shipment is one parcel. Zones are listed
    nearest first; beyond the last one nobody delivers.

    Raises ``ValueError`` if the far edges of zones do not rise, or a price is negative.
    """

    version: str
    currency: str
    zones: tuple[ZoneRates, ...]
    split_charge: Money
    transit_day: Money
    late_day: Money
    unfilled_per_atom: Money
    unfilled_per_unit: Money
    unfilled_per_kg: Money
    carbon: CarbonRates
    parcel_limit_grams: int | None = None

    def __post_init__(self) -> None:
        edges = list(self.edges)
        if not self.zones or len(edges) < len(self.zones) - 1:
            raise ValueError("there is a zone, and only the last may be without a far edge")
        if self.zones[-1].distance_km_max is not None and len(edges) < len(self.zones):
            raise ValueError("only the last zone may be without a far edge")
        if edges != sorted(set(edges)):
            raise ValueError("the far edges of zones must rise")
        if len({zone.zone for zone in self.zones}) != len(self.zones):
            raise ValueError("a zone is listed twice")
        if min(self.prices()) < 0:
            raise ValueError("a price is negative")
        if self.parcel_limit_grams is not None and self.parcel_limit_grams <= 0:
            raise ValueError("the weight limit of a parcel must be positive")

    def prices(self) -> tuple[int, ...]:
        """Every amount of the model, none of which may be negative."""
        zones = [(z.freight_per_parcel, z.freight_per_kg, z.transit_days) for z in self.zones]
        carbon = self.carbon
        return (
            *(amount for row in zones for amount in row),
            self.split_charge,
            self.transit_day,
            self.late_day,
            self.unfilled_per_atom,
            self.unfilled_per_unit,
            self.unfilled_per_kg,
            carbon.parcel_micrograms,
            carbon.parcel_micrograms_per_km,
            carbon.micrograms_per_gram_km,
            carbon.price_per_kg,
        )

    @cached_property
    def canonical(self) -> str:
        """All of it as text, the same for equal models."""
        return written(plain(self))

    def unfilled(self, units: int, grams: int) -> Money:
        """What it costs to leave an atom of so many units and grams."""
        by_weight = divide_half_even(grams * self.unfilled_per_kg, GRAMS_PER_KG)
        return Money(self.unfilled_per_atom + self.unfilled_per_unit * units + by_weight)

    def zone_at(self, distance: int) -> ZoneRates | None:
        """The zone that a distance in whole kilometres lies in, None beyond the last."""
        index = band(distance, self.edges)
        return self.zones[index] if index < len(self.zones) else None

    @cached_property
    def edges(self) -> tuple[int, ...]:
        """The far edges of the zones in kilometres, nearest first."""
        far = (zone.distance_km_max for zone in self.zones)
        return tuple(edge for edge in far if edge is not None)

    def zone_rates(self, zone: int) -> ZoneRates:
        """The rates of a zone by its number; raises ``KeyError`` if there is no such zone."""
        for rates in self.zones:
            if rates.zone == zone:
                return rates
        raise KeyError(zone)


_DECLARED_ZONES = (
    # zone, far edge in km, freight per parcel, freight per kg, transit days
    (2, 240, "6.20", "0.30", 1),
    (3, 480, "6.60", "0.40", 2),
    (4, 965, "7.10", "0.55", 2),
    (5, 1600, "7.80", "0.78", 3),
    (6, 2250, "8.50", "1.00", 4),
    (7, 2900, "9.30", "1.22", 4),
    (8, None, "10.20", "1.45", 5),
)


def declared_handling(kind: LocationKind) -> HandlingRates:
    """The declared fees of the public benchmark, in USD. They are illustrative: nobody's rates."""
    if kind is LocationKind.STORE:
        return HandlingRates(from_decimal("2.60"), from_decimal("1.10"))
    return HandlingRates(from_decimal("1.40"), from_decimal("0.45"))


def declared_costs(*, parcel_limit_grams: int | None = None) -> CostModel:
    """The declared costs of the public benchmark, in USD. They are illustrative: nobody's rates."""
    return CostModel(
        version="declared-1",
        currency="USD",
        zones=tuple(
            ZoneRates(zone, edge, from_decimal(parcel), from_decimal(kg), days)
            for zone, edge, parcel, kg, days in _DECLARED_ZONES
        ),
        split_charge=from_decimal("2.00"),
        transit_day=from_decimal("0.30"),
        late_day=from_decimal("3.50"),
        unfilled_per_atom=from_decimal("18.00"),
        unfilled_per_unit=from_decimal("6.00"),
        unfilled_per_kg=from_decimal("2.00"),
        carbon=CarbonRates(
            parcel_micrograms=250_000_000,
            parcel_micrograms_per_km=60_000,
            micrograms_per_gram_km=100,
            price_per_kg=from_decimal("0.10"),
            factor_version="declared-1",
        ),
        parcel_limit_grams=parcel_limit_grams,
    )

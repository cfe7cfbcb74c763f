"""Rate cards: what a carrier charges for a parcel, by zone and billable weight, with surcharges."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.carriage.area import Address, Area
from ordermesh.routing.domain.carriage.carrier import ServiceKey
from ordermesh.routing.domain.carriage.conversion import SAME, Conversion, price_once
from ordermesh.routing.domain.carriage.zone import Origin
from ordermesh.routing.domain.rates import CarbonRates
from ordermesh.routing.domain.tariffs import Bracket as PricedBracket
from ordermesh.routing.domain.tariffs import Tariff

NOTHING = Money(0)
HAZARDOUS = "HAZARDOUS"
OVERSIZE = "OVERSIZE"


class SurchargeKind(StrEnum):
    """What is charged beside the weight."""

    RESIDENTIAL = "RESIDENTIAL"
    OVERSIZE = "OVERSIZE"
    HAZMAT = "HAZMAT"
    REMOTE_AREA = "REMOTE_AREA"


@dataclass(frozen=True, slots=True)
class Bracket:
    """The price of parcels over one weight, up to and with another."""

    over_grams: int
    up_to_grams: int
    price: Money


@dataclass(frozen=True, slots=True)
class ZoneRates:
    """The prices into a zone; brackets rise without a gap.

    ``per_kg_beyond`` is for each kilogram beyond the last bracket, None where the service carries
    nothing heavier. No parcel costs less than ``minimum``.
    """

    zone: int
    brackets: tuple[Bracket, ...]
    per_kg_beyond: Money | None = None
    minimum: Money = NOTHING


@dataclass(frozen=True, slots=True)
class Surcharge:
    """A fixed amount for each parcel of some kind.

    ``areas`` are where ``REMOTE_AREA`` is charged. ``OVERSIZE`` is charged for goods whose longest
    side, or longest side and girth together, are over these; 0 means no such limit.
    ``bears_fuel`` says whether the fuel percentage is charged on it too.
    """

    kind: SurchargeKind
    amount: Money
    bears_fuel: bool = False
    areas: tuple[Area, ...] = ()
    longest_side_mm_over: int = 0
    length_and_girth_mm_over: int = 0


@dataclass(frozen=True, slots=True)
class Goods:
    """What decides on surcharges: handling classes, and the sides of a unit, longest first.

    Sides of () are not known.
    """

    handling: frozenset[str] = frozenset()
    sides_mm: tuple[int, ...] = ()

    @property
    def length_and_girth_mm(self) -> int:
        """The longest side, and once around the other two."""
        if not self.sides_mm:
            return 0
        longest, *others = sorted(self.sides_mm, reverse=True)
        return longest + 2 * sum(others)


@dataclass(frozen=True)
class RateCard:
    """The prices of one service for some origins and some time.

    ``origins`` are locations or groups, () for all. ``volume_divisor`` is in cubic centimetres a
    kilogram, which is cubic millimetres a gram; 0 means that volume costs nothing. Billable weight
    is rounded up to ``weight_step_grams``. ``fuel_millionths`` are charged on the price.
    ``unserved_zones`` are those that the service does not go to. Valid from, until before.
    """

    rate_card_id: str
    service: ServiceKey
    currency_code: str
    zones: tuple[ZoneRates, ...]
    valid_from: datetime
    valid_until: datetime | None = None
    origins: tuple[str, ...] = ()
    volume_divisor: int = 0
    weight_step_grams: int = 1
    fuel_millionths: int = 0
    surcharges: tuple[Surcharge, ...] = ()
    unserved_zones: tuple[int, ...] = ()
    version: int = 0
    is_withdrawn: bool = False

    def is_valid(self, now: datetime) -> bool:
        """Whether its prices are those of this moment."""
        return (
            not self.is_withdrawn
            and self.valid_from <= now
            and (self.valid_until is None or now < self.valid_until)
        )

    def fit(self, origin: Origin) -> int:
        """How closely it fits an origin, 2 the location itself to 0 all of them; -1: not at all."""
        if not self.origins:
            return 0
        return max(origin.is_called(name) if name else -1 for name in self.origins)

    def rates(self, zone: int) -> ZoneRates | None:
        """The prices into a zone; None when it is not served."""
        for rates in self.zones:
            if rates.zone == zone:
                return rates
        return None

    def surcharges_of(self, destination: Address, *, is_residential: bool) -> tuple[Surcharge, ...]:
        """What is charged for every parcel to this address, whatever is in it."""
        return tuple(
            one
            for one in self.surcharges
            if (one.kind is SurchargeKind.RESIDENTIAL and is_residential)
            or (
                one.kind is SurchargeKind.REMOTE_AREA
                and any(area.holds(destination) for area in one.areas)
            )
        )

    def surcharges_for(self, goods: Goods) -> tuple[Surcharge, ...]:
        """What is charged for a parcel because such a unit is in it."""
        return tuple(one for one in self.surcharges if _is_for(one, goods))

    def tariff(
        self,
        zone: int,
        surcharges: Iterable[Surcharge] = (),
        conversion: Conversion = SAME,
        carbon: CarbonRates | None = None,
    ) -> Tariff | None:
        """The prices into a zone with these surcharges and fuel, in the currency of the conversion.

        Every price is rounded once. The tariff's id names the card's version, the zone, surcharges
        and rate of exchange. None where the zone is not served.
        """
        rates = self.rates(zone)
        if rates is None or not rates.brackets:
            return None
        charged = sorted(surcharges, key=lambda one: one.kind)
        plain = sum(one.amount for one in charged if not one.bears_fuel)
        fueled = sum(one.amount for one in charged if one.bears_fuel)
        fuel = self.fuel_millionths
        brackets = tuple(
            PricedBracket(
                bracket.up_to_grams,
                price_once(plain, max(bracket.price, rates.minimum) + fueled, fuel, conversion),
            )
            for bracket in rates.brackets
        )
        beyond, last = rates.per_kg_beyond, brackets[-1]
        return Tariff(
            tariff_id=" ".join(
                (
                    f"{self.rate_card_id}/{self.version}/{zone}",
                    *(f"+{one.kind}" for one in charged),
                    *([conversion.version] if conversion.version else []),
                )
            ),
            per_parcel=last.price,
            per_kg=NOTHING if beyond is None else price_once(0, beyond, fuel, conversion),
            brackets=brackets,
            grams_max=self._most(last.grams_max) if beyond is None else None,
            cubic_mm_per_gram=self.volume_divisor,
            grams_step=self.weight_step_grams,
            carbon=carbon,
        )

    def _most(self, grams: int) -> int:
        """The heaviest parcel of so many billable grams: scales round up."""
        return max(1, grams // self.weight_step_grams * self.weight_step_grams)

    @property
    def merging_is_never_dearer(self) -> bool:
        """Whether two parcels never cost more as one than apart, in any zone and any weights.

        Where heavy parcels are not carried, merging can be impossible: that is dearer.
        """
        tariffs = [self.tariff(rates.zone) for rates in self.zones]
        return all(
            one is not None and one.grams_max is None and one.merging_excess <= 0 for one in tariffs
        )

    def extra(self, surcharge: Surcharge, conversion: Conversion = SAME) -> Money:
        """What a surcharge adds to a parcel, with its fuel, rounded once."""
        fueled = surcharge.amount if surcharge.bears_fuel else 0
        return price_once(surcharge.amount - fueled, fueled, self.fuel_millionths, conversion)


def quote(
    card: RateCard,
    zone: int,
    billable_grams: int,
    surcharges: Iterable[Surcharge] = (),
    conversion: Conversion = SAME,
) -> Money | None:
    """The price of a parcel; None where the zone is not served or the parcel is too heavy."""
    tariff = card.tariff(zone, surcharges, conversion)
    if tariff is None or (tariff.grams_max is not None and billable_grams > tariff.grams_max):
        return None
    return tariff.price(billable_grams)


def _is_for(surcharge: Surcharge, goods: Goods) -> bool:
    if surcharge.kind is SurchargeKind.HAZMAT:
        return HAZARDOUS in goods.handling
    if surcharge.kind is not SurchargeKind.OVERSIZE:
        return False
    side, girth = surcharge.longest_side_mm_over, surcharge.length_and_girth_mm_over
    return (
        OVERSIZE in goods.handling
        or bool(side and goods.sides_mm and max(goods.sides_mm) > side)
        or bool(girth and goods.length_and_girth_mm > girth)
    )

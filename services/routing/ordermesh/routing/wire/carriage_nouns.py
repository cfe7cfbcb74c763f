"""Carriage: each noun from its message. The contract has been looked at before."""

from google.type.money_pb2 import Money as MoneyMessage

from ordermesh.api.routing import v1
from ordermesh.kernel.money import Money
from ordermesh.routing.domain.carriage.area import EVERYWHERE, Area
from ordermesh.routing.domain.carriage.carrier import (
    Carrier,
    EmissionFactor,
    Service,
    ServiceKey,
    TransitOutcome,
    TransitUnit,
    ZoneTransit,
)
from ordermesh.routing.domain.carriage.currency import CurrencyRate
from ordermesh.routing.domain.carriage.lane import Lane, TransferLane
from ordermesh.routing.domain.carriage.rate_card import (
    Bracket,
    RateCard,
    Surcharge,
    SurchargeKind,
    ZoneRates,
)
from ordermesh.routing.domain.carriage.zone import ZoneRow, ZoneTable
from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.wire.money import amount, instant


def carrier(message: v1.Carrier, version: int) -> Carrier:
    """A carrier with its services."""
    return Carrier(
        carrier_id=message.carrier_id,
        name=message.name,
        services=tuple(_service(one) for one in message.services),
        version=version,
        is_withdrawn=message.withdrawn,
    )


def _service(message: v1.CarrierService) -> Service:
    return Service(
        service_id=message.service_id,
        name=message.name,
        zone_table_id=message.zone_table_id,
        transit=tuple(_transit(one) for one in message.transits),
        calendar=message.calendar,
        features=tuple(sorted(message.features)),
        handling=tuple(sorted(message.handling)),
        longest_side_mm_max=message.longest_side_millimetres_max,
        emission_factor_id=message.emission_factor_id,
    )


def _transit(message: v1.ZoneTransit) -> ZoneTransit:
    unit = v1.ZoneTransit.Unit.Name(message.unit).removeprefix("UNIT_")
    return ZoneTransit(
        zone=message.zone,
        unit=TransitUnit(unit),
        amount=message.amount,
        outcomes=tuple(TransitOutcome(one.amount, one.per_mille) for one in message.outcomes),
    )


def _key(message: v1.ServiceName) -> ServiceKey:
    return ServiceKey(message.carrier_id, message.service_id)


def _area(message: v1.Area) -> Area:
    try:
        return Area(message.country_code, message.region, message.postal_prefix)
    except ValueError as error:
        raise FieldViolation("area", "country_of_area", f"{error}.") from error


def zone_table(message: v1.ZoneTable, version: int) -> ZoneTable:
    """A zone table; raises ``FieldViolation`` for a prefix of no country."""
    return ZoneTable(
        zone_table_id=message.zone_table_id,
        rows=tuple(
            ZoneRow(
                zone=row.zone,
                origin_id=row.origin_id,
                origin=_area(row.origin) if row.HasField("origin") else EVERYWHERE,
                destination=_area(row.destination) if row.HasField("destination") else EVERYWHERE,
                distance_km_max=row.distance_km_max,
            )
            for row in message.rows
        ),
        version=version,
        is_withdrawn=message.withdrawn,
    )


def rate_card(message: v1.RateCard, version: int) -> RateCard:
    """A rate card; raises ``CurrencyMismatch`` and ``FieldViolation``."""
    currency = message.currency_code
    start = instant(message.valid_from_time, "valid_from_time")
    has_end = message.HasField("valid_until_time")
    end = instant(message.valid_until_time, "valid_until_time") if has_end else None
    if end is not None and end <= start:
        raise FieldViolation(
            "valid_until_time",
            "valid_until_after_from",
            f"Rate card {message.rate_card_id} ends before it begins.",
        )
    return RateCard(
        rate_card_id=message.rate_card_id,
        service=_key(message.service),
        currency_code=currency,
        zones=tuple(_rates(one, currency) for one in message.zones),
        valid_from=start,
        valid_until=end,
        origins=tuple(message.origin_ids),
        volume_divisor=message.cubic_centimetres_per_kilogram,
        weight_step_grams=message.weight_step_grams or 1,
        fuel_millionths=message.fuel_millionths,
        surcharges=tuple(_surcharge(one, currency) for one in message.surcharges),
        unserved_zones=tuple(message.unserved_zones),
        version=version,
        is_withdrawn=message.withdrawn,
    )


def _rates(message: v1.RateCard.ZoneRates, currency: str) -> ZoneRates:
    has_beyond = message.HasField("per_kilogram_beyond")
    return ZoneRates(
        zone=message.zone,
        brackets=tuple(
            Bracket(one.over_grams, one.up_to_grams, _price(one.price, currency))
            for one in message.brackets
        ),
        per_kg_beyond=_price(message.per_kilogram_beyond, currency) if has_beyond else None,
        minimum=_price(message.minimum, currency) if message.HasField("minimum") else Money(0),
    )


def _surcharge(message: v1.RateCard.Surcharge, currency: str) -> Surcharge:
    kind = v1.RateCard.Surcharge.Kind.Name(message.kind).removeprefix("KIND_")
    return Surcharge(
        kind=SurchargeKind(kind),
        amount=_price(message.amount, currency),
        bears_fuel=message.bears_fuel,
        areas=tuple(_area(one) for one in message.areas),
        longest_side_mm_over=message.longest_side_millimetres_over,
        length_and_girth_mm_over=message.length_and_girth_millimetres_over,
    )


def _price(message: MoneyMessage, currency: str) -> Money:
    price = amount(message, currency)
    if price < 0:
        raise FieldViolation("price", "price_not_negative", "A price is negative.")
    return price


def lane(message: v1.Lane, version: int) -> Lane:
    """A lane; raises ``FieldViolation`` for a prefix of no country."""
    return Lane(
        lane_id=message.lane_id,
        origin_id=message.origin_id,
        destinations=tuple(_area(one) for one in message.destinations),
        services=tuple(_key(one) for one in message.services),
        version=version,
        is_withdrawn=message.withdrawn,
    )


def transfer_lane(message: v1.TransferLane, version: int) -> TransferLane:
    """A transfer lane; raises ``CurrencyMismatch``."""
    currency = message.fixed_cost.currency_code
    return TransferLane(
        lane_id=message.lane_id,
        from_location_id=message.from_location_id,
        to_location_id=message.to_location_id,
        cadence_hours=message.cadence_hours,
        transit=_transit(message.transit),
        currency_code=currency,
        fixed_cost=_price(message.fixed_cost, currency),
        cost_per_unit=_price(message.cost_per_unit, currency),
        version=version,
        is_withdrawn=message.withdrawn,
        run_time=instant(message.run_time, "run_time") if message.HasField("run_time") else None,
    )


def emission_factor(message: v1.EmissionFactor, version: int) -> EmissionFactor:
    """An emission factor."""
    return EmissionFactor(
        emission_factor_id=message.emission_factor_id,
        source=message.source,
        mode=v1.EmissionFactor.Mode.Name(message.mode).removeprefix("MODE_"),
        parcel_micrograms=message.parcel_micrograms,
        parcel_micrograms_per_km=message.parcel_micrograms_per_kilometre,
        micrograms_per_kg_km=message.micrograms_per_kilogram_kilometre,
        version=version,
    )


def currency_rate(message: v1.CurrencyRate, version: int) -> CurrencyRate:
    """A rate of exchange."""
    return CurrencyRate(
        from_currency=message.from_currency_code,
        to_currency=message.to_currency_code,
        effective_time=instant(message.effective_time, "effective_time"),
        billionths=message.billionths,
        source=message.source,
        version=version,
    )

"""Carriage over the wire in short words: an invented carrier with one service in two zones."""

import math
from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

from ordermesh.api.routing import v1
from tests.routing.house import House, new_id


def eur(amount: float, currency_code: str = "EUR") -> Money:
    units = math.floor(amount)
    return Money(currency_code=currency_code, units=units, nanos=round((amount - units) * 1e9))


def moment(year: int, month: int = 1, day: int = 1) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(datetime(year, month, day, tzinfo=UTC))
    return made


def name(service: str) -> v1.ServiceName:
    """From "POSTMAN/GROUND"."""
    carrier_id, service_id = service.split("/")
    return v1.ServiceName(carrier_id=carrier_id, service_id=service_id)


def transit(zone: int, days: int = 0, hours: int = 0, **fields: Any) -> v1.ZoneTransit:
    unit = v1.ZoneTransit.UNIT_HOURS if hours else v1.ZoneTransit.UNIT_DAYS
    return v1.ZoneTransit(zone=zone, unit=unit, amount=hours or days, **fields)


def service(service_id: str = "GROUND", **fields: Any) -> v1.CarrierService:
    return v1.CarrierService(
        **{
            "service_id": service_id,
            "zone_table_id": "ZONES",
            "transits": [transit(1, 1), transit(2, 3)],
            **fields,
        }
    )


def carrier(*services: v1.CarrierService, **fields: Any) -> v1.CarriageEntry:
    made = v1.Carrier(**{"carrier_id": "POSTMAN", "services": services or [service()], **fields})
    return v1.CarriageEntry(carrier=made)


def row(zone: int, to: v1.Area | None = None, **fields: Any) -> v1.ZoneTable.Row:
    return v1.ZoneTable.Row(zone=zone, destination=to, **fields)


def zones(*rows: v1.ZoneTable.Row, **fields: Any) -> v1.CarriageEntry:
    near = [row(1, distance_km_max=400), row(2)]
    made = v1.ZoneTable(**{"zone_table_id": "ZONES", "rows": rows or near, **fields})
    return v1.CarriageEntry(zone_table=made)


def rates(
    zone: int, *prices: float, beyond: float | None = 1.0, currency: str = "USD", **fields: Any
) -> v1.RateCard.ZoneRates:
    """Prices by brackets of a kilogram each."""
    return v1.RateCard.ZoneRates(
        zone=zone,
        brackets=[
            v1.RateCard.Bracket(
                over_grams=number * 1000, up_to_grams=number * 1000 + 1000, price=eur(one, currency)
            )
            for number, one in enumerate(prices)
        ],
        per_kilogram_beyond=None if beyond is None else eur(beyond, currency),
        **fields,
    )


def card(*rated: v1.RateCard.ZoneRates, **fields: Any) -> v1.CarriageEntry:
    made = v1.RateCard(
        **{
            "rate_card_id": "CARD",
            "service": name("POSTMAN/GROUND"),
            "currency_code": "USD",
            "zones": rated or [rates(1, 5.0, 6.0), rates(2, 8.0, 9.0)],
            "valid_from_time": moment(2020),
            **fields,
        }
    )
    return v1.CarriageEntry(rate_card=made)


def lane(lane_id: str, origin_id: str, *services: str, **fields: Any) -> v1.CarriageEntry:
    made = v1.Lane(
        **{
            "lane_id": lane_id,
            "origin_id": origin_id,
            "destinations": [v1.Area()],
            "services": [name(one) for one in services or ("POSTMAN/GROUND",)],
            **fields,
        }
    )
    return v1.CarriageEntry(lane=made)


def factor(**fields: Any) -> v1.CarriageEntry:
    made = v1.EmissionFactor(
        **{
            "emission_factor_id": "VAN",
            "source": "invented 2026",
            "mode": v1.EmissionFactor.MODE_VAN,
            "parcel_micrograms": 200_000_000,
            "parcel_micrograms_per_kilometre": 50_000,
            "micrograms_per_kilogram_kilometre": 90_000,
            **fields,
        }
    )
    return v1.CarriageEntry(emission_factor=made)


def exchange(pair: str, billionths: int, **fields: Any) -> v1.CarriageEntry:
    """A rate of "EUR/USD"."""
    start, end = pair.split("/")
    made = v1.CurrencyRate(
        **{
            "from_currency_code": start,
            "to_currency_code": end,
            "effective_time": moment(2020),
            "billionths": billionths,
            **fields,
        }
    )
    return v1.CarriageEntry(currency_rate=made)


def putting(*entries: v1.CarriageEntry, **fields: Any) -> v1.PutCarriageRequest:
    wanted = entries or (zones(), carrier(), card())
    return v1.PutCarriageRequest(**{"request_id": new_id(), "entries": wanted, **fields})


async def put(house: House, *entries: v1.CarriageEntry, **fields: Any) -> v1.PutCarriageResponse:
    return await house.mesh.carriage.PutCarriage(putting(*entries, **fields))

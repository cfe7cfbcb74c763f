"""Reads files of carriage into entries, and remembers from which line each thing came."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from google.type.latlng_pb2 import LatLng

from ordermesh.api.routing.v1 import (
    CarriageEntry,
    Carrier,
    CarrierService,
    CurrencyRate,
    EmissionFactor,
    Lane,
    PostalCode,
    RateCard,
    ServiceName,
    ZoneTable,
    ZoneTransit,
)
from ordermesh.cli.carriage import cells
from ordermesh.cli.carriage.columns import FILES
from ordermesh.sample.files.sheets import Record, Refusal, Sheet

_COUNT_MAX = 1_000_000_000
_ZONE_MAX = 100_000
_MODES = ("", "BICYCLE", "VAN", "LORRY", "RAIL", "SEA", "AIR")
_KINDS = ("RESIDENTIAL", "OVERSIZE", "HAZMAT", "REMOTE_AREA")


@dataclass(frozen=True)
class Line:
    """Where something was read."""

    file: str
    number: int


@dataclass
class PostalTable:
    """The postal codes of a country."""

    significant: int = 0
    codes: dict[str, PostalCode] = field(default_factory=dict)


class UnknownFile(ValueError):
    """The name of a file does not say what is in it."""


def find_files(paths: Iterable[Path]) -> list[tuple[str, Path]]:
    """The files, each with what is in it; all CSV files of directories whose names are known.

    Raises ``UnknownFile`` for a file that is named and not known, and where there is none at all.
    """
    found: list[tuple[str, Path]] = []
    for path in paths:
        if path.is_dir():
            found += [(kind, one) for one in sorted(path.glob("*.csv")) if (kind := _kind(one))]
        elif kind := _kind(path):
            found.append((kind, path))
        else:
            raise UnknownFile(f"{path}: a name ends with {', '.join(FILES)}, and then .csv.")
    if not found:
        raise UnknownFile(f"There is no file whose name ends with {', '.join(FILES)}.")
    order = list(FILES)
    return sorted(found, key=lambda one: order.index(one[0]))


def _kind(path: Path) -> str:
    """What is in a file, by the longest name that its own ends with."""
    fits = [
        name for name in FILES if path.stem == name or path.stem.endswith((f"_{name}", f"-{name}"))
    ]
    return max(fits, key=len, default="")


class CarriageFiles:
    """What was read of all files. Nothing of it may be used while there are ``refusals``."""

    def __init__(self) -> None:
        self.refusals: list[Refusal] = []
        self.postal: dict[str, PostalTable] = {}
        self.lines: dict[tuple[str, ...], Line] = {}
        self._carriers: dict[str, Carrier] = {}
        self._services: dict[tuple[str, str], CarrierService] = {}
        self._tables: dict[str, ZoneTable] = {}
        self._cards: dict[str, RateCard] = {}
        self._minima: dict[str, int] = {}
        self._others: list[CarriageEntry] = []

    def read(self, files: Iterable[tuple[str, Path]]) -> None:
        """Read them, in this order. Raises ``OSError`` for one that cannot be read."""
        readers: dict[str, Callable[[Record], None]] = {
            "services": self._service,
            "transit": self._transit,
            "zones": self._zone,
            "rate_cards": self._card,
            "rates": self._rate,
            "surcharges": self._surcharge,
            "lanes": self._lane,
            "emission_factors": self._factor,
            "currency_rates": self._currency_rate,
            "postal_codes": self._postal_code,
        }
        for kind, path in files:
            sheet = Sheet(path, FILES[kind])
            for record in sheet.records():
                self._path = str(path)
                readers[kind](record)
            self.refusals.extend(sorted(sheet.refusals, key=lambda one: one.line))

    @property
    def entries(self) -> list[CarriageEntry]:
        """Everything but postal codes, as it is put."""
        return [
            *(CarriageEntry(zone_table=one) for one in self._tables.values()),
            *(CarriageEntry(carrier=one) for one in self._carriers.values()),
            *(CarriageEntry(rate_card=one) for one in self._cards.values()),
            *self._others,
        ]

    def _remember(self, record: Record, *name: str) -> None:
        self.lines.setdefault(name, Line(self._path, record.line))

    def _once(self, record: Record, column: str, *name: str) -> None:
        before = self.lines.setdefault(name, Line(self._path, record.line))
        if before != Line(self._path, record.line):
            record.refuse(column, f"is on line {before.number} of {before.file} already")

    def _service(self, record: Record) -> None:
        carrier_id, service_id = record.identity("carrier_id"), record.identity("service_id")
        self._once(record, "service_id", "service", f"{carrier_id}/{service_id}")
        carrier = self._carriers.setdefault(
            carrier_id, Carrier(carrier_id=carrier_id, name=record.text("carrier_name"))
        )
        if carrier.name != record.raw("carrier_name"):
            record.refuse("carrier_name", "is another than on the line before")
        made = carrier.services.add(
            service_id=service_id,
            name=record.text("service_name"),
            zone_table_id=record.identity("zone_table_id"),
            calendar=record.text("calendar", most=128),
            features=record.several("features", most=50),
            handling=record.several("handling", most=20),
            longest_side_millimetres_max=record.whole(
                "longest_side_millimetres_max", most=1_000_000
            ),
            emission_factor_id=record.text("emission_factor_id", most=128),
        )
        self._services[carrier_id, service_id] = made

    def _transit(self, record: Record) -> None:
        carrier_id, service_id = record.identity("carrier_id"), record.identity("service_id")
        zone = record.whole("zone", most=_ZONE_MAX, least=1)
        self._once(record, "zone", "transit", f"{carrier_id}/{service_id}", str(zone))
        service = self._services.get((carrier_id, service_id))
        if service is None:
            record.refuse("service_id", "is in no file of services")
            return
        if bool(record.raw("days")) == bool(record.raw("hours")):
            record.refuse("days", "and hours: one of both is said")
            return
        column = "days" if record.raw("days") else "hours"
        service.transits.add(
            zone=zone,
            unit=ZoneTransit.UNIT_DAYS if column == "days" else ZoneTransit.UNIT_HOURS,
            amount=record.whole(column, most=8760),
            outcomes=cells.outcomes(record, "outcomes"),
        )

    def _zone(self, record: Record) -> None:
        table_id = record.identity("zone_table_id")
        self._remember(record, "zone table", table_id)
        table = self._tables.setdefault(table_id, ZoneTable(zone_table_id=table_id))
        table.rows.add(
            zone=record.whole("zone", most=_ZONE_MAX, least=1),
            origin_id=record.text("origin_id", most=128),
            origin=cells.optional_area(record, "from"),
            destination=cells.optional_area(record, "to"),
            distance_km_max=record.whole("distance_km_max", most=20_100),
        )

    def _card(self, record: Record) -> None:
        card_id = record.identity("rate_card_id")
        self._once(record, "rate_card_id", "rate card", card_id)
        card = RateCard(
            rate_card_id=card_id,
            service=ServiceName(
                carrier_id=record.identity("carrier_id"), service_id=record.identity("service_id")
            ),
            currency_code=cells.currency(record, "currency_code"),
            valid_from_time=cells.moment(record, "valid_from"),
            origin_ids=record.several("origin_ids", most=1_000),
            cubic_centimetres_per_kilogram=record.whole(
                "cubic_centimetres_per_kilogram", most=1_000_000
            ),
            weight_step_grams=record.whole("weight_step_grams", most=1_000_000, least=1),
            fuel_millionths=cells.scaled(record, "fuel_percent", 4),
            unserved_zones=cells.numbers(record, "unserved_zones"),
        )
        if record.raw("valid_until"):
            card.valid_until_time.CopyFrom(cells.moment(record, "valid_until"))
        self._minima[card_id] = record.money("minimum")
        self._cards[card_id] = card

    def _rate(self, record: Record) -> None:
        card_id, zone = (
            record.identity("rate_card_id"),
            record.whole("zone", most=_ZONE_MAX, least=1),
        )
        up_to = record.raw("up_to_grams")
        self._once(record, "up_to_grams", "rate", card_id, str(zone), up_to)
        card = self._cards.get(card_id)
        if card is None:
            record.refuse("rate_card_id", "is in no file of rate cards")
            return
        currency = card.currency_code
        rates = next((one for one in card.zones if one.zone == zone), None)
        if rates is None:
            rates = card.zones.add(zone=zone)
            if self._minima[card_id]:
                minimum = cells.amount(self._minima[card_id], currency)
                rates.minimum.CopyFrom(minimum)
        price = cells.money(record, "price", currency)
        over = record.whole("over_grams", most=_COUNT_MAX)
        if not up_to:
            rates.per_kilogram_beyond.CopyFrom(price)
            return
        rates.brackets.add(
            over_grams=over,
            up_to_grams=record.whole("up_to_grams", most=_COUNT_MAX, least=1),
            price=price,
        )

    def _surcharge(self, record: Record) -> None:
        card = self._cards.get(record.identity("rate_card_id"))
        if card is None:
            record.refuse("rate_card_id", "is in no file of rate cards")
            return
        kind = record.raw("kind")
        if kind not in _KINDS:
            record.refuse("kind", f"is not one of {', '.join(_KINDS)}")
            return
        sides = ("longest_side_millimetres_over", "length_and_girth_millimetres_over")
        card.surcharges.add(
            kind=RateCard.Surcharge.Kind.Value(f"KIND_{kind}"),
            amount=cells.money(record, "amount", card.currency_code),
            bears_fuel=record.yes("bears_fuel"),
            areas=cells.areas(record, "areas"),
            longest_side_millimetres_over=record.whole(sides[0], most=1_000_000),
            length_and_girth_millimetres_over=record.whole(sides[1], most=10_000_000),
        )

    def _lane(self, record: Record) -> None:
        lane_id = record.identity("lane_id")
        self._once(record, "lane_id", "lane", lane_id)
        lane = Lane(
            lane_id=lane_id,
            origin_id=record.identity("origin_id"),
            destinations=cells.areas(record, "destinations"),
            services=cells.services(record, "services"),
        )
        self._others.append(CarriageEntry(lane=lane))

    def _factor(self, record: Record) -> None:
        factor_id = record.identity("emission_factor_id")
        self._once(record, "emission_factor_id", "emission factor", factor_id)
        mode = record.raw("mode")
        if mode not in _MODES:
            record.refuse("mode", f"is not one of {', '.join(_MODES[1:])}")
            return
        factor = EmissionFactor(
            emission_factor_id=factor_id,
            source=record.required_text("source"),
            mode=EmissionFactor.Mode.Value(f"MODE_{mode or 'UNSPECIFIED'}"),
            parcel_micrograms=cells.scaled(record, "grams_per_parcel", 6),
            parcel_micrograms_per_kilometre=cells.scaled(record, "grams_per_parcel_kilometre", 6),
            micrograms_per_kilogram_kilometre=cells.scaled(
                record, "grams_per_kilogram_kilometre", 6
            ),
        )
        self._others.append(CarriageEntry(emission_factor=factor))

    def _currency_rate(self, record: Record) -> None:
        rate = CurrencyRate(
            from_currency_code=cells.currency(record, "from_currency"),
            to_currency_code=cells.currency(record, "to_currency"),
            effective_time=cells.moment(record, "effective_time"),
            billionths=cells.scaled(record, "rate", 9),
            source=record.text("source"),
        )
        if not rate.billionths and not record.is_refused:
            record.refuse("rate", "is nothing")
        pair = f"{rate.from_currency_code}/{rate.to_currency_code}"
        self._once(record, "effective_time", "rate", pair, str(rate.effective_time.seconds))
        self._others.append(CarriageEntry(currency_rate=rate))

    def _postal_code(self, record: Record) -> None:
        country = record.country("country_code")
        written = record.identity("postal_code")
        if not any(sign.isalnum() and sign.isascii() for sign in written) or len(written) > 16:
            record.refuse("postal_code", "is not a postal code of 1 to 16 letters and digits")
        place = record.place("latitude", "longitude")
        if place is None:
            record.refuse("latitude", "is missing")
            return
        significant = record.whole("significant_characters", most=16)
        table = self.postal.setdefault(country, PostalTable(significant))
        if table.significant != significant:
            record.refuse("significant_characters", "is another than on the line before")
        signs = "".join(sign for sign in written.upper() if sign.isalnum())
        name = signs[:significant] if significant else signs
        self._once(record, "postal_code", "postal code", country, name)
        table.codes[name] = PostalCode(
            postal_code=written,
            position=LatLng(latitude=place[0], longitude=place[1]),
            region=record.text("region", most=128),
            time_zone=record.text("time_zone", most=64),
        )

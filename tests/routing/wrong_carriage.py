"""Requests about carriage that are refused, and how."""

from ordermesh.api.routing import v1
from tests.routing.freight import (
    card,
    carrier,
    eur,
    exchange,
    factor,
    lane,
    moment,
    putting,
    rates,
    row,
    service,
    transit,
    zones,
)
from tests.routing.house import new_id
from tests.routing.postal import BEGUN, beginning, code, completing, part
from tests.routing.wrong import INVALID, LONG, NOT_FOUND, REFUSED, Case, invalid

OUTCOME = v1.ZoneTransit.Outcome

CASES = [
    invalid("no carriage", lambda: v1.PutCarriageRequest(request_id=new_id()), "entries"),
    invalid("an entry of nothing", lambda: putting(v1.CarriageEntry()), "entries[0].entry"),
    invalid(
        "a carrier without an id",
        lambda: putting(carrier(carrier_id="")),
        "entries[0].carrier.carrier_id",
    ),
    invalid(
        "a carrier with a long id",
        lambda: putting(carrier(carrier_id=LONG)),
        "entries[0].carrier.carrier_id",
    ),
    invalid(
        "a service without zones",
        lambda: putting(carrier(service(zone_table_id=""))),
        "entries[0].carrier.services[0].zone_table_id",
    ),
    invalid(
        "transit in no unit",
        lambda: putting(carrier(service(transits=[v1.ZoneTransit(zone=1, amount=1)]))),
        "entries[0].carrier.services[0].transits[0].unit",
    ),
    invalid(
        "transit back in time",
        lambda: putting(carrier(service(transits=[transit(1, -1)]))),
        "entries[0].carrier.services[0].transits[0].amount",
    ),
    Case(
        "outcomes that do not add up",
        lambda: putting(
            zones(),
            carrier(service(transits=[transit(1, 1, outcomes=[OUTCOME(amount=1, per_mille=999)])])),
        ),
        INVALID,
        "FIELD_VIOLATION",
    ),
    Case(
        "a prefix of no country",
        lambda: putting(zones(row(1, v1.Area(postal_prefix="10")))),
        INVALID,
        "FIELD_VIOLATION",
    ),
    invalid(
        "a prefix with strange signs",
        lambda: putting(zones(row(1, v1.Area(country_code="NL", postal_prefix="10%")))),
        "entries[0].zone_table.rows[0].destination.postal_prefix",
    ),
    invalid(
        "a table without rows",
        lambda: putting(v1.CarriageEntry(zone_table=v1.ZoneTable(zone_table_id="Z"))),
        "entries[0].zone_table.rows",
    ),
    Case(
        "a table that contradicts itself",
        lambda: putting(zones(row(1), row(2))),
        INVALID,
        "ZONE_CONTRADICTED",
        {"zoneTableId": "ZONES", "zone": "1", "otherZone": "2", "destination": "everywhere"},
    ),
    Case(
        "a service of an unknown table",
        lambda: putting(carrier()),
        NOT_FOUND,
        "UNKNOWN_CARRIAGE",
        {"kind": "zone table", "id": "ZONES", "namedBy": "service POSTMAN/GROUND"},
    ),
    Case(
        "a card of an unknown service",
        lambda: putting(card()),
        NOT_FOUND,
        "UNKNOWN_CARRIAGE",
        {"kind": "service", "id": "POSTMAN/GROUND", "namedBy": "rate card CARD"},
    ),
    Case(
        "a lane by an unknown service",
        lambda: putting(lane("L", "NEAR")),
        NOT_FOUND,
        "UNKNOWN_CARRIAGE",
        {"namedBy": "lane L"},
    ),
    Case(
        "a card with a gap",
        lambda: putting(
            zones(),
            carrier(),
            card(
                v1.RateCard.ZoneRates(
                    zone=1,
                    brackets=[
                        v1.RateCard.Bracket(over_grams=100, up_to_grams=900, price=eur(4, "USD"))
                    ],
                ),
                rates(2, 5.0),
            ),
        ),
        INVALID,
        "RATE_CARD_GAP",
        {"zone": "1", "overGrams": "100", "endsAtGrams": "0"},
    ),
    Case(
        "a card whose prices fall",
        lambda: putting(zones(), carrier(), card(rates(1, 5.0, 4.5), rates(2, 5.0))),
        INVALID,
        "RATE_FALLS_WITH_WEIGHT",
        {"zone": "1", "upToGrams": "2000", "price": "4.5", "before": "5"},
    ),
    Case(
        "a card without a zone",
        lambda: putting(zones(), carrier(), card(rates(1, 5.0))),
        REFUSED,
        "RATE_ZONE_MISSING",
        {"rateCardId": "CARD", "zone": "2"},
    ),
    Case(
        "a card for a zone without transit",
        lambda: putting(zones(), carrier(service(transits=[transit(1, 1)])), card()),
        REFUSED,
        "TRANSIT_MISSING",
        {"service": "POSTMAN/GROUND", "zone": "2"},
    ),
    Case(
        "two cards at once",
        lambda: putting(zones(), carrier(), card(), card(rate_card_id="OTHER")),
        REFUSED,
        "RATE_CARDS_OVERLAP",
        {"rateCardId": "CARD", "otherRateCardId": "OTHER"},
    ),
    Case(
        "a card in two currencies",
        lambda: putting(zones(), carrier(), card(rates(1, 5.0, currency="EUR"), rates(2, 5.0))),
        INVALID,
        "CURRENCY_MISMATCH",
        {"wanted": "USD", "given": "EUR"},
    ),
    Case(
        "a card with a negative price",
        lambda: putting(zones(), carrier(), card(rates(1, -5.0), rates(2, 5.0))),
        INVALID,
        "FIELD_VIOLATION",
    ),
    Case(
        "a card that ends before it begins",
        lambda: putting(zones(), carrier(), card(valid_until_time=moment(2019))),
        INVALID,
        "FIELD_VIOLATION",
    ),
    Case(
        "an entry twice",
        lambda: putting(zones(), zones()),
        INVALID,
        "DUPLICATE_ENTRY",
        {"field": "entries", "value": "ZONES"},
    ),
    invalid(
        "a factor without a source",
        lambda: putting(factor(source="")),
        "entries[0].emission_factor.source",
    ),
    invalid(
        "a factor that cleans the air",
        lambda: putting(factor(parcel_micrograms=-1)),
        "entries[0].emission_factor.parcel_micrograms",
    ),
    invalid(
        "a currency for nothing",
        lambda: putting(exchange("EUR/USD", 0)),
        "entries[0].currency_rate.billionths",
    ),
    invalid(
        "a rate of no time",
        lambda: putting(exchange("EUR/USD", 1, effective_time=None)),
        "entries[0].currency_rate.effective_time",
    ),
    invalid(
        "a lane to nowhere",
        lambda: putting(lane("L", "NEAR", destinations=[])),
        "entries[0].lane.destinations",
    ),
    # BeginPostalCodeImport
    invalid("an import of no name", lambda: beginning(import_id="x"), "import_id"),
    invalid("an import of no country", lambda: beginning(country_code="Nl"), "country_code"),
    invalid(
        "an import with signs that are less than none",
        lambda: beginning(significant_characters=-1),
        "significant_characters",
    ),
    Case(
        "an import that goes on as another",
        lambda: beginning(import_id=BEGUN, significant_characters=4),
        INVALID,
        "FIELD_VIOLATION",
    ),
    # PutPostalCodes
    invalid("no codes", lambda: v1.PutPostalCodesRequest(request_id=new_id()), "postal_codes"),
    invalid("a code of no signs", lambda: part(code(" -")), "postal_codes[0].postal_code"),
    invalid(
        "a code that is nowhere",
        lambda: part(v1.PostalCode(postal_code="1012")),
        "postal_codes[0].position",
    ),
    Case("a code beyond the pole", lambda: part(code("1012", 91.0)), INVALID, "FIELD_VIOLATION"),
    Case(
        "codes of no import",
        lambda: part(import_id=new_id()),
        NOT_FOUND,
        "POSTAL_CODE_IMPORT_NOT_FOUND",
    ),
    Case(
        "a part out of step",
        lambda: part(part=2),
        REFUSED,
        "POSTAL_CODE_IMPORT_OUT_OF_STEP",
        {"importId": BEGUN, "expectedPart": "1", "givenPart": "2"},
    ),
    Case(
        "a code twice",
        lambda: part(code("1012 AB"), code("1012ab")),
        INVALID,
        "DUPLICATE_ENTRY",
        {"field": "postal_codes", "value": "1012ab"},
    ),
    # CompletePostalCodeImport
    invalid("completing nothing", lambda: completing(part_count=0), "part_count"),
    Case(
        "completing no import",
        lambda: completing(import_id=new_id()),
        NOT_FOUND,
        "POSTAL_CODE_IMPORT_NOT_FOUND",
    ),
    Case(
        "completing with parts missing",
        lambda: completing(part_count=2),
        REFUSED,
        "POSTAL_CODE_IMPORT_OUT_OF_STEP",
    ),
    Case(
        "completing what has no parts",
        lambda: completing(import_id=BEGUN),
        REFUSED,
        "POSTAL_CODE_IMPORT_OUT_OF_STEP",
    ),
]

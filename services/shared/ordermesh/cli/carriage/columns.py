"""The columns of the files of carriage, by the name of the file."""

from ordermesh.sample.files.sheets import Column

SERVICES = (
    Column("carrier_id", "the id of the carrier, without a slash", required=True),
    Column("carrier_name", "a name for people; the same on all lines of the carrier"),
    Column("service_id", "the id of the service, without a plus sign", required=True),
    Column("service_name", "a name for people"),
    Column("zone_table_id", "the zones that its transit and prices go by", required=True),
    Column("calendar", "the calendar of the days on which it moves parcels"),
    Column("features", "free words by which policies choose, with semicolons between them"),
    Column("handling", "goods it carries beside ordinary ones: HAZARDOUS;CHILLED"),
    Column("longest_side_millimetres_max", "no unit is longer; 0 for no limit", default="0"),
    Column("emission_factor_id", "what its parcels emit"),
)
TRANSIT = (
    Column("carrier_id", "the carrier", required=True),
    Column("service_id", "the service", required=True),
    Column("zone", "the zone", required=True),
    Column("days", "how many days it takes; or else hours"),
    Column("hours", "how many hours it takes"),
    Column("outcomes", "how often of a thousand it takes how long: 1:700;2:250;5:50"),
)
ZONES = (
    Column("zone_table_id", "the id of the table", required=True),
    Column("zone", "the zone, a number from 1", required=True),
    Column("origin_id", "the location or group it is for; empty for all"),
    Column("from", "from where: NL, NL/NH, NL:10 or empty for everywhere"),
    Column("to", "to where, written the same way"),
    Column("distance_km_max", "no farther than this; 0 for any distance", default="0"),
)
RATE_CARDS = (
    Column("rate_card_id", "the id of the card, once", required=True),
    Column("carrier_id", "the carrier", required=True),
    Column("service_id", "the service", required=True),
    Column("currency_code", "ISO 4217, of all amounts of the card", required=True),
    Column("valid_from", "ISO 8601 with the offset from UTC", required=True),
    Column("valid_until", "and no longer from then on; empty without an end"),
    Column("origin_ids", "locations and groups, with semicolons; empty for all"),
    Column("cubic_centimetres_per_kilogram", "billed as a kilogram; 0 for none", default="0"),
    Column("weight_step_grams", "billable weight is rounded up to a multiple", default="1"),
    Column("fuel_percent", "charged on the price, with up to four decimals", default="0"),
    Column("minimum", "no parcel costs less, before surcharges", default="0"),
    Column("unserved_zones", "zones that it does not go to, with semicolons"),
)
RATES = (
    Column("rate_card_id", "the card", required=True),
    Column("zone", "the zone", required=True),
    Column("over_grams", "of parcels heavier than this", required=True),
    Column("up_to_grams", "up to and with this; empty for a price per kilogram beyond"),
    Column("price", "of the parcel, or of each kilogram beyond", required=True),
)
SURCHARGES = (
    Column("rate_card_id", "the card", required=True),
    Column("kind", "RESIDENTIAL, OVERSIZE, HAZMAT or REMOTE_AREA", required=True),
    Column("amount", "for each parcel", required=True),
    Column("bears_fuel", "yes when the fuel percentage is charged on it too", default="no"),
    Column("areas", "for REMOTE_AREA, with semicolons: NL:88;NL:99"),
    Column("longest_side_millimetres_over", "OVERSIZE beyond this; 0 for none", default="0"),
    Column("length_and_girth_millimetres_over", "OVERSIZE beyond this; 0 for none", default="0"),
)
LANES = (
    Column("lane_id", "the id of the lane, once", required=True),
    Column("origin_id", "the location or group where it starts", required=True),
    Column("destinations", "areas with semicolons: NL;BE/VOV;LU:12, or * for all", required=True),
    Column("services", "CARRIER/SERVICE, with semicolons between them", required=True),
)
EMISSION_FACTORS = (
    Column("emission_factor_id", "the id of the factor, once", required=True),
    Column("source", "who published it, and in which edition", required=True),
    Column("mode", "BICYCLE, VAN, LORRY, RAIL, SEA or AIR; empty for a mix"),
    Column("grams_per_parcel", "CO2e of each parcel, with up to six decimals", default="0"),
    Column("grams_per_parcel_kilometre", "CO2e of each parcel and kilometre", default="0"),
    Column("grams_per_kilogram_kilometre", "CO2e of each kilogram and kilometre", default="0"),
)
CURRENCY_RATES = (
    Column("from_currency", "ISO 4217: one of it ...", required=True),
    Column("to_currency", "ISO 4217: ... in this currency ...", required=True),
    Column("effective_time", "... from then on, ISO 8601 with the offset ...", required=True),
    Column("rate", "... is so much, with up to nine decimals", required=True),
    Column("source", "who published it"),
)
POSTAL_CODES = (
    Column("country_code", "ISO 3166-1 alpha-2", required=True),
    Column("postal_code", "as it is written, with its leading zeros", required=True),
    Column("latitude", "degrees", required=True),
    Column("longitude", "degrees, negative in the west", required=True),
    Column("region", "the state or province, as in addresses"),
    Column("time_zone", "the IANA name"),
    Column("significant_characters", "so many are looked up; 0 for all", default="0"),
)

FILES = {
    "services": SERVICES,
    "transit": TRANSIT,
    "zones": ZONES,
    "rate_cards": RATE_CARDS,
    "rates": RATES,
    "surcharges": SURCHARGES,
    "lanes": LANES,
    "emission_factors": EMISSION_FACTORS,
    "currency_rates": CURRENCY_RATES,
    "postal_codes": POSTAL_CODES,
}
"""The columns of each file; a file is known by how its name ends: ``nl_rates.csv``."""

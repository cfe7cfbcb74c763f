"""Why carriers, zone tables, rate cards and lanes are refused."""

from collections.abc import Mapping
from typing import ClassVar

from ordermesh.kernel.errors import InvalidRequest, NotFound, RuleViolated

Row = Mapping[str, object]


class RateCardGap(InvalidRequest):
    """Some weights have no price, or two: brackets do not begin where the one before ends."""

    reason: ClassVar[str] = "RATE_CARD_GAP"

    def __init__(self, *rows: Row) -> None:
        first = rows[0]
        super().__init__(
            f"Rate card {first['rateCardId']}, zone {first['zone']}: a bracket begins over "
            f"{first['overGrams']} g, and the one before ends at {first['endsAtGrams']} g.",
            *rows,
        )


class RateFallsWithWeight(InvalidRequest):
    """A heavier parcel would be cheaper than a lighter one."""

    reason: ClassVar[str] = "RATE_FALLS_WITH_WEIGHT"

    def __init__(self, *rows: Row) -> None:
        first = rows[0]
        super().__init__(
            f"Rate card {first['rateCardId']}, zone {first['zone']}: up to {first['upToGrams']} g "
            f"costs {first['price']}, less than the {first['before']} of lighter parcels.",
            *rows,
        )


class RateZoneMissing(RuleViolated):
    """The service's zone table knows a zone for which the card has no prices."""

    reason: ClassVar[str] = "RATE_ZONE_MISSING"

    def __init__(self, *rows: Row) -> None:
        first = rows[0]
        super().__init__(
            f"Rate card {first['rateCardId']} has no prices for zone {first['zone']} of "
            f"{first['zoneTableId']}, and does not say that it is not served.",
            *rows,
        )


class RateCardsOverlap(RuleViolated):
    """Two cards have prices for the same service, origins and time."""

    reason: ClassVar[str] = "RATE_CARDS_OVERLAP"

    def __init__(self, *rows: Row) -> None:
        first = rows[0]
        super().__init__(
            f"Rate cards {first['rateCardId']} and {first['otherRateCardId']} are both valid for "
            f"{first['service']} from {first['origin'] or 'everywhere'}.",
            *rows,
        )


class TransitMissing(RuleViolated):
    """A zone has prices, and the service does not say how long it takes there."""

    reason: ClassVar[str] = "TRANSIT_MISSING"

    def __init__(self, *rows: Row) -> None:
        first = rows[0]
        super().__init__(
            f"{first['service']} does not say how long it takes into zone {first['zone']}.", *rows
        )


class ZoneContradicted(InvalidRequest):
    """Two rows of a zone table are about the same way and distance."""

    reason: ClassVar[str] = "ZONE_CONTRADICTED"

    def __init__(self, *rows: Row) -> None:
        first = rows[0]
        super().__init__(
            f"Zone table {first['zoneTableId']} puts parcels from {first['origin']} to "
            f"{first['destination']} into zones {first['zone']} and {first['otherZone']}.",
            *rows,
        )


class UnknownCarriage(NotFound):
    """Something names a carrier, service, zone table or emission factor that is not there."""

    reason: ClassVar[str] = "UNKNOWN_CARRIAGE"

    def __init__(self, *rows: Row) -> None:
        first = rows[0]
        super().__init__(
            f"{first['namedBy']} names the {first['kind']} {first['id']}, which is not there.",
            *rows,
        )


class CarriageNotFound(NotFound):
    """There is nothing of this kind and id, or no such version of it."""

    reason: ClassVar[str] = "CARRIAGE_NOT_FOUND"

    def __init__(self, kind: str, id_: str, version: int) -> None:
        super().__init__(
            f"There is no {kind} {id_}, or no such version of it.",
            {"kind": kind, "id": id_, "version": version},
        )


class PostalCodeImportNotFound(NotFound):
    """No postal codes are imported under this id."""

    reason: ClassVar[str] = "POSTAL_CODE_IMPORT_NOT_FOUND"

    def __init__(self, import_id: str) -> None:
        super().__init__("There is no such import of postal codes.", {"importId": import_id})


class PostalCodeImportOutOfStep(RuleViolated):
    """Another part is expected, or none any more."""

    reason: ClassVar[str] = "POSTAL_CODE_IMPORT_OUT_OF_STEP"

    def __init__(self, import_id: str, state: str, expected: int, given: int) -> None:
        super().__init__(
            f"The import is {state} and expects part {expected}, not {given}.",
            {
                "importId": import_id,
                "state": state,
                "expectedPart": expected,
                "givenPart": given,
            },
        )

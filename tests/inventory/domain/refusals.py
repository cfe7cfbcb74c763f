"""Every refusal, with the sentence and the facts that it must come with."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from ordermesh.inventory.domain.errors import (
    belonging,
    catalog,
    control,
    counts,
    feed,
    history,
    requests,
    reservation,
    stock,
    supply,
)
from ordermesh.inventory.domain.key import StockKey
from ordermesh.kernel.errors import DomainError, Facts

MUG, CUP = StockKey("MUG", "A"), StockKey("CUP", "B")
MUG_A, CUP_B = {"sku": "MUG", "locationId": "A"}, {"sku": "CUP", "locationId": "B"}
ONE, TWO = UUID(int=1), UUID(int=2)
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)

Row = tuple[DomainError, str, Sequence[Facts]]


def by_id(error: Callable[[UUID], DomainError], name: str, sentence: str) -> Row:
    """A refusal that names one id."""
    return error(ONE), sentence, [{name: ONE}]


REFUSALS: Sequence[Row] = (
    (
        belonging.NotYourLocation("store-7", ["B", "A", "B"]),
        "store-7 does not speak for the location.",
        [{"locationId": "A", "caller": "store-7"}, {"locationId": "B", "caller": "store-7"}],
    ),
    (
        catalog.UnknownSku(["MUG", "CUP", "MUG"]),
        "No item is called CUP, MUG.",
        [{"sku": "CUP"}, {"sku": "MUG"}],
    ),
    (
        catalog.UnknownLocation(["B", "A", "B"]),
        "No location is called A, B.",
        [{"locationId": "A"}, {"locationId": "B"}],
    ),
    (
        catalog.UnknownLocationGroup(["west", "east", "west"]),
        "No location is in east, west.",
        [{"locationGroup": "east"}, {"locationGroup": "west"}],
    ),
    (
        catalog.KitInKit("BOX", "SET"),
        "Component SET of kit BOX is a kit itself.",
        [{"sku": "BOX", "componentSku": "SET"}],
    ),
    (
        catalog.UnitChanged("TEA", "GRAM", "EACH"),
        "TEA is counted in GRAM for ever.",
        [{"sku": "TEA", "unit": "GRAM", "wanted": "EACH"}],
    ),
    (catalog.KitWithStock("SET"), "SET has stock and cannot become a kit.", [{"sku": "SET"}]),
    (
        catalog.KitHasNoStock(["SET", "BOX", "SET"]),
        "Stock is kept by component for BOX, SET.",
        [{"sku": "BOX"}, {"sku": "SET"}],
    ),
    (
        catalog.InvalidTimeZone("A", "Europe/Atlantis"),
        "Location A has no known time zone.",
        [{"locationId": "A", "timeZone": "Europe/Atlantis"}],
    ),
    (
        catalog.InvalidPosition("A"),
        "The position of location A is not on Earth.",
        [{"locationId": "A"}],
    ),
    (
        control.ControlInvalid("c", "tag", "names both"),
        "Control c names both.",
        [{"controlId": "c", "field": "tag"}],
    ),
    (
        control.UnknownControlVersion(7, 5),
        "The controls have no version 7.",
        [{"version": 7, "latestVersion": 5}],
    ),
    (
        control.PurchaseLimit(
            [
                {
                    "sku": "MUG",
                    "per": per,
                    "limit": 2,
                    "wanted": 3,
                    "already": 1,
                    "controlId": "c",
                }
                for per in ("line", "order")
            ]
        ),
        "More is wanted than anybody may have of MUG.",
        [
            {"sku": "MUG", "per": "line", "limit": 2, "wanted": 3, "already": 1, "controlId": "c"},
            {"sku": "MUG", "per": "order", "limit": 2, "wanted": 3, "already": 1, "controlId": "c"},
        ],
    ),
    (counts.CountNotFound("C1"), "There is no count C1.", [{"countId": "C1"}]),
    (counts.CountIdTaken("C1"), "There is a count C1 already.", [{"countId": "C1"}]),
    (
        counts.WrongCountState("C1", "CLOSED"),
        "Count C1 is CLOSED.",
        [{"countId": "C1", "state": "CLOSED"}],
    ),
    (
        counts.WrongCountState("C1", "OPEN", "MUG"),
        "The line MUG of count C1 is OPEN.",
        [{"countId": "C1", "state": "OPEN", "sku": "MUG"}],
    ),
    (
        counts.NotInCount("C1", "MUG"),
        "Count C1 does not count MUG.",
        [{"countId": "C1", "sku": "MUG"}],
    ),
    (
        counts.SamePerson("C1", "ann", ["MUG", "CUP"]),
        "Somebody else must look at MUG, CUP.",
        [
            {"countId": "C1", "person": "ann", "sku": "MUG"},
            {"countId": "C1", "person": "ann", "sku": "CUP"},
        ],
    ),
    (
        counts.CountOvertaken("C1", MUG, 4),
        "More of MUG at A has left since it was counted than was found.",
        [{**MUG_A, "countId": "C1", "counted": 4}],
    ),
    (feed.UnknownSource("wms"), "No source is called wms.", [{"sourceId": "wms"}]),
    (feed.NotYourSource("wms"), "You may not speak for source wms.", [{"sourceId": "wms"}]),
    (
        feed.ForeignLocation("wms", ["B", "A"]),
        "Source wms does not speak for A, B.",
        [{"sourceId": "wms", "locationId": "A"}, {"sourceId": "wms", "locationId": "B"}],
    ),
    (
        feed.TooManyHeld("wms", 8, 500),
        "More than 500 changes of source wms wait for number 8.",
        [{"sourceId": "wms", "missing": 8, "limit": 500}],
    ),
    by_id(feed.ImportNotFound, "importId", f"There is no import {ONE}."),
    by_id(feed.ImportChanged, "importId", f"Import {ONE} was announced with other words."),
    (
        feed.PictureInFuture("wms", NOON, NOON - timedelta(minutes=6)),
        "A picture of source wms is said to have been taken later than now.",
        [
            {
                "sourceId": "wms",
                "pictureTime": "2026-11-27T12:00:00+00:00",
                "now": "2026-11-27T11:54:00+00:00",
            }
        ],
    ),
    by_id(feed.ImportCompleted, "importId", f"Import {ONE} is completed."),
    (
        feed.FrameMissing(ONE, 9, 7),
        f"Frame 7 of import {ONE} must come before frame 9.",
        [{"importId": ONE, "frame": 9, "nextFrame": 7}],
    ),
    (
        feed.FrameChanged(ONE, 9),
        f"Frame 9 of import {ONE} was applied with other rows.",
        [{"importId": ONE, "frame": 9}],
    ),
    (
        feed.QuarantinedRowNotFound([TWO, ONE]),
        f"No row in quarantine is called {ONE}, {TWO}.",
        [{"quarantineId": ONE}, {"quarantineId": TWO}],
    ),
    (
        feed.QuarantinedRowDecided([TWO, ONE]),
        f"It was decided before about {ONE}, {TWO}.",
        [{"quarantineId": ONE}, {"quarantineId": TWO}],
    ),
    (
        history.RevisionNotSealed(9, 7),
        "Revision 9 is not sealed yet.",
        [{"sealedRevision": 7}],
    ),
    (
        requests.DuplicateEntry("items[1].sku", "MUG"),
        "items[1].sku names MUG twice.",
        [{"field": "items[1].sku", "value": "MUG"}],
    ),
    (
        requests.LotUnsupported(MUG, "L7"),
        "Balances are not kept by lot.",
        [{**MUG_A, "lotId": "L7"}],
    ),
    (
        requests.TooManySerialNumbers("1", 3, 2),
        "Line 1 has more serial numbers than units.",
        [{"lineId": "1", "serialNumbers": 3, "units": 2}],
    ),
    (requests.QuantityTooLarge(MUG), "More of MUG at A than a balance can hold.", [MUG_A]),
    (requests.SameLocation(MUG), "MUG at A is where it would go.", [MUG_A]),
    (
        requests.TooMuchAsked("Too many pairs.", 1_000),
        "Too many pairs.",
        [{"limit": 1_000}],
    ),
    by_id(reservation.ReservationNotFound, "reservationId", "No reservation has this id."),
    by_id(reservation.ReservationIdTaken, "reservationId", "Another reservation has this id."),
    by_id(
        reservation.ReservationReleased,
        "reservationId",
        "The reservation was released before it was made.",
    ),
    (
        reservation.ReservationExpired(ONE, NOON),
        "The reservation was not confirmed in time.",
        [{"reservationId": ONE, "expireTime": "2026-11-27T12:00:00+00:00"}],
    ),
    (
        reservation.HoldLimit(ONE, NOON),
        "The hold may not last that long.",
        [{"reservationId": ONE, "latestExpireTime": "2026-11-27T12:00:00+00:00"}],
    ),
    (
        reservation.HoldQuotaExceeded("caller", "reservations", 9, 8, 2),
        "This caller would hold more reservations than it may.",
        [{"per": "caller", "of": "reservations", "limit": 9, "held": 8, "wanted": 2}],
    ),
    (
        reservation.HoldQuotaExceeded("customer", "units", 9, 8, 2, "MUG"),
        "This customer would hold more units than it may.",
        [{"per": "customer", "of": "units", "limit": 9, "held": 8, "wanted": 2, "sku": "MUG"}],
    ),
    (
        reservation.ReservationClosed(ONE),
        "The reservation is closed.",
        [{"reservationId": ONE}],
    ),
    (
        reservation.ReservationClosed(ONE, ("1", 3, 2), ("2", 4, 0)),
        "Less is open than wanted of 1, 2.",
        [
            {"reservationId": ONE, "lineId": "1", "wanted": 3, "open": 2},
            {"reservationId": ONE, "lineId": "2", "wanted": 4, "open": 0},
        ],
    ),
    (
        reservation.ReservationNotConfirmed(ONE, "1"),
        "Line 1 is not confirmed.",
        [{"reservationId": ONE, "lineId": "1"}],
    ),
    by_id(
        reservation.NotYourReservation,
        "reservationId",
        "The reservation belongs to somebody else.",
    ),
    (
        reservation.LineNotFound(ONE, "1"),
        "The reservation has no such line as 1.",
        [{"reservationId": ONE, "lineId": "1"}],
    ),
    (
        reservation.Fenced(ONE, 2, 3),
        "A later worker has taken over.",
        [{"reservationId": ONE, "fence": 2, "highestFence": 3}],
    ),
    (
        stock.OnHandBelowReserved({MUG: (9, 7, 4), CUP: (8, 6, 5)}),
        "More is promised than would be on hand of MUG at A, CUP at B.",
        [
            {**MUG_A, "onHand": 9, "reserved": 7, "wanted": 4},
            {**CUP_B, "onHand": 8, "reserved": 6, "wanted": 5},
        ],
    ),
    (
        stock.BalanceChanged({MUG: (9, 7), CUP: (8, 6)}),
        "Something has moved since it was read: MUG at A, CUP at B.",
        [
            {**MUG_A, "sequence": 9, "expectedSequence": 7},
            {**CUP_B, "sequence": 8, "expectedSequence": 6},
        ],
    ),
    (
        stock.OnHandChanged({MUG: (9, 7), CUP: (8, 6)}),
        "Another number is on hand of MUG at A, CUP at B.",
        [
            {**MUG_A, "onHand": 9, "expectedOnHand": 7},
            {**CUP_B, "onHand": 8, "expectedOnHand": 6},
        ],
    ),
    (
        stock.KeyQuarantined([CUP, MUG]),
        "The books of CUP at B, MUG at A are in quarantine.",
        [CUP_B, MUG_A],
    ),
    (stock.KeyNotQuarantined(MUG), "MUG at A is not in quarantine.", [MUG_A]),
    (
        stock.KeyUnsound(MUG, [("I2", 3, 4)]),
        "The books of MUG at A are wrong.",
        [{**MUG_A, "invariant": "I2", "recorded": 3, "expected": 4}],
    ),
    (
        stock.NotStockedHere([MUG, CUP]),
        "There is no record of MUG at A, CUP at B.",
        [MUG_A, CUP_B],
    ),
    (
        stock.InsufficientStock(
            {MUG: (9, 7)}, groups=[stock.GroupShortage("CUP", "west", 8, 6, [CUP])]
        ),
        "Less is available than wanted of MUG at A, CUP in west.",
        [
            {**MUG_A, "wanted": 9, "available": 7},
            {"sku": "CUP", "locationGroup": "west", "wanted": 8, "available": 6},
        ],
    ),
    (
        stock.InsufficientBlocked({MUG: (9, 7), CUP: (8, 6)}),
        "Fewer units are blocked than wanted of MUG at A, CUP at B.",
        [{**MUG_A, "wanted": 9, "blocked": 7}, {**CUP_B, "wanted": 8, "blocked": 6}],
    ),
    (
        stock.ShortOfStock({MUG: (9, 7), CUP: (8, 6)}),
        "Less is on hand than is to leave of MUG at A, CUP at B.",
        [{**MUG_A, "wanted": 9, "onHand": 7}, {**CUP_B, "wanted": 8, "onHand": 6}],
    ),
    (
        supply.SupplyNotFound(["S2", "S1", "S2"]),
        "No supply is called S1, S2.",
        [{"supplyId": "S1"}, {"supplyId": "S2"}],
    ),
    (
        supply.SupplyKeyChanged("S1", MUG),
        "Supply S1 is of MUG at A for ever.",
        [{"supplyId": "S1", **MUG_A}],
    ),
    (
        supply.SupplyVersionReused("S1", 3),
        "Version 3 of supply S1 was something else.",
        [{"supplyId": "S1", "version": 3}],
    ),
    (
        supply.SupplyStateRefused("S1", "RECEIVED", "CANCELLED"),
        "Supply S1 is RECEIVED and cannot become CANCELLED like this.",
        [{"supplyId": "S1", "state": "RECEIVED", "wanted": "CANCELLED"}],
    ),
    (supply.SupplyIdTaken("S1"), "Another supply is called S1.", [{"supplyId": "S1"}]),
    (
        supply.TransferInTransit("S1", 4),
        "4 units of transfer S1 are on their way.",
        [{"supplyId": "S1", "inTransit": 4}],
    ),
    (
        supply.MoreThanExpected(("S1", 9, 7), ("S2", 8, 6)),
        "Less is expected than that of S1, S2.",
        [
            {"supplyId": "S1", "wanted": 9, "expected": 7},
            {"supplyId": "S2", "wanted": 8, "expected": 6},
        ],
    ),
    (
        supply.WaitsForSupply(ONE, ("1", MUG, "S1", 3), ("2", CUP, "S2", 4)),
        "Goods are still to come for 1, 2.",
        [
            {"reservationId": ONE, "lineId": "1", **MUG_A, "supplyId": "S1", "waiting": 3},
            {"reservationId": ONE, "lineId": "2", **CUP_B, "supplyId": "S2", "waiting": 4},
        ],
    ),
)

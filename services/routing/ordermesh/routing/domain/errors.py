"""Why the routing service refuses: one class for each published reason that it raises itself.

Where several rows are wrong, all of them are named, not only the first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ordermesh.kernel.errors import InvalidRequest, NotAllowed, NotFound, RuleViolated


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


class FieldViolation(InvalidRequest):
    """A field breaks a rule that the contract states in words; ``rule`` names it."""

    reason: ClassVar[str] = "FIELD_VIOLATION"

    def __init__(self, field: str, rule: str, sentence: str) -> None:
        super().__init__(sentence, {"field": field, "rule": rule})


class UnknownSku(NotFound):
    """Inventory knows no item with one of these SKUs."""

    reason: ClassVar[str] = "UNKNOWN_SKU"

    def __init__(self, skus: Iterable[str]) -> None:
        names = sorted(set(skus))
        super().__init__(f"No item is called {_names(names)}.", *({"sku": sku} for sku in names))


class UnknownLocation(NotFound):
    """Inventory knows no location with one of these ids."""

    reason: ClassVar[str] = "UNKNOWN_LOCATION"

    def __init__(self, location_ids: Iterable[str]) -> None:
        names = sorted(set(location_ids))
        super().__init__(
            f"No location is called {_names(names)}.", *({"locationId": name} for name in names)
        )


class DuplicateEntry(InvalidRequest):
    """The request names the same thing twice where it must be named once."""

    reason: ClassVar[str] = "DUPLICATE_ENTRY"

    def __init__(self, field: str, value: str) -> None:
        super().__init__(f"{field} names {value} twice.", {"field": field, "value": value})


class UnknownDestination(InvalidRequest):
    """The destination has no position, and its postal code is not known."""

    reason: ClassVar[str] = "UNKNOWN_DESTINATION"

    def __init__(self, country_code: str) -> None:
        super().__init__("Nobody knows where this is.", {"countryCode": country_code})


class CurrencyMismatch(InvalidRequest):
    """Amounts that are added up must be in one currency."""

    reason: ClassVar[str] = "CURRENCY_MISMATCH"

    def __init__(self, wanted: str, given: str) -> None:
        super().__init__(
            f"Amounts are in {given}, not in {wanted}.", {"wanted": wanted, "given": given}
        )


class ZonesNotAscending(InvalidRequest):
    """Zones are listed from the nearest to the farthest."""

    reason: ClassVar[str] = "ZONES_NOT_ASCENDING"

    def __init__(self, zone: int) -> None:
        super().__init__(f"Zone {zone} reaches no farther than the one before.", {"zone": zone})


class UnfilledMustDominate(RuleViolated):
    """Leaving something unfilled could be cheaper than filling it."""

    reason: ClassVar[str] = "UNFILLED_MUST_DOMINATE"

    def __init__(self, penalty: str, dearest: str, location_id: str) -> None:
        super().__init__(
            f"Leaving something unfilled costs {penalty}, filling it from {location_id} {dearest}.",
            {"penalty": penalty, "dearest": dearest, "locationId": location_id},
        )


class PolicyNotFound(NotFound):
    """There is no such policy, or no such version of it."""

    reason: ClassVar[str] = "POLICY_NOT_FOUND"

    def __init__(self, policy_id: str, version: int) -> None:
        super().__init__(
            f"No policy is called {policy_id}, or it has no such version.",
            {"policyId": policy_id, "version": version},
        )


class OrderNotFound(NotFound):
    """No order has this id, or this id in its channel."""

    reason: ClassVar[str] = "ORDER_NOT_FOUND"

    def __init__(
        self, order_id: str = "", *, channel: str = "", channel_order_id: str = ""
    ) -> None:
        facts = (
            {"orderId": order_id}
            if order_id
            else {"channel": channel, "channelOrderId": channel_order_id}
        )
        super().__init__("There is no such order.", facts)


class OrderIdTaken(RuleViolated):
    """Another order has this id."""

    reason: ClassVar[str] = "ORDER_ID_TAKEN"

    def __init__(self, order_id: str) -> None:
        super().__init__(f"There is an order {order_id}.", {"orderId": order_id})


class ChannelOrderIdTaken(RuleViolated):
    """Another order of the channel has this id."""

    reason: ClassVar[str] = "CHANNEL_ORDER_ID_TAKEN"

    def __init__(self, channel: str, channel_order_id: str, order_id: str) -> None:
        super().__init__(
            f"{channel} has this order already.",
            {"channel": channel, "channelOrderId": channel_order_id, "orderId": order_id},
        )


@dataclass(frozen=True, slots=True)
class ShortLine:
    """A line of which less is available than is wanted.

    ``location_id`` is one that could have sent it; ``available`` counts units over all locations.
    """

    line_id: str
    sku: str
    location_id: str
    wanted: int
    available: int


class InsufficientStock(RuleViolated):
    """Less is available than is wanted."""

    reason: ClassVar[str] = "INSUFFICIENT_STOCK"

    def __init__(self, lines: Iterable[ShortLine]) -> None:
        rows = [
            {
                "lineId": line.line_id,
                "sku": line.sku,
                "locationId": line.location_id,
                "wanted": line.wanted,
                "available": line.available,
            }
            for line in lines
        ]
        skus = sorted({str(row["sku"]) for row in rows})
        super().__init__(f"There is not enough of {_names(skus)}.", *rows)


class CannotBeSourced(RuleViolated):
    """A rule keeps the order from being sourced; ``lines`` are (line id, SKU, rule)."""

    reason: ClassVar[str] = "CANNOT_BE_SOURCED"

    def __init__(self, lines: Iterable[tuple[str, str, str]]) -> None:
        rows = [{"lineId": line, "sku": sku, "rule": rule} for line, sku, rule in lines]
        super().__init__("A rule keeps the order from being sourced.", *rows)


class PurchaseLimit(RuleViolated):
    """More is wanted than one line, order or customer may have; ``rows`` are the facts by line."""

    reason: ClassVar[str] = "PURCHASE_LIMIT"

    def __init__(self, rows: Sequence[Mapping[str, str]]) -> None:
        skus = sorted({row["sku"] for row in rows})
        super().__init__(f"More of {_names(skus)} is wanted than is allowed.", *rows)


class HoldQuotaExceeded(RuleViolated):
    """The customer would have more open holds than it may; ``facts`` are the ledger's."""

    reason: ClassVar[str] = "HOLD_QUOTA_EXCEEDED"

    def __init__(self, facts: Mapping[str, str]) -> None:
        super().__init__("More would be held for one than may be.", facts)


class WorkInProgress(RuleViolated):
    """Locations have begun; nothing of the order may be decided again."""

    reason: ClassVar[str] = "WORK_IN_PROGRESS"

    def __init__(self, order_id: str, state: str) -> None:
        super().__init__(
            "Nothing of the order may be decided again.", {"orderId": order_id, "state": state}
        )


class BaselineIsNoDecision(InvalidRequest):
    """A baseline only answers questions."""

    reason: ClassVar[str] = "BASELINE_IS_NO_DECISION"

    def __init__(self, method: str) -> None:
        super().__init__("A baseline only answers questions.", {"method": method})


class MatrixSize(InvalidRequest):
    """Supplied stock is not the product of its sides, or was given where it may not be."""

    reason: ClassVar[str] = "MATRIX_SIZE"

    def __init__(self, wanted: int, given: int) -> None:
        super().__init__(
            f"The supplied stock has {given} cells, not {wanted}.",
            {"wanted": wanted, "given": given},
        )


class DecisionNotFound(NotFound):
    """No decision has this id."""

    reason: ClassVar[str] = "DECISION_NOT_FOUND"

    def __init__(self, decision_id: str) -> None:
        super().__init__("There is no such decision.", {"decisionId": decision_id})


class AlreadyShipped(RuleViolated):
    """All of the order has left."""

    reason: ClassVar[str] = "ALREADY_SHIPPED"

    def __init__(self, order_id: str) -> None:
        super().__init__(f"All of order {order_id} has left.", {"orderId": order_id})


class FulfillmentOrderNotFound(NotFound):
    """No fulfillment order has this id."""

    reason: ClassVar[str] = "FULFILLMENT_ORDER_NOT_FOUND"

    def __init__(self, fulfillment_order_id: str) -> None:
        super().__init__(
            "There is no such fulfillment order.", {"fulfillmentOrderId": fulfillment_order_id}
        )


class NotYourLocation(NotAllowed):
    """The caller speaks for other locations."""

    reason: ClassVar[str] = "NOT_YOUR_LOCATION"

    def __init__(self, caller: str, location_id: str) -> None:
        super().__init__(
            f"{caller} does not speak for the location.",
            {"locationId": location_id, "caller": caller},
        )


class WrongState(RuleViolated):
    """The work is in another state than the verb wants."""

    reason: ClassVar[str] = "WRONG_STATE"

    def __init__(self, fulfillment_order_id: str, state: str, wanted: str) -> None:
        super().__init__(
            f"The work is {state}, not {wanted}.",
            {"fulfillmentOrderId": fulfillment_order_id, "state": state, "wanted": wanted},
        )


class ReservationNotFound(NotFound):
    """The ledger has no such checkout reservation."""

    reason: ClassVar[str] = "RESERVATION_NOT_FOUND"

    def __init__(self, reservation_id: str) -> None:
        super().__init__("There is no such reservation.", {"reservationId": reservation_id})


class NotYourReservation(RuleViolated):
    """The checkout reservation belongs to somebody else."""

    reason: ClassVar[str] = "NOT_YOUR_RESERVATION"

    def __init__(self, reservation_id: str) -> None:
        super().__init__(
            "The reservation belongs to somebody else.", {"reservationId": reservation_id}
        )


class ReservationClosed(RuleViolated):
    """The checkout reservation is closed."""

    reason: ClassVar[str] = "RESERVATION_CLOSED"

    def __init__(self, reservation_id: str) -> None:
        super().__init__("The reservation is closed.", {"reservationId": reservation_id})


class OrderCancelled(RuleViolated):
    """The order was cancelled while it was being sourced."""

    reason: ClassVar[str] = "ORDER_CANCELLED"

    def __init__(self, order_id: str) -> None:
        super().__init__(f"Order {order_id} was cancelled.", {"orderId": order_id})


class NoReturnLocation(RuleViolated):
    """No location takes the goods back, or not the one that was asked about."""

    reason: ClassVar[str] = "NO_RETURN_LOCATION"

    def __init__(self, order_id: str, location_id: str) -> None:
        who = location_id or "No location"
        facts = {"orderId": order_id}
        if location_id:
            facts["locationId"] = location_id
        does = "does not take" if location_id else "takes"
        super().__init__(f"{who} {does} the goods back.", facts)

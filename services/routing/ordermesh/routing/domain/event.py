"""What happened to an order, in the past tense. Each is told with the order as it was then."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OrderReceived:
    """An order was stored."""


@dataclass(frozen=True, slots=True)
class OrderSourced:
    """An order was decided, and its stock is held; its new work by id."""

    fulfillment_order_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrderUnfillable:
    """Nothing of an order could be filled."""


@dataclass(frozen=True, slots=True)
class OrderCancelled:
    """What had not been shipped of an order was cancelled, or by a rule what was unfilled."""

    rule_id: str = ""


@dataclass(frozen=True, slots=True)
class OrderMovedToQueue:
    """A rule moved an order to another queue, from this one."""

    rule_id: str
    previous_queue: str


@dataclass(frozen=True, slots=True)
class OrderSentToCare:
    """A rule moved an order to the people who look after orders, and why."""

    rule_id: str
    previous_queue: str
    reason: str


@dataclass(frozen=True, slots=True)
class OrderHeld:
    """A rule held an order: new work of it waits."""

    rule_id: str
    hold_type: str


@dataclass(frozen=True, slots=True)
class OrderHoldReleased:
    """A hold was released; the work that may begin by id."""

    hold_type: str
    fulfillment_order_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrderAutoCancelSet:
    """A rule said when what is unfilled is cancelled by itself."""

    rule_id: str


@dataclass(frozen=True, slots=True)
class OrderAutoCancelCleared:
    """A rule took that time back."""

    rule_id: str


@dataclass(frozen=True, slots=True)
class OrderFulfilled:
    """Everything of an order that was to be shipped has been."""


@dataclass(frozen=True, slots=True)
class FulfillmentOrderAccepted:
    """A location does its work."""

    fulfillment_order_id: str


@dataclass(frozen=True, slots=True)
class FulfillmentOrderRejected:
    """A location does not do its work."""

    fulfillment_order_id: str


@dataclass(frozen=True, slots=True)
class FulfillmentOrderShipped:
    """Goods left a location."""

    fulfillment_order_id: str


@dataclass(frozen=True, slots=True)
class FulfillmentOrderDelivered:
    """Goods reached the customer."""

    fulfillment_order_id: str


Event = (
    OrderReceived
    | OrderSourced
    | OrderUnfillable
    | OrderCancelled
    | OrderFulfilled
    | OrderMovedToQueue
    | OrderSentToCare
    | OrderHeld
    | OrderHoldReleased
    | OrderAutoCancelSet
    | OrderAutoCancelCleared
    | FulfillmentOrderAccepted
    | FulfillmentOrderRejected
    | FulfillmentOrderShipped
    | FulfillmentOrderDelivered
)
"""Any of them."""

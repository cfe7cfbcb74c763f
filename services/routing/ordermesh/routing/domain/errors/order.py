"""Orders that may not be, or not be changed so."""

from typing import ClassVar

from ordermesh.kernel.errors import Conflict, NotFound, RuleViolated


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


class WorkInProgress(RuleViolated):
    """Locations have begun; nothing of the order may be decided again."""

    reason: ClassVar[str] = "WORK_IN_PROGRESS"

    def __init__(self, order_id: str, state: str) -> None:
        super().__init__(
            "Nothing of the order may be decided again.", {"orderId": order_id, "state": state}
        )


class BeingMoved(Conflict):
    """The stock of the order is being moved to other locations this moment."""

    reason: ClassVar[str] = "BEING_MOVED"

    def __init__(self, order_id: str) -> None:
        super().__init__(
            "The stock of the order is being moved this moment; ask again.", {"orderId": order_id}
        )


class AlreadyShipped(RuleViolated):
    """All of the order has left."""

    reason: ClassVar[str] = "ALREADY_SHIPPED"

    def __init__(self, order_id: str) -> None:
        super().__init__(f"All of order {order_id} has left.", {"orderId": order_id})


class OrderCancelled(RuleViolated):
    """The order was cancelled while it was being sourced."""

    reason: ClassVar[str] = "ORDER_CANCELLED"

    def __init__(self, order_id: str) -> None:
        super().__init__(f"Order {order_id} was cancelled.", {"orderId": order_id})


class OrderHoldNotFound(NotFound):
    """The order never had a hold of this type."""

    reason: ClassVar[str] = "ORDER_HOLD_NOT_FOUND"

    def __init__(self, order_id: str, hold_type: str) -> None:
        super().__init__(
            f"Order {order_id} has no such hold.", {"orderId": order_id, "holdType": hold_type}
        )

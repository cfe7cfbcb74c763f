"""Work that is not there, not yours, or in another state."""

from typing import ClassVar

from ordermesh.kernel.errors import NotAllowed, NotFound, RuleViolated


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

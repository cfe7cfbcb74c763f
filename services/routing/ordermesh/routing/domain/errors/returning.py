"""Goods that nobody takes back."""

from typing import ClassVar

from ordermesh.kernel.errors import RuleViolated


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

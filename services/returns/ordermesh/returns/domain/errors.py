"""Why the returns service refuses: one class for each published reason that it raises itself.

Where several rows are wrong, all of them are named, not only the first.
"""

from collections.abc import Iterable
from typing import ClassVar

from ordermesh.kernel.errors import InvalidRequest, NotFound, RuleViolated

Wanting = tuple[str, str, int, int]
"""An order line, an item, how many are wanted and how many there are."""


class ReturnNotFound(NotFound):
    """No return has this id."""

    reason: ClassVar[str] = "RETURN_NOT_FOUND"

    def __init__(self, return_id: str) -> None:
        super().__init__("There is no such return.", {"returnId": return_id})


class ReturnIdTaken(RuleViolated):
    """Another return has this id."""

    reason: ClassVar[str] = "RETURN_ID_TAKEN"

    def __init__(self, return_id: str) -> None:
        super().__init__("Another return has this id.", {"returnId": return_id})


class OrderNotFound(NotFound):
    """No order has this id."""

    reason: ClassVar[str] = "ORDER_NOT_FOUND"

    def __init__(self, order_id: str) -> None:
        super().__init__("There is no such order.", {"orderId": order_id})


class NotShipped(RuleViolated):
    """Nothing of it has left."""

    reason: ClassVar[str] = "NOT_SHIPPED"

    def __init__(self, order_id: str, pairs: Iterable[tuple[str, str]] = ()) -> None:
        rows = [{"orderId": order_id, "lineId": line_id, "sku": sku} for line_id, sku in pairs]
        super().__init__(
            f"Nothing of it has left for order {order_id}.", *(rows or [{"orderId": order_id}])
        )


class OverReturned(RuleViolated):
    """More is asked for than can come back."""

    reason: ClassVar[str] = "OVER_RETURNED"

    def __init__(self, rows: Iterable[Wanting]) -> None:
        super().__init__("More is asked for than can come back.", *_rows(rows, "returnable"))


class DuplicateEntry(InvalidRequest):
    """The request names the same thing twice where it must be named once."""

    reason: ClassVar[str] = "DUPLICATE_ENTRY"

    def __init__(self, field: str, value: object) -> None:
        super().__init__(f"{field} names {value} twice.", {"field": field, "value": value})


class IncompleteKit(RuleViolated):
    """The components that are left make up fewer kits."""

    reason: ClassVar[str] = "INCOMPLETE_KIT"

    def __init__(self, rows: Iterable[Wanting]) -> None:
        super().__init__("What is left makes up fewer kits.", *_rows(rows, "returnable"))


class NoReturnLocation(RuleViolated):
    """No location takes the goods back, or not the one that was named."""

    reason: ClassVar[str] = "NO_RETURN_LOCATION"

    def __init__(self, order_id: str, location_id: str = "") -> None:
        facts = {"orderId": order_id} | ({"locationId": location_id} if location_id else {})
        who = f"{location_id} does not take" if location_id else "No location takes"
        super().__init__(f"{who} the goods back.", facts)


class ReturnCancelled(RuleViolated):
    """The return was cancelled."""

    reason: ClassVar[str] = "RETURN_CANCELLED"

    def __init__(self, return_id: str) -> None:
        super().__init__("The return was cancelled.", {"returnId": return_id})


class AlreadyReceived(RuleViolated):
    """All of it has arrived before."""

    reason: ClassVar[str] = "ALREADY_RECEIVED"

    def __init__(self, return_id: str, rows: Iterable[tuple[str, str, int]]) -> None:
        super().__init__(
            "It has arrived before.",
            *(
                {"returnId": return_id, "lineId": line_id, "sku": sku, "received": received}
                for line_id, sku, received in rows
            ),
        )


class OverReceived(RuleViolated):
    """More arrives than is still expected."""

    reason: ClassVar[str] = "OVER_RECEIVED"

    def __init__(self, rows: Iterable[Wanting]) -> None:
        super().__init__("More arrives than is still expected.", *_rows(rows, "expected"))


class LineNotInReturn(RuleViolated):
    """The return has no such line and item."""

    reason: ClassVar[str] = "LINE_NOT_IN_RETURN"

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        super().__init__(
            "The return has no such line and item.",
            *({"lineId": line_id, "sku": sku} for line_id, sku in pairs),
        )


class NotRestockedHere(RuleViolated):
    """The location keeps returned goods apart."""

    reason: ClassVar[str] = "NOT_RESTOCKED_HERE"

    def __init__(self, location_id: str) -> None:
        super().__init__(f"{location_id} keeps returned goods apart.", {"locationId": location_id})


class NotBlocked(RuleViolated):
    """Fewer units are kept apart than are named."""

    reason: ClassVar[str] = "NOT_BLOCKED"

    def __init__(self, rows: Iterable[Wanting]) -> None:
        super().__init__("Fewer units are kept apart than are named.", *_rows(rows, "blocked"))


class TooMuchAsked(InvalidRequest):
    """The return would be larger than what can be told of it, or answered."""

    reason: ClassVar[str] = "TOO_MUCH_ASKED"

    def __init__(self, sentence: str, limit: int) -> None:
        super().__init__(sentence, {"limit": limit})


def _rows(rows: Iterable[Wanting], there: str) -> list[dict[str, object]]:
    return [
        {"lineId": line_id, "sku": sku, "wanted": wanted, there: count}
        for line_id, sku, wanted, count in rows
    ]

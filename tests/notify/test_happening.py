"""What happened, in one sentence."""

import pytest

from ordermesh.notify.domain.happening import (
    Happening,
    OrderCancelled,
    OrderFulfilled,
    OrderReceived,
    OrderSourced,
    OrderUnfillable,
    WorkAccepted,
    WorkForwarded,
    WorkRejected,
    WorkShipped,
    sentence,
)

CANNOT = "The order cannot be filled"


@pytest.mark.parametrize(
    ("happening", "told"),
    [
        (OrderReceived(1), "The order was received: 1 unit."),
        (OrderSourced(("DC-CHI",), 0), "The order comes in 1 shipment from DC-CHI."),
        (OrderSourced(("A", "A"), 0), "The order comes in 2 shipments from A."),
        (
            OrderSourced(("A", "B", "C", "D", "E"), 2),
            "The order comes in 5 shipments from A, B, C and 2 more; 2 units could not be filled.",
        ),
        (OrderSourced((), 1), "No further shipment is planned; 1 unit could not be filled."),
        (
            OrderUnfillable(("INSUFFICIENT_STOCK", "INSUFFICIENT_STOCK")),
            f"{CANNOT}: there is not enough stock.",
        ),
        (
            OrderUnfillable(("NO_LOCATION", "NOT_TOGETHER", "NO_LOCATION")),
            f"{CANNOT}: no location can send it, and no location has all that must come together.",
        ),
        (
            OrderUnfillable(("NEVER_HEARD_OF",)),
            f"{CANNOT}: nothing of it can be sent.",
        ),
        (OrderCancelled(3, 0), "The order was cancelled."),
        (OrderCancelled(2, 1), "The rest of the order was cancelled: 2 units."),
        (OrderFulfilled(3), "The order is complete: 3 units shipped."),
        (WorkAccepted("DC-CHI", 2), "DC-CHI prepares 2 units."),
        (WorkRejected("DC-CHI", 2), "DC-CHI cannot send 2 units; another location is sought."),
        (WorkForwarded("DC-CHI", 2), "2 units left DC-CHI to be sent on with others."),
        (WorkForwarded("", 1), "1 unit came to where the order is brought together."),
        (WorkShipped("DC-CHI", 2, 1, ()), "2 units left DC-CHI in 1 parcel."),
        (
            WorkShipped("DC-CHI", 2, 3, ("UPS", "DHL")),
            "2 units left DC-CHI in 3 parcels with UPS and DHL.",
        ),
    ],
)
def test_what_happened_is_told_in_one_sentence(happening: Happening, told: str) -> None:
    assert sentence(happening) == told

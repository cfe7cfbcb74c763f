"""What happened to an order, and the one sentence that tells it.

A sentence has numbers, locations and carriers in it, and never anything about the customer: no
name, no address, no number by which a parcel can be followed to a door.
"""

from collections.abc import Sequence
from dataclasses import dataclass

LOCATIONS_NAMED = 3
"""How many locations a sentence names; of more it says how many."""

_REASONS = {
    "INSUFFICIENT_STOCK": "there is not enough stock",
    "NO_LOCATION": "no location can send it",
    "NO_CAPACITY": "no location has room for more work",
    "NOT_TOGETHER": "no location has all that must come together",
    "TOO_MANY_PARTS": "it would come in more parts than can be held at once",
    "PURCHASE_LIMIT": "more was ordered than one customer may have",
    "HOLD_QUOTA_EXCEEDED": "more was ordered than one customer may hold",
    "SHIPMENTS_MAX": "it would take more shipments than it may",
}


@dataclass(frozen=True, slots=True)
class OrderReceived:
    """An order of so many units was stored."""

    units: int


@dataclass(frozen=True, slots=True)
class OrderSourced:
    """Shipments were planned, one from each location; so many units could not be filled."""

    location_ids: tuple[str, ...]
    unfilled_units: int


@dataclass(frozen=True, slots=True)
class OrderUnfillable:
    """Nothing of an order could be filled; the reasons are those of its lines."""

    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrderCancelled:
    """So many units were cancelled, after so many had been shipped."""

    cancelled_units: int
    shipped_units: int


@dataclass(frozen=True, slots=True)
class OrderFulfilled:
    """Everything that was to be shipped has been, so many units."""

    shipped_units: int


@dataclass(frozen=True, slots=True)
class OrderMovedToQueue:
    """An order waits in another queue."""


@dataclass(frozen=True, slots=True)
class OrderSentToCare:
    """People look at an order."""


@dataclass(frozen=True, slots=True)
class OrderAutoCancelSet:
    """What cannot be filled in time will be cancelled."""


@dataclass(frozen=True, slots=True)
class OrderAutoCancelCleared:
    """What cannot be filled will not be cancelled by itself."""


@dataclass(frozen=True, slots=True)
class OrderHeld:
    """Locations wait with an order."""


@dataclass(frozen=True, slots=True)
class OrderHoldReleased:
    """A hold of an order was released; so many shipments may begin."""

    shipments: int


OfRule = (
    OrderMovedToQueue
    | OrderSentToCare
    | OrderAutoCancelSet
    | OrderAutoCancelCleared
    | OrderHeld
    | OrderHoldReleased
)
"""What rules make of orders."""


@dataclass(frozen=True, slots=True)
class WorkAccepted:
    """A location prepares so many units."""

    location_id: str
    units: int


@dataclass(frozen=True, slots=True)
class WorkRejected:
    """A location does not send so many units."""

    location_id: str
    units: int


@dataclass(frozen=True, slots=True)
class WorkShipped:
    """So many units left a location in so many parcels."""

    location_id: str
    units: int
    parcels: int
    carriers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkForwarded:
    """So many units left a location for a hub, or came there where none is named."""

    location_id: str
    units: int


@dataclass(frozen=True, slots=True)
class WorkDelivered:
    """So many units reached the customer."""

    units: int


OfWork = WorkAccepted | WorkRejected | WorkShipped | WorkForwarded | WorkDelivered
"""What locations do."""


@dataclass(frozen=True, slots=True)
class ReturnAuthorized:
    """So many units may go back to a location."""

    units: int
    location_id: str


@dataclass(frozen=True, slots=True)
class ReturnReceived:
    """So many units came back to a location."""

    units: int
    location_id: str


@dataclass(frozen=True, slots=True)
class ReturnCompleted:
    """A return came to its end."""


@dataclass(frozen=True, slots=True)
class ReturnCancelled:
    """Nothing will come back."""


@dataclass(frozen=True, slots=True)
class UnitsDisposed:
    """It was decided about so many units that were kept apart."""

    units: int


@dataclass(frozen=True, slots=True)
class RefundDue:
    """Money is due for so many units."""

    units: int


OfReturn = (
    ReturnAuthorized
    | ReturnReceived
    | ReturnCompleted
    | ReturnCancelled
    | UnitsDisposed
    | RefundDue
)
"""What becomes of returns."""


@dataclass(frozen=True, slots=True)
class Told:
    """A notice was sent, given up or not sent, and why; ``kind`` and ``reason`` are their names."""

    kind: str
    state: str
    reason: str = ""


Happening = (
    OrderReceived
    | OrderSourced
    | OrderUnfillable
    | OrderCancelled
    | OrderFulfilled
    | OfRule
    | OfWork
    | OfReturn
    | Told
)
"""Any of them."""


def sentence(happening: Happening) -> str:
    """What happened, in one sentence."""
    match happening:
        case OrderReceived(units):
            return f"The order was received: {_count(units, 'unit')}."
        case OrderSourced(location_ids, unfilled_units):
            return f"{_plan(location_ids)}{_rest(unfilled_units)}."
        case OrderUnfillable(reasons):
            return f"The order cannot be filled: {_why(reasons)}."
        case OrderCancelled(_, 0):
            return "The order was cancelled."
        case OrderCancelled(cancelled_units, _):
            return f"The rest of the order was cancelled: {_count(cancelled_units, 'unit')}."
        case OrderFulfilled(shipped_units):
            return f"The order is complete: {_count(shipped_units, 'unit')} shipped."
        case Told(kind, state, reason):
            return _told(kind, state, reason)
    return _of_others(happening)


def _of_others(happening: OfRule | OfReturn | OfWork) -> str:
    if isinstance(happening, OfWork):
        return _of_work(happening)
    return _of_rule(happening) if isinstance(happening, OfRule) else _of_return(happening)


def _of_work(happening: OfWork) -> str:
    match happening:
        case WorkAccepted(location_id, units):
            return f"{location_id} prepares {_count(units, 'unit')}."
        case WorkRejected(location_id, units):
            return f"{location_id} cannot send {_count(units, 'unit')}; another location is sought."
        case WorkShipped(location_id, units, parcels, carriers):
            left = f"{_count(units, 'unit')} left {location_id} in {_count(parcels, 'parcel')}"
            return f"{left} with {_listed(carriers)}." if carriers else f"{left}."
        case WorkForwarded("", units):
            return f"{_count(units, 'unit')} came to where the order is brought together."
        case WorkForwarded(location_id, units):
            return f"{_count(units, 'unit')} left {location_id} to be sent on with others."
        case WorkDelivered(units):
            return f"{_count(units, 'unit')} delivered."


def _of_rule(happening: OfRule) -> str:
    match happening:
        case OrderMovedToQueue():
            return "The order waits in another queue."
        case OrderSentToCare():
            return "The order was sent to customer care."
        case OrderAutoCancelSet():
            return "What of the order cannot be filled in time will be cancelled."
        case OrderAutoCancelCleared():
            return "What of the order cannot be filled yet will not be cancelled."
        case OrderHeld():
            return "The order is on hold."
        case OrderHoldReleased(0):
            return "A hold of the order was released."
        case OrderHoldReleased(shipments):
            return f"The order goes on: {_count(shipments, 'shipment')}."


def _of_return(happening: OfReturn) -> str:
    match happening:
        case ReturnAuthorized(units, location_id):
            return f"{_count(units, 'unit')} may be returned to {location_id}."
        case ReturnReceived(units, location_id):
            return f"{_count(units, 'unit')} came back to {location_id}."
        case ReturnCompleted():
            return "The return is complete."
        case ReturnCancelled():
            return "The return was cancelled."
        case UnitsDisposed(units):
            return f"It was decided what becomes of {_count(units, 'returned unit')}."
        case RefundDue(units):
            return f"A refund is due for {_count(units, 'unit')}."


_NOTICES = {
    "ORDER_CONFIRMED": "that the order is confirmed",
    "SHIPPED": "that goods were shipped",
    "DELIVERED": "that goods were delivered",
    "RETURN_RECEIVED": "that returned goods arrived",
    "REFUND_DUE": "that a refund is due",
    "CANNOT_BE_FILLED": "that the order cannot be filled",
}
_NOT_TOLD = {
    "OPTED_OUT": "the customer does not want such mails",
    "NO_ADDRESS": "no address is known",
    "CHANNEL_OFF": "no mail server is set",
    "TOO_LATE": "it is too late to be of use",
}


def _told(kind: str, state: str, reason: str) -> str:
    what = _NOTICES[kind]
    if state == "SENT":
        return f"A mail said {what}."
    if state == "DEAD":
        return f"The mail {what} was given up after many attempts."
    return f"No mail says {what}: {_NOT_TOLD.get(reason, reason)}."


def _plan(location_ids: Sequence[str]) -> str:
    if not location_ids:
        return "No further shipment is planned"
    places = list(dict.fromkeys(location_ids))
    return f"The order comes in {_count(len(location_ids), 'shipment')} from {_listed(places)}"


def _rest(unfilled_units: int) -> str:
    return f"; {_count(unfilled_units, 'unit')} could not be filled" if unfilled_units else ""


def _why(reasons: Sequence[str]) -> str:
    known = [_REASONS[reason] for reason in dict.fromkeys(reasons) if reason in _REASONS]
    return ", and ".join(known) or "nothing of it can be sent"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _listed(names: Sequence[str]) -> str:
    shown = list(names[:LOCATIONS_NAMED])
    if len(names) > LOCATIONS_NAMED:
        shown.append(f"{len(names) - LOCATIONS_NAMED} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"

"""Fulfillment orders."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from ordermesh.api.routing.v1 import FulfillmentLine as FulfillmentLineMessage
from ordermesh.api.routing.v1 import FulfillmentOrder as FulfillmentOrderMessage
from ordermesh.api.routing.v1 import Hop as HopEnum
from ordermesh.api.routing.v1 import HopDelay as HopDelayMessage
from ordermesh.api.routing.v1 import Lateness as LatenessMessage
from ordermesh.api.routing.v1 import Parcel as ParcelMessage
from ordermesh.api.routing.v1 import RejectReason as RejectReasonEnum
from ordermesh.routing.domain.expected import EXPECTED
from ordermesh.routing.domain.fulfillment import (
    FulfillmentOrder,
    FulfillmentState,
    Parcel,
    RejectReason,
)
from ordermesh.routing.domain.lateness import Hop, Lateness, lateness
from ordermesh.routing.domain.price import Price
from ordermesh.routing.wire.money import price_message, timestamp
from ordermesh.routing.wire.order import method_value


def fulfillment_order_message(
    work: FulfillmentOrder, now: datetime | None = None
) -> FulfillmentOrderMessage:
    """Work as it is told. Where several reservations hold its stock, the first one is named.

    With ``now``, what is not there yet is told to be late from when it should have been.
    """
    units: dict[tuple[str, str, str, int, str, Price | None], int] = {}
    for line in work.lines:
        each = line.units_each if line.instead_of else 0
        price = line.ordered_price
        key = (line.line_id, line.sku, line.instead_of, each, line.brought_by, price)
        units[key] = units.get(key, 0) + line.quantity
    reservations = work.reservation_ids
    message = FulfillmentOrderMessage(
        fulfillment_order_id=work.fulfillment_order_id,
        order_id=work.order_id,
        location_id=work.location_id,
        decision_id=str(work.decision_id),
        reservation_id=str(reservations[0]) if reservations else "",
        state=FulfillmentOrderMessage.State.Value(f"STATE_{work.state}"),
        lines=[
            FulfillmentLineMessage(
                line_id=line_id,
                sku=sku,
                quantity=quantity,
                instead_of_sku=instead_of,
                units_each=each,
                brought_by=by,
                ordered_unit_price=None if price is None else price_message(price),
            )
            for (line_id, sku, instead_of, each, by, price), quantity in units.items()
        ],
        parcels=[
            ParcelMessage(
                carrier=parcel.carrier,
                tracking_number=parcel.tracking_number,
                weight_grams=parcel.weight_grams,
            )
            for parcel in work.parcels
        ],
        reject_reason=RejectReasonEnum.Value(
            f"REJECT_REASON_{work.reject_reason or 'UNSPECIFIED'}"
        ),
        promise_days=work.promise_days,
        version=work.version,
        create_time=timestamp(work.create_time),
        update_time=timestamp(work.update_time),
        method=method_value(work.method),
        pickup_location_id=work.pickup_location_id,
        hub_location_id=work.hub_location_id,
    )
    if work.available_time is not None:
        message.available_time.CopyFrom(timestamp(work.available_time))
    if work.is_unanswered and work.answer_time is not None:
        message.answer_time.CopyFrom(timestamp(work.answer_time))
    for name in ("deliver_time", "release_time", "ready_time", "ship_time"):
        _set_time(message, name, getattr(work, name))
    if work.expected is not None:
        for name in EXPECTED:
            _set_time(message.expected, name, getattr(work.expected, name))
    late = lateness(work, now)
    if late is not None:
        message.lateness.CopyFrom(_lateness_message(late))
    return message


def _set_time(message: Message, name: str, time: datetime | None) -> None:
    if time is not None:
        getattr(message, name).CopyFrom(timestamp(time))


def _lateness_message(late: Lateness) -> LatenessMessage:
    message = LatenessMessage(
        delay_duration=_duration(late.delay),
        slack_duration=_duration(late.slack),
        hops=[
            HopDelayMessage(
                hop=_hop(one.hop),
                overrun_duration=_duration(one.overrun),
                delay_duration=_duration(one.delay),
            )
            for one in late.hops
        ],
    )
    if late.to_blame is not None:
        message.hop_to_blame = _hop(late.to_blame)
    return message


def _hop(hop: Hop) -> "HopEnum.ValueType":
    return HopEnum.Value(f"HOP_{hop}")


def _duration(span: timedelta) -> Duration:
    message = Duration()
    message.FromTimedelta(span)
    return message


def parcels(messages: Iterable[ParcelMessage]) -> tuple[Parcel, ...]:
    """The parcels in which goods left."""
    return tuple(
        Parcel(message.carrier, message.tracking_number, message.weight_grams)
        for message in messages
    )


def reject_reason(value: "RejectReasonEnum.ValueType") -> RejectReason:
    """Why a location does not do it; validation lets no unspecified reason pass."""
    return RejectReason(RejectReasonEnum.Name(value).removeprefix("REJECT_REASON_"))


def state_filter(value: "FulfillmentOrderMessage.State.ValueType") -> FulfillmentState | None:
    """The state that a filter names; None when it names none."""
    name = FulfillmentOrderMessage.State.Name(value).removeprefix("STATE_")
    return None if name == "UNSPECIFIED" else FulfillmentState(name)

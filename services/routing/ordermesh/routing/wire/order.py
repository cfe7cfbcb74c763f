"""Orders."""

from collections.abc import Iterable
from uuid import UUID

from google.type.latlng_pb2 import LatLng

from ordermesh.api.order.v1 import Contact as ContactMessage
from ordermesh.api.order.v1 import Destination as DestinationMessage
from ordermesh.api.order.v1 import ExternalReference as ExternalReferenceMessage
from ordermesh.api.order.v1 import FulfillmentMethod
from ordermesh.api.routing.v1 import FrozenComponent as FrozenComponentMessage
from ordermesh.api.routing.v1 import Order as OrderMessage
from ordermesh.api.routing.v1 import OrderHold as OrderHoldMessage
from ordermesh.api.routing.v1 import OrderLine as OrderLineMessage
from ordermesh.api.routing.v1 import OrderTraits, SourcingQuestion, SubmitOrderRequest
from ordermesh.routing.domain.context import NO_TRAITS, Traits
from ordermesh.routing.domain.dispatching import CONFIDENCE_PERMILLE
from ordermesh.routing.domain.errors.requests import DuplicateEntry, FieldViolation
from ordermesh.routing.domain.geography import MICRODEGREES, Place
from ordermesh.routing.domain.network import COLLECTED, PickupPoint
from ordermesh.routing.domain.order import (
    Acceptance,
    Destination,
    ExternalReference,
    FrozenComponent,
    Order,
    OrderHold,
    OrderLine,
    OrderState,
    PromiseMade,
)
from ordermesh.routing.domain.submission import Contact, NewLine, NewOrder, Whereto
from ordermesh.routing.wire.money import instant, price, price_message, timestamp
from ordermesh.runtime.validation import distinct_ids


def new_order(request: SubmitOrderRequest) -> NewOrder:
    """What is submitted.

    Raises ``DuplicateEntry`` for a line id that is there twice, and what ``pickup_point`` raises.
    """
    pickup = pickup_point(request)
    seen: set[str] = set()
    lines = []
    for line in request.lines:
        if line.line_id in seen:
            raise DuplicateEntry("lines", line.line_id)
        seen.add(line.line_id)
        lines.append(
            NewLine(
                line.line_id,
                line.sku,
                line.quantity,
                price(line.unit_price) if line.HasField("unit_price") else None,
                line.keep_together,
                line.accepts_substitutes,
            )
        )
    return NewOrder(
        request_id=UUID(request.request_id),
        order_id=request.order_id,
        channel=request.channel,
        channel_order_id=request.channel_order_id,
        external_refs=tuple(ExternalReference(ref.system, ref.id) for ref in request.external_refs),
        lines=tuple(lines),
        whereto=whereto(request.destination),
        method=method_name(request.method),
        pickup_location_id="" if pickup is None else pickup.location_id,
        order_time=instant(request.order_time, "order_time")
        if request.HasField("order_time")
        else None,
        promise_days=request.promise_days,
        promise=_promise(request),
        policy_id=request.policy_id,
        acceptance=acceptance(request.acceptance),
        checkout_ids=tuple(
            distinct_ids("checkout_reservation_ids", request.checkout_reservation_ids)
        ),
        contact=contact(request.contact) if request.HasField("contact") else None,
        on_behalf_of=request.on_behalf_of,
        customer=request.customer,
        traits=traits(request.traits),
    )


def pickup_point(
    asked: SubmitOrderRequest | SourcingQuestion, path: str = ""
) -> PickupPoint | None:
    """Where and how the customer collects; None where it is sent. ``path`` leads to what is asked.

    Raises ``FieldViolation`` unless there is just one of destination and place of pickup, and it is
    what the method needs.
    """
    method = asked.method or FulfillmentMethod.FULFILLMENT_METHOD_SHIP
    if method_name(method) in COLLECTED:
        if not asked.pickup_location_id:
            sentence = "What is collected is collected somewhere."
            raise FieldViolation(f"{path}pickup_location_id", "required", sentence)
        if asked.HasField("destination"):
            sentence = "What is collected has no other destination."
            raise FieldViolation(f"{path}destination", "destination.pickup", sentence)
        return PickupPoint(asked.pickup_location_id, method_name(method))
    if asked.pickup_location_id:
        sentence = "What is sent is not collected."
        raise FieldViolation(f"{path}pickup_location_id", "pickup_location_id.method", sentence)
    if not asked.HasField("destination"):
        raise FieldViolation(f"{path}destination", "required", "What is sent goes somewhere.")
    return None


def traits(message: OrderTraits) -> Traits:
    """What an order says of itself."""
    return Traits(
        message.brand,
        message.order_type,
        message.service_level,
        message.priority,
        tuple(sorted(message.tags)),
        message.customer_class,
        message.payment_state,
        message.queue,
        message.origin_group,
        tuple(sorted(message.only_location_ids)),
        tuple(sorted(message.excluded_location_ids)),
    )


def _traits_message(value: Traits) -> OrderTraits:
    return OrderTraits(
        brand=value.brand,
        order_type=value.order_type,
        service_level=value.service_level,
        priority=value.priority,
        tags=value.tags,
        customer_class=value.customer_class,
        payment_state=value.payment_state,
        queue=value.queue,
        origin_group=value.origin_group,
        only_location_ids=value.only_location_ids,
        excluded_location_ids=value.excluded_location_ids,
    )


def _promise(request: SubmitOrderRequest) -> PromiseMade | None:
    """What the customer was promised before."""
    if not request.HasField("promise_time"):
        return None
    permille = request.promise_confidence_permille or CONFIDENCE_PERMILLE
    return PromiseMade(instant(request.promise_time, "promise_time"), permille)


def whereto(message: DestinationMessage) -> Whereto:
    """A destination as it is written; raises ``FieldViolation`` for a place off the globe."""
    return Whereto(
        message.country_code,
        message.region,
        message.postal_code,
        place(message.position) if message.HasField("position") else None,
        message.business,
    )


def contact(message: ContactMessage) -> Contact:
    """Whom to tell."""
    return Contact(
        message.name,
        message.email,
        message.phone,
        tuple(message.address_lines),
        message.language,
    )


def contact_message(whom: Contact) -> ContactMessage:
    """Whom to tell, without the street: no notice needs it."""
    return ContactMessage(
        name=whom.name, email=whom.email, phone=whom.phone, language=whom.language
    )


def acceptance(value: "SubmitOrderRequest.Acceptance.ValueType") -> Acceptance:
    """The acceptance that is meant; validation lets no other pass."""
    return Acceptance(SubmitOrderRequest.Acceptance.Name(value).removeprefix("ACCEPTANCE_"))


def method_name(value: "FulfillmentMethod.ValueType") -> str:
    """The word of the domain for a method."""
    return FulfillmentMethod.Name(value).removeprefix("FULFILLMENT_METHOD_")


def method_value(name: str) -> "FulfillmentMethod.ValueType":
    """The contract's number of a method."""
    return FulfillmentMethod.Value(f"FULFILLMENT_METHOD_{name}")


def place(position: LatLng) -> Place:
    """A place on the globe; raises ``FieldViolation`` for one that is not on it."""
    try:
        return Place.from_degrees(position.latitude, position.longitude)
    except ValueError as error:
        raise FieldViolation("destination.position", "range", "There is no such place.") from error


def position(where: Place) -> LatLng:
    """A place as a message."""
    return LatLng(
        latitude=where.latitude_microdegrees / MICRODEGREES,
        longitude=where.longitude_microdegrees / MICRODEGREES,
    )


def order_message(
    order: Order, decision_ids: Iterable[UUID], fulfillment_order_ids: Iterable[str]
) -> OrderMessage:
    """An order as it is told, without its contact."""
    message = OrderMessage(
        order_id=order.order_id,
        channel=order.channel,
        channel_order_id=order.channel_order_id,
        external_refs=[
            ExternalReferenceMessage(system=ref.system, id=ref.id) for ref in order.external_refs
        ],
        state=state_value(order.state),
        lines=[_line(line) for line in order.lines],
        destination=_destination(order.destination),
        method=method_value(order.method),
        order_time=timestamp(order.order_time),
        promise_days=order.promise_days,
        policy_id=order.policy_id,
        decision_ids=[str(decision_id) for decision_id in decision_ids],
        fulfillment_order_ids=fulfillment_order_ids,
        reservation_ids=[str(reservation_id) for reservation_id in order.reservation_ids],
        version=order.version,
        create_time=timestamp(order.create_time),
        update_time=timestamp(order.update_time),
        cancel_requested=order.cancel_requested,
        customer=order.customer,
        traits=None if order.traits == NO_TRAITS else _traits_message(order.traits),
        pickup_location_id=order.pickup_location_id,
    )
    if order.auto_cancel is not None:
        message.auto_cancel_time.CopyFrom(timestamp(order.auto_cancel.time))
    message.holds.extend(_hold(one) for one in order.holds)
    if order.promise is not None:
        message.promise_time.CopyFrom(timestamp(order.promise.time))
        message.promise_confidence_permille = order.promise.permille
    return message


def _hold(hold: OrderHold) -> OrderHoldMessage:
    message = OrderHoldMessage(
        hold_type=hold.hold_type,
        rule_id=hold.rule_id,
        create_time=timestamp(hold.create_time),
        released_by=hold.released_by,
    )
    if hold.expire_time is not None:
        message.expire_time.CopyFrom(timestamp(hold.expire_time))
    if hold.release_time is not None:
        message.release_time.CopyFrom(timestamp(hold.release_time))
    return message


def state_value(state: OrderState) -> "OrderMessage.State.ValueType":
    """The contract's number of a state."""
    return OrderMessage.State.Value(f"STATE_{state}")


def state_filter(value: "OrderMessage.State.ValueType") -> OrderState | None:
    """The state that a filter names; None when it names none."""
    name = OrderMessage.State.Name(value).removeprefix("STATE_")
    return None if name == "UNSPECIFIED" else OrderState(name)


def _line(line: OrderLine) -> OrderLineMessage:
    return OrderLineMessage(
        line_id=line.line_id,
        sku=line.sku,
        quantity=line.quantity,
        unit_price=None if line.unit_price is None else price_message(line.unit_price),
        keep_together=line.keep_together,
        components=[_component(component) for component in line.components],
        sourced_quantity=line.sourced,
        shipped_quantity=line.shipped,
        cancelled_quantity=line.cancelled,
        unfilled_quantity=line.unfilled,
        unfilled_reason=line.unfilled_reason,
        unfilled_facts=line.unfilled_facts,
        accepts_substitutes=line.accepts_substitutes,
        substituted_quantity=line.substituted,
    )


def _component(component: FrozenComponent) -> FrozenComponentMessage:
    share = component.price_share
    return FrozenComponentMessage(
        sku=component.sku,
        quantity=component.quantity,
        price_share=None if share is None else price_message(share),
    )


def _destination(destination: Destination) -> DestinationMessage:
    return DestinationMessage(
        country_code=destination.country_code,
        region=destination.region,
        postal_code=destination.postal_code,
        position=position(destination.place),
        business=destination.is_business,
    )

"""Between rows and the words of the domain: orders, their lines, their sagas and their work."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Row

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.context import Traits
from ordermesh.routing.domain.expected import EXPECTED, Expected
from ordermesh.routing.domain.fulfillment import (
    FulfillmentLine,
    FulfillmentOrder,
    FulfillmentState,
    Hold,
    Parcel,
    RejectReason,
)
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.order import (
    Acceptance,
    Actor,
    AutoCancel,
    Destination,
    ExternalReference,
    FrozenComponent,
    Order,
    OrderHold,
    OrderLine,
    OrderState,
    PromiseMade,
)
from ordermesh.routing.domain.price import Price
from ordermesh.routing.domain.rules.action import Intended
from ordermesh.routing.domain.saga import Cap, Saga, Step, Unfilled

Values = dict[str, Any]

_HOLDS: TypeAdapter[tuple[OrderHold, ...]] = TypeAdapter(tuple[OrderHold, ...])
_INTENDED: TypeAdapter[Intended] = TypeAdapter(Intended)


def order_values(order: Order) -> Values:
    """An order as a row, without its lines."""
    place = order.destination.place
    return {
        "order_id": order.order_id,
        "origin": order.origin,
        "channel": order.channel,
        "channel_order_id": order.channel_order_id,
        "external_refs": [[ref.system, ref.id] for ref in order.external_refs],
        "state": order.state,
        "country_code": order.destination.country_code,
        "region": order.destination.region,
        "postal_code": order.destination.postal_code,
        "latitude": place.latitude_microdegrees,
        "longitude": place.longitude_microdegrees,
        "is_business": order.destination.is_business,
        "method": order.method,
        "pickup_location_id": order.pickup_location_id,
        "order_time": order.order_time,
        "promise_days": order.promise_days,
        "promise_time": None if order.promise is None else order.promise.time,
        "promise_permille": 0 if order.promise is None else order.promise.permille,
        "policy_id": order.policy_id,
        "acceptance": order.acceptance,
        "caller": order.actor.caller,
        "on_behalf_of": order.actor.on_behalf_of,
        "reservation_ids": [str(one) for one in order.reservation_ids],
        "cancel_requested": order.cancel_requested,
        "version": order.version,
        "event_sequence": order.event_sequence,
        "create_time": order.create_time,
        "update_time": order.update_time,
        "customer": order.customer,
        "traits": asdict(order.traits),
        "queue": order.traits.queue,
        "auto_cancel_time": None if order.auto_cancel is None else order.auto_cancel.time,
        "auto_cancel_rule_id": "" if order.auto_cancel is None else order.auto_cancel.rule_id,
        "holds": _HOLDS.dump_python(order.holds, mode="json") if order.holds else [],
        "is_held": order.is_held,
    }


def order(row: Row[Any], lines: tuple[OrderLine, ...]) -> Order:
    """An order from its row and its lines."""
    return Order(
        order_id=row.order_id,
        origin=row.origin,
        channel=row.channel,
        channel_order_id=row.channel_order_id,
        external_refs=tuple(ExternalReference(system, name) for system, name in row.external_refs),
        lines=lines,
        destination=Destination(
            row.country_code,
            row.region,
            row.postal_code,
            Place(row.latitude, row.longitude),
            row.is_business,
        ),
        method=row.method,
        order_time=row.order_time,
        promise_days=row.promise_days,
        promise=PromiseMade(row.promise_time, row.promise_permille)
        if row.promise_time is not None
        else None,
        policy_id=row.policy_id,
        acceptance=Acceptance(row.acceptance),
        actor=Actor(row.caller, row.on_behalf_of),
        create_time=row.create_time,
        update_time=row.update_time,
        state=OrderState(row.state),
        reservation_ids=tuple(UUID(one) for one in row.reservation_ids),
        version=row.version,
        event_sequence=row.event_sequence,
        cancel_requested=row.cancel_requested,
        customer=row.customer,
        traits=_traits(row.traits),
        pickup_location_id=row.pickup_location_id,
        auto_cancel=AutoCancel(row.auto_cancel_time, row.auto_cancel_rule_id)
        if row.auto_cancel_time is not None
        else None,
        holds=_HOLDS.validate_python(row.holds) if row.holds else (),
    )


def line_values(order_id: str, number: int, line: OrderLine) -> Values:
    """A line as a row."""
    return {
        "order_id": order_id,
        "number": number,
        "line_id": line.line_id,
        "sku": line.sku,
        "quantity": line.quantity,
        **_price_values("price", line.unit_price),
        "keep_together": line.keep_together,
        "may_split": line.components_may_split,
        "accepts_substitutes": line.accepts_substitutes,
    } | counts(line)


def counts(line: OrderLine) -> Values:
    """What changes of a line."""
    return {
        "sourced": line.sourced,
        "shipped": line.shipped,
        "cancelled": line.cancelled,
        "unfilled": line.unfilled,
        "unfilled_reason": line.unfilled_reason,
        "unfilled_facts": dict(line.unfilled_facts),
        "substituted": line.substituted,
    }


def component_values(order: Order) -> list[Values]:
    """The components of an order's kits as rows."""
    return [
        {
            "order_id": order.order_id,
            "line_number": line_number,
            "number": number,
            "sku": component.sku,
            "quantity": component.quantity,
            "share_amount": None if component.price_share is None else component.price_share.amount,
        }
        for line_number, line in enumerate(order.lines)
        for number, component in enumerate(line.components)
    ]


def lines(rows: Iterable[Row[Any]]) -> dict[str, tuple[OrderLine, ...]]:
    """Lines by order, from rows of lines with their components beside them, in their order."""
    found: dict[tuple[str, int], tuple[Row[Any], list[FrozenComponent]]] = {}
    for row in rows:
        _, components = found.setdefault((row.order_id, row.number), (row, []))
        if row.component_sku is not None:
            share = _price(row.price_currency, row.share_amount)
            components.append(FrozenComponent(row.component_sku, row.component_quantity, share))
    by_order: dict[str, tuple[OrderLine, ...]] = {}
    for (order_id, _), (row, components) in found.items():
        line = _line(row, tuple(components))
        by_order[order_id] = (*by_order.get(order_id, ()), line)
    return by_order


def _line(row: Row[Any], components: tuple[FrozenComponent, ...]) -> OrderLine:
    return OrderLine(
        line_id=row.line_id,
        sku=row.sku,
        quantity=row.quantity,
        unit_price=_price(row.price_currency, row.price_amount),
        keep_together=row.keep_together,
        components=components,
        components_may_split=row.may_split,
        sourced=row.sourced,
        shipped=row.shipped,
        cancelled=row.cancelled,
        unfilled=row.unfilled,
        unfilled_reason=row.unfilled_reason,
        unfilled_facts=row.unfilled_facts,
        accepts_substitutes=row.accepts_substitutes,
        substituted=row.substituted,
    )


def _price_values(name: str, price: Price | None) -> Values:
    return {
        f"{name}_currency": None if price is None else price.currency_code,
        f"{name}_amount": None if price is None else price.amount,
    }


def _price(currency_code: str, amount: int | None) -> Price | None:
    return None if amount is None else Price(currency_code, Money(amount))


def saga_values(saga: Saga) -> Values:
    """A saga as a row."""
    return {
        "order_id": saga.order_id,
        "request_id": saga.request_id,
        "is_conditional": saga.is_conditional,
        "answer_by": saga.answer_by,
        "checkout_ids": [str(one) for one in saga.checkout_ids],
        "step": saga.step,
        "epoch": saga.epoch,
        "plans": saga.plans,
        "caps": [[cap.sku, cap.location_id, cap.available] for cap in saga.caps],
        "replaced_ids": [str(one) for one in saga.replaced_ids],
        "unfilled": [[one.line_id, one.quantity, one.reason] for one in saga.unfilled],
        "decision_id": saga.decision_id,
        "source_request_id": saga.source_request_id,
        "policy_id": saga.policy_id,
        "policy_version": saga.policy_version,
        "intended": None
        if saga.intended is None
        else _INTENDED.dump_python(saga.intended, mode="json"),
    }


def saga(row: Row[Any]) -> Saga:
    """A saga from its row.saga_"""
    return Saga(
        order_id=row.saga_order_id,
        request_id=row.saga_request_id,
        is_conditional=row.saga_is_conditional,
        answer_by=row.saga_answer_by,
        checkout_ids=tuple(UUID(one) for one in row.saga_checkout_ids),
        step=Step(row.saga_step),
        epoch=row.saga_epoch,
        plans=row.saga_plans,
        caps=tuple(Cap(sku, place, available) for sku, place, available in row.saga_caps),
        replaced_ids=tuple(UUID(one) for one in row.saga_replaced_ids),
        unfilled=tuple(Unfilled(line, quantity, why) for line, quantity, why in row.saga_unfilled),
        decision_id=row.saga_decision_id,
        source_request_id=row.saga_source_request_id,
        policy_id=row.saga_policy_id,
        policy_version=row.saga_policy_version,
        intended=None
        if row.saga_intended is None
        else _INTENDED.validate_python(row.saga_intended),
    )


def work_values(work: FulfillmentOrder) -> Values:
    """Work as a row, without its lines."""
    return {
        "fulfillment_order_id": work.fulfillment_order_id,
        "order_id": work.order_id,
        "location_id": work.location_id,
        "decision_id": work.decision_id,
        "state": work.state,
        "hold": work.hold,
        "capacity_hold_id": work.capacity_hold_id,
        "promise_days": work.promise_days,
        "parcels": [
            [parcel.carrier, parcel.tracking_number, parcel.weight_grams] for parcel in work.parcels
        ],
        "reject_reason": work.reject_reason,
        "ship_request_id": work.ship_request_id,
        "deliver_time": work.deliver_time,
        "version": work.version,
        "create_time": work.create_time,
        "update_time": work.update_time,
        "method": work.method,
        "pickup_location_id": work.pickup_location_id,
        "available_time": work.available_time,
        "answer_seconds": _seconds(work.answer_within),
        "answer_time": work.answer_time,
        "hub_location_id": work.hub_location_id,
        **_expected_values(work.expected),
        "release_time": work.release_time,
        "ready_time": work.ready_time,
        "ship_time": work.ship_time,
    }


def _expected_values(expected: Expected | None) -> Values:
    return {f"expected_{name}": getattr(expected, name, None) for name in EXPECTED}


def _expected(row: Row[Any]) -> Expected | None:
    if row.expected_arrival_time is None:
        return None
    return Expected(**{name: getattr(row, f"expected_{name}") for name in EXPECTED})


def _seconds(within: timedelta | None) -> int | None:
    return None if within is None else int(within.total_seconds())


def work_line_values(work: FulfillmentOrder) -> list[Values]:
    """The lines of work as rows."""
    return [
        {
            "fulfillment_order_id": work.fulfillment_order_id,
            "number": number,
            "line_id": line.line_id,
            "sku": line.sku,
            "quantity": line.quantity,
            "reservation_id": line.reservation_id,
            "held": line.held,
            "instead_of": line.instead_of,
            "units_each": line.units_each,
            "brought_by": line.brought_by,
            **_price_values("ordered_price", line.ordered_price),
        }
        for number, line in enumerate(work.lines)
    ]


def works(rows: Iterable[Row[Any]]) -> dict[int, FulfillmentOrder]:
    """Work by number, from rows of work with their lines beside them, in their order."""
    found: dict[int, tuple[Row[Any], list[FulfillmentLine]]] = {}
    for row in rows:
        _, parts = found.setdefault(row.number, (row, []))
        parts.append(
            FulfillmentLine(
                row.line_id,
                row.sku,
                row.quantity,
                row.reservation_id,
                row.held,
                row.instead_of,
                row.units_each,
                row.brought_by,
                _price(row.ordered_price_currency, row.ordered_price_amount),
            )
        )
    return {number: _work(row, tuple(parts)) for number, (row, parts) in found.items()}


def _work(row: Row[Any], parts: tuple[FulfillmentLine, ...]) -> FulfillmentOrder:
    reason = row.reject_reason
    return FulfillmentOrder(
        fulfillment_order_id=row.fulfillment_order_id,
        order_id=row.order_id,
        location_id=row.location_id,
        decision_id=row.decision_id,
        lines=parts,
        promise_days=row.promise_days,
        create_time=row.create_time,
        update_time=row.update_time,
        state=FulfillmentState(row.state),
        hold=Hold(row.hold),
        capacity_hold_id=row.capacity_hold_id,
        parcels=tuple(Parcel(carrier, number, grams) for carrier, number, grams in row.parcels),
        reject_reason=None if reason is None else RejectReason(reason),
        ship_request_id=row.ship_request_id,
        deliver_time=row.deliver_time,
        version=row.version,
        method=row.method,
        pickup_location_id=row.pickup_location_id,
        available_time=row.available_time,
        answer_within=None if row.answer_seconds is None else timedelta(seconds=row.answer_seconds),
        answer_time=row.answer_time,
        hub_location_id=row.hub_location_id,
        expected=_expected(row),
        release_time=row.release_time,
        ready_time=row.ready_time,
        ship_time=row.ship_time,
    )


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Values:
    """The columns whose values differ."""
    return {name: value for name, value in after.items() if before[name] != value}


def _traits(said: Mapping[str, Any]) -> Traits:
    """What was said by name; what is a list of words is sorted already."""
    listed = {name: tuple(words) for name, words in said.items() if isinstance(words, list)}
    return Traits(**{**said, **listed})

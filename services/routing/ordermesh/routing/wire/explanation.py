"""Explanations, changes and conflicts as messages."""

from collections.abc import Iterable

from ordermesh.api.routing import v1
from ordermesh.kernel.money import Money, to_decimal
from ordermesh.routing.domain.changes import (
    Change,
    Charged,
    Parted,
    Promised,
    Roomy,
    Stocked,
    SwitchedOn,
    Unfenced,
)
from ordermesh.routing.domain.conflict import Conflict, Member
from ordermesh.routing.domain.explanation import LocationExplanation
from ordermesh.routing.domain.problem import Rule
from ordermesh.routing.domain.verdict import kinds_of
from ordermesh.routing.wire.money import amount, money_message


def changes_of(messages: Iterable[v1.Change], currency: str) -> tuple[Change, ...]:
    """What is to be otherwise. Raises ``CurrencyMismatch``."""
    found: list[Change] = []
    for message in messages:
        found.extend(_changes(message, currency))
    return tuple(found)


def _changes(message: v1.Change, currency: str) -> Iterable[Change]:
    match message.WhichOneof("change"):
        case "stock":
            yield Stocked(message.stock.location_id, message.stock.sku, message.stock.units)
        case "cost":
            yield Charged(message.cost.location_id, amount(message.cost.amount, currency))
        case "capacity":
            limited = message.capacity.HasField("units")
            yield Roomy(message.capacity.location_id, message.capacity.units if limited else None)
        case "switch":
            yield SwitchedOn(message.switch.location_id)
        case "fence":
            fence = message.fence
            yield Unfenced(fence.location_id, Rule.FENCED, fence.rule_id)
            if fence.rejections:
                yield Unfenced(fence.location_id, Rule.REJECTED_BEFORE)
        case "promise":
            said = message.promise.HasField("days")
            yield Promised(message.promise.days if said else None)
        case _:
            said = message.shipments.HasField("shipments_max")
            yield Parted(message.shipments.shipments_max if said else None)


def change_message(change: Change, currency: str) -> v1.Change:
    """One thing that is otherwise."""
    match change:
        case Stocked(location_id, sku, units):
            stock = v1.StockChange(location_id=location_id, sku=sku, units=units)
            return v1.Change(stock=stock)
        case Charged(location_id, more):
            cost = v1.CostChange(location_id=location_id, amount=money_message(more, currency))
            return v1.Change(cost=cost)
        case Roomy(location_id, room):
            return v1.Change(capacity=v1.CapacityChange(location_id=location_id, units=room))
        case SwitchedOn(location_id):
            return v1.Change(switch=v1.SwitchChange(location_id=location_id))
        case Unfenced(location_id, rule, rule_id):
            rejections = rule == Rule.REJECTED_BEFORE
            fence = v1.FenceChange(location_id=location_id, rule_id=rule_id, rejections=rejections)
            return v1.Change(fence=fence)
        case Promised(days):
            return v1.Change(promise=v1.PromiseChange(days=days))
        case Parted(shipments_max):
            return v1.Change(shipments=v1.ShipmentsChange(shipments_max=shipments_max))


def explanation_message(
    told: LocationExplanation, currency: str, *, is_plain: bool
) -> v1.LocationExplanation:
    """Why a location was chosen or not; ``is_plain``: cost is all that counted."""
    message = v1.LocationExplanation(
        location_id=told.location_id,
        chosen=told.is_chosen,
        removals=[
            v1.Removal(
                rule=str(one.rule), rule_id=one.rule_id, line_ids=one.line_ids, fact=one.fact
            )
            for one in told.removals
        ],
        sentence=_sentence(told, currency, is_plain=is_plain),
    )
    loss = told.loses_by
    if is_plain and not told.is_chosen and loss is not None and loss.amount is not None:
        message.loses_by.CopyFrom(money_message(loss.amount, currency))
    if told.terms is not None:
        message.differences.extend(
            v1.CostTerm(
                kind=v1.CostTerm.Kind.Value(f"KIND_{kind}"), amount=money_message(more, currency)
            )
            for kind, more in kinds_of(told.terms)
            if more
        )
    if told.flip is not None:
        message.flip.extend(change_message(one, currency) for one in told.flip.changes)
        message.flipped_cost.CopyFrom(money_message(told.flip.cost, currency))
    return message


def _sentence(told: LocationExplanation, currency: str, *, is_plain: bool) -> str:
    """The explanation for people."""
    if told.is_chosen:
        return f"{told.location_id} is part of the plan."
    flip = ""
    if told.flip is not None:
        changes = " and ".join(_phrase(one, currency) for one in told.flip.changes)
        flip = f" It would be used if {changes}."
    loss = told.loses_by
    if loss is None or loss.amount is None:
        if told.removals:
            first = told.removals[0]
            return f"{told.location_id} was left out ({first.rule}): {first.fact}.{flip}"
        return f"{told.location_id} can be part of no plan under these limits."
    lacking = sorted({line_id for one in told.removals for line_id in one.line_ids})
    lacks = f" (not for lines {', '.join(lacking)})" if lacking else ""
    if not is_plain:
        return f"{told.location_id}{lacks} loses in tier {loss.tier} by {loss.amount}.{flip}"
    return f"{told.location_id}{lacks} loses by {_money(loss.amount, currency)}.{flip}"


def _phrase(change: Change, currency: str) -> str:
    match change:
        case Stocked(_, sku, units):
            return f"it had {units} of {sku}"
        case Charged(_, more):
            return f"a shipment from it cost {_money(-more, currency)} less"
        case Roomy(_, units):
            return f"it had room for {units} units"
        case SwitchedOn():
            return "it were switched on"
        case Unfenced(_, rule, rule_id):
            return f"{rule_id or rule} did not hold for it"
        case Promised(days):
            return f"the promise were {days} days"
        case Parted(shipments_max):
            return f"{shipments_max} shipments were allowed"


def _money(value: int, currency: str) -> str:
    return f"{to_decimal(Money(value)):.4f} {currency}"


def conflict_message(conflict: Conflict, currency: str) -> v1.Conflict:
    """Why not all can be filled."""
    return v1.Conflict(
        members=[_member(one) for one in conflict.members],
        ways_out=[
            v1.WayOut(
                members=[_member(one) for one in way.members],
                cost=money_message(way.cost, currency),
                shipment_count=way.shipments,
                days=way.days,
            )
            for way in conflict.ways_out
        ],
    )


def _member(member: Member) -> v1.ConflictMember:
    kind = v1.ConflictMember.Kind.Value(f"KIND_{member.kind}")
    return v1.ConflictMember(kind=kind, name=member.name, fact=member.fact)

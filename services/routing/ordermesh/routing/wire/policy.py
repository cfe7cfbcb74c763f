"""Policies, and what is in force when."""

from ordermesh.api.routing.v1 import Policy as PolicyMessage
from ordermesh.api.routing.v1 import PolicyChange, PolicyPeriod, UnfilledPenalty
from ordermesh.api.routing.v1 import Zone as ZoneMessage
from ordermesh.kernel.money import Money
from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.domain.policy import REASSIGNMENT_CHARGE, Policy, Zone
from ordermesh.routing.domain.season import Change, Period
from ordermesh.routing.wire.money import amount, money_message, timestamp
from ordermesh.routing.wire.rules import (
    condition_messages,
    conditions,
    rule,
    rule_message,
    tier_messages,
    tiers,
    window_messages,
    windows,
)
from ordermesh.routing.wire.stages import stage_messages, stages


def policy(message: PolicyMessage) -> Policy:
    """A policy that is to be saved; raises ``CurrencyMismatch`` and ``FieldViolation``."""
    currency = message.currency_code
    penalty = message.unfilled_penalty
    return Policy(
        policy_id=message.policy_id,
        version=0,
        name=message.name,
        currency_code=currency,
        zones=tuple(
            Zone(
                zone.distance_km_max,
                amount(zone.freight_per_parcel, currency),
                amount(zone.freight_per_kilogram, currency),
                zone.transit_days,
            )
            for zone in message.zones
        ),
        split_charge=amount(message.split_charge, currency),
        transit_day_cost=amount(message.transit_day_cost, currency),
        late_day_cost=amount(message.late_day_cost, currency),
        carbon_price_per_kg=amount(message.carbon_price_per_kilogram, currency),
        unfilled_fixed=amount(penalty.fixed, currency),
        unfilled_per_unit=amount(penalty.per_unit, currency),
        unfilled_per_kg=amount(penalty.per_kilogram, currency),
        parcel_grams_max=message.parcel_weight_grams_max,
        shipments_max=message.shipments_max,
        priority=message.priority,
        windows=windows(message.windows),
        chosen_when=conditions(message.chosen_when, currency),
        rules=tuple(rule(one, currency) for one in message.rules),
        tiers=tiers(message.tiers),
        stages=stages(message.stages),
        reassignment_charge=_reassignment_charge(message),
    )


def _reassignment_charge(message: PolicyMessage) -> Money:
    if not message.HasField("reassignment_charge"):
        return REASSIGNMENT_CHARGE
    charge = amount(message.reassignment_charge, message.currency_code)
    if charge < 0:
        raise FieldViolation(
            "policy.reassignment_charge", "price_not_negative", "A charge is not negative."
        )
    return charge


def policy_message(value: Policy) -> PolicyMessage:
    """A version of a policy as it is told."""
    currency = value.currency_code
    message = PolicyMessage(
        policy_id=value.policy_id,
        version=value.version,
        name=value.name,
        currency_code=currency,
        zones=[
            ZoneMessage(
                distance_km_max=zone.distance_km_max,
                freight_per_parcel=money_message(zone.freight_per_parcel, currency),
                freight_per_kilogram=money_message(zone.freight_per_kg, currency),
                transit_days=zone.transit_days,
            )
            for zone in value.zones
        ],
        split_charge=money_message(value.split_charge, currency),
        transit_day_cost=money_message(value.transit_day_cost, currency),
        late_day_cost=money_message(value.late_day_cost, currency),
        carbon_price_per_kilogram=money_message(value.carbon_price_per_kg, currency),
        unfilled_penalty=UnfilledPenalty(
            fixed=money_message(value.unfilled_fixed, currency),
            per_unit=money_message(value.unfilled_per_unit, currency),
            per_kilogram=money_message(value.unfilled_per_kg, currency),
        ),
        parcel_weight_grams_max=value.parcel_grams_max,
        shipments_max=value.shipments_max,
        state=PolicyMessage.State.Value(f"STATE_{value.state}"),
        priority=value.priority,
        windows=window_messages(value.windows),
        chosen_when=condition_messages(value.chosen_when, currency),
        rules=[rule_message(one, currency) for one in value.rules],
        tiers=tier_messages(value.tiers),
        stages=stage_messages(value.stages),
        reassignment_charge=money_message(value.reassignment_charge, currency),
    )
    if value.create_time is not None:
        message.create_time.CopyFrom(timestamp(value.create_time))
    return message


def period_message(period: Period) -> PolicyPeriod:
    """A stretch of time in which one version is in force."""
    return PolicyPeriod(
        policy_id=period.policy_id,
        version=period.version,
        start_time=timestamp(period.start),
        end_time=timestamp(period.end),
        rule_ids=period.rule_ids,
    )


def change_message(change: Change) -> PolicyChange:
    """What changes at an instant."""
    return PolicyChange(
        change_time=timestamp(change.time),
        policy_id=change.policy_id,
        version_before=change.version_before,
        version_after=change.version_after,
        starting_rule_ids=change.rules_starting,
        ending_rule_ids=change.rules_ending,
    )

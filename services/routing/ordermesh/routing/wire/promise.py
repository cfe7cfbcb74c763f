"""Promises."""

from datetime import datetime

from ordermesh.api.routing.v1 import (
    PromisedShipment,
    PromiseObjective,
    PromiseOption,
    PromiseProof,
    PromiseWindow,
    UnpromisedLine,
)
from ordermesh.routing.domain.policy import Policy
from ordermesh.routing.domain.promise import Objective, Window
from ordermesh.routing.domain.promising import Promise
from ordermesh.routing.wire.money import money_message, timestamp


def objective(value: "PromiseObjective.ValueType") -> Objective:
    """What the best promise is; the fastest where it is not said."""
    if value == PromiseObjective.PROMISE_OBJECTIVE_UNSPECIFIED:
        return Objective.FASTEST
    return Objective(PromiseObjective.Name(value).removeprefix("PROMISE_OBJECTIVE_"))


def option_message(promise: Promise, currency_code: str) -> PromiseOption:
    """One way to keep a promise, as it is told."""
    message = PromiseOption(
        objective=PromiseObjective.Value(f"PROMISE_OBJECTIVE_{promise.objective}"),
        shipments=[
            PromisedShipment(
                location_id=one.location_id,
                ready_time=timestamp(one.ready_time),
                window=_window_message(one.window),
                parcel_count=one.parcels,
                zone=one.zone,
            )
            for one in promise.shipments
        ],
        cost=money_message(promise.cost, currency_code),
        co2e_grams=promise.co2e_grams,
        parcel_count=promise.parcels,
        unpromised_lines=[
            UnpromisedLine(
                line_id=one.line_id, sku=one.sku, quantity=one.quantity, reason=one.reason
            )
            for one in promise.unpromised
        ],
    )
    if promise.window is not None:
        message.window.CopyFrom(_window_message(promise.window))
    return message


def proof_message(
    policy: Policy, revision: int, network_version: int, until: datetime, now: datetime
) -> PromiseProof:
    """From what a promise was made, and until when it is true."""
    return PromiseProof(
        ledger_revision=revision,
        network_version=network_version,
        policy_id=policy.policy_id,
        policy_version=policy.version,
        expire_time=timestamp(until),
        create_time=timestamp(now),
    )


def _window_message(window: Window) -> PromiseWindow:
    return PromiseWindow(
        earliest_time=timestamp(window.earliest),
        latest_time=timestamp(window.latest),
        date=window.day.isoformat(),
        is_in_days=window.is_in_days,
    )

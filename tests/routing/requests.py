"""A request of each mutating method that would change something, and how it becomes another."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from ordermesh.api.order.v1 import Destination, FulfillmentMethod
from ordermesh.api.routing import v1
from tests.routing.freight import putting
from tests.routing.house import entry, line, new_id, submission, usd
from tests.routing.postal import beginning, completing, part


def reoptimize(**fields: Any) -> v1.ReoptimizeOrdersRequest:
    return v1.ReoptimizeOrdersRequest(**{"request_id": new_id(), **fields})


def renew_prices(**fields: Any) -> v1.RenewPricesRequest:
    return v1.RenewPricesRequest(**{"request_id": new_id(), **fields})


def release_hold(**fields: Any) -> v1.ReleaseOrderHoldRequest:
    return v1.ReleaseOrderHoldRequest(
        **{"request_id": new_id(), "order_id": "O-3", "hold_type": "fraud", **fields}
    )


def cancel(**fields: Any) -> v1.CancelOrderRequest:
    return v1.CancelOrderRequest(**{"request_id": new_id(), "order_id": "O-1", **fields})


def source(**fields: Any) -> v1.SourceOrderRequest:
    return v1.SourceOrderRequest(**{"request_id": new_id(), "order_id": "O-1", **fields})


def question(*lines: v1.SourcingLine, **fields: Any) -> v1.SourceOrderRequest:
    destination = fields.pop("destination", Destination(country_code="US", postal_code="60601"))
    asked = v1.SourcingQuestion(
        lines=lines or [v1.SourcingLine(line_id="1", sku="MUG", quantity=1)],
        destination=destination,
        pickup_location_id=fields.pop("pickup_location_id", ""),
    )
    if "collect_by" in fields:
        asked.method = fields.pop("collect_by")
    return v1.SourceOrderRequest(**{"request_id": new_id(), "question": asked, **fields})


def accept(**fields: Any) -> v1.AcceptFulfillmentOrderRequest:
    return v1.AcceptFulfillmentOrderRequest(
        **{"request_id": new_id(), "fulfillment_order_id": "OPEN", **fields}
    )


def reject(**fields: Any) -> v1.RejectFulfillmentOrderRequest:
    return v1.RejectFulfillmentOrderRequest(
        **{
            "request_id": new_id(),
            "fulfillment_order_id": "OPEN",
            "reason": v1.RejectReason.REJECT_REASON_CLOSED,
            **fields,
        }
    )


def ship(**fields: Any) -> v1.ShipFulfillmentOrderRequest:
    return v1.ShipFulfillmentOrderRequest(
        **{
            "request_id": new_id(),
            "fulfillment_order_id": "OPEN",
            "parcels": [v1.Parcel(carrier="UPS", weight_grams=900)],
            **fields,
        }
    )


def deliver(**fields: Any) -> v1.DeliverFulfillmentOrderRequest:
    return v1.DeliverFulfillmentOrderRequest(
        **{"request_id": new_id(), "fulfillment_order_id": "LEFT", **fields}
    )


def network(*entries: v1.NetworkLocation, **fields: Any) -> v1.PutNetworkLocationsRequest:
    return v1.PutNetworkLocationsRequest(
        **{"request_id": new_id(), "locations": entries or [entry("NEAR", priority=9)], **fields}
    )


def a_day(limit: int) -> v1.Capacity:
    """So many units on a day."""
    return v1.Capacity(
        capacity_id="units-a-day", unit=v1.CapacityUnit.CAPACITY_UNIT_UNITS, limit=limit
    )


def zone(distance_km_max: int) -> v1.Zone:
    return v1.Zone(
        distance_km_max=distance_km_max,
        freight_per_parcel=usd(5),
        freight_per_kilogram=usd(0.5),
        transit_days=2,
    )


def policy(**fields: Any) -> v1.SavePolicyRequest:
    wanted = v1.Policy(
        **{
            "policy_id": "default",
            "currency_code": "USD",
            "zones": [
                zone(500),
                zone(5000),
            ],
            "split_charge": usd(2),
            "transit_day_cost": usd(0.3),
            "late_day_cost": usd(3),
            "carbon_price_per_kilogram": usd(0.1),
            "unfilled_penalty": v1.UnfilledPenalty(
                fixed=usd(50), per_unit=usd(5), per_kilogram=usd(5)
            ),
            **{name: value for name, value in fields.items() if name != "request_id"},
        }
    )
    return v1.SavePolicyRequest(request_id=fields.get("request_id", new_id()), policy=wanted)


def holding() -> v1.SavePolicyRequest:
    """A policy that holds every order."""
    hold = v1.OrderAction(hold=v1.HoldOrder(hold_type="fraud"))
    return policy(policy_id="holding", rules=[v1.Rule(rule_id="hold", action=hold)])


def drafted(policy_id: str) -> v1.SavePolicyRequest:
    """A policy that decides nothing yet."""
    request = policy(policy_id=policy_id)
    request.draft = True
    return request


def activate(**fields: Any) -> v1.ActivatePolicyVersionRequest:
    return v1.ActivatePolicyVersionRequest(
        **{"request_id": new_id(), "policy_id": "spring", "version": 1, **fields}
    )


def facts(**fields: Any) -> v1.PutFactsRequest:
    fact = v1.PlaceFact(
        location_id="NEAR",
        sku="MUG",
        number=v1.NumberFact.NUMBER_FACT_STOCK_WEEKS_OF_SUPPLY,
        value=4,
    )
    return v1.PutFactsRequest(**{"request_id": new_id(), "facts": [fact], **fields})


def archive(**fields: Any) -> v1.ArchivePolicyVersionRequest:
    return v1.ArchivePolicyVersionRequest(
        **{"request_id": new_id(), "policy_id": "summer", "version": 1, **fields}
    )


def order(*lines: v1.NewOrderLine, **fields: Any) -> v1.SubmitOrderRequest:
    order_id = fields.pop("order_id", "O-9")
    channel_order_id = fields.pop("channel_order_id", "O-9")
    wanted = lines or (line("1", "MUG"),)
    return submission(order_id, *wanted, channel_order_id=channel_order_id, **fields)


def switch(**fields: Any) -> v1.SwitchLocationRequest:
    return v1.SwitchLocationRequest(
        **{
            "request_id": new_id(),
            "location_id": "NEAR",
            "methods": [FulfillmentMethod.FULFILLMENT_METHOD_SHIP],
            "reason": "snow",
            **fields,
        }
    )


def end_switch(**fields: Any) -> v1.EndSwitchRequest:
    return v1.EndSwitchRequest(**{"request_id": new_id(), "switch_id": "SWITCHED", **fields})


def hold_capacity(**fields: Any) -> v1.HoldCapacityRequest:
    return v1.HoldCapacityRequest(
        **{
            "request_id": new_id(),
            "hold_id": new_id(),
            "location_id": "NEAR",
            "method": FulfillmentMethod.FULFILLMENT_METHOD_SHIP,
            "orders": 1,
            "units": 2,
            **fields,
        }
    )


def confirm_capacity(**fields: Any) -> v1.ConfirmCapacityRequest:
    return v1.ConfirmCapacityRequest(**{"request_id": new_id(), "hold_id": "HELD", **fields})


def release_capacity(**fields: Any) -> v1.ReleaseCapacityRequest:
    return v1.ReleaseCapacityRequest(**{"request_id": new_id(), "hold_id": "HELD", **fields})


def put_calendars(*calendars: v1.Calendar, **fields: Any) -> v1.PutCalendarsRequest:
    weekdays = [
        v1.OpenHours(weekday=day, open_minute=480, close_minute=1200) for day in (1, 2, 3, 4, 5)
    ]
    one = v1.Calendar(calendar_id="weekdays", timetable=v1.Timetable(hours=weekdays))
    return v1.PutCalendarsRequest(
        **{"request_id": new_id(), "calendars": calendars or [one], **fields}
    )


VALID: dict[str, Callable[[], Message]] = {
    "SubmitOrder": order,
    "CancelOrder": cancel,
    "ReleaseOrderHold": release_hold,
    "SourceOrder": source,
    "ReoptimizeOrders": reoptimize,
    "RenewPrices": renew_prices,
    "AcceptFulfillmentOrder": accept,
    "RejectFulfillmentOrder": reject,
    "ShipFulfillmentOrder": ship,
    "DeliverFulfillmentOrder": deliver,
    "PutNetworkLocations": network,
    "SwitchLocation": switch,
    "PutCalendars": put_calendars,
    "HoldCapacity": hold_capacity,
    "ConfirmCapacity": confirm_capacity,
    "ReleaseCapacity": release_capacity,
    "EndSwitch": end_switch,
    "SavePolicy": policy,
    "PutCarriage": putting,
    "BeginPostalCodeImport": beginning,
    "PutPostalCodes": part,
    "CompletePostalCodeImport": completing,
    "ActivatePolicyVersion": activate,
    "ArchivePolicyVersion": archive,
    "PutFacts": facts,
}
"""A request of each mutating method that would change something."""

OTHER: dict[str, Callable[[Message], None]] = {
    "SubmitOrder": lambda request: setattr(request, "promise_days", 3),
    "CancelOrder": lambda request: setattr(request, "note", "other"),
    "ReleaseOrderHold": lambda request: setattr(request, "hold_type", "other"),
    "SourceOrder": lambda request: setattr(request, "policy_version", 1),
    "ReoptimizeOrders": lambda request: setattr(request, "seed", 7),
    "RenewPrices": lambda request: setattr(request, "cause", "other"),
    "AcceptFulfillmentOrder": lambda request: setattr(request, "on_behalf_of", "other"),
    "RejectFulfillmentOrder": lambda request: setattr(request, "note", "other"),
    "ShipFulfillmentOrder": lambda request: setattr(request, "on_behalf_of", "other"),
    "DeliverFulfillmentOrder": lambda request: setattr(request, "on_behalf_of", "other"),
    "PutNetworkLocations": lambda request: setattr(request, "on_behalf_of", "other"),
    "HoldCapacity": lambda request: setattr(request, "units", 3),
    "ConfirmCapacity": lambda request: setattr(request, "on_behalf_of", "other"),
    "ReleaseCapacity": lambda request: setattr(request, "on_behalf_of", "other"),
    "PutCalendars": lambda request: setattr(request, "on_behalf_of", "other"),
    "SwitchLocation": lambda request: setattr(request, "reason", "ice"),
    "EndSwitch": lambda request: setattr(request, "on_behalf_of", "other"),
    "PutCarriage": lambda request: setattr(request, "on_behalf_of", "other"),
    "BeginPostalCodeImport": lambda request: setattr(request, "source", "other"),
    "PutPostalCodes": lambda request: setattr(request, "part", 2),
    "CompletePostalCodeImport": lambda request: setattr(request, "part_count", 2),
    "SavePolicy": lambda request: setattr(request, "draft", True),
    "ActivatePolicyVersion": lambda request: setattr(request, "on_behalf_of", "other"),
    "ArchivePolicyVersion": lambda request: setattr(request, "on_behalf_of", "other"),
    "PutFacts": lambda request: setattr(request, "on_behalf_of", "other"),
}
"""How the request becomes another."""

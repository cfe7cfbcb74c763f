"""Requests of every mutating method that are refused, and how."""

import dataclasses
from collections.abc import Callable

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.type.money_pb2 import Money

from ordermesh.api.order.v1 import Destination, FulfillmentMethod, StockMatrix
from ordermesh.api.routing import v1
from tests.routing.house import IF_SOURCED, line, new_id, submission, usd
from tests.routing.requests import (
    accept,
    cancel,
    deliver,
    order,
    policy,
    question,
    reject,
    release_hold,
    renew_prices,
    reoptimize,
    ship,
    source,
)

INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
REFUSED = grpc.StatusCode.FAILED_PRECONDITION
LONG = "x" * 129
CART = "0b7e7c2e-6c1e-4c0f-9d0e-9a6f3b1c2d4e"


@dataclasses.dataclass(frozen=True)
class Case:
    """A request that is refused, and how."""

    name: str
    request: Callable[[], Message]
    code: grpc.StatusCode
    reason: str
    facts: dict[str, str] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def invalid(name: str, request: Callable[[], Message], field: str) -> Case:
    return Case(name, request, INVALID, "FIELD_VIOLATION", {"field": field})


PICK_UP = FulfillmentMethod.FULFILLMENT_METHOD_PICK_UP
BAD_TEXT = "a\u202eb"
EUR = {"currency_code": "EUR", "units": 1}

CASES = [
    # SubmitOrder
    invalid("an order without an id", lambda: order(order_id=""), "order_id"),
    invalid("an order with a long id", lambda: order(order_id=LONG), "order_id"),
    invalid("an order with a control character", lambda: order(order_id="a\n"), "order_id"),
    invalid("an order that turns text around", lambda: order(order_id=BAD_TEXT), "order_id"),
    invalid("an order without a channel", lambda: order(channel=""), "channel"),
    invalid("an order without lines", lambda: submission("O-9"), "lines"),
    invalid("an order for nothing", lambda: order(line("1", "MUG", 0)), "lines[0].quantity"),
    invalid("an order for less", lambda: order(line("1", "MUG", -1)), "lines[0].quantity"),
    invalid("an order for too much", lambda: order(line("1", "MUG", 10**7)), "lines[0].quantity"),
    invalid("an order to nowhere", lambda: order(destination=None), "destination"),
    invalid(
        "an order to a bad country",
        lambda: order(destination=Destination(country_code="us")),
        "destination.country_code",
    ),
    invalid(
        "an order that is collected nowhere",
        lambda: order(method=PICK_UP, destination=None),
        "pickup_location_id",
    ),
    invalid(
        "an order that is collected and sent",
        lambda: order(method=PICK_UP, pickup_location_id="NEAR"),
        "destination",
    ),
    invalid(
        "an order that is sent and collected",
        lambda: order(pickup_location_id="NEAR"),
        "pickup_location_id",
    ),
    Case(
        "an order that is collected where nobody is",
        lambda: order(method=PICK_UP, destination=None, pickup_location_id="MOON"),
        NOT_FOUND,
        "NOT_IN_NETWORK",
        {"locationId": "MOON"},
    ),
    invalid("an order by no method", lambda: order(method=0), "method"),
    invalid("an order by an unknown method", lambda: order(method=77), "method"),
    invalid("an order without acceptance", lambda: order(acceptance=0), "acceptance"),
    invalid("an order promised long ago", lambda: order(promise_days=-1), "promise_days"),
    invalid(
        "an order with a bad cart",
        lambda: order(checkout_reservation_ids=["cart"]),
        "checkout_reservation_ids[0]",
    ),
    invalid(
        "an order with a cart in two spellings",
        lambda: order(checkout_reservation_ids=[CART, CART.upper()]),
        "checkout_reservation_ids[1]",
    ),
    invalid(
        "an order with a price below zero",
        lambda: order(line("1", "MUG", unit_price=Money(currency_code="EUR", units=-1))),
        "lines[0].unit_price",
    ),
    invalid(
        "an order with a price in no currency",
        lambda: order(line("1", "MUG", unit_price=Money(currency_code="euros", units=1))),
        "lines[0].unit_price",
    ),
    invalid(
        "an order with more than a unit in nanos",
        lambda: order(line("1", "MUG", unit_price=Money(currency_code="EUR", nanos=10**9))),
        "lines[0].unit_price",
    ),
    invalid(
        "an order that costs more than can be refunded",
        lambda: order(
            line("1", "MUG", unit_price=Money(currency_code="JPY", units=10**14)),
            line("2", "LAMP", unit_price=Money(currency_code="JPY", nanos=100_000)),
        ),
        "lines[1].unit_price",
    ),
    Case(
        "an order with a line twice",
        lambda: order(line("1", "MUG"), line("1", "LAMP")),
        INVALID,
        "DUPLICATE_ENTRY",
        {"field": "lines", "value": "1"},
    ),
    Case(
        "an order for unknown items",
        lambda: order(line("1", "MUG"), line("2", "UFO"), line("3", "YETI")),
        NOT_FOUND,
        "UNKNOWN_SKU",
        {"sku": "UFO", "sku-2": "YETI", "rows": "2"},
    ),
    Case(
        "an order to an unknown place",
        lambda: order(destination=Destination(country_code="US", postal_code="00000")),
        INVALID,
        "UNKNOWN_DESTINATION",
        {"countryCode": "US"},
    ),
    Case(
        "an order by an unknown policy",
        lambda: order(policy_id="gold"),
        NOT_FOUND,
        "POLICY_NOT_FOUND",
        {"policyId": "gold", "version": "0"},
    ),
    Case(
        "an order whose id is taken",
        lambda: submission("O-1", line("1", "MUG")),
        REFUSED,
        "ORDER_ID_TAKEN",
        {"orderId": "O-1"},
    ),
    Case(
        "an order whose channel has it",
        lambda: order(channel_order_id="O-1"),
        REFUSED,
        "CHANNEL_ORDER_ID_TAKEN",
        {"channel": "web", "channelOrderId": "O-1", "orderId": "O-1"},
    ),
    Case(
        "a checkout for more than there is",
        lambda: order(line("1", "MUG", 99), acceptance=IF_SOURCED),
        REFUSED,
        "INSUFFICIENT_STOCK",
        {"lineId": "1", "sku": "MUG", "locationId": "NEAR", "wanted": "99", "available": "7"},
    ),
    Case(
        "a checkout with a cart that never was",
        lambda: order(acceptance=IF_SOURCED, checkout_reservation_ids=[new_id()]),
        NOT_FOUND,
        "RESERVATION_NOT_FOUND",
    ),
    # CancelOrder
    invalid("cancelling without an order", lambda: cancel(order_id=""), "order_id"),
    invalid("cancelling with a long note", lambda: cancel(note="x" * 513), "note"),
    Case(
        "cancelling what is not there",
        lambda: cancel(order_id="O-404"),
        NOT_FOUND,
        "ORDER_NOT_FOUND",
        {"orderId": "O-404"},
    ),
    Case(
        "cancelling what has left",
        lambda: cancel(order_id="O-2"),
        REFUSED,
        "ALREADY_SHIPPED",
        {"orderId": "O-2"},
    ),
    # ReoptimizeOrders
    invalid("too many orders at once", lambda: reoptimize(orders_max=5001), "orders_max"),
    invalid("less than no orders", lambda: reoptimize(orders_max=-1), "orders_max"),
    invalid("chance before the first", lambda: reoptimize(seed=-1), "seed"),
    invalid(
        "solving for too long",
        lambda: reoptimize(solve_duration=Duration(seconds=21)),
        "solve_duration",
    ),
    # RenewPrices
    invalid(
        "more baskets than are laid out", lambda: renew_prices(baskets_max=5001), "baskets_max"
    ),
    invalid("less than no baskets", lambda: renew_prices(baskets_max=-1), "baskets_max"),
    invalid(
        "looking no hour ahead", lambda: renew_prices(horizon=Duration(seconds=3_599)), "horizon"
    ),
    invalid(
        "pricing for too long",
        lambda: renew_prices(solve_duration=Duration(seconds=61)),
        "solve_duration",
    ),
    invalid(
        "prices that fade at once",
        lambda: renew_prices(fresh_duration=Duration(seconds=59)),
        "fresh_duration",
    ),
    invalid("a cause that turns text around", lambda: renew_prices(cause=BAD_TEXT), "cause"),
    # ReleaseOrderHold
    invalid("releasing without an order", lambda: release_hold(order_id=""), "order_id"),
    invalid("releasing nothing", lambda: release_hold(hold_type=""), "hold_type"),
    invalid("releasing a long type", lambda: release_hold(hold_type=LONG), "hold_type"),
    Case(
        "releasing what is not there",
        lambda: release_hold(order_id="O-404"),
        NOT_FOUND,
        "ORDER_NOT_FOUND",
        {"orderId": "O-404"},
    ),
    Case(
        "releasing what nobody holds",
        lambda: release_hold(order_id="O-1"),
        NOT_FOUND,
        "ORDER_HOLD_NOT_FOUND",
        {"orderId": "O-1", "holdType": "fraud"},
    ),
    # SourceOrder
    Case(
        "sourcing nothing",
        lambda: v1.SourceOrderRequest(request_id=new_id()),
        INVALID,
        "FIELD_VIOLATION",
    ),
    invalid("sourcing by an unknown method", lambda: source(method=77), "method"),
    Case(
        "sourcing what is not there",
        lambda: source(order_id="O-404"),
        NOT_FOUND,
        "ORDER_NOT_FOUND",
    ),
    Case(
        "sourcing what has left",
        lambda: source(order_id="O-2"),
        REFUSED,
        "WORK_IN_PROGRESS",
        {"orderId": "O-2", "state": "FULFILLED"},
    ),
    Case(
        "deciding by a baseline",
        lambda: source(method=v1.SourcingMethod.SOURCING_METHOD_NEAREST_SINGLE),
        INVALID,
        "BASELINE_IS_NO_DECISION",
        {"method": "NEAREST_SINGLE"},
    ),
    Case(
        "deciding on supplied stock",
        lambda: source(supplied_stock=StockMatrix(skus=["MUG"])),
        INVALID,
        "MATRIX_SIZE",
    ),
    Case(
        "deciding by an unknown policy",
        lambda: source(policy_id="gold"),
        NOT_FOUND,
        "POLICY_NOT_FOUND",
    ),
    Case(
        "deciding by an unknown version",
        lambda: source(policy_version=77),
        NOT_FOUND,
        "POLICY_NOT_FOUND",
        {"policyId": "default", "version": "77"},
    ),
    Case(
        "asking on stock of the wrong size",
        lambda: question(
            supplied_stock=StockMatrix(skus=["MUG"], location_ids=["NEAR"], quantities=[1, 2])
        ),
        INVALID,
        "MATRIX_SIZE",
        {"wanted": "1", "given": "2"},
    ),
    Case(
        "asking on stock at an unknown location",
        lambda: question(
            supplied_stock=StockMatrix(skus=["MUG"], location_ids=["MOON"], quantities=[1])
        ),
        NOT_FOUND,
        "UNKNOWN_LOCATION",
        {"locationId": "MOON"},
    ),
    invalid(
        "asking on negative stock",
        lambda: question(
            supplied_stock=StockMatrix(skus=["MUG"], location_ids=["NEAR"], quantities=[-1])
        ),
        "supplied_stock.quantities",
    ),
    invalid(
        "asking with capacity alone",
        lambda: question(supplied_capacity=[v1.LocationCapacity(location_id="NEAR", units=1)]),
        "supplied_capacity",
    ),
    Case(
        "asking with capacity twice",
        lambda: question(
            supplied_stock=StockMatrix(),
            supplied_capacity=[v1.LocationCapacity(location_id="NEAR", units=1)] * 2,
        ),
        INVALID,
        "DUPLICATE_ENTRY",
    ),
    Case(
        "asking for an unknown item",
        lambda: question(v1.SourcingLine(line_id="1", sku="UFO", quantity=1)),
        NOT_FOUND,
        "UNKNOWN_SKU",
        {"sku": "UFO"},
    ),
    Case(
        "asking with a line twice",
        lambda: question(*[v1.SourcingLine(line_id="1", sku="MUG", quantity=1)] * 2),
        INVALID,
        "DUPLICATE_ENTRY",
    ),
    Case(
        "asking for an unknown place",
        lambda: question(destination=Destination(country_code="DE", postal_code="60601")),
        INVALID,
        "UNKNOWN_DESTINATION",
        {"countryCode": "DE"},
    ),
    invalid(
        "asking for what goes nowhere",
        lambda: question(destination=None),
        "question.destination",
    ),
    invalid(
        "asking for what is collected nowhere",
        lambda: question(destination=None, collect_by=PICK_UP),
        "question.pickup_location_id",
    ),
    invalid("keeping what is kept anyhow", lambda: source(keep_record=True), "keep_record"),
    invalid(
        "keeping what a baseline says",
        lambda: question(keep_record=True, method="SOURCING_METHOD_NEAREST_SINGLE"),
        "keep_record",
    ),
    invalid("asking by an unknown method", lambda: question(collect_by=77), "question.method"),
    # Fulfillment
    invalid("accepting nothing", lambda: accept(fulfillment_order_id=""), "fulfillment_order_id"),
    Case(
        "accepting what is not there",
        lambda: accept(fulfillment_order_id="F-404"),
        NOT_FOUND,
        "FULFILLMENT_ORDER_NOT_FOUND",
        {"fulfillmentOrderId": "F-404"},
    ),
    Case(
        "accepting what has left",
        lambda: accept(fulfillment_order_id="LEFT"),
        REFUSED,
        "WRONG_STATE",
        {"state": "SHIPPED", "wanted": "RELEASED"},
    ),
    invalid("rejecting for no reason", lambda: reject(reason=0), "reason"),
    invalid("rejecting for an unknown reason", lambda: reject(reason=77), "reason"),
    Case(
        "rejecting what is not there",
        lambda: reject(fulfillment_order_id="F-404"),
        NOT_FOUND,
        "FULFILLMENT_ORDER_NOT_FOUND",
    ),
    Case(
        "rejecting what has left",
        lambda: reject(fulfillment_order_id="LEFT"),
        REFUSED,
        "WRONG_STATE",
        {"state": "SHIPPED", "wanted": "RELEASED"},
    ),
    invalid("shipping without parcels", lambda: ship(parcels=[]), "parcels"),
    invalid(
        "shipping a weightless parcel",
        lambda: ship(parcels=[v1.Parcel(weight_grams=-1)]),
        "parcels[0].weight_grams",
    ),
    Case(
        "shipping what is not there",
        lambda: ship(fulfillment_order_id="F-404"),
        NOT_FOUND,
        "FULFILLMENT_ORDER_NOT_FOUND",
    ),
    Case(
        "shipping what has left",
        lambda: ship(fulfillment_order_id="LEFT"),
        REFUSED,
        "WRONG_STATE",
        {"state": "SHIPPED", "wanted": "ACCEPTED"},
    ),
    invalid("delivering nothing", lambda: deliver(fulfillment_order_id=""), "fulfillment_order_id"),
    Case(
        "delivering what is not there",
        lambda: deliver(fulfillment_order_id="F-404"),
        NOT_FOUND,
        "FULFILLMENT_ORDER_NOT_FOUND",
    ),
    Case(
        "delivering what has not left",
        lambda: deliver(fulfillment_order_id="OPEN"),
        REFUSED,
        "WRONG_STATE",
        {"state": "RELEASED", "wanted": "SHIPPED"},
    ),
    # SavePolicy
    invalid("no policy", lambda: v1.SavePolicyRequest(request_id=new_id()), "policy"),
    invalid("a policy without a name", lambda: policy(policy_id=""), "policy.policy_id"),
    invalid("a policy without zones", lambda: policy(zones=[]), "policy.zones"),
    invalid(
        "a policy without a currency", lambda: policy(currency_code="usd"), "policy.currency_code"
    ),
    Case(
        "zones that do not rise",
        lambda: policy(zones=list(policy().policy.zones)[::-1]),
        INVALID,
        "ZONES_NOT_ASCENDING",
        {"zone": "2"},
    ),
    Case(
        "a policy in two currencies",
        lambda: policy(split_charge=EUR),
        INVALID,
        "CURRENCY_MISMATCH",
        {"wanted": "USD", "given": "EUR"},
    ),
    Case(
        "a policy that had rather not send",
        lambda: policy(
            unfilled_penalty=v1.UnfilledPenalty(fixed=usd(1), per_unit=usd(1), per_kilogram=usd(9))
        ),
        REFUSED,
        "UNFILLED_MUST_DOMINATE",
    ),
]

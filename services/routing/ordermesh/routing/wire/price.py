"""Prices as messages."""

from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration

from ordermesh.api.routing import v1
from ordermesh.routing.domain.foresight.demand import Promotion
from ordermesh.routing.domain.foresight.price_set import (
    LaborPrice,
    PriceSet,
    StockPrice,
    Suggested,
    Suggestion,
)
from ordermesh.routing.wire.money import instant, money_message, timestamp


def promotions_of(request: v1.RenewPricesRequest) -> tuple[Promotion, ...]:
    """What is known of promotions."""
    return tuple(
        Promotion(one.sku, one.demand_permille, instant(one.end_time, "promotions.end_time"))
        for one in request.promotions
    )


def price_set_message(one: PriceSet, now: datetime) -> v1.PriceSet:
    """A version, with how much of it counts now."""
    horizon = Duration()
    horizon.FromTimedelta(timedelta(hours=one.horizon_hours))
    return v1.PriceSet(
        version=one.version,
        create_time=timestamp(one.create_time),
        fade_time=timestamp(one.fade_time),
        end_time=timestamp(one.end_time),
        strength_permille=one.strength(now),
        currency_code=one.currency_code,
        horizon=horizon,
        orders=one.orders,
        days=one.days,
        baskets=one.baskets,
        futures=one.futures,
        orders_ahead=one.orders_ahead,
        accuracy=v1.ForecastAccuracy(
            error=one.accuracy.error,
            naive_error=one.accuracy.naive_error,
            bias=one.accuracy.bias,
            days=one.accuracy.periods,
        ),
        cut_off=one.is_cut,
        seed=one.seed,
        cause=one.cause,
        promotions=[
            v1.Promotion(
                sku=each.sku, demand_permille=each.permille, end_time=timestamp(each.end_time)
            )
            for each in one.promotions
        ],
    )


def stock_price_message(one: StockPrice, currency: str) -> v1.StockPrice:
    """What stock is worth."""
    return v1.StockPrice(
        sku=one.sku,
        location_id=one.location_id,
        price=money_message(one.price, currency),
        units=one.units,
        last_unit_worth=money_message(one.last_unit, currency),
        next_unit_worth=money_message(one.next_unit, currency),
        missing_permille=one.missing_permille,
        idle_units=one.idle_units,
    )


def labor_price_message(one: LaborPrice, currency: str) -> v1.LaborPrice:
    """What work is worth."""
    worth = one.hour_worth
    return v1.LaborPrice(
        location_id=one.location_id,
        price=money_message(one.price, currency),
        units=one.units,
        hour_worth=None if worth is None else money_message(worth, currency),
    )


def suggestion_message(one: Suggestion, currency: str) -> v1.StockSuggestion:
    """Where units would save something."""
    return v1.StockSuggestion(
        kind=v1.StockSuggestion.Kind.Value(f"KIND_{one.kind}"),
        sku=one.sku,
        from_location_id=one.from_location_id,
        to_location_id=one.to_location_id,
        units=one.units,
        value=money_message(one.value, currency),
    )


def kind_of(value: "v1.StockSuggestion.Kind.ValueType") -> Suggested | None:
    """The kind that is meant; None for all."""
    name = v1.StockSuggestion.Kind.Name(value).removeprefix("KIND_")
    return None if name == "UNSPECIFIED" else Suggested(name)

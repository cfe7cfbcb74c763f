"""What a run over open orders found and did."""

from ordermesh.api.routing import v1
from ordermesh.routing.domain.reoptimizing.fate import Fate, Outcome, Told
from ordermesh.routing.wire.money import money_message


def outcome_message(outcome: Outcome) -> v1.ReoptimizeOrdersResponse:
    """The outcome of a run; without compared orders there are no amounts."""
    currency = outcome.currency_code
    message = v1.ReoptimizeOrdersResponse(
        run_id=str(outcome.run_id),
        considered_orders=len(outcome.orders),
        compared_orders=outcome.compared,
        moved_orders=outcome.count(Fate.MOVED),
        to_be_moved_orders=outcome.count(Fate.TO_BE_MOVED),
        cut_off=outcome.is_cut,
        more_orders=outcome.has_more,
        orders=[_order(one, currency) for one in outcome.orders],
    )
    worths = outcome.worths
    message.stock_worths.extend(
        v1.StockWorth(
            sku=one.sku,
            location_id=one.location_id,
            worth=money_message(one.worth, currency),
        )
        for one in worths.stock
    )
    message.labor_worths.extend(
        v1.LaborWorth(location_id=one.location_id, worth=money_message(one.worth, currency))
        for one in worths.labor
    )
    message.transfers.extend(
        v1.TransferSuggestion(
            sku=one.sku,
            from_location_id=one.from_location_id,
            to_location_id=one.to_location_id,
            free_units=one.free_units,
            value=money_message(one.value, currency),
        )
        for one in worths.transfers
    )
    if outcome.compared:
        message.cost_before.CopyFrom(money_message(outcome.cost_before, currency))
        message.cost_after.CopyFrom(money_message(outcome.cost_after, currency))
        message.charge.CopyFrom(money_message(outcome.charge, currency))
    if outcome.compared and outcome.prices is not None:
        before, after = outcome.prices
        message.prices_before.CopyFrom(money_message(before, currency))
        message.prices_after.CopyFrom(money_message(after, currency))
    if outcome.bound is not None:
        message.bound.CopyFrom(money_message(outcome.bound, currency))
    if outcome.gap is not None:
        message.gap = outcome.gap
    return message


def _order(told: Told, currency: str) -> v1.ReoptimizedOrder:
    message = v1.ReoptimizedOrder(
        order_id=told.order_id,
        fate=v1.ReoptimizedOrder.Fate.Value(f"FATE_{told.fate}"),
        fact=told.fact,
        decision_id="" if told.decision_id is None else str(told.decision_id),
        reassignment_id="" if told.reassignment_id is None else str(told.reassignment_id),
    )
    if told.cost_before is not None:
        message.cost_before.CopyFrom(money_message(told.cost_before, currency))
    if told.cost_after is not None:
        message.cost_after.CopyFrom(money_message(told.cost_after, currency))
    return message

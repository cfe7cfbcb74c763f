"""Rules, tiers and stages of policies."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money as MoneyMessage

from ordermesh.api.routing import v1
from ordermesh.kernel.money import Money
from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.domain.rules.action import OrderAction
from ordermesh.routing.domain.rules.conditions import AnyOf, Condition, Test
from ordermesh.routing.domain.rules.rule import (
    CapacityMode,
    Charge,
    Consolidate,
    Effect,
    Fence,
    KeepApart,
    Mode,
    PromiseRule,
    Purpose,
    Rule,
    Scale,
    Scope,
    ServiceRule,
    SplitLimit,
    Window,
)
from ordermesh.routing.domain.rules.substitute import PaidFor, Substitute, When
from ordermesh.routing.domain.rules.vocabulary import Fact, Kind
from ordermesh.routing.domain.terms import MONEY_TERMS, Term, Tier, Weighted
from ordermesh.routing.wire.actions import order_action, order_action_message
from ordermesh.routing.wire.money import amount, instant, money_message, timestamp


def windows(messages: Iterable[v1.TimeWindow]) -> tuple[Window, ...]:
    """Stretches of time; raises ``InvalidFields`` for an instant that is none."""
    return tuple(
        Window(
            instant(one.start_time, "windows") if one.HasField("start_time") else None,
            instant(one.end_time, "windows") if one.HasField("end_time") else None,
        )
        for one in messages
    )


def window_messages(values: Iterable[Window]) -> list[v1.TimeWindow]:
    """Stretches of time as they are told."""
    return [v1.TimeWindow(start_time=_time(one.start), end_time=_time(one.end)) for one in values]


def _time(value: datetime | None) -> Timestamp | None:
    return None if value is None else timestamp(value)


def conditions(messages: Iterable[v1.Condition], currency: str) -> tuple[Condition, ...]:
    """Conditions; raises ``CurrencyMismatch``."""
    return tuple(_condition(one, currency) for one in messages)


def condition_messages(values: Iterable[Condition], currency: str) -> list[v1.Condition]:
    """Conditions as they are told."""
    return [_condition_message(one, currency) for one in values]


def _condition(message: v1.Condition, currency: str) -> Condition:
    if message.WhichOneof("test") == "any_of":
        return AnyOf(
            tuple(_test(one, currency) for one in message.any_of.conditions), message.negated
        )
    return _test(message, currency)


def _test(message: v1.Condition, currency: str) -> Test:
    """A test; raises ``FieldViolation`` for a list inside a list."""
    negated = message.negated
    match message.WhichOneof("test"):
        case "number":
            number = message.number
            return Test(
                Fact(v1.NumberFact.Name(number.fact).removeprefix("NUMBER_FACT_")),
                number.at_least if number.HasField("at_least") else None,
                number.at_most if number.HasField("at_most") else None,
                negated=negated,
            )
        case "amount":
            money = message.amount
            return Test(
                Fact(v1.AmountFact.Name(money.fact).removeprefix("AMOUNT_FACT_")),
                amount(money.at_least, currency) if money.HasField("at_least") else None,
                amount(money.at_most, currency) if money.HasField("at_most") else None,
                negated=negated,
            )
        case "text":
            text = message.text
            fact = Fact(v1.TextFact.Name(text.fact).removeprefix("TEXT_FACT_"))
            return Test(fact, values=tuple(sorted(text.values)), negated=negated)
        case "any_of":
            sentence = "One of several tests is no list of tests itself."
            raise FieldViolation("conditions.any_of", "not_nested", sentence)
        case _:
            flag = v1.FlagFact.Name(message.flag.fact).removeprefix("FLAG_FACT_")
            return Test(Fact(flag), negated=negated)


def _condition_message(value: Condition, currency: str) -> v1.Condition:
    if isinstance(value, AnyOf):
        tests = [_condition_message(one, currency) for one in value.tests]
        return v1.Condition(any_of=v1.AnyTest(conditions=tests), negated=value.negated)
    fact, negated = value.fact, value.negated
    match fact.kind:
        case Kind.NUMBER:
            number = v1.NumberTest(
                fact=v1.NumberFact.Value(f"NUMBER_FACT_{fact}"),
                at_least=value.at_least,
                at_most=value.at_most,
            )
            return v1.Condition(number=number, negated=negated)
        case Kind.AMOUNT:
            money = v1.AmountTest(
                fact=v1.AmountFact.Value(f"AMOUNT_FACT_{fact}"),
                at_least=_money(value.at_least, currency),
                at_most=_money(value.at_most, currency),
            )
            return v1.Condition(amount=money, negated=negated)
        case Kind.TEXT:
            text = v1.TextTest(fact=v1.TextFact.Value(f"TEXT_FACT_{fact}"), values=value.values)
            return v1.Condition(text=text, negated=negated)
        case Kind.FLAG:
            flag = v1.FlagTest(fact=v1.FlagFact.Value(f"FLAG_FACT_{fact}"))
            return v1.Condition(flag=flag, negated=negated)


def _money(value: int | None, currency: str) -> MoneyMessage | None:
    return None if value is None else money_message(value, currency)


def rule(message: v1.Rule, currency: str) -> Rule:
    """A rule; raises ``CurrencyMismatch``."""
    scope = message.scope
    return Rule(
        rule_id=message.rule_id,
        effect=_effect(message, currency),
        name=message.name,
        windows=windows(message.windows),
        scope=Scope(
            tuple(sorted(scope.location_ids)),
            tuple(sorted(scope.groups)),
            tuple(sorted(scope.skus)),
            tuple(sorted(scope.item_tags)),
            tuple(sorted(scope.item_handling)),
        ),
        conditions=conditions(message.conditions, currency),
        disabled=message.disabled,
    )


def rule_message(value: Rule, currency: str) -> v1.Rule:
    """A rule as it is told."""
    scope = value.scope
    message = v1.Rule(
        rule_id=value.rule_id,
        name=value.name,
        windows=window_messages(value.windows),
        conditions=condition_messages(value.conditions, currency),
        disabled=value.disabled,
    )
    if scope != Scope():
        message.scope.CopyFrom(
            v1.RuleScope(
                location_ids=scope.location_ids,
                groups=scope.groups,
                skus=scope.skus,
                item_tags=scope.item_tags,
                item_handling=scope.item_handling,
            )
        )
    _tell_effect(message, value.effect, currency)
    return message


def _effect(message: v1.Rule, currency: str) -> Effect:
    match message.WhichOneof("effect"):
        case "fence":
            return Fence()
        case "charge":
            return _charge(message.charge, currency)
        case "split_limit":
            return _split_limit(message.split_limit, currency)
        case "capacity_mode":
            mode = v1.CapacityMode.Mode.Name(message.capacity_mode.mode)
            return CapacityMode(Mode(mode.removeprefix("MODE_")))
        case "service":
            service = message.service
            return ServiceRule(
                tuple(sorted(service.service_ids)),
                service.banned,
                _amount(service, "per_parcel", currency),
                tuple(sorted(service.features)),
                tuple(sorted(service.without_features)),
            )
        case "action":
            return order_action(message.action)
        case "substitute":
            return _substitute(message.substitute, currency)
        case "keep_apart":
            return KeepApart()
        case "consolidate":
            hubs = message.consolidate.hub_location_ids
            return Consolidate(tuple(sorted(hubs)), message.consolidate.required)
        case _:
            return PromiseRule(message.promise.hard, message.promise.tolerance_days)


def _charge(message: v1.Charge, currency: str) -> Charge:
    scale = None
    if message.HasField("scale"):
        fact = v1.NumberFact.Name(message.scale.fact).removeprefix("NUMBER_FACT_")
        scale = Scale(Fact(fact), message.scale.nothing_at, message.scale.all_at)
    purpose = v1.Charge.Purpose.Name(message.purpose).removeprefix("PURPOSE_")
    return Charge(
        _amount(message, "per_unit", currency),
        _amount(message, "per_shipment", currency),
        _amount(message, "per_parcel", currency),
        scale,
        Purpose.PREFERENCE if purpose == "UNSPECIFIED" else Purpose(purpose),
    )


def _substitute(message: v1.Substitute, currency: str) -> Substitute:
    paid = v1.Substitute.Price.Name(message.price).removeprefix("PRICE_")
    return Substitute(
        message.sku,
        When(v1.Substitute.When.Name(message.when).removeprefix("WHEN_")),
        message.units_each or 1,
        PaidFor.AS_ORDERED if paid == "UNSPECIFIED" else PaidFor(paid),
        _amount(message, "per_unit", currency),
    )


def _split_limit(message: v1.SplitLimit, currency: str) -> SplitLimit:
    def worth(name: str) -> Money | None:
        return _amount(message, name, currency) if message.HasField(name) else None  # type: ignore[arg-type]

    return SplitLimit(
        message.shipments_max,
        message.parcels_max,
        message.ship_complete,
        message.lines_whole,
        message.lines_together,
        worth("item_value_min"),
        worth("order_value_min"),
        message.only_if_available,
    )


def _amount(
    message: v1.Charge | v1.ServiceRule | v1.SplitLimit | v1.Substitute, name: str, currency: str
) -> Money:
    if not message.HasField(name):  # type: ignore[arg-type]
        return Money(0)
    return amount(getattr(message, name), currency)


def _tell_effect(message: v1.Rule, effect: Effect, currency: str) -> None:
    match effect:
        case Fence():
            message.fence.SetInParent()
        case Charge():
            message.charge.CopyFrom(
                v1.Charge(
                    per_unit=_money(effect.per_unit or None, currency),
                    per_shipment=_money(effect.per_shipment or None, currency),
                    per_parcel=_money(effect.per_parcel or None, currency),
                    purpose=v1.Charge.Purpose.Value(f"PURPOSE_{effect.purpose}"),
                )
            )
            if effect.scale is not None:
                message.charge.scale.CopyFrom(
                    v1.Scale(
                        fact=v1.NumberFact.Value(f"NUMBER_FACT_{effect.scale.fact}"),
                        nothing_at=effect.scale.nothing_at,
                        all_at=effect.scale.all_at,
                    )
                )
        case SplitLimit():
            message.split_limit.CopyFrom(
                v1.SplitLimit(
                    shipments_max=effect.shipments_max,
                    parcels_max=effect.parcels_max,
                    ship_complete=effect.ship_complete,
                    lines_whole=effect.lines_whole,
                    lines_together=effect.lines_together,
                    item_value_min=_money(effect.item_value_min, currency),
                    order_value_min=_money(effect.order_value_min, currency),
                    only_if_available=effect.only_if_available,
                )
            )
        case CapacityMode():
            message.capacity_mode.mode = v1.CapacityMode.Mode.Value(f"MODE_{effect.mode}")
        case ServiceRule():
            message.service.CopyFrom(
                v1.ServiceRule(
                    service_ids=effect.service_ids,
                    banned=effect.banned,
                    per_parcel=_money(effect.per_parcel or None, currency),
                    features=effect.features,
                    without_features=effect.without_features,
                )
            )
        case PromiseRule():
            message.promise.CopyFrom(
                v1.PromiseRule(hard=effect.hard, tolerance_days=effect.tolerance_days)
            )
        case OrderAction():
            message.action.CopyFrom(order_action_message(effect))
        case KeepApart():
            message.keep_apart.SetInParent()
        case Consolidate():
            message.consolidate.hub_location_ids.extend(effect.hub_location_ids)
            message.consolidate.required = effect.required
        case Substitute():
            message.substitute.CopyFrom(
                v1.Substitute(
                    sku=effect.sku,
                    units_each=effect.units_each,
                    when=v1.Substitute.When.Value(f"WHEN_{effect.when}"),
                    price=v1.Substitute.Price.Value(f"PRICE_{effect.price}"),
                    per_unit=_money(effect.per_unit or None, currency),
                )
            )


_TERMS: Mapping[str, Term] = {
    "LATE_LINES": Term.LATE_ATOMS,
    "ARRIVAL_DAYS": Term.ATOM_DAYS,
}
"""Terms that the contract calls otherwise; what is a cost says so there."""


def _term(value: "v1.WeightedTerm.Term.ValueType") -> Term:
    name = v1.WeightedTerm.Term.Name(value).removeprefix("TERM_")
    return _TERMS[name] if name in _TERMS else Term(name.removeprefix("COST_"))


def _term_value(term: Term) -> "v1.WeightedTerm.Term.ValueType":
    names = {ours: theirs for theirs, ours in _TERMS.items()}
    name = names.get(term, f"COST_{term}" if term in MONEY_TERMS else str(term))
    return v1.WeightedTerm.Term.Value(f"TERM_{name}")


def tiers(messages: Iterable[v1.Tier]) -> tuple[Tier, ...]:
    """Tiers; raises ``FieldViolation`` for terms that cannot be added up."""
    found = []
    for message in messages:
        terms = tuple(Weighted(_term(one.term), one.weight_thousandths) for one in message.terms)
        words = " and ".join(str(one.term).lower().replace("_", " ") for one in terms)
        try:
            found.append(Tier(message.name or words, terms))
        except ValueError as error:
            raise FieldViolation("tiers", "terms", f"Of {words}: {error}.") from error
    return tuple(found)


def tier_messages(values: Iterable[Tier]) -> list[v1.Tier]:
    """Tiers as they are told."""
    return [
        v1.Tier(
            terms=[
                v1.WeightedTerm(term=_term_value(one.term), weight_thousandths=one.thousandths)
                for one in tier.terms
            ],
            name=tier.name,
        )
        for tier in values
    ]

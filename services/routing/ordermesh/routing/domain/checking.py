"""What no policy may be, whoever saves it: refused before a version is made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ordermesh.kernel.money import from_decimal, to_decimal
from ordermesh.routing.domain.errors.policy import (
    CurrencyMismatch,
    RuleNotValid,
    UnfilledMustDominate,
    ZonesNotAscending,
)
from ordermesh.routing.domain.errors.requests import DuplicateEntry, FieldViolation
from ordermesh.routing.domain.network import NetworkLocation
from ordermesh.routing.domain.policy import (
    CARBON_PER_KG_KM_GRAMS,
    CARBON_PER_PARCEL_GRAMS,
    CARBON_PER_PARCEL_KM_GRAMS,
    Policy,
    Zone,
)
from ordermesh.routing.domain.rules.action import OrderAction
from ordermesh.routing.domain.rules.conditions import Condition, level_of
from ordermesh.routing.domain.rules.rule import (
    CapacityMode,
    Charge,
    Consolidate,
    KeepApart,
    PromiseRule,
    Rule,
    ServiceRule,
    SplitLimit,
    Window,
)
from ordermesh.routing.domain.rules.substitute import Substitute
from ordermesh.routing.domain.rules.vocabulary import Kind, Level
from ordermesh.routing.domain.standing import reject_cost
from ordermesh.routing.domain.terms import MONEY_TERMS, PLAIN, THOUSANDTHS, Term, Tier

_GRAMS_PER_KG = 1_000
_MICROGRAMS = 1_000_000
_EARNING = "parcels that earn money would be made for it"


def check(policy: Policy, network: Iterable[NetworkLocation]) -> None:
    """Refuse what no policy may be.

    Raises ``ZonesNotAscending``; ``CurrencyMismatch`` when the network's costs are in another
    currency; ``RuleNotValid``, ``DuplicateEntry`` and ``FieldViolation`` for rules, windows, tiers
    and stages that say what cannot be meant; ``UnfilledMustDominate`` when there are goods that
    could be cheaper to leave than to send from some location, however late for a promise of one
    day.
    """
    reached = 0
    for number, zone in enumerate(policy.zones, start=1):
        if zone.distance_km_max <= reached:
            raise ZonesNotAscending(number)
        reached = zone.distance_km_max
    _check_words(policy)
    locations = [location for location in network if location.ships]
    for location in locations:
        if location.currency_code != policy.currency_code:
            raise CurrencyMismatch(location.currency_code, policy.currency_code)
    first = _first_tier(policy)
    if _leaves_last(first):
        return
    weights = _weights(first)
    for location in locations:
        for zone in policy.zones:
            _refuse_dear(policy, weights, location, zone)


def _check_words(policy: Policy) -> None:
    _refuse_empty("windows", policy.windows)
    for condition in policy.chosen_when:
        if level_of(condition) is not Level.ORDER:
            sentence = "A policy is chosen by what is known of the order alone."
            raise FieldViolation("chosen_when", "order_level", sentence)
        _check_condition("", condition)
    _refuse_repeated("rules.rule_id", (rule.rule_id for rule in policy.rules))
    for rule in policy.rules:
        _check_rule(rule)
    _refuse_repeated("stages.name", (stage.name for stage in policy.stages))
    known = {rule.rule_id for rule in policy.rules}
    for stage in policy.stages:
        unknown = sorted(set(stage.without_rule_ids) - known)
        if unknown:
            raise RuleNotValid(unknown[0], f"stage {stage.name} leaves it out, and there is none")


def _refuse_repeated(field: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise DuplicateEntry(field, value)
        seen.add(value)


def _refuse_empty(field: str, windows: Iterable[Window]) -> None:
    for window in windows:
        if window.start is not None and window.end is not None and window.end <= window.start:
            raise FieldViolation(field, "end_time", "A window ends after it has begun.")


def _check_rule(rule: Rule) -> None:
    """Refuse a rule whose conditions speak of more than its effect can be about."""
    _refuse_empty("rules.windows", rule.windows)
    for condition in rule.all_conditions:
        _check_condition(rule.rule_id, condition)
    about = {level_of(condition) for condition in rule.all_conditions}
    allowed: frozenset[Level] = frozenset(Level)
    match rule.effect:
        case Charge():
            _check_charge(rule.rule_id, rule.effect, about)
        case SplitLimit() | PromiseRule() | Consolidate():
            allowed = frozenset({Level.ORDER, Level.ITEM})
            if rule.effect == SplitLimit():
                raise RuleNotValid(rule.rule_id, "it limits nothing")
        case KeepApart():
            allowed = frozenset({Level.ORDER, Level.ITEM})
            if Level.ITEM not in about:
                raise RuleNotValid(rule.rule_id, "it keeps all goods apart from none")
        case OrderAction():
            allowed = frozenset({Level.ORDER})
        case Substitute():
            allowed = frozenset({Level.ORDER, Level.ITEM})
            _check_substitute(rule, rule.effect)
        case CapacityMode():
            allowed = frozenset({Level.ORDER, Level.LOCATION})
        case ServiceRule():
            allowed = frozenset({Level.ORDER, Level.ITEM, Level.LOCATION})
            _check_services(rule.rule_id, rule.effect)
        case _:
            pass
    if not about <= allowed:
        strange = min(about - allowed).name.lower()
        raise RuleNotValid(rule.rule_id, f"its effect cannot depend on facts of {strange}")


def _check_substitute(rule: Rule, effect: Substitute) -> None:
    if effect.sku in rule.scope.skus:
        raise RuleNotValid(rule.rule_id, f"{effect.sku} replaces itself")
    if effect.per_unit < 0:
        raise RuleNotValid(rule.rule_id, "substitutes that earn money would be sent for it")


def _check_services(rule_id: str, effect: ServiceRule) -> None:
    if effect.banned == bool(effect.per_parcel):
        raise RuleNotValid(rule_id, "services are either banned or charged")
    if effect.per_parcel < 0:
        raise RuleNotValid(rule_id, _EARNING)


def _check_charge(rule_id: str, charge: Charge, about: set[Level]) -> None:
    if not (charge.per_unit or charge.per_shipment or charge.per_parcel):
        raise RuleNotValid(rule_id, "it charges nothing")
    if charge.per_parcel < 0:
        raise RuleNotValid(rule_id, _EARNING)
    by_place = bool(charge.per_shipment or charge.per_parcel)
    if charge.scale is not None:
        if charge.scale.nothing_at == charge.scale.all_at:
            raise RuleNotValid(rule_id, "its scale has no width")
        about = about | {charge.scale.fact.level}
    if by_place and about & {Level.ITEM, Level.STOCK}:
        sentence = "what is charged by shipment or parcel cannot depend on goods or stock"
        raise RuleNotValid(rule_id, sentence)


def _check_condition(rule_id: str, condition: Condition) -> None:
    for test in condition.tests:
        if test.fact.kind not in (Kind.NUMBER, Kind.AMOUNT):
            continue
        low, high = test.at_least, test.at_most
        if low is None and high is None:
            raise RuleNotValid(rule_id, f"its test of {test.fact} has no limit")
        if low is not None and high is not None and low > high:
            raise RuleNotValid(rule_id, f"its test of {test.fact} lets nothing pass")


def _first_tier(policy: Policy) -> Tier:
    """The first tier in which anything counts."""
    for tier in policy.tiers or PLAIN:
        counting = [one.term for one in tier.terms if one.thousandths]
        if Term.UNITS_BY_RANK in counting:
            sentence = "Units by rank come after what is left unfilled."
            raise FieldViolation("tiers", "unfilled_first", sentence)
        if counting:
            return tier
    raise FieldViolation("tiers", "weights", "No term of any tier counts.")


def _leaves_last(tier: Tier) -> bool:
    """Whether units that are left are compared before everything else."""
    return [one.term for one in tier.terms if one.thousandths] == [Term.UNFILLED_UNITS]


def _weights(tier: Tier) -> Mapping[Term, int]:
    """How much each term counts, all costs one by one."""
    weights = dict.fromkeys(Term, 0)
    for one in tier.terms:
        for term in MONEY_TERMS if one.term is Term.COST else (one.term,):
            weights[term] += one.thousandths
    return weights


@dataclass(frozen=True, slots=True)
class _Extra:
    """The most that charges of rules can add, were all of them to apply."""

    per_unit: int
    per_parcel: int


_RULED = (Term.PREFERENCE, Term.MARKDOWN, Term.REJECT_RISK, Term.STOCK_OUT)
"""What money of rules is counted as."""


def _extra(policy: Policy) -> _Extra:
    charges = [rule.effect for rule in policy.rules if isinstance(rule.effect, Charge)]
    services = [rule.effect for rule in policy.rules if isinstance(rule.effect, ServiceRule)]
    replacing = [rule.effect for rule in policy.rules if isinstance(rule.effect, Substitute)]
    return _Extra(
        sum(max(0, one.per_unit) for one in charges)
        + max((one.per_unit for one in replacing), default=0),
        sum(max(0, one.per_shipment) + max(0, one.per_parcel) for one in charges)
        + sum(max(0, one.per_parcel) for one in services),
    )


def _refuse_dear(
    policy: Policy, weights: Mapping[Term, int], location: NetworkLocation, zone: Zone
) -> None:
    """The dearest way to send from here is dearer for every unit and kilogram, or it is refused.

    Penalty and cost are both straight lines in units and weight, so that each coefficient can be
    compared by itself; beyond the weight limit of a parcel, every further kilogram brings its part
    of a parcel with it. All are weighted as in the first tier that counts.
    """
    extra, ruled = _extra(policy), max(weights[term] for term in _RULED)
    parcel = (
        weights[Term.FREIGHT] * zone.freight_per_parcel
        + weights[Term.PICK] * location.pick_fee
        + weights[Term.LABOR] * location.labor_cost_per_line
        + weights[Term.SPLIT] * policy.split_charge
        + ruled * (extra.per_parcel + reject_cost(location, policy))
        + weights[Term.CARBON] * _carbon(policy, CARBON_PER_PARCEL_GRAMS)
        + weights[Term.CARBON] * _carbon(policy, CARBON_PER_PARCEL_KM_GRAMS, zone.distance_km_max)
        + weights[Term.SHIPMENTS]
        + weights[Term.PARCELS]
        + weights[Term.CARBON_MICROGRAMS] * _grams(zone) * _MICROGRAMS
    )
    late_days = max(0, zone.transit_days + location.handling_days - 1)
    days = (
        weights[Term.TRANSIT] * zone.transit_days * policy.transit_day_cost
        + weights[Term.LATE] * late_days * policy.late_day_cost
        + weights[Term.LATE_ATOMS]
        + weights[Term.ATOM_DAYS] * (zone.transit_days + location.handling_days)
    )
    unit = weights[Term.LABOR] * location.labor_cost_per_unit + ruled * extra.per_unit
    unit += weights[Term.BACKORDERED_UNITS]
    left = weights[Term.UNFILLED] * policy.unfilled_per_unit + weights[Term.UNFILLED_UNITS]
    penalty = weights[Term.UNFILLED] * policy.unfilled_fixed + left
    if penalty <= parcel + days + unit:
        raise _dominated(penalty, parcel + days + unit, location)
    if left < unit:
        raise _dominated(left, unit, location)
    kilogram = weights[Term.FREIGHT] * zone.freight_per_kg + weights[Term.CARBON] * _carbon(
        policy, CARBON_PER_KG_KM_GRAMS, zone.distance_km_max
    )
    if policy.parcel_grams_max:
        kilogram += -(-parcel * _GRAMS_PER_KG // policy.parcel_grams_max)
    by_weight = weights[Term.UNFILLED] * policy.unfilled_per_kg
    if by_weight < kilogram:
        raise _dominated(by_weight, kilogram, location)


def _grams(zone: Zone) -> int:
    """The most grams of CO2e that a parcel of up to one kilogram emits in a zone, rounded up."""
    per_km = from_decimal(CARBON_PER_PARCEL_KM_GRAMS) + from_decimal(CARBON_PER_KG_KM_GRAMS)
    return CARBON_PER_PARCEL_GRAMS + -(-per_km * zone.distance_km_max // 10_000)


def _dominated(penalty: int, dearest: int, location: NetworkLocation) -> UnfilledMustDominate:
    return UnfilledMustDominate(
        str(to_decimal(penalty // THOUSANDTHS)),
        str(to_decimal(dearest // THOUSANDTHS)),
        location.location_id,
    )


def _carbon(policy: Policy, grams: int | str, times: int = 1) -> int:
    """What so many grams of CO2e, so many times, cost: rounded up."""
    units = from_decimal(str(grams)) * times * policy.carbon_price_per_kg
    return -(-units // (10_000 * _GRAMS_PER_KG))

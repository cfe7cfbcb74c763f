"""Rules as people read them: every condition asked of every line at every location."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from ordermesh.routing.domain.geography import distance_km
from ordermesh.routing.domain.rules.conditions import AnyOf, Condition, Test
from ordermesh.routing.domain.rules.rule import (
    CapacityMode,
    Charge,
    Consolidate,
    Fence,
    KeepApart,
    Mode,
    PromiseRule,
    Purpose,
    Rule,
    ServiceRule,
    SplitLimit,
)
from ordermesh.routing.domain.rules.substitute import Substitute
from ordermesh.routing.domain.rules.vocabulary import Fact, Kind, Level
from tests.routing.ruled import Scene

LIKED = {Purpose.PREFERENCE, Purpose.EXCESS_STOCK, Purpose.SIZE_RUN}
"""What is counted as a preference."""


def rounded(amount: Fraction) -> int:
    """The nearest whole number, a half to the even one."""
    return round(amount)


@dataclass(frozen=True)
class Line:
    """So many that were ordered, each filled with ``each`` of an item."""

    line_id: str
    sku: str
    each: int
    quantity: int
    price: int | None
    is_together: bool
    accepts: bool
    extra: int = 0

    @property
    def units(self) -> int:
        return self.quantity * self.each


@dataclass(frozen=True)
class Stage:
    """All that stages up to here allow."""

    partial: bool = True
    more_shipments: int = 0
    more_parcels: int = 0
    more_days: int = 0
    without: frozenset[str] = frozenset()
    beyond: bool = False


def stages(scene: Scene) -> list[Stage]:
    found = []
    so_far = Stage(partial=False)
    for one in scene.known.policy.stages:
        so_far = Stage(
            so_far.partial or one.partial_allowed,
            so_far.more_shipments + one.more_shipments,
            so_far.more_parcels + one.more_parcels,
            so_far.more_days + one.more_days,
            so_far.without | frozenset(one.without_rule_ids),
            so_far.beyond or one.beyond_capacity,
        )
        found.append(so_far)
    return found or [Stage()]


def ordered(scene: Scene) -> tuple[Line, ...]:
    return tuple(
        Line(
            one.line.line_id,
            one.line.sku,
            1,
            one.line.quantity,
            None if one.line.unit_price is None else one.line.unit_price.amount,
            one.line.keep_together,
            one.line.accepts_substitutes,
        )
        for one in scene.question.wanted
    )


@dataclass
class Reading:
    """The rules, read for some lines at one stage."""

    scene: Scene
    stage: Stage
    lines: tuple[Line, ...]
    gone: dict[tuple[str, str], bool] = field(default_factory=dict)
    money: dict[tuple[str, str], int] = field(default_factory=dict)
    liked: dict[tuple[str, str], int] = field(default_factory=dict)
    parcel: dict[str, int] = field(default_factory=dict)
    service: dict[str, int] = field(default_factory=dict)
    banned: set[str] = field(default_factory=set)
    modes: dict[str, Mode] = field(default_factory=dict)
    apart: dict[str, list[str]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    together: list[set[str]] = field(default_factory=list)
    hubs: list[str] = field(default_factory=list)
    promise: PromiseRule | None = None
    shipments: int | None = None
    parcels: int | None = None
    complete: bool = False
    charges: list[tuple[str, str, int, Purpose]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.places = {one.location_id: one for one in self.scene.known.network}
        self.km = {
            name: distance_km(self.scene.known.locations[name].place, self.scene.question.place)
            for name in self.places
        }
        for rule in self.scene.known.policy.rules:
            if rule.rule_id not in self.stage.without:
                self.read(rule)
        for line in self.lines:
            for name in self.places:
                if line.extra and self.held(name, line.sku):
                    self.charges.append((name, line.line_id, line.extra, Purpose.PREFERENCE))
        self.bundles = self.joined()
        for charge in self.charges:
            self.add(*charge)

    # What is known

    def held(self, place: str, sku: str) -> int:
        return self.scene.stock.get(place, {}).get(sku, 0)

    def value(self, line: Line) -> int | None:
        if line.price is not None:
            return line.price
        worth = self.scene.known.items[line.sku].value
        return None if worth is None else worth.amount * line.each

    def fact(self, fact: Fact, line: Line | None, place: str) -> object:
        scene, values = self.scene, [self.value(one) for one in self.lines]
        if fact.level is Level.ORDER:
            total: int | None = 0
            for one, each in zip(self.lines, values, strict=True):
                total = None if each is None or total is None else total + each * one.quantity
            return {
                Fact.ORDER_CHANNEL: {scene.question.context.channel},
                Fact.ORDER_TAG: set(scene.question.context.traits.tags),
                Fact.ORDER_UNITS: sum(one.quantity for one in self.lines),
                Fact.ORDER_VALUE: total,
                Fact.ORDER_IS_AVAILABLE: self.is_available(),
                Fact.ORDER_PROMISE_DAYS: scene.question.promise_days or None,
            }[fact]
        if fact.level is Level.LOCATION:
            known = scene.known.locations[place]
            return {
                Fact.LOCATION_ID: {place},
                Fact.LOCATION_GROUP: set(known.groups),
                Fact.LOCATION_TYPE: {known.kind},
                Fact.LOCATION_DISTANCE_KM: self.km[place],
                Fact.LOCATION_PRIORITY: self.places[place].priority or None,
            }[fact]
        if line is None:
            raise ValueError("a fact of goods is asked of goods")
        item = scene.known.items[line.sku]
        there = self.held(place, line.sku) if place else 0
        return {
            Fact.ITEM_SKU: {line.sku},
            Fact.ITEM_TAG: set(item.tags),
            Fact.LINE_QUANTITY: line.quantity,
            Fact.ITEM_VALUE: self.value(line),
            Fact.ITEM_WEIGHT_GRAMS: item.weight_grams * line.each,
            Fact.STOCK_AVAILABLE: there,
            Fact.STOCK_WOULD_RUN_OUT: there <= line.units,
        }[fact]

    def is_available(self) -> bool:
        skus = {one.sku for one in self.lines}
        return all(
            sum(self.held(name, sku) for name in self.places)
            >= sum(one.units for one in self.lines if one.sku == sku)
            for sku in skus
        )

    def holds(self, conditions: tuple[Condition, ...], line: Line | None, place: str) -> bool:
        return all(self.is_so(one, line, place) is True for one in conditions)

    def is_so(self, condition: Condition, line: Line | None, place: str) -> bool | None:
        if isinstance(condition, AnyOf):
            said = [self.is_so(one, line, place) for one in condition.tests]
            return True if True in said else None if None in said else False
        return self.tested(condition, line, place)

    def tested(self, test: Test, line: Line | None, place: str) -> bool | None:
        value = self.fact(test.fact, line, place)
        if value is None:
            return None
        if isinstance(value, set):
            so = bool(value & set(test.values))
        elif test.fact.kind is Kind.FLAG:
            so = bool(value)
        else:
            low = test.at_least is None or value >= test.at_least  # type: ignore[operator]
            so = low and (test.at_most is None or value <= test.at_most)  # type: ignore[operator]
        return so is not test.negated

    # What rules say

    def read(self, rule: Rule) -> None:  # noqa: C901 - one effect after the other
        about: dict[Level, list[Condition]] = {level: [] for level in Level}
        for condition in rule.conditions:
            about[max(test.fact.level for test in condition.tests)].append(condition)
        if not self.holds(tuple(about[Level.ORDER]), None, ""):
            return
        lines = [one for one in self.lines if self.holds(tuple(about[Level.ITEM]), one, "")]
        at = [one for one in self.places if self.holds(tuple(about[Level.LOCATION]), None, one)]
        stock = tuple(about[Level.STOCK])
        pairs = [(name, one) for name in at for one in lines if self.holds(stock, one, name)]
        effect = rule.effect
        match effect:
            case Fence():
                for name, one in pairs:
                    of_stock = self.gone.get((name, one.line_id), True) and bool(stock)
                    self.gone[name, one.line_id] = of_stock
            case Charge():
                self.charge(effect, pairs, at)
            case SplitLimit() if lines:
                self.limit(effect, lines)
            case CapacityMode():
                for name in at:
                    self.modes.setdefault(name, effect.mode)
            case ServiceRule() if lines:
                self.serve(effect, at)
            case PromiseRule() if lines:
                self.promise = self.promise or effect
            case Consolidate() if lines:
                self.hubs += [one for one in effect.hub_location_ids if one not in self.hubs]
                self.shipments = 1 if effect.required else self.shipments
            case KeepApart():
                for one in lines:
                    self.apart.setdefault(one.line_id, []).append(rule.rule_id)

    def charge(self, effect: Charge, pairs: list[tuple[str, Line]], at: list[str]) -> None:
        def scaled(amount: int, line: Line | None, place: str) -> int:
            if effect.scale is None:
                return amount
            value = self.fact(effect.scale.fact, line, place)
            assert isinstance(value, int)
            low, high = effect.scale.nothing_at, effect.scale.all_at
            share = min(max(Fraction(value - low, high - low), Fraction(0)), Fraction(1))
            return rounded(amount * share)

        if effect.per_unit:
            for name, line in pairs:
                amount = scaled(effect.per_unit, line, name)
                self.charges.append((name, line.line_id, amount, effect.purpose))
            return
        for name in at:
            once = scaled(effect.per_shipment, None, name)
            self.charges.append((name, "", once, effect.purpose))
            each = scaled(effect.per_parcel, None, name)
            self.parcel[name] = self.parcel.get(name, 0) + each

    def add(self, place: str, line_id: str, amount: int, purpose: Purpose) -> None:
        """Money for each unit of a line, or once; of bundles by the share of the line."""
        bundle = next((one for one in self.bundles if line_id in one), None)
        name = line_id
        if bundle is not None:
            units = {one.line_id: one.units for one in self.lines if one.line_id in bundle}
            amount = rounded(Fraction(amount * units[line_id], sum(units.values())))
            name = bundle[0]
        self.money[place, name] = self.money.get((place, name), 0) + amount
        if purpose in LIKED:
            self.liked[place, name] = self.liked.get((place, name), 0) + amount

    def limit(self, effect: SplitLimit, lines: list[Line]) -> None:
        names = {one.line_id for one in lines}
        if effect.shipments_max:
            self.shipments = min(self.shipments or effect.shipments_max, effect.shipments_max)
        if effect.parcels_max:
            self.parcels = min(self.parcels or effect.parcels_max, effect.parcels_max)
        self.complete = self.complete or effect.ship_complete
        self.whole |= names if effect.lines_whole else set()
        if effect.lines_together and len(names) > 1:
            self.together.append(names)
        values = [self.value(one) for one in lines]
        known = [one for one in values if one is not None]
        least = effect.item_value_min
        if least is not None and len(known) == len(lines) and min(known) < least:
            self.shipments = 1
        total = self.fact(Fact.ORDER_VALUE, None, "")
        least = effect.order_value_min
        if least is not None and isinstance(total, int) and total < least:
            self.shipments = 1
        if effect.only_if_available and not self.is_available():
            self.shipments = 1

    def serve(self, effect: ServiceRule, at: list[str]) -> None:
        """The one service there is has no features."""
        if "standard" in effect.service_ids or effect.without_features:
            for name in at:
                if effect.banned:
                    self.banned.add(name)
                else:
                    self.service[name] = self.service.get(name, 0) + effect.per_parcel

    def offers(self) -> Mapping[str, list[Substitute]]:
        found: dict[str, list[Substitute]] = {}
        for rule in self.scene.known.policy.rules:
            effect = rule.effect
            if not isinstance(effect, Substitute) or rule.rule_id in self.stage.without:
                continue
            for line in self.lines:
                if not (line.accepts and self.holds(rule.conditions, line, "")):
                    continue
                own = found.setdefault(line.line_id, [])
                if effect.sku not in (line.sku, *(one.sku for one in own)):
                    own.append(effect)
        return found

    def joined(self) -> list[list[str]]:
        """Lines that stay together, in the order of the order."""
        found: list[set[str]] = []
        for group in self.together:
            apart = [one for one in found if not one & group]
            found = [*apart, group.union(*(one for one in found if one & group))]
        return [[one.line_id for one in self.lines if one.line_id in group] for group in found]

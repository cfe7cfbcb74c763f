"""Random orders over every kind of rule, and what is best for them by a reader of rules of its own.

The oracle reads the rules as people do: it asks every condition of every line at every location,
tries every place for every atom, every way over a hub, every substitute, and every stage, and adds
up money by itself. It shares nothing with what is tested but distances and the rounding of halves.
"""

import itertools
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from ordermesh.kernel.money import Money, from_decimal
from ordermesh.routing.domain.capacity import AtLimit, Capacity, CapacityUnit
from ordermesh.routing.domain.carriage.book import Book
from ordermesh.routing.domain.carriage.carrier import TransitUnit, ZoneTransit
from ordermesh.routing.domain.carriage.lane import TransferLane
from ordermesh.routing.domain.context import OrderContext, Traits
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.known import Known
from ordermesh.routing.domain.network import SHIP
from ordermesh.routing.domain.order import OrderLine
from ordermesh.routing.domain.policy import illustrative_policy
from ordermesh.routing.domain.price import Price
from ordermesh.routing.domain.question import Question
from ordermesh.routing.domain.rules.action import (
    CancelUnfilled,
    Deed,
    HoldOrder,
    OfferAndWait,
    OrderAction,
)
from ordermesh.routing.domain.rules.conditions import AnyOf, Condition, Test
from ordermesh.routing.domain.rules.evaluation import Rulebook
from ordermesh.routing.domain.rules.knowing import static_facts
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
    ServiceRule,
    SplitLimit,
)
from ordermesh.routing.domain.rules.substitute import Substitute, When
from ordermesh.routing.domain.rules.vocabulary import Fact
from ordermesh.routing.domain.stages import Stage
from ordermesh.routing.domain.terms import Term, Tier, Weighted
from ordermesh.routing.domain.wanted import Wanted
from tests.routing.ruling import NOW, entry, item, place

SKUS = ("A", "B", "C")
FILLED = Tier("filled", (Weighted(Term.UNFILLED_UNITS),))
COST = Tier("cost", (Weighted(Term.COST),))
TIERS = (
    (),
    (),
    (FILLED, Tier("on time", (Weighted(Term.LATE_ATOMS),)), COST),
    (FILLED, Tier("shipments", (Weighted(Term.SHIPMENTS),)), COST),
    (FILLED, Tier("parcels", (Weighted(Term.PARCELS),)), COST),
    (FILLED, Tier("liked", (Weighted(Term.PREFERENCE),)), COST),
)
STAGES = (
    (),
    (),
    (Stage("strict"), Stage("later", more_days=2, more_shipments=1)),
    (
        Stage("strict"),
        Stage("without", without_rule_ids=("R0", "R1")),
        Stage("anything", partial_allowed=True, beyond_capacity=True, more_parcels=1),
    ),
)


@dataclass(frozen=True)
class Scene:
    """An order with all that is known for it; ``stock`` is units by location, then SKU."""

    question: Question
    known: Known
    stock: Mapping[str, Mapping[str, int]]


def scene(seed: int) -> Scene:
    """A small order under some rules, the same for the same seed."""
    draw = random.Random(f"ruled {seed}")
    items = tuple(
        item(
            sku,
            weight_grams=draw.choice([200, 900, 2_500]),
            keep_together=draw.random() < 0.1,
            value=draw.choice([None, Price("USD", _usd(draw, 5, 90))]),
            tags=tuple(tag for tag in ("fragile", "slow") if draw.random() < 0.4),
        )
        for sku in SKUS
    )
    names = ("X", "Y", "Z")[: draw.choice([2, 3, 3])]
    degrees = {name: draw.choice([0.5, 2.0, 5.0, 9.0, 30.0]) for name in names}
    network = tuple(
        entry(
            name,
            priority=draw.choice([0, 1, 2, 3]),
            handling_days=draw.choice([0, 1, 3]),
            pick_fee=_usd(draw, 0, 4),
            labor_cost_per_unit=_usd(draw, 0, 2),
            labor_cost_per_line=draw.choice([Money(0), _usd(draw, 0, 3)]),
            reject_permille=draw.choice([0, 0, 50]),
            capacities=_capacities(draw),
        )
        for name in names
    )
    places = {
        name: place(
            name,
            kind=draw.choice(["STORE", "DISTRIBUTION_CENTER"]),
            groups=tuple(one for one in ("east", "fast") if draw.random() < 0.5),
            place=Place.from_degrees(40.0, -75.0 - west),
        )
        for name, west in degrees.items()
    }
    rules = tuple(_rule(draw, number, names) for number in range(draw.randint(1, 5)))
    policy = replace(
        illustrative_policy(),
        rules=rules,
        tiers=draw.choice(TIERS),
        stages=draw.choice(STAGES),
        shipments_max=draw.choice([0, 0, 0, 2]),
        split_charge=_usd(draw, 0, 6),
    )
    policy = replace(policy, stages=_sound(policy.stages, rules))
    lines = tuple(_line(draw, number, items) for number in range(draw.choice([1, 2, 2])))
    question = Question(
        order_id="O-1",
        wanted=lines,
        place=Place.from_degrees(40.0, -75.0),
        promise_days=draw.choice([0, 1, 2, 4]),
        policy_id="default",
        context=OrderContext(
            draw.choice(["web", "shop"]), SHIP, "US", "PA", "19019", NOW, Traits(tags=("gift",))
        ),
    )
    facts = {one.location_id: static_facts(one, places[one.location_id]) for one in network}
    replacing = [one.effect.sku for one in rules if isinstance(one.effect, Substitute)]
    known = Known(
        policy=policy,
        network=network,
        locations=places,
        items={one.sku: one for one in items},
        used={},
        now=NOW,
        rulebook=Rulebook(rules, facts),
        book=Book(transfer_lanes=_lanes(draw, names)),
        instead=dict.fromkeys(replacing, 8),
    )
    stock = {
        name: {sku: units for sku in SKUS if (units := draw.choice([0, 0, 1, 2, 3]))}
        for name in names
    }
    return Scene(question, known, stock)


def _usd(draw: random.Random, low: int, high: int) -> Money:
    return from_decimal(f"{draw.randint(low * 100, high * 100) / 100:.2f}")


def _capacities(draw: random.Random) -> tuple[Capacity, ...]:
    if draw.random() < 0.7:
        return ()
    at_limit = draw.choice([AtLimit.LEAVE_OUT, AtLimit.RANK_LAST])
    return (Capacity("c", CapacityUnit.UNITS, draw.choice([0, 1, 2]), at_limit=at_limit),)


def _line(draw: random.Random, number: int, items: Sequence[Any]) -> Wanted:
    one = draw.choice(items)
    line = OrderLine(
        str(number),
        one.sku,
        draw.randint(1, 2),
        keep_together=one.keep_together or draw.random() < 0.2,
        unit_price=draw.choice([None, Price("USD", _usd(draw, 5, 90))]),
        accepts_substitutes=draw.random() < 0.7,
    )
    return Wanted(line, {line.sku: line.quantity})


def _lanes(draw: random.Random, names: Sequence[str]) -> dict[str, TransferLane]:
    lanes = {}
    for start, end in itertools.permutations(names, 2):
        if draw.random() < 0.6:
            name = f"{start}-{end}"
            lanes[name] = TransferLane(
                name,
                start,
                end,
                24,
                ZoneTransit(1, TransitUnit.DAYS, draw.choice([0, 1])),
                "USD",
                _usd(draw, 0, 3),
                _usd(draw, 0, 1),
                run_time=NOW,
            )
    return lanes


def _sound(stages: tuple[Stage, ...], rules: Sequence[Rule]) -> tuple[Stage, ...]:
    """Stages that drop only rules that are there."""
    names = {one.rule_id for one in rules}
    return tuple(
        replace(one, without_rule_ids=tuple(n for n in one.without_rule_ids if n in names))
        for one in stages
    )


ABOUT_ORDER = (
    Test(Fact.ORDER_CHANNEL, values=("web",)),
    Test(Fact.ORDER_TAG, values=("gift",)),
    Test(Fact.ORDER_UNITS, at_least=2),
    Test(Fact.ORDER_VALUE, at_least=from_decimal("60")),
    Test(Fact.ORDER_IS_AVAILABLE, negated=True),
    Test(Fact.ORDER_PROMISE_DAYS, at_most=2),
)
ABOUT_GOODS = (
    Test(Fact.ITEM_SKU, values=("A", "C")),
    Test(Fact.ITEM_TAG, values=("fragile",)),
    Test(Fact.ITEM_TAG, values=("slow",), negated=True),
    Test(Fact.LINE_QUANTITY, at_least=2),
    Test(Fact.ITEM_VALUE, at_most=from_decimal("40")),
    AnyOf((Test(Fact.ITEM_SKU, values=("B",)), Test(Fact.ITEM_WEIGHT_GRAMS, at_least=900))),
)
ABOUT_PLACES = (
    Test(Fact.LOCATION_ID, values=("X",)),
    Test(Fact.LOCATION_GROUP, values=("east",)),
    Test(Fact.LOCATION_TYPE, values=("STORE",)),
    Test(Fact.LOCATION_DISTANCE_KM, at_least=300),
    Test(Fact.LOCATION_PRIORITY, at_most=1),
    AnyOf((Test(Fact.LOCATION_GROUP, values=("fast",)), Test(Fact.LOCATION_ID, values=("Y",)))),
)
ABOUT_STOCK = (
    Test(Fact.STOCK_AVAILABLE, at_most=1),
    Test(Fact.STOCK_WOULD_RUN_OUT),
)

KINDS = (
    "fence", "charge", "by_place", "split", "worth", "capacity", "ban", "service", "promise",
    "substitute", "hub", "apart", "action",
)  # fmt: skip


def _rule(draw: random.Random, number: int, names: Sequence[str]) -> Rule:
    kind = draw.choice(KINDS)
    levels: list[Sequence[Condition]] = [ABOUT_ORDER]
    if kind not in ("by_place", "capacity", "action"):
        levels.append(ABOUT_GOODS)
    if kind in ("fence", "charge", "by_place", "capacity", "ban", "service"):
        levels.append(ABOUT_PLACES)
    if kind in ("fence", "charge"):
        levels.append(ABOUT_STOCK)
    asked = [draw.choice(one) for one in levels if draw.random() < 0.4]
    if kind == "apart":
        asked = [draw.choice(ABOUT_GOODS)]
    return Rule(f"R{number}", _effect(draw, kind, names), conditions=tuple(asked))


def _effect(  # noqa: C901 - one kind after the other
    draw: random.Random, kind: str, names: Sequence[str]
) -> Effect:
    money = Money(draw.choice([-1, 1]) * _usd(draw, 0, 9))
    purpose = draw.choice(list(Purpose))
    match kind:
        case "fence":
            return Fence()
        case "charge":
            scale = draw.choice([None, Scale(Fact.STOCK_AVAILABLE, 0, 3)])
            return Charge(per_unit=money or Money(1), scale=scale, purpose=purpose)
        case "by_place":
            scale = draw.choice([None, Scale(Fact.LOCATION_DISTANCE_KM, 700, 100)])
            each = draw.choice([Money(0), _usd(draw, 1, 5)])
            return Charge(
                per_shipment=money or Money(1), per_parcel=each, scale=scale, purpose=purpose
            )
        case "split":
            return draw.choice(
                [
                    SplitLimit(shipments_max=1),
                    SplitLimit(parcels_max=draw.choice([1, 2])),
                    SplitLimit(ship_complete=True),
                    SplitLimit(lines_whole=True),
                    SplitLimit(lines_together=True),
                    SplitLimit(only_if_available=True),
                ]
            )
        case "worth":
            least = _usd(draw, 10, 120)
            return draw.choice(
                [SplitLimit(item_value_min=least), SplitLimit(order_value_min=least)]
            )
        case "capacity":
            return CapacityMode(draw.choice(list(Mode)))
        case "ban":
            return ServiceRule(("standard",), banned=True)
        case "service":
            return draw.choice(
                [
                    ServiceRule(("standard", "x/y"), per_parcel=_usd(draw, 1, 5)),
                    ServiceRule((), per_parcel=_usd(draw, 1, 5), without_features=("tracked",)),
                    ServiceRule((), per_parcel=_usd(draw, 1, 5), features=("tracked",)),
                ]
            )
        case "promise":
            return PromiseRule(draw.random() < 0.7, draw.choice([0, 1]))
        case "substitute":
            return Substitute(
                draw.choice(SKUS),
                draw.choice(list(When)),
                units_each=draw.choice([1, 1, 2]),
                per_unit=draw.choice([Money(0), _usd(draw, 0, 2)]),
            )
        case "hub":
            hubs = draw.sample(names, draw.choice([1, 1, 2]))
            return Consolidate(tuple(sorted(hubs)), draw.random() < 0.4)
        case "apart":
            return KeepApart()
        case _:
            deeds: list[Deed] = [
                CancelUnfilled(),
                HoldOrder("fraud"),
                OfferAndWait(timedelta(hours=1)),
            ]
            return OrderAction(draw.choice(deeds))

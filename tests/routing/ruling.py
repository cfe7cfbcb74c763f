"""Words for tests of rules: short orders, places and facts, without any server."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ordermesh.kernel.money import Money, from_decimal
from ordermesh.routing.domain.context import NO_TRAITS, OrderContext, Traits
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.item import Item, KnownLocation
from ordermesh.routing.domain.network import SHIP, NetworkLocation
from ordermesh.routing.domain.price import Price
from ordermesh.routing.domain.rules.conditions import Test
from ordermesh.routing.domain.rules.evaluation import Rulebook
from ordermesh.routing.domain.rules.knowing import Asked, AskedLine, PlaceNow, static_facts
from ordermesh.routing.domain.rules.result import Evaluation
from ordermesh.routing.domain.rules.rule import Effect, Fence, Rule
from ordermesh.routing.domain.rules.vocabulary import Fact

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def usd(amount: str) -> Money:
    return from_decimal(amount)


def text(fact: Fact, *values: str, negated: bool = False) -> Test:
    return Test(fact, values=values, negated=negated)


def number(fact: Fact, at_least: int | None = None, at_most: int | None = None) -> Test:
    return Test(fact, at_least, at_most)


def rule(effect: Effect | None = None, *conditions: Any, **fields: Any) -> Rule:
    """A rule called R, a fence unless it is said what it does."""
    return Rule(**{"rule_id": "R", "effect": effect or Fence(), "conditions": conditions, **fields})


def item(sku: str, **fields: Any) -> Item:
    return Item(
        **{
            "sku": sku,
            "revision": 1,
            "weight_grams": 500,
            "value": Price("USD", usd("20.00")),
            "is_sellable": True,
            **fields,
        }
    )


def line(sku: str, units: int = 1, value: str | None = "20.00") -> AskedLine:
    """A line named after its item."""
    worth = None if value is None else usd(value)
    return AskedLine(sku, sku, units, {sku: 1}, {sku: units}, worth)


def entry(location_id: str, **fields: Any) -> NetworkLocation:
    return NetworkLocation(
        **{
            "location_id": location_id,
            "methods": (SHIP,),
            "priority": 1,
            "currency_code": "USD",
            "pick_fee": usd("1.40"),
            "labor_cost_per_unit": usd("0.45"),
            "handling_days": 1,
            **fields,
        }
    )


def place(location_id: str, **fields: Any) -> KnownLocation:
    return KnownLocation(
        **{
            "location_id": location_id,
            "revision": 1,
            "kind": "STORE" if location_id.startswith("STORE") else "DISTRIBUTION_CENTER",
            "place": Place.from_degrees(40.0, -75.0),
            "time_zone": "America/New_York",
            "is_disabled": False,
            **fields,
        }
    )


def evaluated(
    *rules: Rule,
    lines: tuple[AskedLine, ...] = (line("MUG"),),
    stock: Mapping[str, Mapping[str, int]] | None = None,
    items: tuple[Item, ...] = (item("MUG"),),
    traits: Traits = NO_TRAITS,
    places: Mapping[str, dict[str, Any]] | None = None,
    entries: Mapping[str, dict[str, Any]] | None = None,
    now_at: Mapping[str, PlaceNow] | None = None,
    km: Mapping[str, int] | None = None,
    without: frozenset[str] = frozenset(),
    **fields: Any,
) -> Evaluation:
    """What the rules do to an order from the web to Chicago; MUG is at DC and STORE by default."""
    held = stock if stock is not None else {"DC": {"MUG": 5}, "STORE": {"MUG": 5}}
    network = {
        name: static_facts(
            entry(name, **(entries or {}).get(name, {})),
            place(name, **(places or {}).get(name, {})),
        )
        for name in held
    }
    context = OrderContext("web", SHIP, "US", "IL", "60601", NOW, traits)
    asked = Asked(
        now=NOW,
        context=context,
        lines=lines,
        items={one.sku: one for one in items},
        stock=held,
        distance_km=lambda name: (km or {}).get(name, 100),
        now_at=lambda name: (now_at or {}).get(name, PlaceNow()),
        countries=dict.fromkeys(held, "US"),
        **fields,
    )
    return Rulebook(rules, network).evaluate(asked, NOW, without)


def removed(evaluation: Evaluation) -> dict[str, tuple[str, ...]]:
    """The lines that were taken away, by location."""
    return {one.location_id: one.line_ids for one in evaluation.removals}

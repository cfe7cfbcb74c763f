"""What the rules of a policy do to one order.

What depends on the network alone is found once for a policy version (``Rulebook``); for an order
only the locations that have something of it are looked at. Rules come in the order of the policy;
where two of them say what cannot both be, the strictest limit and the first mode count.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.rules.action import OrderAction, RuleAction
from ordermesh.routing.domain.rules.conditions import (
    Condition,
    Verdict,
    facts_of,
    judge_all,
    level_of,
    told,
)
from ordermesh.routing.domain.rules.knowing import Asked, AskedLine, Facts, Sight
from ordermesh.routing.domain.rules.limiting import LimitsUnderWay, Tally
from ordermesh.routing.domain.rules.result import (
    Evaluation,
    Note,
    RuleAdjustment,
    RuleRemoval,
    RuleReport,
    ServiceChange,
)
from ordermesh.routing.domain.rules.rule import (
    NOTHING,
    CapacityMode,
    Charge,
    Consolidate,
    Fence,
    KeepApart,
    PromiseRule,
    Rule,
    ServiceRule,
    SplitLimit,
    in_force,
)
from ordermesh.routing.domain.rules.substitute import Offered, Substitute
from ordermesh.routing.domain.rules.vocabulary import BY_THE_CLOCK, PUT, STATIC, Fact, Level, words


@dataclass(frozen=True)
class _Compiled:
    """A rule, its conditions by what they are about, and where those of the network hold.

    ``places`` are the locations at which what never changes holds, None: everywhere; ``unsure`` are
    those at which a fact of the network is not known.
    """

    rule: Rule
    order: tuple[Condition, ...]
    items: tuple[Condition, ...]
    moving: tuple[Condition, ...]
    stock: tuple[Condition, ...]
    places: frozenset[str] | None
    unsure: Mapping[str, Fact]


class Rulebook:
    """The rules of one policy version on one network."""

    def __init__(self, rules: Iterable[Rule], network: Mapping[str, Facts]) -> None:
        self.network = network
        self._rules = tuple(_compiled(rule, network) for rule in rules if not rule.disabled)
        self._hubs = frozenset(
            name
            for one in self._rules
            if isinstance(one.rule.effect, Consolidate)
            for name in one.rule.effect.hub_location_ids
        )
        self._replacing = tuple(
            one for one in self._rules if isinstance(one.rule.effect, Substitute)
        )
        asked = {fact for one in self._rules for fact in _asked_for(one.rule)}
        self.needs_put = not asked.isdisjoint(PUT)
        self.goes_by_the_clock = not asked.isdisjoint(BY_THE_CLOCK)

    def __bool__(self) -> bool:
        return bool(self._rules)

    def evaluate(
        self, asked: Asked, now: datetime, without: frozenset[str] = frozenset()
    ) -> Evaluation:
        """What the rules that are in force now do, but for those that are left out by id."""
        run = _Run(asked, self.network, self._hubs)
        for one in self._rules:
            if one.rule.rule_id not in without and in_force(one.rule.windows, now):
                run.take(one)
        return run.result()

    def offered(self, asked: Asked, now: datetime) -> tuple[Offered, ...]:
        """What could be sent instead, by what is known of the order before any stock is."""
        if not self._replacing:
            return ()
        run = _Run(asked, self.network)
        for one in self._replacing:
            if in_force(one.rule.windows, now):
                run.take(one)
        return run.result().offered


NO_RULEBOOK = Rulebook((), {})
"""Of a policy without rules."""


def _asked_for(rule: Rule) -> list[Fact]:
    facts = list(facts_of(rule.all_conditions))
    if isinstance(rule.effect, Charge) and rule.effect.scale is not None:
        facts.append(rule.effect.scale.fact)
    return facts


def _compiled(rule: Rule, network: Mapping[str, Facts]) -> _Compiled:
    by_level: dict[Level, list[Condition]] = {level: [] for level in Level}
    fixed: list[Condition] = []
    for condition in rule.all_conditions:
        if STATIC.issuperset(test.fact for test in condition.tests):
            fixed.append(condition)
        else:
            by_level[level_of(condition)].append(condition)
    places: frozenset[str] | None = None
    unsure: dict[str, Fact] = {}
    if fixed:
        verdicts = {name: judge_all(fixed, facts) for name, facts in network.items()}
        places = frozenset(name for name, one in verdicts.items() if one.holds)
        unsure = {
            name: one.missing
            for name, one in verdicts.items()
            if one.holds is None and one.missing is not None
        }
    return _Compiled(
        rule,
        tuple(by_level[Level.ORDER]),
        tuple(by_level[Level.ITEM]),
        tuple(by_level[Level.LOCATION]),
        tuple(by_level[Level.STOCK]),
        places,
        unsure,
    )


class _Run:
    """One evaluation under way."""

    def __init__(
        self, asked: Asked, network: Mapping[str, Facts], hubs: frozenset[str] = frozenset()
    ) -> None:
        self._asked = asked
        self._network = network
        self._wanted = frozenset(sku for line in asked.lines for sku in line.units)
        self._stocked = tuple(
            location_id
            for location_id, held in sorted((asked.stock or {}).items())
            if location_id in network and any(held.get(sku, 0) > 0 for sku in self._wanted)
        )
        # What is brought to a hub passes through it, whether or not anything lies there.
        self._passed = tuple(sorted({*self._stocked, *(hubs & network.keys())}))
        self._removals: list[RuleRemoval] = []
        self._adjustments: list[RuleAdjustment] = []
        self._services: list[ServiceChange] = []
        self._reports: list[RuleReport] = []
        self._actions: list[RuleAction] = []
        self._offered: list[Offered] = []
        self._remarks: list[Note] = []
        self._limits = LimitsUnderWay()

    def take(self, one: _Compiled) -> None:
        """Apply a rule, or note why it abstains."""
        rule, tally = one.rule, Tally()
        verdict = judge_all(one.order, Sight(self._asked))
        if verdict.holds is False:
            return
        if verdict.holds is None:
            self._report(rule, False, Tally(missing=verdict.missing, abstained={""}))
            return
        lines = self._lines(one, tally)
        if one.items and not lines and not tally.abstained:
            return
        applied = self._apply(one, lines, tally)
        if applied or tally.abstained or isinstance(rule.effect, Substitute):
            self._report(rule, applied, tally)

    def _apply(self, one: _Compiled, lines: list[AskedLine], tally: Tally) -> bool:
        """Do what the rule does; whether it did anything."""
        rule = one.rule
        match rule.effect:
            case SplitLimit():
                return bool(lines) and self._limit(one, lines, tally)
            case PromiseRule():
                if lines:
                    self._limits.promise(rule.effect)
                return bool(lines)
            case Fence():
                return self._fence(one, lines, tally)
            case Charge():
                return self._charge(one, lines, tally)
            case OrderAction():
                self._actions.append(RuleAction(rule.rule_id, rule.title, rule.effect))
                return True
            case Substitute():
                return self._offer(rule, rule.effect, lines)
            case Consolidate():
                if lines:
                    self._limits.consolidate(rule, rule.effect)
                return bool(lines)
            case KeepApart():
                return bool(lines) and self._limits.apart(rule, lines, self._asked)
            case CapacityMode() | ServiceRule():
                return bool(lines) and self._at_places(one, tally)

    def _report(self, rule: Rule, applied: bool, tally: Tally) -> None:
        self._reports.append(
            RuleReport(
                rule.rule_id,
                rule.effect.kind,
                applied,
                len(tally.at),
                len(tally.abstained),
                "" if tally.missing is None else words_of(tally.missing),
            )
        )

    def _lines(self, one: _Compiled, tally: Tally) -> list[AskedLine]:
        """The lines that the conditions about goods speak of: all of them without any."""
        if not one.items:
            return list(self._asked.lines)
        lines = []
        for line in self._asked.lines:
            verdict = judge_all(one.items, Sight(self._asked, line))
            if verdict.holds:
                lines.append(line)
            elif verdict.holds is None:
                tally.abstain("", verdict)
        return lines

    def _places(self, one: _Compiled, tally: Tally) -> Iterable[str]:
        """Where the rule holds: of locations that have something of the order, and of hubs."""
        places = self._stocked if one.stock else self._passed
        if one.places is not None:
            places = tuple(name for name in places if name in one.places or name in one.unsure)
        for location_id in places:
            if location_id in one.unsure:
                tally.abstain(location_id, Verdict(None, one.unsure[location_id]))
                continue
            if one.moving:
                verdict = judge_all(one.moving, self._known_at(location_id))
                if verdict.holds is None:
                    tally.abstain(location_id, verdict)
                if not verdict.holds:
                    continue
            yield location_id

    def _known_at(self, location_id: str) -> Sight:
        return Sight(self._asked, None, location_id, self._network[location_id])

    def _known_of(self, line: AskedLine, location_id: str) -> Sight:
        return Sight(self._asked, line, location_id, self._network[location_id])

    def _there(
        self, one: _Compiled, lines: Sequence[AskedLine], location_id: str, tally: Tally
    ) -> list[AskedLine]:
        """Of these lines those for which the conditions about stock hold here."""
        if not one.stock:
            return list(lines)
        there = []
        for line in lines:
            verdict = judge_all(one.stock, self._known_of(line, location_id))
            if verdict.holds:
                there.append(line)
            elif verdict.holds is None:
                tally.abstain(location_id, verdict)
        return there

    def _fence(self, one: _Compiled, lines: Sequence[AskedLine], tally: Tally) -> bool:
        every = tuple(line.line_id for line in self._asked.lines)
        for location_id in self._places(one, tally):
            gone = self._there(one, lines, location_id, tally)
            if not gone:
                continue
            names = tuple(line.line_id for line in gone)
            first = gone[0]
            known = self._known_of(first, location_id)
            facts = told(one.rule.all_conditions, known)
            sentence = f"{one.rule.title}: {facts}" if facts else one.rule.title
            self._removals.append(
                RuleRemoval(
                    one.rule.rule_id,
                    location_id,
                    every if names == every else names,
                    sentence,
                    is_of_stock=bool(one.stock),
                )
            )
            tally.at.add(location_id)
        return bool(tally.at)

    def _charge(self, one: _Compiled, lines: Sequence[AskedLine], tally: Tally) -> bool:
        charge = one.rule.effect
        if not isinstance(charge, Charge):
            raise TypeError("a charge is a charge")
        for location_id in self._places(one, tally):
            there = self._there(one, lines, location_id, tally)
            if not there:
                continue
            if charge.per_unit:
                for line in there:
                    known = self._known_of(line, location_id)
                    amount = self._scaled(charge, charge.per_unit, known, location_id, tally)
                    if amount:
                        self._adjust(one.rule, charge, location_id, line.line_id, per_unit=amount)
                        tally.at.add(location_id)
            if charge.per_shipment or charge.per_parcel:
                known = self._known_at(location_id)
                once = self._scaled(charge, charge.per_shipment, known, location_id, tally)
                each = self._scaled(charge, charge.per_parcel, known, location_id, tally)
                if once or each:
                    self._adjust(
                        one.rule, charge, location_id, "", per_shipment=once, per_parcel=each
                    )
                    tally.at.add(location_id)
        return bool(tally.at)

    def _scaled(
        self, charge: Charge, amount: Money, known: Sight, location_id: str, tally: Tally
    ) -> Money:
        """The amount, or the share that the scale makes of it; nothing where that is not known."""
        if charge.scale is None:
            return amount
        value = known.get(charge.scale.fact)
        if value is None or isinstance(value, frozenset):
            tally.abstain(location_id, Verdict(None, charge.scale.fact))
            return NOTHING
        return Money(charge.scale.share(amount, value))

    def _adjust(
        self, rule: Rule, charge: Charge, location_id: str, line_id: str, **amounts: Money
    ) -> None:
        self._adjustments.append(
            RuleAdjustment(rule.rule_id, charge.purpose, location_id, line_id, **amounts)
        )

    def _offer(self, rule: Rule, substitute: Substitute, lines: Iterable[AskedLine]) -> bool:
        """Offer a substitute for each of these lines that may have one."""
        is_offered = False
        for line in lines:
            why_not = "is a kit" if line.is_kit else ""
            if not line.accepts_substitutes:
                why_not = "is for a customer who takes no substitute"
            if line.sku == substitute.sku:
                why_not = "is for the substitute itself"
            if why_not:
                self._remarks.append(Note(rule.rule_id, f"line {line.line_id} {why_not}"))
                continue
            self._offered.append(Offered(rule.rule_id, rule.title, line.line_id, substitute))
            is_offered = True
        return is_offered

    def _at_places(self, one: _Compiled, tally: Tally) -> bool:
        effect = one.rule.effect
        for location_id in self._places(one, tally):
            tally.at.add(location_id)
            if isinstance(effect, CapacityMode):
                self._limits.capacity.setdefault(location_id, effect.mode)
            elif isinstance(effect, ServiceRule):
                self._services.append(ServiceChange(one.rule.rule_id, location_id, effect))
        return bool(tally.at)

    def _limit(self, one: _Compiled, lines: Sequence[AskedLine], tally: Tally) -> bool:
        limit = one.rule.effect
        if not isinstance(limit, SplitLimit):
            raise TypeError("a limit is a limit")
        return self._limits.split(one.rule, limit, lines, self._asked, tally)

    def result(self) -> Evaluation:
        """All of it."""
        return Evaluation(
            tuple(self._removals),
            tuple(self._adjustments),
            tuple(self._services),
            self._limits.result(),
            tuple(self._reports),
            tuple(self._actions),
            tuple(self._offered),
            tuple(self._remarks),
        )


def words_of(fact: Fact) -> str:
    """A fact with what it is of, as people say it: ``stock weeks of supply``."""
    return f"{fact.partition('_')[0].lower()} {words(fact)}"

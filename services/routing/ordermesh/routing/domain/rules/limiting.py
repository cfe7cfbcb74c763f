"""How rules limit the split of an order, and where they could not be told."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ordermesh.kernel.money import Money, to_decimal
from ordermesh.routing.domain.rules.conditions import Verdict
from ordermesh.routing.domain.rules.knowing import Asked, AskedLine
from ordermesh.routing.domain.rules.result import Limits, Note
from ordermesh.routing.domain.rules.rule import Consolidate, Mode, PromiseRule, Rule, SplitLimit
from ordermesh.routing.domain.rules.vocabulary import Fact


@dataclass
class Tally:
    """Where a rule was applied, and where it could not be told."""

    at: set[str] = field(default_factory=set)
    abstained: set[str] = field(default_factory=set)
    missing: Fact | None = None

    def abstain(self, name: str, verdict: Verdict) -> None:
        """Note that the rule could not be told there."""
        self.abstained.add(name)
        self.missing = self.missing or verdict.missing


class LimitsUnderWay:
    """Limits as far as the rules have said; of several the strictest counts."""

    def __init__(self) -> None:
        self.capacity: dict[str, Mode] = {}
        self._shipments: int | None = None
        self._parcels: int | None = None
        self._complete = False
        self._whole: set[str] = set()
        self._together: list[frozenset[str]] = []
        self._promise: PromiseRule | None = None
        self._notes: list[Note] = []
        self._hubs: list[str] = []
        self._apart: list[tuple[str, frozenset[str]]] = []

    def promise(self, effect: PromiseRule) -> None:
        """Take in what the promise means, unless a rule before said it."""
        self._promise = self._promise or effect

    def apart(self, rule: Rule, lines: Sequence[AskedLine], asked: Asked) -> bool:
        """These lines share no parcel with others; whether there are both."""
        self._apart.append((rule.rule_id, frozenset(line.line_id for line in lines)))
        return 0 < len(lines) < len(asked.lines)

    def consolidate(self, rule: Rule, effect: Consolidate) -> None:
        """The order may be brought together at hubs, or has to leave as one."""
        self._hubs.extend(name for name in effect.hub_location_ids if name not in self._hubs)
        if effect.required:
            self._shipments = 1
            hubs = ", ".join(effect.hub_location_ids)
            sentence = f"{rule.title}: it leaves as one, brought together at {hubs} if need be"
            self._notes.append(Note(rule.rule_id, sentence))

    def split(
        self,
        rule: Rule,
        limit: SplitLimit,
        lines: Sequence[AskedLine],
        asked: Asked,
        tally: Tally,
    ) -> bool:
        """Take a limit in; whether it limits this order."""
        said: list[str] = []
        if limit.shipments_max:
            self._shipments = _least(self._shipments, limit.shipments_max)
            said.append(f"at most {limit.shipments_max} shipments")
        if limit.parcels_max:
            self._parcels = _least(self._parcels, limit.parcels_max)
            said.append(f"at most {limit.parcels_max} parcels")
        if limit.ship_complete:
            self._complete = True
            said.append("all of it or nothing")
        names = frozenset(line.line_id for line in lines)
        if limit.lines_whole:
            self._whole |= names
            said.append("units of a line stay together")
        if limit.lines_together and len(names) > 1:
            self._together.append(names)
            said.append(f"lines {', '.join(sorted(names))} stay together")
        said.extend(self._worth(limit, lines, asked, tally))
        if limit.only_if_available and asked.order.get(Fact.ORDER_IS_AVAILABLE) is False:
            self._shipments = 1
            said.append("not split, because not all of it is there")
        for sentence in said:
            self._notes.append(Note(rule.rule_id, f"{rule.title}: {sentence}"))
        return bool(said)

    def _worth(
        self, limit: SplitLimit, lines: Sequence[AskedLine], asked: Asked, tally: Tally
    ) -> list[str]:
        """Orders below a threshold are not split."""
        said = []
        if limit.item_value_min is not None:
            values = [line.unit_value for line in lines if line.unit_value is not None]
            if len(values) < len(lines):
                tally.abstain("", Verdict(None, Fact.ITEM_VALUE))
            elif min(values) < limit.item_value_min:
                self._shipments = 1
                said.append(_below(limit.item_value_min, min(values), "an item"))
        if limit.order_value_min is not None:
            value = asked.order.get(Fact.ORDER_VALUE)
            if value is None or isinstance(value, frozenset):
                tally.abstain("", Verdict(None, Fact.ORDER_VALUE))
            elif value < limit.order_value_min:
                self._shipments = 1
                said.append(_below(limit.order_value_min, value, "the order"))
        return said

    def result(self) -> Limits:
        """What the rules have said."""
        promise = self._promise
        return Limits(
            self._shipments,
            self._parcels,
            self._complete,
            frozenset(self._whole),
            tuple(self._together),
            None if promise is None else promise.hard,
            0 if promise is None else promise.tolerance_days,
            self.capacity,
            tuple(self._hubs),
            tuple(self._notes),
            tuple(self._apart),
        )


def _least(before: int | None, limit: int) -> int:
    return limit if before is None else min(before, limit)


def _below(threshold: int, value: int, what: str) -> str:
    wanted, given = to_decimal(Money(threshold)), to_decimal(Money(value))
    return f"not split below {wanted:.2f}, and {what} is worth {given:.2f}"

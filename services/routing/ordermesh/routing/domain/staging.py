"""What a stage comes to: what it lets full locations do, what was in its way, and its record."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ordermesh.routing.domain.decision import Decision, RuleOutcome, StageResult
from ordermesh.routing.domain.known import Known
from ordermesh.routing.domain.network import PickupPoint
from ordermesh.routing.domain.policy import Policy
from ordermesh.routing.domain.problem import Problem, Rule
from ordermesh.routing.domain.question import Units
from ordermesh.routing.domain.rules.action import Filling, RuleAction, acting, told
from ordermesh.routing.domain.rules.result import Evaluation, RuleReport
from ordermesh.routing.domain.rules.rule import Mode
from ordermesh.routing.domain.stages import Ruled

SENTENCES_MAX = 20
"""So many reasons are told of one stage at most."""

SHIPMENTS_MAX = "SHIPMENTS_MAX"
SHIP_COMPLETE = "SHIP_COMPLETE"


def openings(ruled: Ruled, known: Known, pickup: PickupPoint | None = None) -> Iterator[Ruled]:
    """The stage as it is tried: first with full locations closed, then with those that rank last.

    A location whose capacity does not matter is never full. What a customer collects is looked for
    where that is first, and brought there from elsewhere only when that is not enough.
    """
    yield from _openings(ruled, known)
    if pickup is not None and known.book.has_transfers_to(pickup.location_id):
        yield from _openings(replace(ruled, transfers=True), known)


def _openings(ruled: Ruled, known: Known) -> Iterator[Ruled]:
    modes = ruled.evaluation.limits.capacity
    if ruled.relaxation.beyond_capacity:
        everywhere = frozenset(one.location_id for one in known.network)
        yield replace(ruled, open_when_full=everywhere, past_soft_limits=True)
        return
    ignored = frozenset(name for name, mode in modes.items() if mode is Mode.IGNORED)
    yield replace(ruled, open_when_full=ignored)
    last = frozenset(name for name, mode in modes.items() if mode is Mode.RANK_LAST)
    if last or known.has_soft_limits:
        yield replace(ruled, open_when_full=ignored | last, past_soft_limits=True)


def result(
    ruled: Ruled, policy: Policy, problem: Problem, decision: Decision, stock: Units
) -> StageResult:
    """The record of a stage that was tried."""
    blocking, sentences = _in_the_way(ruled, policy, problem, decision, stock)
    return StageResult(
        name=ruled.relaxation.name,
        filled=not decision.unfilled_lines,
        unfilled_units=sum(line.unfilled for line in decision.unfilled_lines),
        cost=decision.cost,
        shipments=len(decision.shipments),
        blocking_rules=blocking,
        sentences=sentences,
    )


def recorded(
    decision: Decision, known: Known, ruled: Ruled, results: Sequence[StageResult]
) -> Decision:
    """The decision with how it came about."""
    return replace(
        decision,
        policy_reason=known.policy_reason,
        rules=_outcomes(ruled.evaluation, decision.filling),
        stages=tuple(results) if known.policy.stages else (),
        beyond_capacity=ruled.open_when_full,
        closed_when_full=frozenset(
            name
            for name, mode in ruled.evaluation.limits.capacity.items()
            if mode is Mode.HARD and name not in ruled.open_when_full
        ),
        actions=ruled.evaluation.actions,
    )


def _outcomes(evaluation: Evaluation, filling: Filling) -> tuple[RuleOutcome, ...]:
    """What the rules did; of actions only those that are for what the decision comes to."""
    said: dict[str, list[str]] = {}
    for note in (*evaluation.limits.notes, *evaluation.remarks):
        said.setdefault(note.rule_id, []).append(note.sentence)
    wanted = {one.rule_id: one for one in evaluation.actions}
    acts = {one.rule_id for one in acting(evaluation.actions, filling)}
    outcomes = []
    for report in evaluation.reports:
        action = wanted.get(report.rule_id)
        if action is not None:
            if filling in action.action.after:
                outcomes.append(_action(report, action, applied=action.rule_id in acts))
            continue
        outcomes.append(
            RuleOutcome(
                report.rule_id,
                report.effect,
                report.applied,
                report.at,
                report.abstained_at,
                report.missing,
                tuple(said.get(report.rule_id, ())),
            )
        )
    return tuple(outcomes)


def _action(report: RuleReport, one: RuleAction, *, applied: bool) -> RuleOutcome:
    return RuleOutcome(
        report.rule_id, report.effect, applied, 0, 0, "", (told(one),), action=one.action
    )


def _in_the_way(
    ruled: Ruled, policy: Policy, problem: Problem, decision: Decision, stock: Units
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The rules without which more could be filled, and why, by what is left."""
    blocking: dict[str, None] = {}
    sentences: dict[str, None] = {}
    reachable = _reachable(problem)
    for line in decision.unfilled_lines:
        found = False
        for removal in problem.removals:
            held = stock.get(removal.location_id, {}).get(line.sku, 0)
            if line.line_id in removal.line_ids and held > 0 and removal.rule != Rule.NOT_STOCKED:
                blocking[removal.rule_id or str(removal.rule)] = None
                sentences[f"{removal.location_id}: {removal.fact}"] = None
                found = True
        if reachable.get(line.sku, 0) >= problem.wanted.get(line.sku, 0) > 0:
            for rule_id, sentence in _limiting(ruled, policy, problem):
                blocking[rule_id] = None
                sentences[sentence] = None
                found = True
        if not found:
            blocking[Rule.NOT_STOCKED] = None
            sentences[f"no stock of {line.sku} for line {line.line_id}"] = None
    return tuple(map(str, blocking)), tuple(sentences)[:SENTENCES_MAX]


def _reachable(problem: Problem) -> Mapping[str, int]:
    """Units of each SKU at the locations that are left."""
    units: dict[str, int] = {}
    for candidate in problem.sources:
        for sku, held in candidate.available:
            units[sku] = units.get(sku, 0) + held
    return units


def _limiting(ruled: Ruled, policy: Policy, problem: Problem) -> Iterator[tuple[str, str]]:
    """What keeps stock that is there from being sent: the rules that said so, else the policy."""
    notes = ruled.evaluation.limits.notes
    for note in notes:
        yield note.rule_id, note.sentence
    if problem.shipments_max is not None and policy.shipments_max:
        yield SHIPMENTS_MAX, f"at most {problem.shipments_max} shipments"
    elif problem.all_or_nothing and not notes:
        yield SHIP_COMPLETE, "all of it or nothing"

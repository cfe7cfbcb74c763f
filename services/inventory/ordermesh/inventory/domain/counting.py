"""What becomes of a count: it is opened, counted, accepted or called off, and moves the books."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ordermesh.inventory.domain.count import (
    Corrected,
    Count,
    Counted,
    CountLine,
    CountLineState,
    CountState,
    Expectation,
    Tally,
    expectation,
)
from ordermesh.inventory.domain.errors.counts import (
    CountOvertaken,
    SamePerson,
    WrongCountState,
)
from ordermesh.inventory.domain.errors.requests import DuplicateEntry
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import (
    Account,
    AdjustmentReason,
    Cause,
    Ledger,
    MovementKind,
)


def opened(count: Count, expected: Mapping[str, Expectation], now: datetime) -> Count:
    """The counting begins. Raises ``WrongCountState``.

    ``expected`` is what the books say of every item that is counted.
    """
    lines = tuple(CountLine(sku, CountLineState.OPEN, expected[sku]) for sku in sorted(expected))
    return _closed_where_done(
        replace(count.become(CountState.OPEN), lines=lines, open_time=now), now
    )


def submit(
    ledger: Ledger,
    count: Count,
    found: Sequence[Counted],
    counter: str,
    now: datetime,
    corrected: Corrected | None = None,
) -> Count:
    """Somebody counted: what is within the threshold is settled, other lines are looked at again.

    ``corrected`` since it was noted what should be found.

    Raises ``WrongCountState`` for a count or a line that is not to be counted, ``DuplicateEntry``,
    ``NotInCount``, ``SamePerson`` with every line that this counter has counted before, and
    ``QuantityTooLarge``.
    """
    _refuse_unless_open(count)
    lines = {line.sku: line for line in count.lines}
    seen: set[str] = set()
    for number, one in enumerate(found):
        if one.sku in seen:
            raise DuplicateEntry(f"lines[{number}].sku", one.sku)
        seen.add(one.sku)
        if count.line(one.sku).is_settled:
            raise WrongCountState(count.count_id, lines[one.sku].state.name, one.sku)
    again = [one.sku for one in found if counter in lines[one.sku].counters]
    if again:
        raise SamePerson(count.count_id, counter, again)
    for one in found:
        lines[one.sku] = _judged(ledger, count, lines[one.sku], one, counter, now, corrected)
    return _closed_where_done(replace(count, lines=tuple(lines.values())), now)


def _judged(
    ledger: Ledger,
    count: Count,
    line: CountLine,
    one: Counted,
    counter: str,
    now: datetime,
    corrected: Corrected | None,
) -> CountLine:
    """The line after a count of it."""
    key = count.key(line.sku)
    tally = _tally(ledger, key, line, one.units, counter, now, corrected)
    counted = replace(line, tallies=(*line.tallies, tally))
    is_overtaken = _remaining(ledger, key, tally, None) < 0
    if count.threshold.bears(tally.variance, tally.expected.units) and not is_overtaken:
        return _settled(ledger, key, counted, counter, AdjustmentReason.COUNTED, now, None)
    is_first = line.state is CountLineState.OPEN
    state = CountLineState.RECOUNT if is_first or is_overtaken else CountLineState.DISPUTED
    # Should it be counted once more, then on what the books say from now on.
    return replace(counted.become(state), expected=expectation(ledger.balance(key)))


def _tally(
    ledger: Ledger,
    key: StockKey,
    line: CountLine,
    units: int,
    counter: str,
    now: datetime,
    corrected: Corrected | None,
) -> Tally:
    """What was counted, beside what should be found by all that the books know by now."""
    expected = line.expected.units + (corrected or {}).get(line.sku, 0)
    return Tally(counter, units, Expectation(ledger.balance(key).sequence, expected), now)


def accept(
    ledger: Ledger,
    count: Count,
    skus: Sequence[str],
    accepted_by: str,
    reason: AdjustmentReason,
    now: datetime,
    corrected: Corrected | None = None,
) -> Count:
    """Somebody believes what was counted: disputed lines are settled; all of them without ``skus``.

    ``corrected`` since the last count of each.

    Raises ``WrongCountState`` for a count that is not open or a line that is not disputed,
    ``NotInCount``, ``SamePerson`` with every line that who accepts has counted, ``CountOvertaken``,
    ``QuantityTooLarge``.
    """
    _refuse_unless_open(count)
    lines = {line.sku: line for line in count.lines}
    wanted = list(dict.fromkeys(skus)) or [
        line.sku for line in count.lines if line.state is CountLineState.DISPUTED
    ]
    if not wanted:
        raise WrongCountState(count.count_id, count.state.name)
    for sku in wanted:
        if count.line(sku).state is not CountLineState.DISPUTED:
            raise WrongCountState(count.count_id, lines[sku].state.name, sku)
    own = [sku for sku in wanted if accepted_by in lines[sku].counters]
    if own:
        raise SamePerson(count.count_id, accepted_by, own)
    for sku in wanted:
        key, line = count.key(sku), lines[sku]
        tally = line.tallies[-1]
        if _remaining(ledger, key, tally, corrected) < 0:
            raise CountOvertaken(count.count_id, key, tally.units)
        lines[sku] = _settled(ledger, key, line, accepted_by, reason, now, corrected)
    return _closed_where_done(replace(count, lines=tuple(lines.values())), now)


def cancel(count: Count, now: datetime) -> Count:
    """What is not settled is called off. Raises ``WrongCountState``."""
    lines = tuple(
        line if line.is_settled else line.become(CountLineState.CANCELLED) for line in count.lines
    )
    return replace(count.become(CountState.CANCELLED), lines=lines, close_time=now)


def undercut(
    ledger: Ledger, count: Count, found: Sequence[Counted], corrected: Corrected | None = None
) -> dict[StockKey, int]:
    """By how many units what was found may go beyond what is free, by key.

    Overdue holds count for nobody: so many of them are to be expired before promises are broken.
    """
    tallies = {
        one.sku: Tally("", one.units, count.line(one.sku).expected, count.create_time)
        for one in found
    }
    return _beyond(ledger, count, tallies, corrected)


def undercut_by(
    ledger: Ledger, count: Count, skus: Sequence[str], corrected: Corrected | None = None
) -> dict[StockKey, int]:
    """As ``undercut``, of what was counted before; without ``skus`` of all that is disputed."""
    tallies = {
        line.sku: line.tallies[-1]
        for line in count.lines
        if line.state is CountLineState.DISPUTED and (not skus or line.sku in skus)
    }
    return _beyond(ledger, count, tallies, corrected)


def _beyond(
    ledger: Ledger, count: Count, tallies: Mapping[str, Tally], corrected: Corrected | None
) -> dict[StockKey, int]:
    beyond: dict[StockKey, int] = {}
    for sku, tally in tallies.items():
        key = count.key(sku)
        balance = ledger.balance(key)
        more = balance.on_hand - _remaining(ledger, key, tally, corrected) - balance.free
        if more > 0:
            beyond[key] = more
    return beyond


def _refuse_unless_open(count: Count) -> None:
    if count.state is not CountState.OPEN:
        raise WrongCountState(count.count_id, count.state.name)


def _closed_where_done(count: Count, now: datetime) -> Count:
    if all(line.is_settled for line in count.lines):
        return replace(count.become(CountState.SETTLED), close_time=now)
    return count


def _remaining(ledger: Ledger, key: StockKey, tally: Tally, corrected: Corrected | None) -> int:
    """Units that are there now, by the count and by what moved since it began.

    What the books were only ``corrected`` by has not moved: the counter saw it as it is.

    Below zero when more left than the count found: then it counted what had left before.
    """
    changed = expectation(ledger.balance(key)).units - tally.expected.units
    return tally.units + changed - (corrected or {}).get(key.sku, 0)


def _settled(
    ledger: Ledger,
    key: StockKey,
    line: CountLine,
    accepted_by: str,
    reason: AdjustmentReason,
    now: datetime,
    corrected: Corrected | None,
) -> CountLine:
    """Bring the books to what was counted. Units declared missing are found, or lost for good."""
    tally = line.tallies[-1]
    remaining = _remaining(ledger, key, tally, corrected)
    cause = Cause(MovementKind.COUNTED)
    balance = ledger.balance(key)
    found = min(max(0, remaining - balance.on_hand), balance.missing)
    if found:
        ledger.bring(cause, key, Account.MISSING, found)
    if balance.missing > found:
        ledger.move(cause, key, Account.MISSING, Account.LOSS, balance.missing - found)
    rest = remaining - ledger.balance(key).on_hand
    if rest > 0:
        ledger.bring(cause, key, Account.LOSS, rest)
    elif rest < 0:
        ledger.take_away(cause, key, Account.LOSS, -rest)
    return replace(
        line.become(CountLineState.ACCEPTED),
        accepted_by=accepted_by,
        accept_time=now,
        reason=reason if tally.variance or balance.missing else AdjustmentReason.NONE,
        settled_missing=balance.missing,
    )

"""What sources tell: changes, small pictures, and decisions on what is in quarantine."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from ordermesh.inventory.domain.errors.feed import TooManyHeld
from ordermesh.inventory.domain.errors.requests import DuplicateEntry
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.misfits import misshapen
from ordermesh.inventory.domain.quarantine import (
    Decision,
    Quarantined,
    QuarantineState,
    refuse_decided,
)
from ordermesh.inventory.domain.stock_feed import (
    Delta,
    Misfit,
    Outcome,
    Picture,
    PictureRow,
    Tally,
    Told,
    Verdict,
    outcome_of,
    tallied,
)
from ordermesh.inventory.domain.stock_source import (
    Gap,
    GapPolicy,
    Numbers,
    SourceState,
    Speaker,
    StockSource,
    refuse_repeated,
)
from ordermesh.inventory.operations.telling import Result, Telling
from ordermesh.inventory.ports.feeds import Waiting
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction

HELD_MAX = 10_000
"""How many changes of a source may wait for one that has not come."""

RELEASED_MAX = 1_000
"""How many changes that were held one transaction applies."""


@dataclass(frozen=True)
class Heard:
    """What became of changes: of those asked about, and of all, with those that were held.

    ``gaps`` are numbers that have not come although later ones have.
    """

    outcomes: Sequence[Outcome]
    tally: Tally
    applied: int
    gaps: Sequence[Gap]
    quarantine_ids: Sequence[UUID]


async def put_sources(stores: Stores, tx: Transaction, sources: Sequence[StockSource]) -> int:
    """Create and replace sources, all or none; gives how many changed.

    Raises ``DuplicateEntry`` and ``UnknownLocation``.
    """
    refuse_repeated(sources)
    places = {place for source in sources for place in source.location_ids}
    await stores.locations.resolve(tx, places, Names())
    return await stores.sources.put(tx, sources, await tx.now())


async def locked_source(
    stores: Stores, tx: Transaction, source_id: str, speaker: Speaker, names: Names
) -> SourceState:
    """A source, locked, in whose name the speaker may speak.

    Raises ``UnknownSource`` and ``NotYourSource``.
    """
    state = (await stores.sources.lock(tx, [source_id], names))[source_id]
    state.source.refuse_stranger(speaker)
    return state


async def post_deltas(
    stores: Stores, tx: Transaction, source_id: str, deltas: Sequence[Delta], speaker: Speaker
) -> Heard:
    """Hear of changes. Raises as ``locked_source``, ``DuplicateEntry``, ``TooManyHeld``."""
    _refuse_numbers_twice(deltas)
    names = Names()
    state = await locked_source(stores, tx, source_id, speaker, names)
    return await _hear(stores, tx, state, deltas, names, speaker.actor)


async def _hear(
    stores: Stores,
    tx: Transaction,
    state: SourceState,
    deltas: Sequence[Delta],
    names: Names,
    actor: Actor,
) -> Heard:
    """Take changes of a source that is locked, and what was held until now."""
    source_id = state.source.source_id
    surrogate = names.source_ids[source_id]
    numbers = [delta.source_sequence for delta in deltas]
    waiting = await stores.sources.waiting(tx, surrogate, numbers, RELEASED_MAX)
    shown = await _shown(stores, tx, state, [*waiting.first, *deltas], names)
    sorting = _sorted_in(state, deltas, waiting, shown)
    if waiting.count + len(sorting.kept) - len(sorting.released) > HELD_MAX:
        raise TooManyHeld(source_id, state.numbers.applied + 1, HELD_MAX)
    ahead = max((state.ahead, *sorting.early))
    state = replace(state, numbers=sorting.numbers, ahead=ahead)
    telling = Telling(stores, tx, names, {source_id: state}, actor, doubtful=sorting.doubtful)
    rows = [Told(source_id, delta) for delta in sorting.fresh]
    verdicts = await telling.apply(rows)
    quarantine_ids = await telling.quarantine(rows, verdicts)
    await stores.sources.hold(tx, surrogate, sorting.kept, sorting.released, sorting.early)
    await stores.sources.advance(tx, telling.states.values(), names, await tx.now())
    known = dict(zip((delta.source_sequence for delta in sorting.fresh), verdicts, strict=True))
    held = {delta.source_sequence for delta in sorting.kept}.difference(sorting.early)
    known |= dict.fromkeys(held, Outcome.HELD)
    tally = tallied([*known.values(), *[Outcome.DUPLICATE] * sorting.duplicate_count])
    return Heard(
        [outcome_of(known.get(number, Outcome.DUPLICATE)) for number in numbers],
        tally,
        sorting.numbers.applied,
        _gaps(sorting, waiting),
        quarantine_ids,
    )


async def post_snapshot(
    stores: Stores, tx: Transaction, rows: Sequence[Told], source_id: str, speaker: Speaker
) -> Result:
    """Hear what a source sees of some keys. Raises as ``locked_source``."""
    names = Names()
    state = await locked_source(stores, tx, source_id, speaker, names)
    return await show(stores, tx, rows, state, names, speaker.actor)


async def show(
    stores: Stores,
    tx: Transaction,
    rows: Sequence[Told],
    state: SourceState,
    names: Names,
    actor: Actor,
    part_of: UUID | None = None,
) -> Result:
    """Take rows of a picture of a source that is locked: a frame, where ``part_of`` an import."""
    states = {state.source.source_id: state}
    telling = Telling(stores, tx, names, states, actor, part_of=part_of)
    verdicts = await telling.apply(rows)
    quarantine_ids = await telling.quarantine(rows, verdicts)
    await stores.sources.advance(tx, telling.states.values(), names, await tx.now())
    await _settle_held(stores, tx, telling.states.values(), names, actor)
    return Result(verdicts, quarantine_ids)


async def _settle_held(
    stores: Stores, tx: Transaction, states: Collection[SourceState], names: Names, actor: Actor
) -> None:
    """Deal with what pictures have shown of changes that are held, and with what follows them."""
    for state in states:
        if state.source.gap_policy is GapPolicy.HOLD and state.ahead > state.numbers.applied:
            await _hear(stores, tx, state, (), names, actor)


async def retry_rows(
    stores: Stores,
    tx: Transaction,
    quarantine_ids: Sequence[UUID],
    speaker: Speaker,
    note: str,
    *,
    accept_jumps: bool,
) -> Result:
    """Try rows in quarantine again, each once, changes before pictures.

    Raises ``QuarantinedRowNotFound``, ``QuarantinedRowDecided``, ``NotYourSource``.
    """
    names = Names()
    found, states = await _undecided(stores, tx, quarantine_ids, speaker, names)
    ordered = sorted(
        found,
        key=lambda one: (isinstance(found[one].told.row, PictureRow), _number(found[one].told)),
    )
    now = await tx.now()
    rows = [found[one].told for one in ordered]
    telling = Telling(stores, tx, names, states, speaker.actor, any_jump=accept_jumps)
    verdicts: dict[UUID, Verdict] = {}
    for part, told in _without_rivals(ordered, rows):
        verdicts |= zip(part, await telling.apply(told), strict=True)
    decisions = {one: _decision(verdict) for one, verdict in verdicts.items()}
    await stores.quarantine.decide(tx, decisions, speaker.actor, note, now)
    await stores.sources.advance(tx, telling.states.values(), names, None)
    await _settle_held(stores, tx, telling.states.values(), names, speaker.actor)
    return Result([verdicts[one] for one in quarantine_ids])


async def dismiss_rows(
    stores: Stores,
    tx: Transaction,
    quarantine_ids: Sequence[UUID],
    speaker: Speaker,
    note: str,
) -> None:
    """Decide that rows stay without effect. Raises as ``retry_rows``."""
    await _undecided(stores, tx, quarantine_ids, speaker, Names())
    decisions = dict.fromkeys(quarantine_ids, Decision(QuarantineState.DISMISSED))
    await stores.quarantine.decide(tx, decisions, speaker.actor, note, await tx.now())


@dataclass(frozen=True)
class _Sorting:
    """Changes in the order of their numbers: to be applied now, to be kept, and released.

    ``early`` ones are applied although others before them have not come, so their numbers are kept.
    Of ``doubtful`` ones it is not known whether they came before.
    """

    numbers: Numbers
    fresh: Sequence[Delta]
    kept: Sequence[Delta]
    released: Collection[int]
    early: Collection[int]
    doubtful: Collection[int]
    duplicate_count: int


async def _shown(
    stores: Stores, tx: Transaction, state: SourceState, deltas: Sequence[Delta], names: Names
) -> dict[StockKey, int]:
    """Up to which number pictures have shown keys of changes that would be held otherwise."""
    if state.source.gap_policy is not GapPolicy.HOLD or state.ahead <= state.numbers.applied:
        return {}
    keys = {delta.key for delta in deltas if misshapen(delta) is None}
    await stores.items.look_up(tx, {key.sku for key in keys}, names)
    await stores.locations.look_up(tx, {key.location_id for key in keys}, names)
    known = [
        key for key in keys if key.sku in names.item_ids and key.location_id in names.location_ids
    ]
    marks = await stores.sources.marks(tx, names.source_ids[state.source.source_id], known, names)
    return {key: one.watermark for key, one in marks.keys.items() if one.watermark is not None}


def _sorted_in(
    state: SourceState,
    deltas: Sequence[Delta],
    waiting: Waiting,
    shown: Mapping[StockKey, int],
) -> _Sorting:
    numbers, holds = state.numbers, state.source.gap_policy is GapPolicy.HOLD
    new = {
        delta.source_sequence: delta
        for delta in deltas
        if delta.source_sequence not in waiting.known and not numbers.has(delta.source_sequence)
    }
    pool = {delta.source_sequence: delta for delta in waiting.first} | new
    reach = {mark: _reach(mark, numbers, pool) for mark in set(shown.values())}
    fresh: list[Delta] = []
    released, early, doubtful = set[int](), set[int](), set[int]()
    for number, delta in sorted(pool.items()):
        # What is held was not dealt with, however many gaps there are.
        if number in new and numbers.is_forgotten(number):
            doubtful.add(number)
            fresh.append(delta)
            continue
        # What is missing below the highest number comes late and fills its gap.
        must_wait = holds and number > numbers.applied + 1
        if must_wait and (delta.key not in shown or number > reach[shown[delta.key]]):
            continue
        if number not in waiting.settled:
            fresh.append(delta)
        if must_wait:
            early.add(number)
        else:
            released.add(number)
            numbers = numbers.after(number)
    return _Sorting(
        numbers,
        fresh,
        kept=[delta for number, delta in new.items() if number not in released | doubtful],
        released=released - new.keys(),
        early=early,
        doubtful=doubtful,
        duplicate_count=len(deltas) - len(new),
    )


def _reach(mark: int, numbers: Numbers, pool: Collection[int]) -> int:
    """Up to which number nothing is missing after a picture.

    All that a picture showed of its key is known, and so is of which keys those are that are held:
    changes of its key may go on up to there, whatever is missing before.
    """
    last = numbers.last_after(mark)
    while last + 1 in pool:
        last += 1
    return last


def _gaps(sorting: _Sorting, waiting: Waiting) -> list[Gap]:
    """What is missing: known gaps, and what those that are held wait for."""
    left = {delta.source_sequence for delta in waiting.first} - set(sorting.released)
    left |= {delta.source_sequence for delta in sorting.kept}
    gaps, last = list(sorting.numbers.gaps), sorting.numbers.applied
    for number in sorted(left):
        if number > last + 1:
            gaps.append(Gap(last + 1, number - 1))
        last = number
    return gaps


def _refuse_numbers_twice(deltas: Sequence[Delta]) -> None:
    seen: set[int] = set()
    for place, delta in enumerate(deltas):
        if delta.source_sequence in seen:
            raise DuplicateEntry(f"deltas[{place}].source_sequence", delta.source_sequence)
        seen.add(delta.source_sequence)


async def _undecided(
    stores: Stores,
    tx: Transaction,
    quarantine_ids: Sequence[UUID],
    speaker: Speaker,
    names: Names,
) -> tuple[dict[UUID, Quarantined], dict[str, SourceState]]:
    """Rows that nobody has decided on, and their sources, all locked."""
    found = await stores.quarantine.load(tx, quarantine_ids)
    refuse_decided(quarantine_ids, found)
    source_ids = {one.told.source_id for one in found.values()}
    states = await stores.sources.lock(tx, source_ids, names)
    for state in states.values():
        state.source.refuse_stranger(speaker)
    return found, states


def _number(told: Told) -> int:
    if isinstance(told.row, Delta):
        return told.row.source_sequence
    return (told.picture or Picture(None, None)).watermark or 0


def _without_rivals(
    ids: Sequence[UUID], rows: Sequence[Told]
) -> list[tuple[list[UUID], list[Told]]]:
    """Rows in parts: a picture sees what earlier parts did, so its key is in no row before it."""
    parts: list[tuple[list[UUID], list[Told]]] = []
    seen: set[StockKey] = set()
    for one, told in zip(ids, rows, strict=True):
        is_rival = isinstance(told.row, PictureRow) and told.row.key in seen
        if not parts or is_rival:
            parts.append(([], []))
            seen = set()
        seen.add(told.row.key)
        parts[-1][0].append(one)
        parts[-1][1].append(told)
    return parts


def _decision(verdict: Verdict) -> Decision:
    if isinstance(verdict, Misfit):
        return Decision(QuarantineState.OPEN, verdict)
    return Decision(QuarantineState.ACCEPTED)

"""What every row from outside goes through: checks, locks, one decision each, and the books.

A row that cannot be right does not stop the others. All of them share one transaction.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.ledger import Cause, Ledger
from ordermesh.inventory.domain.misfits import misdated, misnumbered, misplaced, misshapen
from ordermesh.inventory.domain.movement import Document
from ordermesh.inventory.domain.stock_feed import (
    NOTHING_UNSEEN,
    Delta,
    Leave,
    Marks,
    Misfit,
    Outcome,
    Picture,
    PictureRow,
    Tally,
    Told,
    ToldCause,
    Trouble,
    Unseen,
    Verdict,
    apply_delta,
    apply_picture,
    tallied,
)
from ordermesh.inventory.domain.stock_source import SourceState
from ordermesh.inventory.operations.overdue import Overdue
from ordermesh.inventory.operations.writing import write
from ordermesh.inventory.ports.ledger import Books
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.reservations import StoredReservation
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.telemetry import Attributes, span

Shown = tuple[str, Picture, bool]
"""A source, one of its pictures, and whether it shows whole locations."""


@dataclass(frozen=True)
class Result:
    """A verdict for each row, in their order, and the ids of those that went into quarantine."""

    verdicts: Sequence[Verdict]
    quarantine_ids: Sequence[UUID] = ()

    @property
    def tally(self) -> Tally:
        """What became of the rows."""
        return tallied(self.verdicts)


@dataclass
class Telling:
    """One transaction in which rows of locked sources are decided on.

    ``states`` are the sources; they are advanced as far as pictures are ahead of their changes.
    ``any_jump``: somebody has looked, so no change is too large, and no picture too far ahead.
    ``part_of`` is the import of which the rows are a frame: they must not show what an earlier
    frame has shown. Of changes with ``doubtful`` numbers it is not known whether they were dealt
    with; they are of one source.
    """

    stores: Stores
    tx: Transaction
    names: Names
    states: dict[str, SourceState]
    actor: Actor
    any_jump: bool = False
    part_of: UUID | None = None
    doubtful: Collection[int] = ()
    _marks: dict[str, Marks] = field(default_factory=dict)
    _unseen: dict[tuple[Shown, StockKey], Unseen] = field(default_factory=dict)
    _quarantined: frozenset[StockKey] = frozenset()

    async def apply(self, rows: Sequence[Told]) -> list[Verdict]:
        """Decide on rows one after the other, and write what has moved; gives the verdicts."""
        verdicts: dict[int, Verdict] = await self._misfits(rows)
        sound = [place for place in range(len(rows)) if place not in verdicts]
        if sound:
            books, kits, now = await self._locked([rows[place] for place in sound])
            for place in sound:
                if rows[place].row.key.sku in kits:
                    verdicts[place] = Misfit(Trouble.KIT)
            sound = [place for place in sound if place not in verdicts]
            await self._look_back([rows[place] for place in sound])
            ledger = books.opened()
            with span("decide", {Attributes.LINE_COUNT: len(sound)}):
                for place in sound:
                    verdicts[place] = self._decide(ledger, rows[place], now)
            expired = await self._cure(ledger, rows, verdicts, now)
            await self._write(ledger, books, expired, now)
            await self._remember([rows[place] for place in sound], verdicts, sound)
        return [verdicts[place] for place in range(len(rows))]

    async def _misfits(self, rows: Sequence[Told]) -> dict[int, Verdict]:
        """Those that cannot be right whatever the stock is, by their places."""
        found: dict[int, Verdict] = {}
        for place, told in enumerate(rows):
            misfit = misshapen(told.row)
            if misfit is not None:
                found[place] = misfit
        # Fewer than no units cannot be right, but the key is named all the same.
        shapely = [
            told.row.key
            for place, told in enumerate(rows)
            if place not in found or _is_negative(found[place])
        ]
        kits = await self.stores.items.look_up(self.tx, {key.sku for key in shapely}, self.names)
        places = {key.location_id for key in shapely}
        await self.stores.locations.look_up(self.tx, places, self.names)
        skus, location_ids = self.names.item_ids, self.names.location_ids
        earlier = await self._shown_before(shapely)
        if self.doubtful:
            found = await self._doubted(rows) | found
        seen: set[tuple[str, StockKey]] = set()
        for place, told in enumerate(rows):
            if place in found:
                continue
            source = self.states[told.source_id].source
            misfit = misplaced(told.row, source, skus, location_ids, kits)
            if misfit is None and isinstance(told.row, PictureRow):
                if told.row.key in earlier or (told.source_id, told.row.key) in seen:
                    misfit = Misfit(Trouble.REPEATED)
                seen.add((told.source_id, told.row.key))
            if misfit is not None:
                found[place] = misfit
        return found

    async def _doubted(self, rows: Sequence[Told]) -> dict[int, Verdict]:
        """What is known of changes with forgotten numbers: whether their keys' books have them."""
        places = {
            place: row
            for place, row in enumerate(told.row for told in rows)
            if isinstance(row, Delta) and row.source_sequence in self.doubtful
        }
        numbers = {
            row.source_sequence: row.key
            for row in places.values()
            if row.key.sku in self.names.item_ids and row.key.location_id in self.names.location_ids
        }
        source_id = rows[0].source_id
        source = self.names.source_ids[source_id]
        moved = await self.stores.sources.moved(self.tx, source, numbers, self.names)
        facts = {"forgottenSequence": str(self.states[source_id].numbers.forgotten)}
        forgotten = Misfit(Trouble.NUMBER_FORGOTTEN, facts)
        return {
            place: Outcome.DUPLICATE if row.source_sequence in moved else forgotten
            for place, row in places.items()
        }

    async def _shown_before(self, keys: Collection[StockKey]) -> Collection[StockKey]:
        """Those of the keys that an earlier frame has shown; the next ones will know of all."""
        if self.part_of is None:
            return ()
        named = {
            self.names.pair(key): key
            for key in keys
            if key.sku in self.names.item_ids and key.location_id in self.names.location_ids
        }
        known = await self.stores.imports.name_keys(self.tx, self.part_of, named)
        return {named[pair] for pair in known}

    async def _locked(self, rows: Sequence[Told]) -> tuple[Books, Collection[str], datetime]:
        """The books, locked, those items that are kits, and the time."""
        keys = {told.row.key for told in rows}
        growing = {told.row.key for told in rows if _may_grow(told.row)}
        await self.stores.ledger.open(self.tx, self.names.pairs(growing))
        books = await self.stores.ledger.lock(self.tx, self.names.pairs(keys), self.names)
        self._quarantined = books.quarantined
        # Read again under the locks: an item may have become a kit while we waited for them.
        kits = await self.stores.items.kits_among(self.tx, {key.sku for key in keys})
        return books, kits, await self.tx.now()

    async def _look_back(self, rows: Sequence[Told]) -> None:
        """Read what pictures showed of the keys before, and what these ones do not contain."""
        wanted: dict[str, set[StockKey]] = defaultdict(set)
        for told in rows:
            row = told.row
            if isinstance(row, PictureRow) or row.source_sequence <= self._ahead(told.source_id):
                wanted[told.source_id].add(row.key)
        for source_id, keys in wanted.items():
            surrogate = self.names.source_ids[source_id]
            self._marks[source_id] = await self.stores.sources.marks(
                self.tx, surrogate, keys, self.names
            )
        included: dict[Shown, dict[StockKey, int | None]] = defaultdict(dict)
        for told in rows:
            if told.picture is None or not isinstance(told.row, PictureRow):
                continue
            # Also of a key without any entry: people may have counted that nothing is there.
            shown = (told.source_id, told.picture, told.is_full)
            included[shown][told.row.key] = told.row.included_sequence
        for shown, keys_of in included.items():
            source_id, picture, _ = shown
            found = await self.stores.sources.unseen(
                self.tx,
                self.names.source_ids[source_id],
                picture,
                keys_of,
                self.names,
                self.states[source_id].highest,
            )
            self._unseen |= {(shown, key): unseen for key, unseen in found.items()}

    def _ahead(self, source_id: str) -> int:
        return self.states[source_id].ahead

    def _decide(
        self, ledger: Ledger, told: Told, now: datetime, *, is_last: bool = False
    ) -> Verdict:
        """The verdict; only at the ``is_last`` time may promises be left without units."""
        row, source = told.row, self.states[told.source_id].source
        if row.key in self._quarantined:
            return Misfit(Trouble.KEY_QUARANTINED)
        leave = Leave(self.any_jump, is_last and source.may_fall_below_reserved)
        marks = self._marks.get(told.source_id, Marks())
        if isinstance(row, Delta):
            if marks.contain(row):
                return Outcome.CONTAINED
            return apply_delta(ledger, source, row, leave)
        picture = told.picture or Picture(None, None)
        misfit = misdated(picture, now)
        if misfit is None and not self.any_jump:
            misfit = misnumbered(picture, self.states[told.source_id])
        if misfit is not None:
            return misfit
        if marks.outdate(picture, row.key, now):
            return Outcome.OUTDATED
        unseen = self._unseen.get(((told.source_id, picture, told.is_full), row.key))
        return apply_picture(
            ledger,
            source,
            picture,
            row,
            unseen or NOTHING_UNSEEN,
            leave,
            document=told.document,
        )

    async def _cure(
        self, ledger: Ledger, rows: Sequence[Told], verdicts: dict[int, Verdict], now: datetime
    ) -> list[StoredReservation]:
        """Where promises are in the way, expire those whose time has passed, and decide again.

        What is then still gone leaves the others short, where the source may say so.
        """
        below = {
            place: verdict
            for place, verdict in verdicts.items()
            if isinstance(verdict, Misfit) and verdict.missing
        }
        if not below:
            return []
        missing: dict[StockKey, int] = defaultdict(int)
        for place, misfit in below.items():
            missing[rows[place].row.key] += misfit.missing
        overdue = Overdue(self.stores, self.tx, self.names, now)
        is_freed = await overdue.make_way(ledger, missing)
        for place in below:
            source = self.states[rows[place].source_id].source
            if is_freed or source.may_fall_below_reserved:
                verdicts[place] = self._decide(ledger, rows[place], now, is_last=True)
        return overdue.changes()

    async def _write(
        self, ledger: Ledger, books: Books, expired: Sequence[StoredReservation], now: datetime
    ) -> None:
        if not ledger.entries:
            return
        documents: dict[Cause, Document] = {}
        for cause in dict.fromkeys(entry.cause for entry in ledger.entries):
            if isinstance(cause, ToldCause):
                documents[cause] = Document(self.actor, cause.document, reason=cause.reason)
            else:
                documents[cause] = Document(self.actor)
        await write(
            self.stores,
            self.tx,
            self.names,
            ledger,
            books.terms,
            documents,
            expired,
            now,
        )

    async def _remember(
        self, rows: Sequence[Told], verdicts: Mapping[int, Verdict], places: Sequence[int]
    ) -> None:
        """Note which pictures of keys were shown, where that will matter.

        A full picture that is not ahead of the source's changes needs no notes: the note of its
        location outdates older ones, and no change that it contains can still come. But where other
        sources speak for its locations, older pictures of theirs are outdated by what it showed.
        """
        shown: dict[Shown, list[StockKey]] = defaultdict(list)
        for place, told in zip(places, rows, strict=True):
            if told.picture is not None and verdicts[place] in (Outcome.APPLIED, Outcome.UNCHANGED):
                shown[told.source_id, told.picture, told.is_full].append(told.row.key)
        for (source_id, picture, is_full), keys in shown.items():
            state, surrogate = self.states[source_id], self.names.source_ids[source_id]
            first_open = await self.stores.quarantine.first_open(self.tx, surrogate)
            settled = state.numbers.settled
            if first_open is not None:
                settled = min(settled, first_open - 1)
            is_ahead = picture.watermark is not None and picture.watermark > settled
            if is_ahead and picture.watermark is not None:
                ahead = max(state.ahead, picture.watermark)
                self.states[source_id] = replace(state, ahead=ahead)
            is_alone = picture.taken is None or await self.stores.sources.is_alone(
                self.tx, state.source
            )
            is_noted = is_full and is_alone and not is_ahead
            left = self._unnoted(source_id, picture, keys) if is_noted else keys
            await self.stores.sources.mark(self.tx, surrogate, self.names.pairs(left), picture)

    def _unnoted(
        self, source_id: str, picture: Picture, keys: Sequence[StockKey]
    ) -> list[StockKey]:
        """Keys at locations of which no note outdates what is older than the picture.

        It shows whole locations, but also keys elsewhere; and it may have been too far ahead to be
        believed when it was announced.
        """
        noted = self._marks[source_id].locations
        return [
            key
            for key in keys
            if key.location_id not in noted or not noted[key.location_id].covers(picture)
        ]

    async def quarantine(self, rows: Sequence[Told], verdicts: Sequence[Verdict]) -> list[UUID]:
        """Keep the rows that cannot be right; gives their ids."""
        misfits = [
            (told, verdict)
            for told, verdict in zip(rows, verdicts, strict=True)
            if isinstance(verdict, Misfit)
        ]
        if not misfits:
            return []
        return await self.stores.quarantine.add(self.tx, misfits, self.names, await self.tx.now())


def _is_negative(verdict: Verdict) -> bool:
    return isinstance(verdict, Misfit) and verdict.trouble is Trouble.NEGATIVE


def _may_grow(row: Delta | PictureRow) -> bool:
    return row.on_hand > 0 if isinstance(row, PictureRow) else row.change > 0

"""Shipments as batches: what really happened is a plan of them, and the solver may find a better.

*The same units*: what left a building on a day (or in a week, or at all) still leaves it then, for
whichever order; so its stock and its labor are what it really shipped. *Free*: units leave any
building that had them, and no building sends more than it did. In both an order of one day stays of
that day, and nothing arrives later than it did.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ordermesh.routing.audit.reading import Shipments, Shipped
from ordermesh.routing.audit.tariff import Tariff
from ordermesh.routing.domain.batch.instance import (
    ATOMS_MAX,
    MONEY_MAX,
    NO_LIMIT,
    Atoms,
    Batch,
    Integers,
    Items,
    Locations,
    Orders,
    Stock,
)
from ordermesh.routing.domain.geography import Place, distance_km

_DOMINATES = 1_000
"""How many of the dearest parcels it is worth to leave nothing."""


class Kind(StrEnum):
    """What stays as it was."""

    SAME_UNITS = "same units"
    FREE = "free"


class Pool(StrEnum):
    """Over which time the units that left a building are the same."""

    DAY = "day"
    WEEK = "week"
    ALL = "all"


@dataclass(frozen=True)
class Piece:
    """What left for one order on one day; ``kept_whole`` of its rows could have been divided."""

    order_id: str
    rows: tuple[Shipped, ...]
    kept_whole: int

    @property
    def name(self) -> str:
        """The order and the day."""
        return f"{self.order_id} on {self.rows[0].day.isoformat()}"


@dataclass(frozen=True, slots=True)
class Aside:
    """What was left as it was, and why; ``rows`` are its lines in the file."""

    name: str
    units: int
    why: str
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """A batch, and where its atoms really left from; ``rows`` are their lines in the file."""

    kind: Kind
    period: str
    batch: Batch
    actual: Integers
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Asked:
    """How to look at it: over which time units are the same, and whether promises may be used."""

    pool: Pool = Pool.DAY
    until_promise: bool = False
    parcel_fee: int = 0


def pieces_of(shipments: Shipments, tariff: Tariff) -> tuple[list[Piece], list[Aside]]:
    """What can be audited, and what is left as it was."""
    grouped: dict[tuple[str, object], list[Shipped]] = defaultdict(list)
    for row in shipments.rows:
        grouped[row.order_id, row.day].append(row)
    pieces, aside = [], []
    for rows in grouped.values():
        piece, why = Piece(rows[0].order_id, tuple(rows), 0), None
        if len(rows) > ATOMS_MAX:
            why = f"has more than {ATOMS_MAX} lines on one day"
        else:
            why = _unpriced(rows, shipments.places, tariff)
            piece = Piece(piece.order_id, piece.rows, sum(not one for one in divided(rows)))
        if why is None:
            pieces.append(piece)
        else:
            lines = tuple(row.line for row in rows)
            aside.append(Aside(piece.name, sum(row.quantity for row in rows), why, lines))
    return pieces, aside


def divided(rows: Sequence[Shipped]) -> list[bool]:
    """Which rows are looked at by their units, or may not be divided: as many as fit."""
    room = ATOMS_MAX - len(rows)
    found = [row.quantity == 1 or row.keep_together for row in rows]
    for place in sorted(range(len(rows)), key=lambda one: (rows[one].quantity, one)):
        if not found[place] and rows[place].quantity - 1 <= room:
            found[place] = True
            room -= rows[place].quantity - 1
    return found


def same_units(
    pieces: Iterable[Piece], shipments: Shipments, tariff: Tariff, asked: Asked
) -> list[Case]:
    """A case for each day, or week, or one for all."""
    grouped: dict[str, list[Piece]] = defaultdict(list)
    for piece in pieces:
        grouped[_period(piece, asked.pool)].append(piece)
    return [
        _case(Kind.SAME_UNITS, period, grouped[period], shipments.places, tariff, asked, {})
        for period in sorted(grouped)
    ]


def free(
    pieces: Sequence[Piece],
    shipments: Shipments,
    stock: Mapping[tuple[str, str], int],
    tariff: Tariff,
    asked: Asked,
) -> Case:
    """One case over the whole time, with the stock that was there at its beginning.

    What really left a building was there, whatever the stock says.
    """
    return _case(Kind.FREE, "all", pieces, shipments.places, tariff, asked, stock)


def _period(piece: Piece, pool: Pool) -> str:
    day = piece.rows[0].day
    if pool is Pool.DAY:
        return day.isoformat()
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}" if pool is Pool.WEEK else "all"


def _unpriced(rows: Sequence[Shipped], places: Mapping[str, Place], tariff: Tariff) -> str | None:
    """Why the rate card says nothing of what happened."""
    parcels: Counter[str] = Counter()
    for row in rows:
        km = distance_km(places[row.location_id], row.destination)
        if tariff.costs.zone_at(km) is None:
            return f"went {km} km from {row.location_id}, beyond the last zone of the rate card"
        parcels[row.location_id] += row.grams * row.quantity
    if tariff.brackets is not None:
        most = int(tariff.brackets.up_to_grams[-1])
        for name, grams in parcels.items():
            if grams > most:
                return f"left {name} in a parcel of {grams} grams, heavier than the rate card goes"
    return None


def _case(
    kind: Kind,
    period: str,
    pieces: Sequence[Piece],
    places: Mapping[str, Place],
    tariff: Tariff,
    asked: Asked,
    stock: Mapping[tuple[str, str], int],
) -> Case:
    rows = [row for piece in pieces for row in piece.rows]
    skus = sorted({row.sku for row in rows})
    shipped: Counter[tuple[str, str]] = Counter()
    for row in rows:
        shipped[row.sku, row.location_id] += row.quantity
    wanted = set(skus)
    held = {key: units for key, units in stock.items() if key[0] in wanted and units}
    held = {key: max(held.get(key, 0), shipped[key]) for key in held.keys() | shipped.keys()}
    ids = sorted({place for _, place in held})
    item_of = {sku: place for place, sku in enumerate(skus)}
    location_of = {name: place for place, name in enumerate(ids)}
    goals = list(dict.fromkeys(row.destination for row in rows))
    goal_of = {goal: place for place, goal in enumerate(goals)}
    atoms = _Atoms(item_of, location_of, places, tariff, asked)
    for piece in pieces:
        atoms.add(piece)
    labor: Counter[str] = Counter()
    for (_, name), units in shipped.items():
        labor[name] += units
    grams = {row.sku: row.grams for row in rows}
    batch = Batch(
        name=f"{kind}, {period}",
        costs=tariff.costs,
        locations=Locations(
            ids=tuple(ids),
            pick_fee=np.full(len(ids), asked.parcel_fee, np.int64),
            labor_per_unit=np.zeros(len(ids), np.int64),
            handling_days=np.zeros(len(ids), np.int64),
            # Where the same units leave, the labor is the same without being asked for.
            capacity=_column([NO_LIMIT if kind is Kind.SAME_UNITS else labor[one] for one in ids]),
        ),
        items=Items(tuple(skus), _column([grams[sku] for sku in skus])),
        stock=_stock([(item_of[sku], location_of[name], n) for (sku, name), n in held.items()]),
        orders=Orders(
            ids=tuple(piece.name for piece in pieces),
            destination=_column([goal_of[piece.rows[0].destination] for piece in pieces]),
            promise_days=_column([_promise(piece) for piece in pieces]),
            first_atom=_column(atoms.first),
        ),
        atoms=atoms.table(len(pieces)),
        distance_km=np.array(
            [[distance_km(places[name], goal) for name in ids] for goal in goals], np.int64
        ),
        brackets=tariff.brackets,
    )
    return Case(kind, period, batch, _column(atoms.actual), tuple(atoms.rows))


class _Atoms:
    """The atoms of a case, piece by piece."""

    def __init__(
        self,
        item_of: Mapping[str, int],
        location_of: Mapping[str, int],
        places: Mapping[str, Place],
        tariff: Tariff,
        asked: Asked,
    ) -> None:
        self._item_of, self._location_of, self._places = item_of, location_of, places
        self._tariff, self._asked = tariff, asked
        self._columns: list[tuple[int, int, int, int]] = []
        self._dearest = 0
        self.first, self.actual, self.rows = [0], list[int](), list[int]()

    def add(self, piece: Piece) -> None:
        """The atoms of one piece: units where rows are looked at unit by unit."""
        for line, (row, is_divided) in enumerate(zip(piece.rows, divided(piece.rows), strict=True)):
            km = distance_km(self._places[row.location_id], row.destination)
            zone = self._tariff.costs.zone_at(km)
            if zone is None:
                raise ArithmeticError("a piece that cannot be priced is audited")
            days = zone.transit_days
            if self._asked.until_promise and row.promise_days is not None:
                days = max(days, row.promise_days)
            single = is_divided and not row.keep_together
            for _ in range(row.quantity if single else 1):
                units = 1 if single else row.quantity
                self._columns.append((line, self._item_of[row.sku], units, days))
                self.actual.append(self._location_of[row.location_id])
                self.rows.append(row.line)
        grams = sum(row.grams * row.quantity for row in piece.rows)
        self._dearest = max(self._dearest, self._tariff.dearest(grams))
        self.first.append(len(self._columns))

    def table(self, pieces: int) -> Atoms:
        """All of them; leaving one is dearer than anything else could be."""
        line, item, units, days = (_column(list(one)) for one in zip(*self._columns, strict=True))
        dearest = self._dearest + self._asked.parcel_fee + 1
        penalty = min(_DOMINATES * dearest, MONEY_MAX // (4 * len(line)))
        if penalty < 2 * dearest * ATOMS_MAX:
            raise ValueError(f"{pieces} orders cost too much to be added up")
        return Atoms(line, item, units, np.full(len(line), penalty, np.int64), days)


def _stock(held: Sequence[tuple[int, int, int]]) -> Stock:
    item, place, units = (_column(list(column)) for column in zip(*sorted(held), strict=True))
    return Stock(item, place, units, np.zeros(len(held), np.int64))


def _promise(piece: Piece) -> int:
    promised = [row.promise_days for row in piece.rows if row.promise_days is not None]
    return min(promised, default=-1)


def _column(numbers: list[int]) -> Integers:
    return np.array(numbers, np.int64)

"""Kits: what they are made of, and how stock is promised and counted by component."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ordermesh.inventory.domain.errors.catalog import KitHasNoStock
from ordermesh.inventory.domain.errors.requests import TooMuchAsked
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.reservation import Line
from ordermesh.kernel.records import record

LINES_MAX = 5_000
"""Lines of one reservation after its kits were taken apart: its answer must fit in a message."""


@dataclass(frozen=True)
class Component:
    """So many units of an item in one kit."""

    sku: str
    quantity: int


@dataclass(frozen=True)
class Kit:
    """What an item is made of. ``version`` counts its compositions; 0: not stored yet."""

    components: tuple[Component, ...]
    may_split: bool = False
    version: int = 0


@dataclass(frozen=True)
class Wait:
    """Leave to wait for goods that are still to come, until ``needed_by``; None: however long."""

    needed_by: datetime | None = None


@record
class Wanted:
    """So many units of one key for a caller's line.

    Of a kit's component, ``kit_sku`` names the kit, and ``quantity_per_kit`` counts units in one.
    ``lot_id`` and ``serial_numbers`` are facts that go with the units. ``wait`` None means that it
    must be on hand. A line with a ``group`` has no location yet: it is bound to some of
    ``candidates``, where it is on hand.
    """

    line_id: str
    key: StockKey
    quantity: int
    kit_sku: str = ""
    quantity_per_kit: int = 0
    mode: ReservationMode = ReservationMode.UNSAID
    lot_id: str = ""
    serial_numbers: tuple[str, ...] = ()
    wait: Wait | None = None
    group: str = ""
    candidates: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[StockKey, ...]:
        """Where it may be held: at its location, or at the candidates of its group."""
        if not self.group:
            return (self.key,)
        return tuple(StockKey(self.key.sku, location_id) for location_id in self.candidates)

    def at(self, location_id: str) -> "Wanted":
        """The line, bound to a location."""
        return replace(
            self, key=StockKey(self.key.sku, location_id), group="", candidates=(), wait=None
        )

    @property
    def is_held(self) -> bool:
        """Whether units are held for it."""
        return self.mode in (ReservationMode.RESERVE, ReservationMode.UNSAID)


def exploded(wanted: Sequence[Wanted], kits: Mapping[str, Kit]) -> tuple[Wanted, ...]:
    """The same demand with every kit replaced by its components at the same location.

    Raises ``TooMuchAsked`` when that makes more than ``LINES_MAX`` lines, ``KitHasNoStock`` for a
    kit that comes with a lot or serial numbers.
    """
    lines: list[Wanted] = []
    for line in wanted:
        kit = kits.get(line.key.sku)
        if kit is None:
            lines.append(line)
            continue
        if line.lot_id or line.serial_numbers:
            raise KitHasNoStock([line.key.sku])
        lines.extend(
            Wanted(
                line_id=line.line_id,
                key=StockKey(component.sku, line.key.location_id),
                quantity=line.quantity * component.quantity,
                kit_sku=line.key.sku,
                quantity_per_kit=component.quantity,
                mode=line.mode,
                wait=line.wait,
                group=line.group,
            )
            for component in kit.components
        )
    if len(lines) > LINES_MAX:
        raise TooMuchAsked("The kits of the request have too many components.", LINES_MAX)
    return tuple(lines)


def with_modes(wanted: Sequence[Wanted], modes: Mapping[str, ReservationMode]) -> list[Wanted]:
    """The same lines, each with its mode: its own, that of the kit, or that of the item.

    ``modes`` are what items say; those that say nothing may be left out. Where nobody says anything
    the line stays as it is: what is not said means that units are held.
    """
    if not modes:
        return list(wanted)
    return [_with_mode(line, modes) for line in wanted]


def _with_mode(line: Wanted, modes: Mapping[str, ReservationMode]) -> Wanted:
    mode = line.mode or modes.get(line.kit_sku) or modes.get(line.key.sku)
    return replace(line, mode=mode) if mode and mode is not line.mode else line


def kits_among(wanted: Iterable[Wanted | Line]) -> dict[StockKey, int]:
    """How many kits the components that are wanted, or held, at each location are for."""
    parts: dict[StockKey, dict[tuple[str, int], int]] = {}
    for line in wanted:
        if line.kit_sku:
            counts = parts.setdefault(StockKey(line.kit_sku, line.key.location_id), {})
            part = (line.key.sku, line.quantity_per_kit)
            counts[part] = counts.get(part, 0) + line.quantity
    return {
        kit: max(-(-units // per_kit) for (_, per_kit), units in counts.items())
        for kit, counts in parts.items()
    }


def available_kits(kit: Kit, available: Mapping[str, int]) -> int:
    """How many kits the available units of their components allow at one location."""
    return min(
        available.get(component.sku, 0) // component.quantity for component in kit.components
    )

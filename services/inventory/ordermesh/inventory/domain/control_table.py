"""All controls of one version, compiled so that those of one key are found at once.

Controls are sorted into the products that they name when an item is first asked about, and into
the places that they name within it. The table never changes; another version is another table.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from ordermesh.inventory.domain.conditions import UNCONDITIONAL, Conditions
from ordermesh.inventory.domain.control import LIMITS, Control, ControlKind

_Place = tuple[str, str]
"""A location and its id, a group and its name, or everywhere."""

_ALL: _Place = ("", "")


@dataclass(frozen=True)
class Applied:
    """The control that wins among those of its kind, and those that it beats, the best first."""

    control: Control
    beaten: Sequence[Control]


class ProductControls:
    """The controls that may apply to one item, by kind and place."""

    def __init__(self, controls: Iterable[Control]) -> None:
        found: dict[ControlKind, dict[_Place, list[Control]]] = {}
        for control in sorted(controls, key=lambda one: one.precedence):
            places = found.setdefault(control.kind, {})
            places.setdefault(_place_of(control), []).append(control)
        self._by_kind: Mapping[ControlKind, Mapping[_Place, Sequence[Control]]] = found
        self._places = {place for places in found.values() for place in places}
        self._last: tuple[datetime, dict[tuple[str, frozenset[_Place]], Conditions]] | None = None

    def __bool__(self) -> bool:
        return bool(self._by_kind)

    def of_kind(self, kind: ControlKind) -> list[Control]:
        """All controls of a kind, wherever and whenever they are in force."""
        return [one for place in self._by_kind.get(kind, {}).values() for one in place]

    def candidates(
        self, kind: ControlKind, location_id: str, groups: Iterable[str], now: datetime
    ) -> list[Control]:
        """The controls of a kind in force at a location, of any channel, the best first."""
        places = self._by_kind.get(kind)
        if places is None:
            return []
        found = [
            control
            for place in _wanted(location_id, groups)
            for control in places.get(place, ())
            if control.is_in_force(now)
        ]
        return sorted(found, key=lambda one: one.precedence)

    def applied(
        self, location_id: str, groups: Iterable[str], channel: str, now: datetime
    ) -> dict[ControlKind, Applied]:
        """What applies to a channel at a location, by kind."""
        applied: dict[ControlKind, Applied] = {}
        for kind in sorted(self._by_kind):
            found = [
                control
                for control in self.candidates(kind, location_id, groups, now)
                if control.is_for(channel)
            ]
            if found:
                applied[kind] = Applied(found[0], found[1:])
        return applied

    def conditions(
        self, location_id: str, groups: Iterable[str], channel: str, now: datetime
    ) -> Conditions:
        """On what conditions a channel sells the item at a location."""
        if not self._by_kind:
            return UNCONDITIONAL
        groups = tuple(groups)
        # Of many locations at one moment most are alike, as far as the controls can tell.
        if self._last is None or self._last[0] != now:
            self._last = (now, {})
        alike = (channel, frozenset(_wanted(location_id, groups)) & self._places)
        found = self._last[1].get(alike)
        if found is None:
            found = self._conditions(location_id, groups, channel, now)
            self._last[1][alike] = found
        return found

    def _conditions(
        self, location_id: str, groups: Iterable[str], channel: str, now: datetime
    ) -> Conditions:
        values = {
            kind: one.control.value
            for kind, one in self.applied(location_id, groups, channel, now).items()
        }
        pools = self.pools(location_id, groups, now)
        return Conditions(
            is_excluded=values.get(ControlKind.EXCLUDE, 0) > 0,
            safety_stock=values.get(ControlKind.SAFETY_STOCK, 0),
            buffer_units=values.get(ControlKind.BUFFER_UNITS, 0),
            buffer_percent=values.get(ControlKind.BUFFER_PERCENT, 0),
            cap=values.get(ControlKind.CAP),
            pool=pools.pop(channel, None),
            other_pools=tuple(pools.values()),
        )

    def pools(self, location_id: str, groups: Iterable[str], now: datetime) -> dict[str, Control]:
        """The pools at a location by channel."""
        pools: dict[str, Control] = {}
        for control in self.candidates(ControlKind.POOL, location_id, groups, now):
            pools.setdefault(control.channel, control)
        return pools

    def limits(self, channel: str, now: datetime) -> dict[ControlKind, Control]:
        """The purchase limits for a channel by kind."""
        found: dict[ControlKind, Control] = {}
        for kind in LIMITS & self._by_kind.keys():
            for control in self.candidates(kind, "", (), now):
                if control.is_for(channel):
                    found[kind] = control
                    break
        return found


@dataclass(frozen=True)
class ControlTable:
    """All controls of one version."""

    controls: Sequence[Control] = ()
    version: int = 0
    _by_product: dict[_Place, list[Control]] = field(init=False, repr=False, compare=False)
    _found: dict[tuple[str, tuple[str, ...]], ProductControls] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        by_product: dict[_Place, list[Control]] = defaultdict(list)
        for control in self.controls:
            by_product[_product_of(control)].append(control)
        object.__setattr__(self, "_by_product", by_product)

    @cached_property
    def kinds(self) -> frozenset[ControlKind]:
        """The kinds of which there are any controls."""
        return frozenset(control.kind for control in self.controls)

    @cached_property
    def limits_purchases(self) -> bool:
        """Whether anything limits what one line, order or customer may have."""
        return bool(self.kinds & LIMITS)

    @cached_property
    def channels(self) -> frozenset[str]:
        """The channels that are named."""
        return frozenset(control.channel for control in self.controls if control.channel)

    @cached_property
    def needs_features(self) -> bool:
        """Whether tags or groups are named, so that those of items and locations must be known."""
        return any(control.tag or control.location_group for control in self.controls)

    def product(self, sku: str, tags: Sequence[str]) -> ProductControls:
        """The controls that may apply to an item with these tags."""
        if not self.controls:
            return _NO_PRODUCT
        asked = (sku, tuple(tags))
        if asked not in self._found:
            names = [_ALL, ("sku", sku), *(("tag", tag) for tag in dict.fromkeys(tags))]
            self._found[asked] = ProductControls(
                control for name in names for control in self._by_product.get(name, ())
            )
        return self._found[asked]


def _wanted(location_id: str, groups: Iterable[str]) -> list[_Place]:
    """The places in which a location lies."""
    return [_ALL, ("location", location_id), *(("group", group) for group in dict.fromkeys(groups))]


def _product_of(control: Control) -> _Place:
    if control.sku:
        return ("sku", control.sku)
    return ("tag", control.tag) if control.tag else _ALL


def _place_of(control: Control) -> _Place:
    if control.location_id:
        return ("location", control.location_id)
    return ("group", control.location_group) if control.location_group else _ALL


_NO_PRODUCT = ProductControls(())

NO_CONTROLS = ControlTable()
"""The table before anything was controlled."""

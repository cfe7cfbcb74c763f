"""What could have been otherwise: one change of what a decision was made from."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.domain.inputs import SourcingInputs
from ordermesh.routing.domain.problem import Adjustment, AdjustmentKind, Rule
from ordermesh.routing.domain.sourcing import SourcingLocation


@dataclass(frozen=True, slots=True)
class Stocked:
    """A location has so many units of an item that may be promised."""

    location_id: str
    sku: str
    units: int


@dataclass(frozen=True, slots=True)
class Charged:
    """A shipment from a location costs so much more; less, where it is negative."""

    location_id: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Roomy:
    """A location can ship so many units today, None for as many as there are."""

    location_id: str
    units: int | None


@dataclass(frozen=True, slots=True)
class SwitchedOn:
    """A location is active and ships."""

    location_id: str


@dataclass(frozen=True, slots=True)
class Unfenced:
    """A rule that kept a location out does not hold there; without ``rule_id`` any of this kind."""

    location_id: str
    rule: Rule
    rule_id: str = ""


@dataclass(frozen=True, slots=True)
class Promised:
    """The order is promised within so many days, None for no promise."""

    days: int | None


@dataclass(frozen=True, slots=True)
class Parted:
    """The order may leave in so many shipments, None for any number."""

    shipments_max: int | None


Change = Stocked | Charged | Roomy | SwitchedOn | Unfenced | Promised | Parted
"""One thing that is otherwise."""


def changed(inputs: SourcingInputs, changes: Iterable[Change]) -> SourcingInputs:
    """The inputs with all changes. Raises ``FieldViolation`` for a location they do not have."""
    for change in changes:
        inputs = _changed(inputs, change)
    return inputs


def _changed(inputs: SourcingInputs, change: Change) -> SourcingInputs:
    match change:
        case Stocked(location_id, sku, units):
            _require(inputs, location_id)
            held = {**inputs.stock.get(location_id, {}), sku: units}
            return replace(inputs, stock={**inputs.stock, location_id: held})
        case Charged(location_id, amount):
            once = Adjustment(AdjustmentKind.PREFERENCE, "", amount)
            return _at(
                inputs, location_id, lambda one: replace(one, adjustments=(*one.adjustments, once))
            )
        case Roomy(location_id, units):
            return _at(inputs, location_id, lambda one: replace(one, capacity_units=units))
        case SwitchedOn(location_id):
            return _at(inputs, location_id, lambda one: replace(one, active=True, ships=True))
        case Unfenced(location_id, rule, rule_id):
            _require(inputs, location_id)
            kept = tuple(
                one
                for one in inputs.rejections
                if one.location_id != location_id
                or one.rule != rule
                or rule_id not in ("", one.rule_id)
            )
            return replace(inputs, rejections=kept)
        case Promised(days):
            return replace(inputs, policy=replace(inputs.policy, promise_days=days))
        case Parted(shipments_max):
            return replace(inputs, policy=replace(inputs.policy, shipments_max=shipments_max))


def _require(inputs: SourcingInputs, location_id: str) -> None:
    if not any(one.location_id == location_id for one in inputs.locations):
        sentence = f"The decision did not look at {location_id}."
        raise FieldViolation("changes.location_id", "known", sentence)


def _at(
    inputs: SourcingInputs,
    location_id: str,
    change: Callable[[SourcingLocation], SourcingLocation],
) -> SourcingInputs:
    _require(inputs, location_id)
    return replace(
        inputs,
        locations=tuple(
            change(one) if one.location_id == location_id else one for one in inputs.locations
        ),
    )


def stock_of(inputs: SourcingInputs, location_id: str) -> Mapping[str, int]:
    """Units by SKU at a location."""
    return inputs.stock.get(location_id, {})

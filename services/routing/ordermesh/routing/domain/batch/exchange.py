"""Batches as JSON, so that others can solve the same and be checked by the same verifier.

One object. ``form`` is ``ordermesh.batch/1``; money is a whole number of 1e-4 of ``currency``:

- ``costs``: the rates, each under its name in ``ordermesh.routing.domain.rates``; zones are listed
  nearest first, ``distance_km_max`` belongs to its zone, and null reaches everywhere.
- ``locations``, ``items``, ``stock``, ``orders``, ``atoms``: tables, each an object with one list
  for each column, named and meant as in ``ordermesh.routing.domain.batch.instance``. Items,
  locations and destinations are named by their places in these lists, from 0. ``capacity`` of -1
  is no limit, ``promise_days`` of -1 no promise.
- ``atoms`` may have a column ``days_max``, and the batch ``brackets``, an object with
  ``up_to_grams`` and ``price``, a list for each zone, both meant as in that module.
- ``distance_km``: for each destination, the whole kilometres to each location.

A plan is ``{"form": "ordermesh.batch-plan/1", "instance": <SHA-256 of the instance>, "location":
[...], "cost": ..., "bound": ..., "prices": {"<place of the resource>": <price>, ...}, "status":
...}``: for each atom the location, -1 where it stays. Resources are the rows of stock, then the
labor of the locations; those that are not named have no price.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.batch.instance import (
    NO_LIMIT,
    Atoms,
    Batch,
    Brackets,
    Integers,
    Items,
    Locations,
    Orders,
    Stock,
)
from ordermesh.routing.domain.batch.plan import BatchPlan, BatchStatus
from ordermesh.routing.domain.rates import CarbonRates, CostModel, ZoneRates

FORM = "ordermesh.batch/1"
PLAN_FORM = "ordermesh.batch-plan/1"

_TABLES = {
    "locations": ("pick_fee", "labor_per_unit", "handling_days", "capacity"),
    "items": ("grams",),
    "stock": ("item", "location", "units", "credit"),
    "orders": ("destination", "promise_days", "first_atom"),
    "atoms": ("line", "item", "units", "penalty"),
}
_NAMES = {"locations": "ids", "items": "skus", "orders": "ids"}


class NotABatch(ValueError):
    """The text is no batch or plan of this form; the sentence says why."""


def dump_batch(batch: Batch) -> str:
    """The batch as JSON on one line, always the same for the same batch."""
    found: dict[str, Any] = {
        "form": FORM,
        "name": batch.name,
        "currency": batch.costs.currency,
        "costs": asdict(batch.costs),
        "distance_km": batch.distance_km.tolist(),
    }
    for table, columns in _TABLES.items():
        part = getattr(batch, table)
        found[table] = {column: getattr(part, column).tolist() for column in columns}
        if table in _NAMES:
            found[table][_NAMES[table]] = list(getattr(part, _NAMES[table]))
    if batch.atoms.days_max is not None:
        found["atoms"]["days_max"] = batch.atoms.days_max.tolist()
    if batch.brackets is not None:
        found["brackets"] = {
            "up_to_grams": batch.brackets.up_to_grams.tolist(),
            "price": batch.brackets.price.tolist(),
        }
    limits = found["locations"]["capacity"]
    found["locations"]["capacity"] = [-1 if one == NO_LIMIT else one for one in limits]
    return json.dumps(found, sort_keys=True, separators=(",", ":"))


def digest_of(batch: Batch) -> str:
    """SHA-256 of the batch as JSON: its identity."""
    return hashlib.sha256(dump_batch(batch).encode()).hexdigest()


def load_batch(text: str) -> Batch:
    """The batch that ``dump_batch`` wrote, or somebody else; raises ``NotABatch``."""
    found = _parsed(text, FORM)
    try:
        tables = {
            table: {column: _column(found[table][column]) for column in columns}
            for table, columns in _TABLES.items()
        }
        if "days_max" in found["atoms"]:
            tables["atoms"]["days_max"] = _column(found["atoms"]["days_max"])
        limits = tables["locations"]["capacity"]
        tables["locations"]["capacity"] = np.where(limits == -1, NO_LIMIT, limits)
        names = {
            table: tuple(str(one) for one in found[table][name]) for table, name in _NAMES.items()
        }
        return Batch(
            name=str(found["name"]),
            costs=_costs(found["costs"]),
            locations=Locations(names["locations"], **tables["locations"]),
            items=Items(names["items"], **tables["items"]),
            stock=Stock(**tables["stock"]),
            orders=Orders(names["orders"], **tables["orders"]),
            atoms=Atoms(**tables["atoms"]),
            distance_km=_grid(found["distance_km"]),
            brackets=_brackets(found["brackets"]) if "brackets" in found else None,
        )
    except (KeyError, TypeError, ValueError, OverflowError) as wrong:
        raise NotABatch(f"not a batch: {wrong}") from wrong


def dump_plan(batch: Batch, plan: BatchPlan) -> str:
    """A plan of the batch as JSON on one line."""
    priced = np.flatnonzero(plan.prices)
    return json.dumps(
        {
            "form": PLAN_FORM,
            "instance": digest_of(batch),
            "location": plan.location.tolist(),
            "cost": plan.cost,
            "bound": plan.bound,
            "prices": {str(place): int(plan.prices[place]) for place in priced.tolist()},
            "status": plan.status,
        },
        sort_keys=True,
        separators=(",", ":"),
    )


def load_plan(batch: Batch, text: str) -> BatchPlan:
    """A plan that was written for this very batch; raises ``NotABatch``."""
    found = _parsed(text, PLAN_FORM)
    try:
        if found["instance"] != digest_of(batch):
            raise NotABatch("the plan is of another batch")
        prices = np.zeros(len(batch.capacities), np.int64)
        for place, price in found["prices"].items():
            if not 0 <= int(place) < len(prices):
                raise NotABatch("a price is of no resource")
            prices[int(place)] = _whole(price)
        return BatchPlan(
            location=_column(found["location"]),
            cost=_whole(found["cost"]),
            bound=_whole(found["bound"]),
            prices=prices,
            status=BatchStatus(found["status"]),
        )
    except NotABatch:
        raise
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as wrong:
        raise NotABatch(f"not a plan: {wrong}") from wrong


def _parsed(text: str, form: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as wrong:
        raise NotABatch(f"not JSON: {wrong}") from wrong
    if not isinstance(found, dict) or found.get("form") != form:
        raise NotABatch(f"the form is not {form}")
    return found


def _costs(found: Mapping[str, Any]) -> CostModel:
    plain = {
        name: value
        for name, value in found.items()
        if name not in ("zones", "carbon", "version", "currency")
    }
    zones = tuple(ZoneRates(**zone) for zone in found["zones"])
    carbon = CarbonRates(**found["carbon"])
    numbers = {
        name: None if value is None else Money(_whole(value)) for name, value in plain.items()
    }
    return CostModel(
        version=str(found["version"]),
        currency=str(found["currency"]),
        zones=zones,
        carbon=carbon,
        **numbers,  # type: ignore[arg-type]  # only one of them may be nothing
    )


def _column(numbers: list[int]) -> Integers:
    if any(type(number) is not int for number in numbers):
        raise ValueError("a column holds something that is no whole number")
    return np.array(numbers, np.int64)


def _grid(rows: list[list[int]]) -> Integers:
    return np.array([_column(row) for row in rows], np.int64)


def _brackets(found: Mapping[str, Any]) -> Brackets:
    return Brackets(_column(found["up_to_grams"]), _grid(found["price"]))


def _whole(number: object) -> int:
    if type(number) is not int:
        raise ValueError(f"{number!r} is no whole number")
    return number

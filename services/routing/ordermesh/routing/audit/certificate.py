"""The file that proves an audit: ``ordermesh.client.audited`` checks it with nothing but Python.

One object on one line of JSON, sorted keys, no spaces:

- ``form`` is ``ordermesh.audit/1``; ``seal`` the SHA-256 of all else, written in the same way.
- ``until_promise`` tells whether units could arrive as late as promised, and not only as they did.
- ``pool`` is ``day``, ``week`` or ``all``, ``parcel_fee`` what a parcel costs beside its freight,
  ``currency`` that of all amounts.
- ``sources``: of each file that was read its name and SHA-256. The lines of the shipments that are
  not part of the audit: ``refused_lines`` cannot be read, ``left_beside`` belong to their orders,
  ``set_aside`` to orders that the rate card has no price for or that have too many lines a day.
- ``places``: what was taken for the place of a country and postal code, in millionths of a degree.
- ``cases``: ``kind``, ``period``, the ``batch`` (``ordermesh.routing.domain.batch.exchange``),
  ``lines`` (the line of ``shipments`` of each atom), ``actual`` and ``plan``, each with the
  ``location`` of every atom and the ``cost``; the plan with its ``bound`` and the ``prices`` of
  resources that prove it.
- ``totals`` by kind: ``actual``, ``plan``, ``bound``, ``saved``, ``most``.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ordermesh.routing.audit.cases import Aside, Asked
from ordermesh.routing.audit.deciding import Decided
from ordermesh.routing.audit.reading import Shipments
from ordermesh.routing.domain.batch.exchange import dump_batch
from ordermesh.routing.domain.geography import Place

FORM = "ordermesh.audit/1"

Record = dict[str, Any]


def totals_of(decided: Sequence[Decided]) -> dict[str, dict[str, int]]:
    """By kind: what it cost, what it would have cost, and below what nothing could be."""
    found: dict[str, dict[str, int]] = {}
    for one in decided:
        total = found.setdefault(one.case.kind, dict.fromkeys(("actual", "plan", "bound"), 0))
        total["actual"] += one.actual_cost
        total["plan"] += one.plan.cost
        total["bound"] += one.plan.bound
    for total in found.values():
        total["saved"] = total["actual"] - total["plan"]
        total["most"] = total["actual"] - total["bound"]
    return found


def make_certificate(
    decided: Sequence[Decided],
    sources: Mapping[str, Mapping[str, str]],
    *,
    how: Asked,
    currency: str,
    shipments: Shipments,
    aside: Iterable[Aside],
    places: Mapping[str, Place],
) -> Record:
    """The certificate of an audit."""
    record: Record = {
        "form": FORM,
        "sources": sources,
        "until_promise": how.until_promise,
        "pool": how.pool,
        "parcel_fee": how.parcel_fee,
        "currency": currency,
        "refused_lines": sorted({one.line for one in shipments.refused}),
        "left_beside": shipments.left_beside,
        "set_aside": sorted(line for one in aside for line in one.rows),
        "places": {
            code: [place.latitude_microdegrees, place.longitude_microdegrees]
            for code, place in places.items()
        },
        "cases": [_case(one) for one in decided],
        "totals": totals_of(decided),
    }
    return {**record, "seal": seal_of(record)}


def written(record: Record) -> str:
    """The record as it is sealed."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def seal_of(record: Record) -> str:
    """SHA-256 of everything but the seal."""
    rest = {key: value for key, value in record.items() if key != "seal"}
    return hashlib.sha256(written(rest).encode()).hexdigest()


def _case(one: Decided) -> Record:
    plan, priced = one.plan, np.flatnonzero(one.plan.prices).tolist()
    return {
        "kind": one.case.kind,
        "period": one.case.period,
        "batch": json.loads(dump_batch(one.case.batch)),
        "lines": list(one.case.rows),
        "actual": {"location": one.case.actual.tolist(), "cost": one.actual_cost},
        "plan": {
            "location": plan.location.tolist(),
            "cost": plan.cost,
            "bound": plan.bound,
            "prices": {str(place): int(plan.prices[place]) for place in priced},
        },
    }

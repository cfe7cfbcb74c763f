"""The file that proves an audit: ``ordermesh.client.audited`` checks it with nothing but Python.

One object on one line of JSON, sorted keys, no spaces:

- ``form`` is ``ordermesh.audit/1``; ``seal`` the SHA-256 of all else, written in the same way.
- ``until_promise`` tells whether units could arrive as late as promised, and not only as they did.
- ``sources``: of each file that was read its name and SHA-256; ``refused_lines`` and ``set_aside``
  count what is not part of the audit.
- ``cases``: ``kind``, ``period``, the ``batch`` (``ordermesh.routing.domain.batch.exchange``),
  ``lines`` (the line of ``shipments`` of each atom), ``actual`` and ``plan``, each with the
  ``location`` of every atom and the ``cost``; the plan with its ``bound`` and the ``prices`` of
  resources that prove it.
- ``totals`` by kind: ``actual``, ``plan``, ``bound``, ``saved``, ``most``.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ordermesh.routing.audit.deciding import Decided
from ordermesh.routing.domain.batch.exchange import dump_batch

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
    until_promise: bool,
    refused_lines: int,
    set_aside: int,
) -> Record:
    """The certificate of an audit."""
    record: Record = {
        "form": FORM,
        "sources": sources,
        "until_promise": until_promise,
        "refused_lines": refused_lines,
        "set_aside": set_aside,
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

"""What an audit found, for programs and for the page."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ordermesh.kernel.money import Money, to_decimal
from ordermesh.routing.audit.cases import Aside, Kind, Piece
from ordermesh.routing.audit.certificate import totals_of
from ordermesh.routing.audit.deciding import Decided
from ordermesh.routing.audit.reading import Shipments
from ordermesh.routing.domain.batch.instance import Integers
from ordermesh.routing.domain.batch.plan import service_of
from ordermesh.sample.files.sheets import Refusal

SHOWN_SWAPS, SHOWN_ORDERS, SHOWN_REFUSALS = 12, 6, 40

_SENTENCES = {
    Kind.SAME_UNITS: "The same units leave the same buildings in the same time, and nobody is"
    " served later.",
    Kind.FREE: "Units leave any building that had them; no building sends more than it did, and"
    " nobody is served later.",
}


@dataclass(frozen=True)
class Audited:
    """Everything that is told of an audit."""

    currency: str
    pool: str
    until_promise: bool
    shipments: Shipments
    pieces: Sequence[Piece]
    aside: Sequence[Aside]
    refused_stock: Sequence[Refusal]
    decided: Sequence[Decided]
    verified: str
    told: Sequence[str]
    seconds: float


def figures_of(audited: Audited) -> dict[str, Any]:
    """The audit as an object of JSON; amounts in the currency, with four decimals at most."""
    shipments, aside = audited.shipments, audited.aside
    return {
        "currency": audited.currency,
        "pool": audited.pool,
        "until_promise": audited.until_promise,
        "lines_read": shipments.read_lines,
        "orders_audited": len({piece.order_id for piece in audited.pieces}),
        "units_audited": sum(row.quantity for piece in audited.pieces for row in piece.rows),
        "lines_kept_whole": sum(piece.kept_whole for piece in audited.pieces),
        "refused": [_refusal(one) for one in (*shipments.refused, *audited.refused_stock)],
        "refused_orders": sorted(shipments.refused_orders - {""}),
        "set_aside": [vars_of(one) for one in aside],
        "cases": [_case(audited, kind, total) for kind, total in _totals(audited)],
        "swaps": list(_swaps(audited)),
        "verifier": audited.verified,
        "verifier_told": list(audited.told),
        "seconds": round(audited.seconds, 1),
    }


def vars_of(aside: Aside) -> dict[str, object]:
    """An order that was left as it was."""
    return {"order": aside.name, "units": aside.units, "why": aside.why}


def money(amount: int) -> float:
    """An amount of the currency."""
    return float(to_decimal(Money(amount)))


def _totals(audited: Audited) -> list[tuple[Kind, dict[str, int]]]:
    return [(Kind(kind), total) for kind, total in totals_of(audited.decided).items()]


def _case(audited: Audited, kind: Kind, total: dict[str, int]) -> dict[str, Any]:
    own = [one for one in audited.decided if one.case.kind is kind]
    before = [service_of(one.case.batch, one.case.actual) for one in own]
    after = [service_of(one.case.batch, one.plan.location) for one in own]
    orders = sum(len(one.case.batch.orders.ids) for one in own)
    actual = max(total["actual"], 1)
    return {
        "kind": kind,
        "meaning": _SENTENCES[kind],
        "periods": len(own),
        "cost": money(total["actual"]),
        "could_have_cost": money(total["plan"]),
        "saved": money(total["saved"]),
        "saved_share": round(total["saved"] / actual, 6),
        "most": money(total["most"]),
        "most_share": round(total["most"] / actual, 6),
        "parcels": orders + sum(one.extra_parcels for one in before),
        "parcels_after": orders + sum(one.extra_parcels for one in after),
        "orders_changed": sum(_changed(one) for one in own),
        "cut_off": any(one.is_cut for one in own),
    }


def _changed(one: Decided) -> int:
    moved = one.plan.location != one.case.actual
    return len(np.unique(one.case.batch.order_of_atom[moved]))


def _swaps(audited: Audited) -> Iterator[dict[str, Any]]:
    """Every swap, the one that saves most first."""
    found = [
        (swap.saved, one, swap.orders)
        for one in audited.decided
        for swap in one.swaps
        if one.case.kind is Kind.SAME_UNITS
    ]
    for saved, one, orders in sorted(found, key=lambda each: (-each[0], each[2])):
        yield {
            "saved": money(saved),
            "period": one.case.period,
            "orders": [_order(one, order) for order in orders],
        }


def _order(one: Decided, order: int) -> dict[str, Any]:
    batch = one.case.batch
    start, end = (int(batch.orders.first_atom[order + step]) for step in (0, 1))
    span = slice(start, end)
    moves: Counter[tuple[str, str, str]] = Counter()
    for atom in range(start, end):
        before, after = int(one.case.actual[atom]), int(one.plan.location[atom])
        if before != after:
            names = batch.locations.ids
            key = (batch.items.skus[int(batch.atoms.item[atom])], names[before], names[after])
            moves[key] += int(batch.atoms.units[atom])
    return {
        "order": batch.orders.ids[order],
        "cost": money(int(one.actual_costs[order])),
        "could_have_cost": money(int(one.costs[order])),
        "parcels": _parcels(one.case.actual[span]),
        "parcels_after": _parcels(one.plan.location[span]),
        "moves": [
            {"sku": sku, "units": units, "left": left, "instead": instead}
            for (sku, left, instead), units in sorted(moves.items())
        ],
    }


def _parcels(location: Integers) -> int:
    return len(np.unique(location))


def _refusal(one: Refusal) -> dict[str, object]:
    return {
        "file": one.file,
        "line": one.line,
        "column": one.column,
        "value": one.value,
        "why": one.why,
    }

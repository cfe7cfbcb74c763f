"""``ordermesh audit``: past shipments and a rate card in, a page, JSON and a proof out.

Ends with 1 when something of the shipments could not be used, and with 2 when nothing could.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

from ordermesh.client.audited import Refused, check, check_files
from ordermesh.kernel.money import from_decimal
from ordermesh.routing.audit.cases import Asked, Case, Kind, Pool, free, pieces_of, same_units
from ordermesh.routing.audit.certificate import make_certificate, written
from ordermesh.routing.audit.deciding import BUDGET, QUICK, Decided, decide
from ordermesh.routing.audit.page import render_page
from ordermesh.routing.audit.reading import NotRead, read_rates, read_shipments, read_stock
from ordermesh.routing.audit.report import Audited, figures_of
from ordermesh.routing.audit.tariff import make_tariff
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.submission import Whereto
from ordermesh.routing.store.postal_codes import PostalCodes
from ordermesh.sample.files.sheets import Refusal
from ordermesh.sample.retailer import Regime


def main() -> int:
    """Audit, or write a sample; gives the exit code."""
    asked = _arguments().parse_args()
    try:
        if asked.sample is not None:
            _sample(asked)
            return 0
        return audit(asked)
    except (NotRead, OSError, ValueError) as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2


def audit(asked: argparse.Namespace) -> int:
    """Read, decide, verify, and write what was found."""
    started = time.monotonic()
    end = started + asked.seconds_max
    tariff = make_tariff(read_rates(asked.rates), asked.currency)
    codes, places = PostalCodes(), dict[str, Place]()

    def find(country: str, code: str) -> Place | None:
        place = codes.find(Whereto(country, "", code, None))
        if place is not None:
            places[f"{country} {code}"] = place
        return place

    shipments = read_shipments(asked.shipments, find)
    pieces, aside = pieces_of(shipments, tariff)
    if not pieces:
        raise NotRead(_nothing(shipments.refused, len(aside)))
    how = Asked(Pool(asked.pool), asked.until_promise, from_decimal(asked.parcel_fee))
    cases, refused = same_units(pieces, shipments, tariff, how), tuple[Refusal, ...]()
    if asked.stock is not None:
        stock, refused = read_stock(asked.stock, {row.location_id for row in shipments.rows})
        cases.append(free(pieces, shipments, stock, tariff, how))
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        decided = _decide_all(cases, asked, end, threads)
    record = make_certificate(
        decided,
        {name: _source(getattr(asked, name)) for name in _FILES if getattr(asked, name)},
        how=how,
        currency=asked.currency,
        shipments=shipments,
        aside=aside,
        places=places,
    )
    asked.proof.write_text(written(record) + "\n")
    told = list[str]()
    try:
        check(record)
        told = check_files(record, asked.shipments, asked.rates, asked.stock)
        verified = "accepted"
    except Refused as wrong:
        verified = f"refused: {wrong}"
    audited = Audited(
        asked.currency,
        asked.pool,
        asked.until_promise,
        shipments,
        pieces,
        aside,
        refused,
        decided,
        verified,
        told,
        time.monotonic() - started,
    )
    figures = figures_of(audited)
    asked.page.write_text(render_page(figures), encoding="utf-8")
    asked.json.write_text(json.dumps(figures, indent=2) + "\n")
    _print(figures, asked)
    return 1 if shipments.refused or verified != "accepted" else 0


_FILES = ("shipments", "rates", "stock")


def _decide_all(
    cases: Sequence[Case], asked: argparse.Namespace, end: float, threads: ThreadPoolExecutor
) -> list[Decided]:
    """Each case in turn, each with its part of the time that is left, by its orders.

    Where units leave any building there is more to choose from, so that takes longer.
    """
    sizes = [len(case.batch.orders.ids) * (1 + (case.kind is Kind.FREE)) for case in cases]
    decided: list[Decided] = []
    for place, case in enumerate(cases):
        now = time.monotonic()
        part = (end - now) * sizes[place] / sum(sizes[place:])
        decided.append(_decide(case, asked, now + part, threads))
    return decided


def _decide(
    case: Case, asked: argparse.Namespace, end: float, threads: ThreadPoolExecutor
) -> Decided:
    _say(f"{case.batch.name}: {len(case.batch.orders.ids):,} orders")
    return decide(
        case,
        asked.seed,
        QUICK if asked.quick else BUDGET,
        left=lambda: end - time.monotonic(),
        spread=threads.map,
    )


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="what past shipments could have cost")
    parser.add_argument("shipments", type=Path, nargs="?", default=Path("shipments.csv"))
    parser.add_argument("--rates", type=Path, default=Path("rates.csv"))
    parser.add_argument("--stock", type=Path)
    parser.add_argument("--currency", default="USD")
    parser.add_argument("--parcel-fee", default="0")
    parser.add_argument("--pool", choices=[one.value for one in Pool], default=Pool.DAY.value)
    parser.add_argument("--until-promise", action="store_true")
    parser.add_argument("--page", type=Path, default=Path("audit.html"))
    parser.add_argument("--json", type=Path, default=Path("audit.json"))
    parser.add_argument("--proof", type=Path, default=Path("audit-proof.json"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seconds-max", type=float, default=200.0)
    parser.add_argument("--sample", type=int)
    parser.add_argument("--rule", choices=["nearest", "priority"], default="nearest")
    parser.add_argument("--regime", choices=get_args(Regime), default="peak")
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--into", type=Path, default=Path())
    return parser


def _sample(asked: argparse.Namespace) -> None:
    # The sample stands on the benchmark, which an audit does without.
    from ordermesh.routing.audit.sampling import write_sample

    written_to = write_sample(
        asked.into,
        asked.sample,
        asked.rule,
        seed=asked.seed,
        regime=asked.regime,
        days=asked.days,
    )
    _say(f"Written: {', '.join(map(str, written_to))}.")


def _source(path: Path) -> dict[str, str]:
    return {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def _nothing(refused: list[Refusal], aside: int) -> str:
    reasons = "\n".join(map(str, refused[:20]))
    return f"No order can be audited: {aside} left as they were, and refused are\n{reasons}"


def _print(figures: dict[str, object], asked: argparse.Namespace) -> None:
    cases = figures["cases"]
    for one in cases if isinstance(cases, list) else []:
        _say(
            f"\n{one['meaning']}\n  It cost {one['cost']:,.2f} and could have cost"
            f" {one['could_have_cost']:,.2f}: {one['saved']:,.2f} less"
            f" ({one['saved_share']:.2%}). No router could have saved more than"
            f" {one['most']:,.2f} ({one['most_share']:.2%})."
        )
    refused = figures["refused"]
    for each in refused[:10] if isinstance(refused, list) else []:
        _say(f"refused, line {each['line']}, {each['column']}: {each['value']} {each['why']}")
    if isinstance(refused, list) and len(refused) > 10:
        _say(f"and {len(refused) - 10} more; all are in {asked.json}.")
    _say(
        f"\nThe verifier: {figures['verifier']}. {asked.page} is for people, {asked.json} for"
        f" programs, {asked.proof} is the proof. {figures['seconds']} seconds."
    )


def _say(sentence: str) -> None:
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""Records as they are stored, and as they are exported for strangers to check."""

import json
import zlib
from hashlib import sha256
from typing import Any

from pydantic import TypeAdapter

from ordermesh.routing.domain.canonical import plain
from ordermesh.routing.domain.record import FORM, Record

_STORED: TypeAdapter[Record] = TypeAdapter(Record)


def stored(record: Record) -> bytes:
    """The record as bytes."""
    return zlib.compress(_STORED.dump_json(record), 1)


def restored(payload: bytes) -> Record:
    """The record that was stored."""
    return _STORED.validate_json(zlib.decompress(payload))


def exported(record: Record) -> str:
    """The record as JSON that ``ordermesh.client.proof`` checks: one line, sealed by its digest."""
    told: dict[str, Any] = {
        "form": FORM,
        "decision_id": record.decision_id,
        "order_id": record.question.order_id,
        "create_time": record.create_time.isoformat(),
        "currency": record.currency,
        "policy_id": record.under.policy_id,
        "policy_version": record.under.version,
        "ledger_revision": record.ledger_revision,
        "problem": record.problem.canonical,
        "removals": plain(record.problem.removals),
        "plan": plain(record.plan),
        "certificate": plain(record.certificate),
        "prices": plain(record.prices),
    }
    if record.replaced:
        told["replaced"] = plain(record.replaced)
    told["seal"] = sha256(_canonical(told).encode()).hexdigest()
    return _canonical(told)


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)

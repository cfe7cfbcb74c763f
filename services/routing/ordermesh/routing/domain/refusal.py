"""Refusals that a worker decided for a caller who may have gone: written down, and raised again."""

from collections.abc import Mapping
from dataclasses import dataclass

from ordermesh.kernel.errors import DomainError, InvalidRequest, NotFound, RuleViolated

_KINDS: Mapping[str, type[DomainError]] = {
    "NotFound": NotFound,
    "InvalidRequest": InvalidRequest,
    "RuleViolated": RuleViolated,
}


@dataclass(frozen=True)
class Refusal:
    """Why a request was refused after it had been stored."""

    kind: str
    reason: str
    sentence: str
    rows: tuple[Mapping[str, str], ...]


def written(error: DomainError) -> Refusal:
    """An error as it is kept; raises ``KeyError`` for a kind that nobody keeps."""
    kind = next(name for name, kind in _KINDS.items() if isinstance(error, kind))
    rows = tuple({key: str(value) for key, value in row.items()} for row in error.rows)
    return Refusal(kind, error.reason, error.sentence, rows)


def raised(refusal: Refusal) -> DomainError:
    """The error again: same kind, reason, sentence and facts."""
    kind = type("StoredRefusal", (_KINDS[refusal.kind],), {"reason": refusal.reason})
    error: DomainError = kind(refusal.sentence, *refusal.rows)
    return error

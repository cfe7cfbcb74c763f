"""All checks of a history, and how much there was to check."""

from collections import Counter
from dataclasses import dataclass

from ordermesh.client.history.answers import different, fallen, lost
from ordermesh.client.history.calls import History, Outcome
from ordermesh.client.history.promises import oversold
from ordermesh.client.history.requests import requests_of
from ordermesh.client.history.violations import Violation


@dataclass(frozen=True)
class Findings:
    """What was found. ``retried`` counts requests of which there was more than one try."""

    violations: tuple[Violation, ...]
    outcomes: Counter[Outcome]
    retried: int

    def __str__(self) -> str:
        counts = ", ".join(f"{self.outcomes[one]} {one}" for one in Outcome)
        head = f"{self.outcomes.total()} calls ({counts}), {self.retried} requests tried again"
        if not self.violations:
            return f"{head}: accepted."
        lines = [f"{one.kind}: {one.sentence} Calls {_listed(one)}." for one in self.violations]
        return "\n".join([f"{head}: {len(lines)} VIOLATIONS", *lines])


def check(history: History) -> Findings:
    """Everything that may never be there. Raises ``Uncounted`` where stock cannot be counted."""
    violations = [
        *oversold(history),
        *different(history),
        *fallen(history),
        *lost(history),
    ]
    return Findings(
        tuple(violations),
        Counter(call.outcome for call in history.calls),
        sum(len(one.tries) > 1 for one in requests_of(history)),
    )


def _listed(violation: Violation) -> str:
    return ", ".join(map(str, violation.calls))

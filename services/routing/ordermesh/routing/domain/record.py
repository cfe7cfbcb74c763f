"""The record of a decision: all that it was made from, what came out, and what was claimed."""

from dataclasses import dataclass
from datetime import datetime

from ordermesh.routing.domain.inputs import SourcingInputs
from ordermesh.routing.domain.plan import Certificate, Plan
from ordermesh.routing.domain.problem import Problem

FORM = "ordermesh-decision-1"
"""The form of an exported record; it changes when its meaning does."""


@dataclass(frozen=True)
class Record:
    """One decision of the exact method, as it can be made again.

    ``inputs`` make the problem that was solved. Kits that would have left in part are trimmed by
    deciding again, and this is the last of these decisions.
    """

    decision_id: str
    order_id: str
    create_time: datetime
    currency: str
    policy_id: str
    policy_version: int
    ledger_revision: int
    inputs: SourcingInputs
    plan: Plan
    certificate: Certificate

    @property
    def problem(self) -> Problem:
        """The problem that was solved."""
        return self.inputs.problem

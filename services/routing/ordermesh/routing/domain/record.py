"""The record of a decision: all that it was made from, what came out, and what was claimed."""

from dataclasses import dataclass
from datetime import datetime

from ordermesh.routing.domain.foresight.prices import PricesUsed
from ordermesh.routing.domain.inputs import SourcingInputs
from ordermesh.routing.domain.plan import Certificate, Plan
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.domain.question import Question

FORM = "ordermesh-decision-1"
"""The form of an exported record; it changes when its meaning does."""


@dataclass(frozen=True, slots=True)
class DecidedUnder:
    """The version of a policy that decided, and its currency."""

    policy_id: str
    version: int
    currency_code: str


@dataclass(frozen=True, slots=True)
class Replaced:
    """A line that is filled with something else: ``units_each`` of it for each one ordered."""

    line_id: str
    ordered_sku: str
    sku: str
    units_each: int


@dataclass(frozen=True)
class Record:
    """One decision of the exact method, as it can be made again.

    ``inputs`` make the problem that was solved for ``question``; where kits would have left in
    part, or stages were tried, they are those of the last problem that was solved. ``replaced`` are
    the lines for which something else is sent than was ordered. What ``prices`` charge is part of
    the inputs.
    """

    decision_id: str
    create_time: datetime
    under: DecidedUnder
    ledger_revision: int
    question: Question
    inputs: SourcingInputs
    plan: Plan
    certificate: Certificate
    replaced: tuple[Replaced, ...] = ()
    prices: PricesUsed | None = None

    @property
    def currency(self) -> str:
        """The currency of all its amounts."""
        return self.under.currency_code

    @property
    def problem(self) -> Problem:
        """The problem that was solved."""
        return self.inputs.problem

"""What a decision needs besides stock: a solver, named baselines, and places by postal code."""

from collections.abc import Callable, Mapping
from typing import Protocol

from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.plan import Plan, Solution
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.domain.sourcing_method import SourcingMethod
from ordermesh.routing.domain.submission import Whereto

COUNTRIES_KNOWN = frozenset({"US"})
"""The countries whose postal codes come with the service."""


class Places(Protocol):
    """Where postal codes are."""

    def find(self, whereto: Whereto) -> Place | None:
        """The place of a destination; None when nobody knows."""
        ...


Solver = Callable[[Problem], Solution]
"""Who finds plans: a pure function; beside the event loop unless it takes less than a thread."""


Baselines = Mapping[SourcingMethod, Callable[[Problem], Plan]]
"""The named rules that plans are compared with."""

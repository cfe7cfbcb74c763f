"""Everything that a decision was made from, so that it can be made again, or otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ordermesh.routing.domain.building import build_problem
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.domain.sourcing import (
    Rejection,
    SourcingLocation,
    SourcingOrder,
    SourcingPolicy,
)


@dataclass(frozen=True)
class SourcingInputs:
    """What ``build_problem`` takes; ``stock`` is units by location id, then SKU."""

    order: SourcingOrder
    locations: tuple[SourcingLocation, ...]
    policy: SourcingPolicy
    stock: Mapping[str, Mapping[str, int]]
    rejections: tuple[Rejection, ...] = ()

    @cached_property
    def problem(self) -> Problem:
        """The problem that they make. Raises what ``build_problem`` raises."""
        return build_problem(self.order, self.locations, self.policy, self.stock, self.rejections)

"""Policies that may not be, and those that are not there."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from ordermesh.kernel.errors import InvalidRequest, NotFound, RuleViolated


class CurrencyMismatch(InvalidRequest):
    """Amounts that are added up must be in one currency."""

    reason: ClassVar[str] = "CURRENCY_MISMATCH"

    def __init__(self, wanted: str, given: str) -> None:
        super().__init__(
            f"Amounts are in {given}, not in {wanted}.", {"wanted": wanted, "given": given}
        )


class ZonesNotAscending(InvalidRequest):
    """Zones are listed from the nearest to the farthest."""

    reason: ClassVar[str] = "ZONES_NOT_ASCENDING"

    def __init__(self, zone: int) -> None:
        super().__init__(f"Zone {zone} reaches no farther than the one before.", {"zone": zone})


class UnfilledMustDominate(RuleViolated):
    """Leaving something unfilled could be cheaper than filling it."""

    reason: ClassVar[str] = "UNFILLED_MUST_DOMINATE"

    def __init__(self, penalty: str, dearest: str, location_id: str) -> None:
        super().__init__(
            f"Leaving something unfilled costs {penalty}, filling it from {location_id} {dearest}.",
            {"penalty": penalty, "dearest": dearest, "locationId": location_id},
        )


class PolicyNotFound(NotFound):
    """There is no such policy, or no such version of it."""

    reason: ClassVar[str] = "POLICY_NOT_FOUND"

    def __init__(self, policy_id: str, version: int) -> None:
        super().__init__(
            f"No policy is called {policy_id}, or it has no such version.",
            {"policyId": policy_id, "version": version},
        )


class RuleNotValid(InvalidRequest):
    """A rule says what cannot be meant; ``problem`` tells what."""

    reason: ClassVar[str] = "RULE_NOT_VALID"

    def __init__(self, rule_id: str, problem: str) -> None:
        who = f"Rule {rule_id}" if rule_id else "A condition of the policy"
        super().__init__(f"{who}: {problem}.", {"ruleId": rule_id, "problem": problem})


class DefaultMustRemain(RuleViolated):
    """Without this version orders could be left without any policy."""

    reason: ClassVar[str] = "DEFAULT_MUST_REMAIN"

    def __init__(self, policy_id: str, version: int) -> None:
        super().__init__(
            f"{policy_id} needs an active version that is always in force.",
            {"policyId": policy_id, "version": version},
        )


class PolicyIsDraft(RuleViolated):
    """A draft decides no order; it only answers questions."""

    reason: ClassVar[str] = "POLICY_IS_DRAFT"

    def __init__(self, policy_id: str, version: int) -> None:
        super().__init__(
            f"Version {version} of {policy_id} is a draft.",
            {"policyId": policy_id, "version": version},
        )


class PolicyHasErrors(RuleViolated):
    """A version has errors and must not decide; rows of kind, subjects and problem."""

    reason: ClassVar[str] = "POLICY_HAS_ERRORS"

    def __init__(self, policy_id: str, findings: Iterable[tuple[str, Sequence[str], str]]) -> None:
        rows = [
            {"kind": kind, "subjects": ",".join(subjects), "problem": problem}
            for kind, subjects, problem in findings
        ]
        super().__init__(f"{policy_id} has errors: {rows[0]['problem']}", *rows)

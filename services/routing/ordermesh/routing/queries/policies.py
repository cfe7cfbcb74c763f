"""Reads of policies: each is one consistent look at the database."""

from datetime import datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from ordermesh.api.routing.v1 import (
    GetPolicyRequest,
    GetPolicyResponse,
    LintPolicyRequest,
    LintPolicyResponse,
    ListFactsRequest,
    ListFactsResponse,
    ListPoliciesRequest,
    ListPoliciesResponse,
    ListPolicyVersionsRequest,
    ListPolicyVersionsResponse,
    PreviewPoliciesRequest,
    PreviewPoliciesResponse,
)
from ordermesh.routing.domain import season
from ordermesh.routing.domain.checking import check
from ordermesh.routing.domain.errors.policy import PolicyNotFound
from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.domain.linting.linter import lint
from ordermesh.routing.domain.rules.knowing import facts_of
from ordermesh.routing.ports.stores import Stores
from ordermesh.routing.wire.facts import fact_message, finding_message
from ordermesh.routing.wire.money import instant
from ordermesh.routing.wire.policy import change_message, period_message, policy, policy_message
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.pages import (
    SMALL_NUMBER_MAX,
    page_size,
    page_token,
    place_in_numbers,
    place_in_text,
)

PREVIEW = timedelta(days=365)
PREVIEW_MAX = timedelta(days=3_660)


class PolicyReading:
    """Reads on an open transaction."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    async def policy(self, tx: Transaction, request: GetPolicyRequest) -> GetPolicyResponse:
        """One version of a policy; raises ``PolicyNotFound``."""
        if request.version:
            found = await self._stores.policies.get(tx, request.policy_id, request.version)
        else:
            versions = await self._stores.policies.versions(tx, request.policy_id)
            found = season.shown(versions, await tx.now())
        if found is None:
            raise PolicyNotFound(request.policy_id, request.version)
        return GetPolicyResponse(policy=policy_message(found))

    async def policies(self, tx: Transaction, request: ListPoliciesRequest) -> ListPoliciesResponse:
        """A page of the policies in force; raises ``InvalidPageToken``."""
        size = page_size(request.page_size)
        after = place_in_text(request, request.page_token)
        found = await self._stores.policies.page(tx, after, size + 1)
        now = await tx.now()
        seen = [one for versions in found if (one := season.shown(versions, now)) is not None]
        reply = ListPoliciesResponse(policies=[policy_message(one) for one in seen[:size]])
        if len(seen) > size:
            reply.next_page_token = page_token(request, seen[size - 1].policy_id)
        return reply

    async def versions(
        self, tx: Transaction, request: ListPolicyVersionsRequest
    ) -> ListPolicyVersionsResponse:
        """A page of the versions of a policy; raises ``PolicyNotFound``, ``InvalidPageToken``."""
        size = page_size(request.page_size)
        after = place_in_numbers(request, request.page_token, SMALL_NUMBER_MAX)
        rows = await self._stores.policies.version_page(tx, request.policy_id, after, size + 1)
        if not rows and not request.page_token:
            raise PolicyNotFound(request.policy_id, 0)
        reply = ListPolicyVersionsResponse(policies=[policy_message(one) for one in rows[:size]])
        if len(rows) > size:
            reply.next_page_token = page_token(request, rows[size - 1].version)
        return reply

    async def preview(
        self, tx: Transaction, request: PreviewPoliciesRequest
    ) -> PreviewPoliciesResponse:
        """What will be in force when; raises ``FieldViolation``, ``PolicyNotFound``."""
        start = await tx.now()
        if request.HasField("start_time"):
            start = _instant(request.start_time, "start_time")
        end = start + PREVIEW
        if request.HasField("end_time"):
            end = _instant(request.end_time, "end_time")
        if not start < end <= start + PREVIEW_MAX:
            raise FieldViolation("end_time", "range", "It ends up to ten years after its start.")
        active = await self._stores.policies.active(tx)
        if request.policy_id:
            active = tuple(one for one in active if one.policy_id == request.policy_id)
            if not await self._stores.policies.versions(tx, request.policy_id):
                raise PolicyNotFound(request.policy_id, 0)
        found = season.periods(active, start, end)
        return PreviewPoliciesResponse(
            periods=[period_message(one) for one in found],
            changes=[change_message(one) for one in season.changes(found, start, end)],
        )

    async def lint(self, tx: Transaction, request: LintPolicyRequest) -> LintPolicyResponse:
        """What is wrong with a version; raises ``PolicyNotFound``, and what ``check`` does."""
        entries = await self._stores.network.all(tx)
        if request.WhichOneof("subject") == "version":
            name, version = request.version.policy_id, request.version.version
            wanted = await self._stores.policies.get(tx, name, version)
            if wanted is None:
                raise PolicyNotFound(name, version)
        else:
            wanted = policy(request.policy)
        check(wanted, entries)
        findings = lint(
            wanted,
            await self._stores.policies.active(tx),
            facts_of(entries, await self._stores.copies.locations(tx)),
            await tx.now(),
        )
        return LintPolicyResponse(findings=[finding_message(one) for one in findings])

    async def facts(self, tx: Transaction, request: ListFactsRequest) -> ListFactsResponse:
        """A page of the facts of a location; raises ``InvalidPageToken``."""
        size = page_size(request.page_size)
        sku, _, fact = place_in_text(request, request.page_token).rpartition(" ")
        rows = await self._stores.facts.page(tx, request.location_id, (sku, fact), size + 1)
        reply = ListFactsResponse(facts=[fact_message(one) for one in rows[:size]])
        if len(rows) > size:
            last = rows[size - 1]
            reply.next_page_token = page_token(request, f"{last.sku} {last.fact}")
        return reply


def _instant(message: Timestamp, field: str) -> datetime:
    """An instant with room for ten years after it; raises ``FieldViolation``, ``InvalidFields``."""
    value = instant(message, field)
    try:
        _ = value + PREVIEW_MAX
    except OverflowError:
        raise FieldViolation(field, "timestamp", "There is no such instant.") from None
    return value

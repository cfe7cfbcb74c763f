"""Saving policies, and saying what a version is for."""

from dataclasses import replace

from ordermesh.api.routing.v1 import (
    ActivatePolicyVersionRequest,
    ActivatePolicyVersionResponse,
    ArchivePolicyVersionRequest,
    ArchivePolicyVersionResponse,
    SavePolicyRequest,
    SavePolicyResponse,
)
from ordermesh.routing.domain import season
from ordermesh.routing.domain.checking import check
from ordermesh.routing.domain.errors.policy import (
    DefaultMustRemain,
    PolicyHasErrors,
    PolicyNotFound,
)
from ordermesh.routing.domain.linting.finding import Severity
from ordermesh.routing.domain.linting.linter import lint
from ordermesh.routing.domain.policy import Policy, PolicyState
from ordermesh.routing.domain.rules.knowing import facts_of
from ordermesh.routing.operations.books import Books
from ordermesh.routing.ports.stores import Stores
from ordermesh.routing.wire.policy import policy, policy_message
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.idempotency import Mutations


class Policies:
    """Makes versions of policies, activates and archives them."""

    def __init__(self, mutations: Mutations, stores: Stores) -> None:
        self._mutations = mutations
        self._stores = stores
        self._books = Books(stores)

    async def save(self, request: SavePolicyRequest) -> SavePolicyResponse:
        """Store the next version; raises what the contract lists."""
        new = policy(request.policy)

        async def run(tx: Transaction) -> SavePolicyResponse:
            check(new, await self._books.network(tx, new.currency_code))
            draft = replace(new, state=PolicyState.DRAFT)
            saved = await self._stores.policies.add(tx, draft, await tx.now())
            if not request.draft:
                saved, _ = await self._activated(tx, saved)
            return SavePolicyResponse(policy=policy_message(saved))

        return await self._mutations.run(request, SavePolicyResponse, run)

    async def activate(
        self, request: ActivatePolicyVersionRequest
    ) -> ActivatePolicyVersionResponse:
        """Let a version decide; raises what the contract lists."""

        async def run(tx: Transaction) -> ActivatePolicyVersionResponse:
            wanted = await self._version(tx, request.policy_id, request.version)
            if wanted.is_active:
                return ActivatePolicyVersionResponse(policy=policy_message(wanted))
            check(wanted, await self._books.network(tx, wanted.currency_code))
            active, archived = await self._activated(tx, wanted)
            return ActivatePolicyVersionResponse(
                policy=policy_message(active), archived_versions=archived
            )

        return await self._mutations.run(request, ActivatePolicyVersionResponse, run)

    async def archive(self, request: ArchivePolicyVersionRequest) -> ArchivePolicyVersionResponse:
        """Let a version decide nothing any more; raises what the contract lists."""

        async def run(tx: Transaction) -> ArchivePolicyVersionResponse:
            wanted = await self._version(tx, request.policy_id, request.version)
            if wanted.state is PolicyState.ARCHIVED:
                return ArchivePolicyVersionResponse(policy=policy_message(wanted))
            versions = await self._stores.policies.versions(tx, wanted.policy_id)
            if season.is_needed(wanted, versions):
                raise DefaultMustRemain(wanted.policy_id, wanted.version)
            await self._stores.policies.put_state(tx, wanted, PolicyState.ARCHIVED)
            archived = replace(wanted, state=PolicyState.ARCHIVED)
            return ArchivePolicyVersionResponse(policy=policy_message(archived))

        return await self._mutations.run(request, ArchivePolicyVersionResponse, run)

    async def _refuse_errors(self, tx: Transaction, wanted: Policy) -> None:
        """Raise ``PolicyHasErrors`` with all that must be put right before it decides."""
        places = await self._stores.copies.locations(tx)
        network = facts_of(await self._stores.network.all(tx), places)
        active = await self._stores.policies.active(tx)
        errors = [
            (one.kind, one.subjects, one.sentence)
            for one in lint(wanted, active, network, await tx.now())
            if one.severity is Severity.ERROR
        ]
        if errors:
            raise PolicyHasErrors(wanted.policy_id, errors)

    async def _activated(self, tx: Transaction, wanted: Policy) -> tuple[Policy, list[int]]:
        """The version as active, and those that were archived for it; refuses errors."""
        await self._refuse_errors(tx, wanted)
        versions = await self._stores.policies.versions(tx, wanted.policy_id)
        gone = season.replaced_by(wanted, versions)
        for one in gone:
            await self._stores.policies.put_state(tx, one, PolicyState.ARCHIVED)
        await self._stores.policies.put_state(tx, wanted, PolicyState.ACTIVE)
        return replace(wanted, state=PolicyState.ACTIVE), [one.version for one in gone]

    async def _version(self, tx: Transaction, policy_id: str, version: int) -> Policy:
        found = await self._stores.policies.get(tx, policy_id, version)
        if found is None:
            raise PolicyNotFound(policy_id, version)
        return found

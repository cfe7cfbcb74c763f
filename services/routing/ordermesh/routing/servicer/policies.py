"""Policies."""

from typing import Any

import grpc

from ordermesh.api.routing import v1
from ordermesh.routing.operations.policies import Policies
from ordermesh.routing.operations.putting_facts import PuttingFacts
from ordermesh.routing.queries.policies import PolicyReading
from ordermesh.runtime.database import Database

Context = grpc.aio.ServicerContext[Any, Any]


class PolicyServicer(v1.PolicyServiceServicer):
    """Keeps policies."""

    def __init__(
        self,
        database: Database,
        policies: Policies,
        put_facts: PuttingFacts,
        reading: PolicyReading,
    ) -> None:
        self._database = database
        self._policies = policies
        self._put_facts = put_facts
        self._reading = reading

    async def SavePolicy(
        self,
        request: v1.SavePolicyRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.SavePolicyResponse:
        """Make the next version."""
        return await self._policies.save(request)

    async def ActivatePolicyVersion(
        self,
        request: v1.ActivatePolicyVersionRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ActivatePolicyVersionResponse:
        """Let a version decide."""
        return await self._policies.activate(request)

    async def ArchivePolicyVersion(
        self,
        request: v1.ArchivePolicyVersionRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ArchivePolicyVersionResponse:
        """Let a version decide nothing any more."""
        return await self._policies.archive(request)

    async def GetPolicy(
        self,
        request: v1.GetPolicyRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.GetPolicyResponse:
        """Read one version."""
        return await self._database.read(lambda tx: self._reading.policy(tx, request))

    async def ListPolicies(
        self,
        request: v1.ListPoliciesRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ListPoliciesResponse:
        """Read those in force."""
        return await self._database.read(lambda tx: self._reading.policies(tx, request))

    async def ListPolicyVersions(
        self,
        request: v1.ListPolicyVersionsRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ListPolicyVersionsResponse:
        """Read all versions of one."""
        return await self._database.read(lambda tx: self._reading.versions(tx, request))

    async def PreviewPolicies(
        self,
        request: v1.PreviewPoliciesRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.PreviewPoliciesResponse:
        """Tell what will be in force when."""
        return await self._database.read(lambda tx: self._reading.preview(tx, request))

    async def LintPolicy(
        self,
        request: v1.LintPolicyRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.LintPolicyResponse:
        """Find what is wrong."""
        return await self._database.read(lambda tx: self._reading.lint(tx, request))

    async def PutFacts(
        self,
        request: v1.PutFactsRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.PutFactsResponse:
        """Keep facts."""
        return await self._put_facts(request)

    async def ListFacts(
        self,
        request: v1.ListFactsRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ListFactsResponse:
        """Read facts of a location."""
        return await self._database.read(lambda tx: self._reading.facts(tx, request))

"""Facts that rules ask for and routing does not see for itself."""

from ordermesh.api.routing.v1 import PutFactsRequest, PutFactsResponse
from ordermesh.routing.operations.knowledge import Knowledge
from ordermesh.routing.ports.stores import Stores
from ordermesh.routing.wire.facts import forgotten_facts, put_facts
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.idempotency import Mutations


class PuttingFacts:
    """Keeps facts of locations and of items at them."""

    def __init__(self, mutations: Mutations, stores: Stores, knowledge: Knowledge) -> None:
        self._mutations = mutations
        self._stores = stores
        self._knowledge = knowledge

    async def __call__(self, request: PutFactsRequest) -> PutFactsResponse:
        """Store all of them or none; raises what the contract lists."""
        known, gone = put_facts(request.facts), forgotten_facts(request.facts)

        async def run(tx: Transaction) -> PutFactsResponse:
            await self._knowledge.require_locations(tx, {one.location_id for one in known})
            await self._stores.facts.forget(tx, gone)
            await self._stores.facts.put(tx, known, await tx.now())
            return PutFactsResponse()

        return await self._knowledge.with_what_is_missing(
            lambda: self._mutations.run(request, PutFactsResponse, run)
        )

"""Where goods go back to: a question of the returns service and of whoever plans a return."""

from collections.abc import Mapping

from opentelemetry import trace

from ordermesh.api.routing.v1 import FindReturnLocationRequest, FindReturnLocationResponse
from ordermesh.routing.domain.errors.order import OrderNotFound
from ordermesh.routing.domain.return_place import Parcelled, choose
from ordermesh.routing.operations.knowledge import Knowledge
from ordermesh.routing.operations.planning import Planner
from ordermesh.routing.ports.stores import Stores
from ordermesh.routing.wire.network import return_location_reply
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.telemetry import Attributes


class FindReturnLocation:
    """Answers where goods go back to. It writes nothing but copies of items."""

    def __init__(
        self, database: Database, stores: Stores, knowledge: Knowledge, planner: Planner
    ) -> None:
        self._database = database
        self._stores = stores
        self._knowledge = knowledge
        self._planner = planner

    async def __call__(self, request: FindReturnLocationRequest) -> FindReturnLocationResponse:
        """The cheapest location; raises what the contract lists."""
        trace.get_current_span().set_attribute(Attributes.ORDER_ID, request.order_id)
        wanted: dict[str, int] = {}
        for one in request.units:
            wanted[one.sku] = wanted.get(one.sku, 0) + one.quantity
        return await self._knowledge.with_what_is_missing(
            lambda: self._database.read(lambda tx: self._find(tx, request, wanted))
        )

    async def _find(
        self, tx: Transaction, request: FindReturnLocationRequest, wanted: Mapping[str, int]
    ) -> FindReturnLocationResponse:
        story = await self._stores.orders.load(tx, request.order_id, lock=False)
        if story is None:
            raise OrderNotFound(request.order_id)
        known = await self._planner.memory(tx)
        policy = await self._planner.in_force(tx, known, story.order.policy_id)
        items = await self._knowledge.items(tx, known, tuple(wanted))
        goods = Parcelled(
            tuple((items[sku].weight_grams, quantity) for sku, quantity in wanted.items())
        )
        choice = choose(
            request.order_id,
            goods,
            story.order.destination.place,
            known.network_in(policy.currency_code, await tx.now()).network,
            known.locations,
            policy.costs,
            only=request.location_id,
        )
        return return_location_reply(choice, policy)

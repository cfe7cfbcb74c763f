"""Questions without an order: what is only asked and what is promised are understood alike."""

from ordermesh.api.routing.v1 import SourcingQuestion
from ordermesh.routing.domain.context import OrderContext
from ordermesh.routing.domain.kit import freeze
from ordermesh.routing.domain.network import SHIP
from ordermesh.routing.domain.order import OrderLine
from ordermesh.routing.domain.question import Question
from ordermesh.routing.domain.sourcing_method import SourcingMethod
from ordermesh.routing.domain.submission import skus_of
from ordermesh.routing.domain.wanted import Wanted
from ordermesh.routing.operations.knowledge import Knowledge
from ordermesh.routing.operations.planning import Planner
from ordermesh.routing.operations.postal_codes import Whereabouts
from ordermesh.routing.wire.decision import question_lines, uuids
from ordermesh.routing.wire.order import pickup_point, traits, whereto
from ordermesh.runtime.database import Transaction


class Questions:
    """Knows what is asked: the items with their components, and where they would go."""

    def __init__(self, knowledge: Knowledge, whereabouts: Whereabouts, planner: Planner) -> None:
        self._knowledge = knowledge
        self._whereabouts = whereabouts
        self._planner = planner

    async def asked(
        self,
        tx: Transaction,
        asked: SourcingQuestion,
        *,
        policy_id: str,
        policy_version: int = 0,
        method: SourcingMethod = SourcingMethod.EXACT,
    ) -> Question:
        """The question; raises what the contract lists of items and destinations."""
        pickup = pickup_point(asked, "question.")
        destination = await self._whereabouts.settled(
            tx, whereto(asked.destination), "" if pickup is None else pickup.location_id
        )
        said = traits(asked.traits)
        if said.named_locations:
            await self._knowledge.require_locations(tx, said.named_locations)
        return Question(
            order_id="",
            wanted=await self._wanted(tx, asked),
            place=destination.place,
            address=destination.address,
            promise_days=asked.promise_days,
            policy_id=policy_id,
            policy_version=policy_version,
            method=method,
            excluding_ids=uuids(asked.excluding_reservation_ids),
            channel=asked.channel,
            context=OrderContext(
                channel=asked.channel,
                method=SHIP if pickup is None else pickup.method,
                country_code=destination.country_code,
                region=destination.region,
                postal_code=destination.postal_code,
                traits=said,
            ),
            pickup=pickup,
        )

    async def _wanted(self, tx: Transaction, asked: SourcingQuestion) -> tuple[Wanted, ...]:
        lines = question_lines(asked)
        known = await self._planner.memory(tx)
        items = await self._knowledge.items(tx, known, skus_of(lines))
        wanted = []
        for line in lines:
            item = items[line.sku]
            order_line = OrderLine(
                line.line_id,
                line.sku,
                line.quantity,
                keep_together=line.keep_together or item.keep_together,
                unit_price=line.unit_price,
                components=freeze(item, items, line.unit_price),
                components_may_split=item.components_may_split,
                accepts_substitutes=line.accepts_substitutes,
            )
            units = {sku: each * line.quantity for sku, each in order_line.per_kit.items()}
            wanted.append(Wanted(order_line, units))
        return tuple(wanted)

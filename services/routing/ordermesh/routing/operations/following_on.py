"""What follows from a step alone, without anybody being asked."""

from collections.abc import Sequence

from ordermesh.routing.domain import lapsing, outcomes
from ordermesh.routing.domain.event import Event
from ordermesh.routing.domain.fulfillment import RejectReason
from ordermesh.routing.domain.saga import Action
from ordermesh.routing.domain.story import Story
from ordermesh.routing.ports.stores import Exclusion, Stores
from ordermesh.runtime.database import Transaction


async def follow_on(
    tx: Transaction, stores: Stores, story: Story, events: Sequence[Event]
) -> tuple[Story, Sequence[Event], Action]:
    """The rows as they are to be then, what is told, and what is due of those who are asked.

    Locations that did not answer in time are left out for these lines from now on.
    """
    now = await tx.now()
    story = lapsing.asked(story, now)
    action = story.due(now)
    if action is Action.TURN_BACK:
        story = outcomes.turn_back(story)
        action = story.due(now)
    if action is Action.LAPSE:
        late = lapsing.overdue(story, now)
        excluded = [
            Exclusion(line_id, one.location_id, RejectReason.NOT_ANSWERED)
            for one in late
            for line_id in dict.fromkeys(line.line_id for line in one.lines)
        ]
        if excluded:
            await stores.orders.exclude(tx, story.order.order_id, excluded, "")
        story, told = lapsing.lapse(story, now)
        events = (*events, *told)
        action = story.due(now)
    if action is Action.GIVE_UP:
        story, told = outcomes.give_up(story)
        events = (*events, *told)
        action = story.due(now)
    return story, events, action

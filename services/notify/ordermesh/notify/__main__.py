"""The composition root: ``python -m ordermesh.notify`` starts the service."""

from ordermesh.api.event.v1 import add_InboxServiceServicer_to_server
from ordermesh.api.notify.v1 import add_TimelineServiceServicer_to_server
from ordermesh.kernel.clock import Clock, SystemClock
from ordermesh.notify.access import RULES
from ordermesh.notify.operations import handlers
from ordermesh.notify.servicer import TimelineServicer
from ordermesh.notify.settings import NotifySettings
from ordermesh.notify.store import SqlTimelineStore
from ordermesh.runtime.database import Database
from ordermesh.runtime.event_servicer import InboxServicer
from ordermesh.runtime.housekeeping import Housekeeping
from ordermesh.runtime.inbox import Inbox
from ordermesh.runtime.server import ServiceDefinition, Servicer, main

NAME = "notify"


def define(database: Database, clock: Clock) -> ServiceDefinition:
    """What the service consists of."""
    store = SqlTimelineStore()
    return ServiceDefinition(
        name=NAME,
        servicers=[
            Servicer(
                add_TimelineServiceServicer_to_server,
                TimelineServicer(database, store),
                "ordermesh.api.notify.v1.TimelineService",
            ),
            Servicer(
                add_InboxServiceServicer_to_server,
                InboxServicer(Inbox(database, handlers(store))),
                "ordermesh.api.event.v1.InboxService",
            ),
        ],
        background=[Housekeeping(database, clock)],
        rules=RULES,
        database=database,
    )


async def build(settings: NotifySettings) -> ServiceDefinition:
    """The service on the database that the settings name."""
    clock = SystemClock()
    database = await Database.open(
        settings.database_url, clock=clock, schema=settings.database_schema
    )
    return define(database, clock)


if __name__ == "__main__":
    main(NAME, NotifySettings, build)

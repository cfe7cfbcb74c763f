"""The composition root: ``python -m ordermesh.returns`` starts the service."""

from ordermesh.api.event.v1 import add_InboxServiceServicer_to_server
from ordermesh.api.returns.v1 import add_ReturnServiceServicer_to_server
from ordermesh.kernel.clock import Clock, SystemClock
from ordermesh.returns.access import RULES
from ordermesh.returns.operations import handlers
from ordermesh.returns.servicer import ReturnServicer
from ordermesh.returns.settings import ReturnsSettings
from ordermesh.returns.store import SqlShipmentStore
from ordermesh.runtime.database import Database
from ordermesh.runtime.event_servicer import InboxServicer
from ordermesh.runtime.housekeeping import Housekeeping
from ordermesh.runtime.inbox import Inbox
from ordermesh.runtime.server import ServiceDefinition, Servicer, main

NAME = "returns"


def define(database: Database, clock: Clock) -> ServiceDefinition:
    """What the service consists of."""
    store = SqlShipmentStore()
    return ServiceDefinition(
        name=NAME,
        servicers=[
            Servicer(
                add_ReturnServiceServicer_to_server,
                ReturnServicer(database, store),
                "ordermesh.api.returns.v1.ReturnService",
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


async def build(settings: ReturnsSettings) -> ServiceDefinition:
    """The service on the database that the settings name."""
    clock = SystemClock()
    database = await Database.open(
        settings.database_url, clock=clock, schema=settings.database_schema
    )
    return define(database, clock)


if __name__ == "__main__":
    main(NAME, ReturnsSettings, build)

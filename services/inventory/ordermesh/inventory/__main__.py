"""The composition root: ``python -m ordermesh.inventory`` starts the service."""

import random
import zoneinfo
from collections.abc import Mapping
from datetime import timedelta
from functools import cache, partial

from ordermesh.api.event.v1 import add_EventServiceServicer_to_server
from ordermesh.api.inventory.v1 import (
    add_AvailabilityServiceServicer_to_server,
    add_ControlServiceServicer_to_server,
    add_CountServiceServicer_to_server,
    add_FeedServiceServicer_to_server,
    add_ItemServiceServicer_to_server,
    add_LedgerServiceServicer_to_server,
    add_LocationServiceServicer_to_server,
    add_ReservationServiceServicer_to_server,
    add_SupplyServiceServicer_to_server,
)
from ordermesh.client.mesh import Mesh
from ordermesh.inventory.access import RULES
from ordermesh.inventory.background.auditing import Auditor
from ordermesh.inventory.background.copying import Copier
from ordermesh.inventory.background.levels import LevelWatcher
from ordermesh.inventory.background.sealing import Sealer
from ordermesh.inventory.background.stamping import Stamper
from ordermesh.inventory.background.sweeping import Sweeper
from ordermesh.inventory.cache.reading import RedisCopyReader
from ordermesh.inventory.cache.writing import RedisCopyWriter
from ordermesh.inventory.domain.quotas import NO_QUOTAS, HoldQuotas
from ordermesh.inventory.domain.supply import ORDINARY_RULE, SupplyRule
from ordermesh.inventory.operations.sealing import sealed_revision
from ordermesh.inventory.peers import CONSUMERS, Deliveries, OutboxAnnouncer
from ordermesh.inventory.ports.copies import CopyReader
from ordermesh.inventory.ports.recollection import Recollection
from ordermesh.inventory.ports.stores import Stores
from ordermesh.inventory.servicer.availability import AvailabilityServicer
from ordermesh.inventory.servicer.controls import ControlServicer
from ordermesh.inventory.servicer.counts import CountServicer
from ordermesh.inventory.servicer.feeds import FeedServicer
from ordermesh.inventory.servicer.items import ItemServicer, LocationServicer
from ordermesh.inventory.servicer.ledger import LedgerServicer
from ordermesh.inventory.servicer.reservations import ReservationServicer
from ordermesh.inventory.servicer.supplies import SupplyServicer
from ordermesh.inventory.servicer.wiring import Wiring
from ordermesh.inventory.settings import InventorySettings
from ordermesh.inventory.store.catalog import SqlCatalogStore
from ordermesh.inventory.store.controls import SqlControlStore
from ordermesh.inventory.store.counts import SqlCountStore
from ordermesh.inventory.store.holds import SqlHoldStore
from ordermesh.inventory.store.imports import SqlImportStore
from ordermesh.inventory.store.items import SqlItemStore
from ordermesh.inventory.store.ledger import SqlLedgerStore
from ordermesh.inventory.store.levels import SqlLevelStore
from ordermesh.inventory.store.locations import SqlLocationStore
from ordermesh.inventory.store.plain import SqlPlainStore
from ordermesh.inventory.store.quarantine import SqlQuarantineStore
from ordermesh.inventory.store.reservations import SqlReservationStore
from ordermesh.inventory.store.seals import SqlSealStore
from ordermesh.inventory.store.shortfalls import SqlShortfallStore
from ordermesh.inventory.store.sources import SqlSourceStore
from ordermesh.inventory.store.supplies import SqlSupplyStore
from ordermesh.inventory.store.suspects import SqlSuspectStore
from ordermesh.inventory.store.verification import SqlVerificationStore
from ordermesh.kernel.clock import Clock, SystemClock
from ordermesh.kernel.ids import Ids
from ordermesh.runtime.database import Database
from ordermesh.runtime.event_servicer import EventServicer
from ordermesh.runtime.feed import Feed, Sequencer
from ordermesh.runtime.housekeeping import Housekeeping
from ordermesh.runtime.idempotency import Mutations
from ordermesh.runtime.outbox import Outbox
from ordermesh.runtime.peers import peer_mesh
from ordermesh.runtime.server import ServiceDefinition, Servicer, main

NAME = "inventory"

_CONTRACT = "ordermesh.api.inventory.v1."


@cache
def _time_zones() -> frozenset[str]:
    """The zones that this machine knows: some hundred files are read for them."""
    return frozenset(zoneinfo.available_timezones())


def assemble(
    database: Database,
    clock: Clock,
    ids: Ids,
    peers: Mapping[str, str],
    supply_rule: SupplyRule = ORDINARY_RULE,
    copies: CopyReader | None = None,
    quotas: HoldQuotas = NO_QUOTAS,
) -> Wiring:
    """The parts of the service on a database; events go to those of ``peers`` that want them.

    ``copies`` answers callers that do not need the newest.
    """
    consumers = {peer: wanted for peer, wanted in CONSUMERS.items() if peer in peers}
    controls = SqlControlStore(ids)
    recollection = Recollection()
    items, locations = SqlItemStore(), SqlLocationStore()
    stores = Stores(
        items=items,
        locations=locations,
        catalog=SqlCatalogStore(items, locations, controls),
        ledger=SqlLedgerStore(ids, controls, recollection),
        controls=controls,
        reservations=SqlReservationStore(),
        plain=SqlPlainStore(ids, recollection),
        supplies=SqlSupplyStore(),
        shortfalls=SqlShortfallStore(),
        counts=SqlCountStore(),
        seals=SqlSealStore(),
        holds=SqlHoldStore(),
        announcer=OutboxAnnouncer(Outbox(NAME, consumers)),
        quotas=quotas,
        sources=SqlSourceStore(),
        quarantine=SqlQuarantineStore(ids),
        imports=SqlImportStore(),
        levels=SqlLevelStore(),
        suspects=SqlSuspectStore(ids),
        supply_rule=supply_rule,
        recollection=recollection,
    )
    return Wiring(
        database=database,
        mutations=Mutations(database),
        feed=Feed(database, clock),
        stores=stores,
        verification=SqlVerificationStore(),
        time_zones=_time_zones(),
        copies=copies,
    )


async def build(settings: InventorySettings) -> ServiceDefinition:
    """The service on the database that the settings name."""
    clock = SystemClock()
    database = await Database.open(
        settings.database_url, clock=clock, schema=settings.database_schema
    )
    return define(database, clock, settings)


def define(
    database: Database, clock: Clock, settings: InventorySettings, mesh: Mesh | None = None
) -> ServiceDefinition:
    """What the service consists of. ``mesh`` leads to its peers; None: as in the settings."""
    rule = SupplyRule(
        timedelta(days=settings.supply_horizon_days), settings.supply_confidence_percent
    )
    url = settings.redis_url
    reader = RedisCopyReader(url, clock) if url else None
    quotas = HoldQuotas(
        customer_reservations=settings.customer_holds_max,
        customer_units=settings.customer_hold_units_max,
        caller_reservations=settings.caller_holds_max,
    )
    wiring = assemble(database, clock, database.ids, settings.peers, rule, reader, quotas)
    copying = (
        [Copier(database, wiring.stores, wiring.feed, RedisCopyWriter(url), reader, clock)]
        if url and reader
        else []
    )
    told = [peer for peer in settings.peers if peer in CONSUMERS]
    return ServiceDefinition(
        name=NAME,
        servicers=_servicers(wiring),
        background=[
            Sequencer(database, clock),
            Sealer(database, wiring.stores.seals, clock),
            Sweeper(database, wiring.stores, clock, settings.sweep_seconds),
            Auditor(
                database,
                wiring.stores,
                wiring.verification,
                clock,
                seconds=settings.audit_seconds,
                random=random.Random(database.ids.new().int),  # noqa: S311 - it only chooses keys
            ),
            Stamper(database, wiring.feed, "item", SqlItemStore()),
            Stamper(database, wiring.feed, "location", SqlLocationStore()),
            LevelWatcher(database, wiring.feed, wiring.stores, clock),
            Deliveries(database, clock, mesh or peer_mesh(NAME, settings, clock), told),
            Housekeeping(database, clock, last_used=partial(sealed_revision, wiring.stores.seals)),
            *copying,
        ],
        rules=RULES,
        database=database,
        # A whole ledger is checked in parts; a catalogue is loaded in large requests.
        seconds={
            f"/{_CONTRACT}ItemService/PutItems": 10.0,
            f"/{_CONTRACT}LocationService/PutLocations": 10.0,
            f"/{_CONTRACT}LedgerService/ReceiveStock": 10.0,
            f"/{_CONTRACT}FeedService/PostDeltas": 10.0,
            f"/{_CONTRACT}FeedService/PostSnapshot": 10.0,
            f"/{_CONTRACT}FeedService/CompleteImport": 10.0,
            f"/{_CONTRACT}FeedService/RetryQuarantinedRows": 10.0,
            f"/{_CONTRACT}SupplyService/PutSupplies": 10.0,
            f"/{_CONTRACT}AvailabilityService/GetAvailability": 10.0,
        },
    )


def _servicers(wiring: Wiring) -> list[Servicer]:
    return [
        Servicer(
            add_ItemServiceServicer_to_server, ItemServicer(wiring), f"{_CONTRACT}ItemService"
        ),
        Servicer(
            add_LocationServiceServicer_to_server,
            LocationServicer(wiring),
            f"{_CONTRACT}LocationService",
        ),
        Servicer(
            add_ControlServiceServicer_to_server,
            ControlServicer(wiring),
            f"{_CONTRACT}ControlService",
        ),
        Servicer(
            add_LedgerServiceServicer_to_server, LedgerServicer(wiring), f"{_CONTRACT}LedgerService"
        ),
        Servicer(
            add_ReservationServiceServicer_to_server,
            ReservationServicer(wiring),
            f"{_CONTRACT}ReservationService",
        ),
        Servicer(
            add_AvailabilityServiceServicer_to_server,
            AvailabilityServicer(wiring),
            f"{_CONTRACT}AvailabilityService",
        ),
        Servicer(
            add_FeedServiceServicer_to_server, FeedServicer(wiring), f"{_CONTRACT}FeedService"
        ),
        Servicer(
            add_SupplyServiceServicer_to_server,
            SupplyServicer(wiring),
            f"{_CONTRACT}SupplyService",
        ),
        Servicer(
            add_CountServiceServicer_to_server, CountServicer(wiring), f"{_CONTRACT}CountService"
        ),
        Servicer(
            add_EventServiceServicer_to_server,
            EventServicer(wiring.feed),
            "ordermesh.api.event.v1.EventService",
        ),
    ]


if __name__ == "__main__":
    main(NAME, InventorySettings, build)

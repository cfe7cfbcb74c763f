"""The composition root: ``python -m ordermesh.routing`` starts the service."""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from ordermesh.api.event.v1 import (
    add_EventServiceServicer_to_server,
    add_InboxServiceServicer_to_server,
)
from ordermesh.api.routing.v1 import (
    add_CapacityServiceServicer_to_server,
    add_CarriageServiceServicer_to_server,
    add_FulfillmentServiceServicer_to_server,
    add_NetworkServiceServicer_to_server,
    add_OrderServiceServicer_to_server,
    add_PolicyServiceServicer_to_server,
    add_PriceServiceServicer_to_server,
    add_PromiseServiceServicer_to_server,
    add_SourcingServiceServicer_to_server,
)
from ordermesh.client.mesh import Mesh
from ordermesh.kernel.clock import Clock, SystemClock
from ordermesh.kernel.ids import Ids, RandomIds
from ordermesh.routing.access import RULES
from ordermesh.routing.background.pricing import PricingProcess
from ordermesh.routing.background.replanning import ReplanningProcess
from ordermesh.routing.background.solving import BatchProcesses
from ordermesh.routing.domain.baselines import BASELINES
from ordermesh.routing.domain.plan import Method
from ordermesh.routing.domain.sourcing_method import SourcingMethod
from ordermesh.routing.operations.batches import PlanBatch
from ordermesh.routing.operations.capacity import HoldingCapacity
from ordermesh.routing.operations.carriage import PutCarriage
from ordermesh.routing.operations.comparing import Comparing
from ordermesh.routing.operations.driver import OrderDriver
from ordermesh.routing.operations.explaining import Explaining
from ordermesh.routing.operations.following import Follower
from ordermesh.routing.operations.fulfillment import Fulfillment
from ordermesh.routing.operations.inbox import Expiries, Shortfalls
from ordermesh.routing.operations.knowledge import Knowledge
from ordermesh.routing.operations.looking_ahead import LookingAhead
from ordermesh.routing.operations.network import PutCalendars, PutNetworkLocations
from ordermesh.routing.operations.obstacles import FindObstacles
from ordermesh.routing.operations.planning import Planner
from ordermesh.routing.operations.policies import Policies
from ordermesh.routing.operations.postal_codes import (
    FindPostalCode,
    ImportPostalCodes,
    Whereabouts,
)
from ordermesh.routing.operations.price_renewal import Renewal, RenewPrices
from ordermesh.routing.operations.promising import Promising
from ordermesh.routing.operations.putting_facts import PuttingFacts
from ordermesh.routing.operations.questions import Questions
from ordermesh.routing.operations.reassigning import Reassigning
from ordermesh.routing.operations.records import WAKE_KIND, WORK_KIND, Records
from ordermesh.routing.operations.renewing import RenewingOnSchedule, RenewingPrices, Schedule
from ordermesh.routing.operations.reoptimization import Reoptimizing, ReoptimizingOnSchedule
from ordermesh.routing.operations.reoptimizing import ReoptimizeOrders
from ordermesh.routing.operations.returning import FindReturnLocation
from ordermesh.routing.operations.sourcing import SourceOrder
from ordermesh.routing.operations.steps import Steps
from ordermesh.routing.operations.submit import SubmitOrder
from ordermesh.routing.operations.switching import Switching
from ordermesh.routing.operations.waking import Waking
from ordermesh.routing.peers.consumers import CONSUMERS, deliverer
from ordermesh.routing.peers.feeds import InventoryFeeds
from ordermesh.routing.peers.inventory import InventoryStock
from ordermesh.routing.ports.batches import Replanning
from ordermesh.routing.ports.pricing import Pricing
from ordermesh.routing.ports.sourcing import Places
from ordermesh.routing.ports.stock import Stock
from ordermesh.routing.ports.stores import Feed as FollowedFeed
from ordermesh.routing.ports.stores import Stores
from ordermesh.routing.queries.carriage import CarriageReading
from ordermesh.routing.queries.network import NetworkReading
from ordermesh.routing.queries.policies import PolicyReading
from ordermesh.routing.queries.prices import PriceReading
from ordermesh.routing.queries.reading import Reading
from ordermesh.routing.servicer.capacity import CapacityServicer
from ordermesh.routing.servicer.carriage import CarriageServicer
from ordermesh.routing.servicer.network import NetworkServicer
from ordermesh.routing.servicer.orders import FulfillmentServicer, OrderServicer
from ordermesh.routing.servicer.policies import PolicyServicer
from ordermesh.routing.servicer.prices import PriceServicer
from ordermesh.routing.servicer.promises import PromiseServicer
from ordermesh.routing.servicer.sourcing import SourcingServicer
from ordermesh.routing.settings import RoutingSettings
from ordermesh.routing.solver.solve import solve
from ordermesh.routing.solver.warming import warm
from ordermesh.routing.store.capacity import SqlCapacityStore
from ordermesh.routing.store.contacts import SqlContactStore
from ordermesh.routing.store.decisions import SqlDecisionStore, SqlRefusalStore
from ordermesh.routing.store.everything import sql_stores
from ordermesh.routing.store.holidays import PublicHolidays
from ordermesh.routing.store.postal_codes import PostalCodes
from ordermesh.routing.store.prices import SqlPriceStore
from ordermesh.routing.store.reassignments import SqlReassignmentStore
from ordermesh.routing.store.runs import SqlRunStore
from ordermesh.runtime.background import Background
from ordermesh.runtime.database import Database
from ordermesh.runtime.event_servicer import EventServicer, InboxServicer
from ordermesh.runtime.failpoints import At, points_of
from ordermesh.runtime.feed import Feed, Sequencer
from ordermesh.runtime.housekeeping import FEED_AGE, REPLY_AGE, Housekeeping
from ordermesh.runtime.idempotency import Mutations
from ordermesh.runtime.inbox import Inbox
from ordermesh.runtime.outbox import Delivery, Outbox
from ordermesh.runtime.peers import peer_mesh
from ordermesh.runtime.server import ServiceDefinition, Servicer, main
from ordermesh.runtime.waiting import Waiters
from ordermesh.runtime.work import Worker

NAME = "routing"

LINGER = timedelta(milliseconds=100)
"""How long events wait for others that go the same way: nobody who is told hurries."""

SECONDS = {
    "/ordermesh.api.routing.v1.SourcingService/ReoptimizeOrders": 30.0,
    "/ordermesh.api.routing.v1.PriceService/RenewPrices": 120.0,
}
"""Orders are planned together for up to 20 seconds, prices are sought for up to 60."""

_BASELINES = {
    SourcingMethod(method.value): BASELINES[method]
    for method in (Method.NEAREST_SINGLE, Method.FEWEST_SPLITS, Method.FIXED_PRIORITY_LIST)
}


_REGISTER: Mapping[str, Callable[..., None]] = {
    "OrderService": add_OrderServiceServicer_to_server,
    "FulfillmentService": add_FulfillmentServiceServicer_to_server,
    "SourcingService": add_SourcingServiceServicer_to_server,
    "NetworkService": add_NetworkServiceServicer_to_server,
    "PolicyService": add_PolicyServiceServicer_to_server,
    "PriceService": add_PriceServiceServicer_to_server,
    "PromiseService": add_PromiseServiceServicer_to_server,
    "CapacityService": add_CapacityServiceServicer_to_server,
    "CarriageService": add_CarriageServiceServicer_to_server,
}


RECORD_AGE = timedelta(days=400)
ASKED_AGE = timedelta(days=30)


@dataclass(frozen=True)
class Seams:
    """What is handed in: time, ids, chance, database, way to peers, points of crash, a solver."""

    database: Database
    clock: Clock
    ids: Ids
    random: random.Random
    mesh: Mesh
    peers: frozenset[str]
    at: At
    replan: Replanning = field(default_factory=ReplanningProcess)
    pricing: Pricing = field(default_factory=PricingProcess)
    reoptimize_seconds: float = 0.0
    schedule: Schedule = field(default_factory=Schedule)
    record_age: timedelta = RECORD_AGE
    asked_age: timedelta = ASKED_AGE


def assemble(seams: Seams, places: Places) -> ServiceDefinition:
    """The service on its seams."""
    database, clock = seams.database, seams.clock
    stores = sql_stores()
    stock = InventoryStock(seams.mesh)
    mutations, waiters, reading = Mutations(database), Waiters(clock), Reading(stores)
    records = Records(stores, Outbox(NAME, _consumers(seams), linger=LINGER), waiters)
    holidays = PublicHolidays()
    planner = Planner(stores, stock, solve, _BASELINES, holidays)
    whereabouts = Whereabouts(stores, places, planner)
    looking = FindObstacles(database, stores, stock, planner, whereabouts)
    knowledge = Knowledge(database, stores, stock, planner)
    submit = SubmitOrder(
        database,
        mutations,
        clock,
        seams.ids,
        stores,
        knowledge,
        whereabouts,
        planner,
        records,
        waiters,
    )
    questions = Questions(knowledge, whereabouts, planner)
    source = SourceOrder(
        database, mutations, clock, stores, knowledge, questions, planner, records, waiters
    )
    fulfillment = Fulfillment(database, mutations, clock, stores, records, waiters)
    comparing = Comparing(database, stores, stock, planner)
    reoptimize = _reoptimize(seams, stores, records, comparing, waiters)
    looking_ahead = LookingAhead(database, stores, stock, planner)
    renew = RenewPrices(database, stores, looking_ahead, seams.pricing)
    reassigning = Reassigning(database, stores, stock, records, waiters, seams.at)
    expiries, shortfalls = Expiries(stores, records), Shortfalls(stores, records)
    inbox = Inbox(database, {**expiries.handlers(), **shortfalls.handlers()})
    promising = Promising(database, knowledge, questions, planner, solve)
    renewing = RenewingPrices(database, mutations, clock, renew)
    implementations = {
        "OrderService": OrderServicer(database, submit, fulfillment, reading),
        "FulfillmentService": FulfillmentServicer(database, fulfillment, reading),
        "SourcingService": SourcingServicer(
            database,
            source,
            FindReturnLocation(database, stores, knowledge, planner),
            reading,
            Explaining(database, stores, knowledge, planner, solve),
            PlanBatch(BatchProcesses()),
            Reoptimizing(mutations, clock, reoptimize),
        ),
        "NetworkService": _network(database, mutations, stores, knowledge, holidays),
        "PolicyService": _policies(database, mutations, stores, knowledge),
        "CarriageService": _carriage(database, mutations, stores, whereabouts, looking),
        "PromiseService": PromiseServicer(promising),
        "PriceService": PriceServicer(database, renewing, PriceReading(stores)),
        "CapacityService": CapacityServicer(database, HoldingCapacity(mutations, stores, planner)),
    }
    return ServiceDefinition(
        name=NAME,
        servicers=_servicers(implementations, inbox, Feed(database, clock)),
        background=[
            *_background(seams, stores, stock, planner, records, reassigning),
            ReoptimizingOnSchedule(database, clock, reoptimize, seams.reoptimize_seconds),
            RenewingOnSchedule(database, clock, stores, renew, seams.schedule),
        ],
        rules=RULES,
        database=database,
        seconds=SECONDS,
    )


def _reoptimize(
    seams: Seams, stores: Stores, records: Records, comparing: Comparing, waiters: Waiters
) -> ReoptimizeOrders:
    ways = (stores, records, comparing, seams.replan, waiters, seams.at)
    return ReoptimizeOrders(seams.database, seams.clock, seams.ids, *ways)


def _network(
    database: Database,
    mutations: Mutations,
    stores: Stores,
    knowledge: Knowledge,
    holidays: PublicHolidays,
) -> NetworkServicer:
    return NetworkServicer(
        database,
        PutNetworkLocations(mutations, stores, knowledge, holidays),
        Switching(mutations, stores),
        PutCalendars(mutations, stores, holidays),
        Reading(stores),
        NetworkReading(stores),
    )


def _policies(
    database: Database, mutations: Mutations, stores: Stores, knowledge: Knowledge
) -> PolicyServicer:
    return PolicyServicer(
        database,
        Policies(mutations, stores),
        PuttingFacts(mutations, stores, knowledge),
        PolicyReading(stores),
    )


def _carriage(
    database: Database,
    mutations: Mutations,
    stores: Stores,
    whereabouts: Whereabouts,
    looking: FindObstacles,
) -> CarriageServicer:
    return CarriageServicer(
        database,
        PutCarriage(database, mutations, stores),
        ImportPostalCodes(mutations, stores),
        FindPostalCode(database, whereabouts),
        looking,
        CarriageReading(stores),
    )


def _consumers(seams: Seams) -> dict[str, frozenset[str]]:
    return {peer: wants for peer, wants in CONSUMERS.items() if peer in seams.peers}


def _background(
    seams: Seams,
    stores: Stores,
    stock: Stock,
    planner: Planner,
    records: Records,
    reassigning: Reassigning,
) -> list[Background]:
    database, clock = seams.database, seams.clock
    driver = OrderDriver(
        database,
        clock,
        stores,
        planner,
        Steps(stock, seams.at),
        records,
        random=seams.random,
        at=seams.at,
    )
    deliveries = [
        Delivery(database, peer, deliverer(seams.mesh, peer, database, SqlContactStore()))
        for peer in _consumers(seams)
    ]
    kinds = {
        WORK_KIND: driver.work_kind(),
        WAKE_KIND: Waking(database, records).work_kind(),
        reassigning.kind: reassigning.work_kind(),
    }
    kinds |= {delivery.kind: delivery.work_kind() for delivery in deliveries}
    feeds = InventoryFeeds(seams.mesh)
    return [
        Worker(database, clock, kinds, random=seams.random),
        Sequencer(database, clock),
        Housekeeping(
            database,
            clock,
            [
                (SqlRefusalStore().prune, REPLY_AGE),
                (SqlCapacityStore().prune, FEED_AGE),
                (SqlReassignmentStore().prune, FEED_AGE),
                (SqlRunStore().prune, FEED_AGE),
                (SqlDecisionStore().prune_records, seams.record_age),
                (SqlDecisionStore().prune_asked, seams.asked_age),
                (SqlPriceStore().prune, FEED_AGE),
            ],
        ),
        *(
            Follower(database, clock, stores.copies, feeds, feed, records.hasten)
            for feed in FollowedFeed
        ),
    ]


def _servicers(implementations: Mapping[str, object], inbox: Inbox, feed: Feed) -> list[Servicer]:
    ours = [
        Servicer(_REGISTER[name], implementation, f"ordermesh.api.routing.v1.{name}")
        for name, implementation in implementations.items()
    ]
    events = "ordermesh.api.event.v1."
    return [
        *ours,
        Servicer(add_InboxServiceServicer_to_server, InboxServicer(inbox), f"{events}InboxService"),
        Servicer(add_EventServiceServicer_to_server, EventServicer(feed), f"{events}EventService"),
    ]


async def build(settings: RoutingSettings) -> ServiceDefinition:
    """The service as the settings want it."""
    clock = SystemClock()
    places = PostalCodes()
    await asyncio.to_thread(places.load)
    await asyncio.to_thread(warm)
    return assemble(
        Seams(
            database=await Database.open(
                settings.database_url, clock=clock, schema=settings.database_schema
            ),
            clock=clock,
            ids=RandomIds(),
            random=random.SystemRandom(),
            mesh=peer_mesh(NAME, settings, clock),
            peers=frozenset(settings.peers),
            at=points_of(NAME),
            reoptimize_seconds=settings.reoptimize_seconds,
            schedule=Schedule(
                settings.price_seconds, renewal=Renewal(hours=24 * settings.price_horizon_days)
            ),
            record_age=timedelta(days=settings.record_days),
            asked_age=timedelta(days=settings.asked_days),
        ),
        places,
    )


if __name__ == "__main__":
    main(NAME, RoutingSettings, build)

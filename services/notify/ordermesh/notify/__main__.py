"""The composition root: ``python -m ordermesh.notify`` starts the service."""

import random
from dataclasses import dataclass
from datetime import timedelta

from ordermesh.api.event.v1 import (
    add_EventServiceServicer_to_server,
    add_InboxServiceServicer_to_server,
)
from ordermesh.api.notify.v1 import (
    add_NotificationServiceServicer_to_server,
    add_PreferenceServiceServicer_to_server,
    add_TimelineServiceServicer_to_server,
)
from ordermesh.kernel.clock import Clock, SystemClock
from ordermesh.notify.access import RULES
from ordermesh.notify.channels.mail import normal_address
from ordermesh.notify.channels.mailer import SmtpMailer
from ordermesh.notify.channels.smtp import SmtpAccess, SmtpChannel
from ordermesh.notify.operations.deliver import Delivery
from ordermesh.notify.operations.inbox import WORK_KIND, Told
from ordermesh.notify.operations.records import Records
from ordermesh.notify.operations.wishes import Wishes
from ordermesh.notify.ports import Mailer
from ordermesh.notify.queries import Reading
from ordermesh.notify.servicer.notify import (
    NotificationServicer,
    PreferenceServicer,
    TimelineServicer,
)
from ordermesh.notify.settings import NotifySettings
from ordermesh.notify.store.notifications import (
    SqlNotificationStore,
    forget_facts,
    forget_recipients,
)
from ordermesh.notify.store.preferences import SqlPreferenceStore
from ordermesh.notify.store.timelines import SqlTimelineStore
from ordermesh.notify.templates.render import Renderer
from ordermesh.runtime.database import Database
from ordermesh.runtime.event_servicer import EventServicer, InboxServicer
from ordermesh.runtime.failpoints import At, points_of
from ordermesh.runtime.feed import Feed, Sequencer
from ordermesh.runtime.housekeeping import Housekeeping
from ordermesh.runtime.idempotency import Mutations
from ordermesh.runtime.inbox import Inbox
from ordermesh.runtime.outbox import Outbox
from ordermesh.runtime.server import ServiceDefinition, Servicer, main
from ordermesh.runtime.work import Worker

NAME = "notify"


@dataclass(frozen=True)
class Seams:
    """What is handed in: time, chance, the database, points of crash."""

    database: Database
    clock: Clock
    random: random.Random
    at: At


def assemble(
    seams: Seams, settings: NotifySettings, mailer: Mailer | None = None
) -> ServiceDefinition:
    """The service on its seams. ``mailer`` is the way of mails; None takes that of the settings."""
    database, clock = seams.database, seams.clock
    timelines, notifications = SqlTimelineStore(), SqlNotificationStore()
    preferences, mutations = SqlPreferenceStore(), Mutations(database)
    records = Records(notifications, timelines, Outbox(NAME, {}))
    smtp = _mailer(settings, clock)
    delivery = Delivery(
        database,
        clock,
        notifications,
        preferences,
        records,
        mailer or smtp,
        random=seams.random,
        connections=settings.smtp_connections,
        seconds=settings.smtp_seconds,
        at=seams.at,
    )
    reading = Reading(timelines, notifications, preferences, normal_address)
    wishes = Wishes(mutations, notifications, preferences, normal_address)
    inbox = Inbox(database, Told(timelines, notifications).handlers())
    age = timedelta(days=settings.recipient_days)
    return ServiceDefinition(
        name=NAME,
        servicers=_servicers(database, clock, reading, wishes, inbox),
        background=[
            Worker(database, clock, {WORK_KIND: delivery.work_kind()}, random=seams.random),
            Sequencer(database, clock),
            Housekeeping(database, clock, [(forget_recipients, age), (forget_facts, age)]),
            *([smtp] if smtp is not None else []),
        ],
        rules=RULES,
        database=database,
    )


def _mailer(settings: NotifySettings, clock: Clock) -> SmtpMailer | None:
    if settings.smtp_host is None:
        return None
    access = SmtpAccess(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        username=settings.smtp_username,
        password=settings.smtp_password.get_secret_value(),
        seconds=settings.smtp_seconds,
    )
    return SmtpMailer(SmtpChannel(access), Renderer(settings.shop_name), settings.sender, clock)


def _servicers(
    database: Database, clock: Clock, reading: Reading, wishes: Wishes, inbox: Inbox
) -> list[Servicer]:
    contract, events = "ordermesh.api.notify.v1.", "ordermesh.api.event.v1."
    return [
        Servicer(
            add_TimelineServiceServicer_to_server,
            TimelineServicer(database, reading),
            f"{contract}TimelineService",
        ),
        Servicer(
            add_NotificationServiceServicer_to_server,
            NotificationServicer(database, wishes, reading),
            f"{contract}NotificationService",
        ),
        Servicer(
            add_PreferenceServiceServicer_to_server,
            PreferenceServicer(database, wishes, reading),
            f"{contract}PreferenceService",
        ),
        Servicer(add_InboxServiceServicer_to_server, InboxServicer(inbox), f"{events}InboxService"),
        Servicer(
            add_EventServiceServicer_to_server,
            EventServicer(Feed(database, clock)),
            f"{events}EventService",
        ),
    ]


async def build(settings: NotifySettings) -> ServiceDefinition:
    """The service as the settings want it."""
    clock = SystemClock()
    database = await Database.open(
        settings.database_url, clock=clock, schema=settings.database_schema
    )
    return assemble(Seams(database, clock, random.SystemRandom(), points_of(NAME)), settings)


if __name__ == "__main__":
    main(NAME, NotifySettings, build)

"""Decisions, and refusals that were decided."""

from sqlalchemy import (
    JSON,
    Column,
    Identity,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    Uuid,
)

from ordermesh.routing.store.tables.base import CallerText, Number, metadata
from ordermesh.runtime.instants import UtcTime

decision = Table(
    "decision",
    metadata,
    Column("number", Number, Identity(always=True), primary_key=True),
    Column("decision_id", Uuid, nullable=False, unique=True),
    Column("order_id", CallerText, nullable=False),  # empty: it was only asked
    Column("request_id", Uuid, nullable=True),  # the request that asked for it
    Column("method", String(32), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("payload", LargeBinary, nullable=False),  # the message
    Index("decision_order", "order_id", "number"),
    Index("decision_request", "request_id"),
)

decision_record = Table(
    "decision_record",
    metadata,
    Column("decision_id", Uuid, primary_key=True),
    Column("payload", LargeBinary, nullable=False),  # compressed JSON
    Column("create_time", UtcTime, nullable=False),
    Index("decision_record_create_time", "create_time"),
)


refusal = Table(
    "refusal",
    metadata,
    Column("request_id", Uuid, primary_key=True),
    Column("kind", String(16), nullable=False),  # of error
    Column("reason", String(64), nullable=False),
    Column("sentence", Text, nullable=False),
    Column("rows", JSON, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Index("refusal_create_time", "create_time"),
)

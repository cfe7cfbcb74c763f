"""Balances, and the movements and entries that explain them."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
    false,
)

from ordermesh.inventory.store.tables.base import CallerText, metadata
from ordermesh.runtime.instants import UtcTime

balance = Table(
    "balance",
    metadata,
    # No other index, and room in each page: updates then stay where they are.
    Column("item_id", Integer, ForeignKey("item.item_id"), primary_key=True, autoincrement=False),
    Column(
        "location_id",
        Integer,
        ForeignKey("location.location_id"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("on_hand", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Column("short", BigInteger, nullable=False),
    Column("damaged", BigInteger, nullable=False),
    Column("inspection", BigInteger, nullable=False),
    Column("missing", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),  # of the last entry
    # Its books were found wrong, and nothing moves: it comes with the row that is locked anyway.
    Column("is_quarantined", Boolean, nullable=False, server_default=false()),
    CheckConstraint(
        "on_hand >= 0 AND reserved >= 0 AND sequence >= 0",
        name="balance_not_negative",
    ),
    CheckConstraint(
        "damaged >= 0 AND inspection >= 0 AND missing >= 0",
        name="balance_blocked",
    ),
    # A reservation never writes a deficit, so one that oversold would break this.
    CheckConstraint(
        "short = CASE WHEN reserved > on_hand THEN reserved - on_hand ELSE 0 END",
        name="balance_short",
    ),
)


movement = Table(
    "movement",
    metadata,
    Column("movement_id", Uuid, primary_key=True),
    Column("kind", SmallInteger, nullable=False),
    Column("document", Text, nullable=False),
    Column("reason", SmallInteger, nullable=False),
    Column("note", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("on_behalf_of", Text, nullable=False),
    Column("reservation_id", Uuid, nullable=True),
    Column("order_id", CallerText, nullable=False),
    Column("control_version", BigInteger, nullable=False),  # under which it was decided
    Column("create_time", UtcTime, nullable=False),
    # That asked for just this movement of stock; null for what befalls a reservation.
    Column("request_id", Uuid, nullable=True),
    Column("request_digest", LargeBinary, nullable=True),
)


Index(
    "movement_request",
    movement.c.request_id,
    unique=True,
    postgresql_where=movement.c.request_id.is_not(None),
    sqlite_where=movement.c.request_id.is_not(None),
)


Index("movement_time", movement.c.create_time, movement.c.movement_id)


Index(
    "movement_reservation",
    movement.c.reservation_id,
    postgresql_where=movement.c.reservation_id.is_not(None),
    sqlite_where=movement.c.reservation_id.is_not(None),
)


Index(
    "movement_order",
    movement.c.order_id,
    postgresql_where=movement.c.order_id != "",
    sqlite_where=movement.c.order_id != "",
)


entry = Table(
    "entry",
    metadata,
    # Append-only, guarded by triggers. The key makes a duplicate a violation and a loss a hole.
    Column("item_id", Integer, primary_key=True, autoincrement=False),
    Column("location_id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("from_account", SmallInteger, nullable=False),
    Column("to_account", SmallInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("movement_id", Uuid, nullable=False),
    Column("reservation_id", Uuid, nullable=True),
    Column("serial_numbers", JSON(none_as_null=True), nullable=True),
    Column("lot_id", CallerText, nullable=False, server_default=""),
    Column("source_id", Integer, nullable=True),  # the system outside that told of it
    Column("source_sequence", BigInteger, nullable=True),  # its number; null for a picture
    CheckConstraint("quantity > 0", name="entry_quantity"),
    CheckConstraint("from_account <> to_account", name="entry_accounts"),
    Index("entry_movement", "movement_id"),
)


Index(
    # What a source told after the watermark of a picture.
    "entry_source",
    entry.c.source_id,
    entry.c.item_id,
    entry.c.location_id,
    entry.c.source_sequence,
    postgresql_where=entry.c.source_sequence.is_not(None),
    sqlite_where=entry.c.source_sequence.is_not(None),
)

"""The tables: items, locations, and the ledger with its balances, entries and reservations.

Items and locations have integer surrogates, because they are in every row of the ledger. Callers'
ids are compared byte by byte, so that both databases sort them alike.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from ordermesh.runtime.instants import UtcTime

metadata = MetaData()

CallerText = Text().with_variant(Text(collation="C"), "postgresql")
"""An id that callers chose. SQLite compares bytes of itself."""

item = Table(
    "item",
    metadata,
    Column("item_id", Integer, Identity(always=True), primary_key=True),
    Column("sku", CallerText, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("unit", SmallInteger, nullable=False),
    Column("weight_grams", BigInteger, nullable=False),
    Column("size", JSON(none_as_null=True), nullable=True),  # length, width, height
    Column("tags", JSON, nullable=False),
    Column("handling", JSON, nullable=False),
    Column("value", JSON(none_as_null=True), nullable=True),  # currency, units, nanos
    Column("is_kit", Boolean, nullable=False),
    Column("may_split", Boolean, nullable=False),
    Column("kit_version", Integer, nullable=False),  # the highest it ever had; 0: never a kit
    Column("is_unsellable", Boolean, nullable=False),
    Column("external_references", JSON, nullable=False),  # pairs of system and id
    Column("version", BigInteger, nullable=False),  # one more with every change
    Column("revision", BigInteger, nullable=False),  # 0 until the last change was stamped
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
)

kit_component = Table(
    "kit_component",
    metadata,
    Column("kit_item_id", Integer, ForeignKey("item.item_id"), primary_key=True),
    Column("kit_version", Integer, primary_key=True),
    Column("place", SmallInteger, primary_key=True),
    Column("item_id", Integer, ForeignKey("item.item_id"), nullable=False),
    Column("quantity", BigInteger, nullable=False),
    CheckConstraint("quantity > 0", name="kit_component_quantity"),
    Index("kit_component_item", "item_id"),
)

location = Table(
    "location",
    metadata,
    Column("location_id", Integer, Identity(always=True), primary_key=True),
    Column("code", CallerText, nullable=False, unique=True),  # what callers call its id
    Column("name", Text, nullable=False),
    Column("type", SmallInteger, nullable=False),
    Column("address", JSON(none_as_null=True), nullable=True),
    Column("latitude", Double, nullable=False),
    Column("longitude", Double, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("is_disabled", Boolean, nullable=False),
    Column("external_references", JSON, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
)

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
    Column("blocked", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),  # of the last entry
    CheckConstraint(
        "on_hand >= 0 AND reserved >= 0 AND blocked >= 0 AND sequence >= 0",
        name="balance_not_negative",
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
    Column("create_time", UtcTime, nullable=False),
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
    CheckConstraint("quantity > 0", name="entry_quantity"),
    CheckConstraint("from_account <> to_account", name="entry_accounts"),
    Index("entry_movement", "movement_id"),
)

reservation = Table(
    "reservation",
    metadata,
    Column("reservation_id", Uuid, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("order_id", CallerText, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("last_number", Integer, nullable=False),  # of its lines
    Column("granted", BigInteger, nullable=False),  # units, when it was made
    Column("event_sequence", BigInteger, nullable=False),  # of the last event told about it
    Column("is_tombstone", Boolean, nullable=False),  # released before it was made
    Column("create_time", UtcTime, nullable=False),
)
Index("reservation_time", reservation.c.create_time, reservation.c.reservation_id)
Index(
    "reservation_order",
    reservation.c.order_id,
    postgresql_where=reservation.c.order_id != "",
    sqlite_where=reservation.c.order_id != "",
)

line = Table(
    "reservation_line",
    metadata,
    Column("reservation_id", Uuid, ForeignKey("reservation.reservation_id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("line_id", CallerText, nullable=False),
    Column("item_id", Integer, nullable=False),
    Column("location_id", Integer, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("expire_time", UtcTime, nullable=True),
    Column("close_time", UtcTime, nullable=True),
    Column("kit_item_id", Integer, nullable=True),
    Column("quantity_per_kit", BigInteger, nullable=False),
    CheckConstraint("quantity > 0", name="reservation_line_quantity"),
    CheckConstraint("(state = 1) = (expire_time IS NOT NULL)", name="reservation_line_expire"),
    CheckConstraint("(state > 2) = (close_time IS NOT NULL)", name="reservation_line_close"),
)
Index("reservation_line_key", line.c.item_id, line.c.location_id)
Index(
    # Serves the sweep and expiry on demand; small, because what is overdue is soon swept.
    "reservation_line_overdue",
    line.c.expire_time,
    line.c.item_id,
    line.c.location_id,
    postgresql_where=line.c.state == 1,
    sqlite_where=line.c.state == 1,
)

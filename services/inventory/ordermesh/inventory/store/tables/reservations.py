"""Reservations and their lines."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
    false,
)

from ordermesh.inventory.store.tables.base import CallerText, metadata
from ordermesh.runtime.instants import UtcTime

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
    # Its expired lines were reserved again, and when; the time is not known of old ones.
    Column("is_renewed", Boolean, nullable=False, server_default=false()),
    Column("renew_time", UtcTime, nullable=True),
    # Its expired lines were released.
    Column("is_given_up", Boolean, nullable=False, server_default=false()),
    Column("channel", CallerText, nullable=False),
    Column("customer", Text, nullable=False),  # a key of the caller's
    Column("control_version", BigInteger, nullable=False),  # under which it was made
    Column("create_time", UtcTime, nullable=False),
)


Index("reservation_time", reservation.c.create_time, reservation.c.reservation_id)


Index(
    "reservation_order",
    reservation.c.order_id,
    postgresql_where=reservation.c.order_id != "",
    sqlite_where=reservation.c.order_id != "",
)


Index(
    # Serves purchase limits.
    "reservation_customer",
    reservation.c.customer,
    postgresql_where=reservation.c.customer != "",
    sqlite_where=reservation.c.customer != "",
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
    Column("mode", SmallInteger, nullable=False, server_default="3"),  # 2: holds no units
    Column("lot_id", CallerText, nullable=False, server_default=""),
    Column("serial_numbers", JSON(none_as_null=True), nullable=True),
    Column("pool", Integer, nullable=True),  # the number of the control its units are of
    Column("supply_id", CallerText, nullable=True),  # it waits for it, or did when it was closed
    Column("needed_by_time", UtcTime, nullable=True),
    Column("broken_time", UtcTime, nullable=True),
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


_WAITS = line.c.supply_id.is_not(None) & (line.c.state <= 2)

Index(
    "reservation_line_supply",
    line.c.supply_id,
    postgresql_where=_WAITS,
    sqlite_where=_WAITS,
)

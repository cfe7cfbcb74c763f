"""Items and what kits are made of."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    false,
)

from ordermesh.inventory.store.tables.base import CallerText, metadata
from ordermesh.runtime.instants import UtcTime

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
    # How demand is kept; 0: not said.
    Column("reservation_mode", SmallInteger, nullable=False, server_default="0"),
    Column("is_promised_on_supply", Boolean, nullable=False, server_default=false()),
    Column("markdown_time", UtcTime, nullable=True),
    Column("keep_together", Boolean, nullable=False, server_default=false()),
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

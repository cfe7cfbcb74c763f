"""What is followed in inventory, and how often what is known has changed."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Integer,
    String,
    Table,
    Text,
    false,
)

from ordermesh.routing.store.tables.base import CallerText, metadata
from ordermesh.runtime.instants import UtcTime

followed_item = Table(
    "followed_item",
    metadata,
    Column("sku", CallerText, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("weight_grams", BigInteger, nullable=False),
    Column("value_currency", String(3), nullable=True),
    Column("value_amount", BigInteger, nullable=True),
    Column("is_sellable", Boolean, nullable=False),
    Column("components", JSON, nullable=False),  # pairs of SKU and quantity
    Column("may_split", Boolean, nullable=False),
    Column("tags", JSON, nullable=False, server_default="[]"),
    Column("handling", JSON, nullable=False, server_default="[]"),
    Column("size", JSON(none_as_null=True), nullable=True),  # the longest side first
    Column("markdown_time", UtcTime, nullable=True),
    Column("keep_together", Boolean, nullable=False, server_default=false()),
    Column("may_wait", Boolean, nullable=False, server_default=false()),
    Column("is_untracked", Boolean, nullable=False, server_default=false()),
)


followed_location = Table(
    "followed_location",
    metadata,
    Column("location_id", CallerText, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("latitude", Integer, nullable=False),
    Column("longitude", Integer, nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("is_disabled", Boolean, nullable=False),
    Column("tags", JSON, nullable=False, server_default="[]"),
    Column("groups", JSON, nullable=False, server_default="[]"),
    Column("country_code", String(2), nullable=False, server_default=""),
    Column("region", Text, nullable=False, server_default=""),
    Column("postal_code", Text, nullable=False, server_default=""),
)


follower = Table(
    "follower",
    metadata,
    Column("feed", String(16), primary_key=True),
    Column("revision", BigInteger, nullable=False),  # 0: nothing is known
    Column("heard_time", UtcTime, nullable=True),
)


knowledge = Table(
    "knowledge",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("version", BigInteger, nullable=False),  # one more with every change
)

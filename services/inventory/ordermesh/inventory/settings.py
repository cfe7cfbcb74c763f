"""The settings of the inventory service, from variables named ``ORDERMESH_INVENTORY_...``."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from ordermesh.runtime.settings import ServerSettings


class InventorySettings(ServerSettings):
    """What all services have, with the port and the file of this one."""

    model_config = SettingsConfigDict(env_prefix="ORDERMESH_INVENTORY_")

    port: int = Field(default=7101, ge=0, le=65535)
    """The port to listen on; 0 takes a free one."""

    database_url: str = Field(
        default="sqlite+aiosqlite:///.ordermesh/inventory.db", min_length=1, repr=False
    )
    """``sqlite+aiosqlite:///path`` or ``postgresql+asyncpg://user@host/name``."""

    customer_holds_max: int = Field(default=0, ge=0)
    """Reservations that one shopper may hold at once, known by the caller's key; 0: any number."""

    customer_hold_units_max: int = Field(default=0, ge=0)
    """Units of one item that one shopper may hold at once; 0: any number."""

    caller_holds_max: int = Field(default=0, ge=0)
    """Reservations that one caller from outside may hold at once; 0: any number.

    With a quota what such callers want is counted first, and not decided on what is remembered.
    """

    sweep_seconds: float = Field(default=2.0, gt=0.0, le=5.0)
    """How often overdue holds are taken back. They count for nobody in between."""

    audit_seconds: float = Field(default=1.0, gt=0.0, le=3600.0)
    """How often some keys are checked against their entries, one after the other for ever."""

    supply_horizon_days: int = Field(default=90, ge=1, le=730)
    """How far ahead goods that are still to come may be promised."""

    supply_confidence_percent: int = Field(default=50, ge=1, le=100)
    """How sure a supply must be at least, so that it may be promised."""

    redis_url: str | None = Field(default=None, pattern="^(redis|rediss|unix)://", repr=False)
    """``redis://host:6379/0``: where a copy is kept for many readers. None keeps none."""

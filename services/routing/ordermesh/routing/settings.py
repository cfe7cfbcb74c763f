"""The settings of the routing service, from variables named ``ORDERMESH_ROUTING_...``."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from ordermesh.runtime.settings import ServerSettings


class RoutingSettings(ServerSettings):
    """What all services have, with the port, the file and the peers of this one."""

    model_config = SettingsConfigDict(env_prefix="ORDERMESH_ROUTING_")

    port: int = Field(default=7102, ge=0, le=65535)
    """The port to listen on; 0 takes a free one."""

    database_url: str = Field(
        default="sqlite+aiosqlite:///.ordermesh/routing.db", min_length=1, repr=False
    )
    """``sqlite+aiosqlite:///path`` or ``postgresql+asyncpg://user@host/name``."""

    peers: dict[str, str] = Field(default={"inventory": "127.0.0.1:7101"})
    """Where the other services are. Events are delivered to those that are named."""

    reoptimize_seconds: float = Field(default=0, ge=0, le=86_400)
    """So often orders that nobody has begun are decided again, together; 0: only when asked to."""

    price_seconds: float = Field(default=0, ge=0, le=86_400)
    """So often prices of stock and labor are renewed, and sooner when network, policies or carriage
    change; 0: only when asked to."""

    price_horizon_days: int = Field(default=7, ge=1, le=28)
    """So far prices look: until stock is usually refilled."""

    record_days: int = Field(default=400, ge=1, le=36_500)
    """For so many days decisions can be explained and made again: then what they were made from is
    forgotten, exact destinations with it. The decisions stay."""

    asked_days: int = Field(default=30, ge=1, le=36_500)
    """For so many days answers are kept that were to be kept and are for no order."""

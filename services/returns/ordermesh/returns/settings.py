"""The settings of the returns service, from variables named ``ORDERMESH_RETURNS_...``."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from ordermesh.runtime.settings import ServerSettings


class ReturnsSettings(ServerSettings):
    """What all services have, with the port and the file of this one."""

    model_config = SettingsConfigDict(env_prefix="ORDERMESH_RETURNS_")

    port: int = Field(default=7103, ge=0, le=65535)
    """The port to listen on; 0 takes a free one."""

    database_url: str = Field(
        default="sqlite+aiosqlite:///.ordermesh/returns.db", min_length=1, repr=False
    )
    """``sqlite+aiosqlite:///path`` or ``postgresql+asyncpg://user@host/name``."""

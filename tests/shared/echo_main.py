"""The echo service as a process of its own."""

from pydantic_settings import SettingsConfigDict

from ordermesh.kernel.clock import SystemClock
from ordermesh.runtime.database import Database
from ordermesh.runtime.migrate import RUNTIME_SCRIPTS
from ordermesh.runtime.server import ServiceDefinition, main
from ordermesh.runtime.settings import ServerSettings
from tests.shared.echo import Inbox, echo, raising


class EchoSettings(ServerSettings):
    """The settings of the echo service."""

    model_config = SettingsConfigDict(env_prefix="ORDERMESH_ECHO_")


async def build(settings: EchoSettings) -> ServiceDefinition:
    """An echo whose ``Deliver`` fails."""
    database = await Database.open(settings.database_url, clock=SystemClock())
    return echo(database, Inbox(raising(ValueError("alice@example.com"))))


if __name__ == "__main__":
    main("echo", EchoSettings, build, migrations=RUNTIME_SCRIPTS)

"""Brings the database of a service to the newest schema, and ends: a job before a rollout.

``python -m ordermesh.runtime.migrating inventory`` reads the variables by which the service itself
finds its database, ``ORDERMESH_INVENTORY_DATABASE_URL`` and ``..._DATABASE_SCHEMA``. It needs no
certificate and no peer, and looks at none of the service's other variables.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from typing import Literal, cast

import structlog
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ordermesh.runtime.auth import SERVICES
from ordermesh.runtime.logs import start_logs
from ordermesh.runtime.migrate import migrate
from ordermesh.runtime.settings import EXIT_CODE

_log = structlog.stdlib.get_logger(__name__)


class MigrationSettings(BaseSettings):
    """Where the database is; there is no default, so that a job never fills a file of its own."""

    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, env_ignore_empty=True
    )

    environment: Literal["development", "production"] = "development"
    """Logs are for people in development, JSON in production."""

    database_url: str = Field(min_length=1, repr=False)
    """``sqlite+aiosqlite:///path`` or ``postgresql+asyncpg://user@host/name``."""

    database_schema: str | None = None
    """The schema to live in on PostgreSQL. None takes the one of the connection."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """From which level on logs are written."""


def read(service: str) -> MigrationSettings:
    """Where the database of the service is; raises ``pydantic.ValidationError``."""
    # The prefix is only known now; the types of the fields hide that it may be given.
    made = cast("Callable[..., MigrationSettings]", MigrationSettings)
    return made(_env_prefix=_prefix(service))


def what_is_wrong(error: ValidationError, service: str) -> str:
    """The variables that are wrong, a line each, without what is in them."""
    lines = ["The settings are wrong:\n"]
    for found in error.errors(include_url=False, include_context=False, include_input=False):
        name = "__".join(str(part) for part in found["loc"]).upper()
        lines.append(f"  {_prefix(service)}{name}: {found['msg']}\n")
    return "".join(lines)


def run(service: str) -> int:
    """Migrate the database that the environment names for the service.

    Gives the code to exit with: 0 when the schema is the newest, 1 when the database could not be
    brought there, 2 when the settings are wrong; what is wrong goes to standard error.
    """
    try:
        settings = read(service)
    except ValidationError as error:
        sys.stderr.write(what_is_wrong(error, service))
        return EXIT_CODE
    start_logs(service, environment=settings.environment, level=settings.log_level)
    try:
        asyncio.run(
            migrate(
                settings.database_url,
                script_location=f"ordermesh.{service}:migrations",
                schema=settings.database_schema,
            )
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, the operator must read it
        _log.critical("the database was not migrated", why=str(error), exc_info=error)
        return 1
    sys.stdout.write(f"ordermesh {service} migrated\n")
    return 0


def _prefix(service: str) -> str:
    return f"ORDERMESH_{service.upper()}_"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; gives the code to exit with."""
    parser = argparse.ArgumentParser(
        prog="python -m ordermesh.runtime.migrating",
        description="Brings the database of a service to the newest schema, and ends.",
    )
    parser.add_argument("service", choices=sorted(SERVICES))
    return run(parser.parse_args(arguments).service)


if __name__ == "__main__":
    sys.exit(main())

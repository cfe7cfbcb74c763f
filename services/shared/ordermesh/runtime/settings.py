"""What the operator of a server decides, read from the environment once and validated at start."""

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, Self, TypeVar, cast

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from ordermesh.runtime.failpoints import Plan

S = TypeVar("S", bound="ServerSettings")

EXIT_CODE = 2
"""With which a server ends whose settings are wrong."""

_TLS_FIELDS = ("tls_certificate", "tls_private_key", "tls_authorities", "trust_domain")


class ServerSettings(BaseSettings):
    """The settings that all services share. A service adds its own and gives the prefix::

        class InventorySettings(ServerSettings):
            model_config = SettingsConfigDict(env_prefix="ORDERMESH_INVENTORY_")
            port: int = 7101

    A field ``database_url`` is then read from ``ORDERMESH_INVENTORY_DATABASE_URL``, and the peer
    ``routing`` from ``ORDERMESH_INVENTORY_PEERS__ROUTING``.
    """

    model_config = SettingsConfigDict(
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        env_ignore_empty=True,
    )

    environment: Literal["development", "production"] = "development"
    """Development believes callers on loopback and offers reflection; production does neither."""

    host: str = "127.0.0.1"
    """The address to listen on."""

    port: int = 0
    """The port to listen on; 0 takes a free one, which the first line of output tells."""

    health_port: int | None = None
    """Another port, without certificates, that serves health alone: for probes that have none."""

    database_url: str = Field(min_length=1, repr=False)
    """``sqlite+aiosqlite:///path`` or ``postgresql+asyncpg://user@host/name``."""

    database_schema: str | None = None
    """The schema to live in on PostgreSQL. None takes the one of the connection."""

    migrate: bool = True
    """Whether to bring the database to the newest schema at start; else a job of its own does."""

    roles: Annotated[frozenset[Literal["serve", "work"]], NoDecode] = frozenset({"serve", "work"})
    """What this process does, separated by commas: ``serve`` calls, ``work`` in the background."""

    peers: dict[str, str] = Field(default_factory=dict)
    """Where the other services are: their names and gRPC targets."""

    otlp_endpoint: str | None = None
    """Where spans and metrics go, like ``http://127.0.0.1:4317``. None records nothing."""

    otlp_metrics: bool | None = None
    """Whether metrics go there too. None means: in production."""

    trace_sql: bool = False
    """Whether every SQL statement has a span."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """From which level on logs are written."""

    grace_seconds: float = Field(default=20.0, ge=0.0, le=600.0)
    """How long calls under way may take to finish when the server stops."""

    tls_certificate: Path | None = None
    """The server's certificate chain, in PEM. Required in production, as are the next three."""

    tls_private_key: Path | None = None
    """The private key of the certificate, in PEM."""

    tls_authorities: Path | None = None
    """The certificates, in PEM, of those who sign the certificates of callers."""

    trust_domain: str | None = None
    """The trust domain of SPIFFE ids: callers are ``spiffe://<trust domain>/ordermesh/<name>``."""

    failpoints: str = ""
    """Where it fails on purpose, in development alone: see ``ordermesh.runtime.failpoints``."""

    location_callers: dict[str, frozenset[str]] = Field(default_factory=dict)
    """The locations that ``spiffe://<trust domain>/ordermesh/location/<name>`` speaks for, by name,
    as JSON: ``{"wms-east": ["EAST", "EAST-2"]}``. A name that is not listed is a location's id."""

    @field_validator("roles", mode="before")
    @classmethod
    def _split(cls, given: Any) -> Any:
        if isinstance(given, str):
            return frozenset(part.strip() for part in given.split(",") if part.strip())
        return given

    @field_validator("port", "health_port")
    @classmethod
    def _exists(cls, given: int | None) -> int | None:
        # Not a constraint of the field, which a service that names its own default would lose.
        if given is not None and not 0 <= given <= 65535:
            raise ValueError("A port is 0 to 65535.")
        return given

    @field_validator("failpoints")
    @classmethod
    def _is_a_plan(cls, given: str) -> str:
        try:
            Plan(given)
        except OSError as error:
            raise ValueError(f"Its file cannot be read: {error.strerror}.") from error
        return given

    @model_validator(mode="after")
    def _fails_on_purpose_in_development_alone(self) -> Self:
        if self.failpoints and self.environment == "production":
            raise ValueError("failpoints: a server in production does not fail on purpose.")
        return self

    @model_validator(mode="after")
    def _has_certificates(self) -> Self:
        missing = [name for name in _TLS_FIELDS if getattr(self, name) is None]
        if missing and (self.environment == "production" or len(missing) < len(_TLS_FIELDS)):
            raise ValueError(
                f"{', '.join(missing)} must be set: in production, and as soon as one of"
                f" {', '.join(_TLS_FIELDS)} is."
            )
        return self

    @property
    def has_certificates(self) -> bool:
        """Whether callers prove by certificates who they are."""
        return self.tls_certificate is not None

    @property
    def exports_metrics(self) -> bool:
        """Whether metrics go to the collector."""
        if self.otlp_metrics is None:
            return self.environment == "production"
        return self.otlp_metrics


def read_settings(settings_type: type[S]) -> S:
    """The settings of the environment.

    When they are wrong, says on standard error what is wrong with which variable, never its value,
    and exits with code 2.
    """
    prefix = str(settings_type.model_config.get("env_prefix") or "")
    unknown = _unknown(settings_type, prefix)
    if unknown:
        _refuse([f"{name}: there is no such setting" for name in unknown])
    read = cast("Callable[[], S]", settings_type)
    try:
        return read()
    except SettingsError as error:
        _refuse([f"{prefix}*: {error}"])
    except ValidationError as error:
        _refuse(
            f"{_variable(prefix, found['loc'])}: {found['msg']}"
            for found in error.errors(include_url=False, include_context=False, include_input=False)
        )


def _unknown(settings_type: type[ServerSettings], prefix: str) -> list[str]:
    if not prefix:
        return []
    known = {f"{prefix}{name}".upper() for name in settings_type.model_fields}
    return sorted(
        name
        for name in os.environ
        if name.upper().startswith(prefix.upper()) and name.upper().split("__")[0] not in known
    )


def _variable(prefix: str, place: tuple[int | str, ...]) -> str:
    if not place:
        return f"{prefix}*"
    return prefix + "__".join(str(part) for part in place).upper()


def _refuse(lines: Iterable[str]) -> NoReturn:
    sys.stderr.write("The settings are wrong:\n")
    sys.stderr.writelines(f"  {line}\n" for line in lines)
    raise SystemExit(EXIT_CODE)
